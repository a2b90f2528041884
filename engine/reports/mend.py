"""What to mend first."""

from __future__ import annotations

from collections.abc import Sequence

from ..priorities import SEVERITIES as WEIGHTS
from ..tally import Row

__all__ = ["WEIGHTS", "ranked"]


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows with violations, by severity × number."""
    failing = [row for row in rows if row.violations]
    return sorted(failing, key=lambda row: -WEIGHTS[row.severity] * row.violations)
