"""What to mend first."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Severity
from ..tally import Row

WEIGHTS = {
    Severity.CRITICAL: 100,
    Severity.HIGH: 30,
    Severity.MEDIUM: 10,
    Severity.LOW: 3,
    Severity.INFORMATIONAL: 1,
}


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows with violations, by severity × number."""
    failing = [row for row in rows if row.violations]
    return sorted(failing, key=lambda row: -WEIGHTS[row.severity] * row.violations)
