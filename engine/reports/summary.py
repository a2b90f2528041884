"""An evaluation in a few lines: its totals, and where to begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ..findings.counts import Row, ranked
from ..model.policy import Severity
from ..model.priorities import SEVERITIES

_FIRST = 3


def totals(rows: Sequence[Row]) -> str:
    """`12 failures (1 critical, 11 low), 2 unknown, 1 waived`."""
    severities: Counter[Severity] = Counter()
    for row in rows:
        severities.update({part.severity: part.failures for part in row.by_severity()})
    number, unknown, waived = severities.total(), sum(row.unknown for row in rows), sum(row.waived for row in rows)
    parts = [f"{number:,} failure{'s' * (number != 1)}{_told(severities)}"]
    parts += [f"{count:,} {what}" for count, what in ((unknown, "unknown"), (waived, "waived")) if count]
    return ", ".join(parts)


def first_steps(rows: Sequence[Row], accounts: Mapping[str, Counter[Severity]]) -> Iterator[str]:
    """What to fix first and which accounts are worst, a line each, where there is a choice."""
    worth = [row.policy + _told({part.severity: part.failures for part in row.by_severity()}) for row in ranked(rows)]
    if len(worth) > 1:
        yield f"fix first: {_some(worth)}"
    worst = sorted(accounts, key=lambda account: (-_weight(accounts[account]), account))
    if len(worst) > 1:
        yield f"worst accounts: {_some([account + _told(accounts[account]) for account in worst])}"


def _weight(severities: Counter[Severity]) -> int:
    return sum(SEVERITIES[severity] * number for severity, number in severities.items())


def _told(severities: Mapping[Severity, int]) -> str:
    told = [f"{number:,} {severity}" for severity in Severity if (number := severities.get(severity, 0))]
    return f" ({', '.join(told)})" if told else ""


def _some(items: Sequence[str]) -> str:
    more = len(items) - _FIRST
    return ", ".join(items[:_FIRST]) + (f" and {more:,} more" if more > 0 else "")
