"""Moments as people write them: a day, a time, or every day or week of some."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..errors import ArgumentError

_STEPS = {"day": timedelta(days=1), "week": timedelta(days=7)}
_DAY = "2026-01-31"


def moment(text: str) -> datetime:
    """A time in UTC where it names no zone; of a day its end. Raises ArgumentError."""
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return found.replace(hour=23, minute=59, second=59) if len(text) == len(_DAY) else found
    except (ValueError, OverflowError):
        raise ArgumentError(f"{text!r} is no time", f"write {_DAY}, or {_DAY}T12:00:00Z") from None


def moments(step: str, days: str) -> Iterator[datetime]:
    """The end of each day, or each week, of FROM..TO. Raises ArgumentError."""
    if step not in _STEPS:
        raise ArgumentError(f"--every {step}: there is day and week", f"write --every day {_DAY}..2026-03-31")
    first, dots, last = days.partition("..")
    if not dots:
        raise ArgumentError(f"{days!r} is no span of days", f"write {_DAY}..2026-03-31")
    at, end = moment(first), moment(last)
    if end < at:
        raise ArgumentError(f"{days}: it ends before it begins", f"write {_DAY}..2026-03-31")
    yield at
    while end - at >= _STEPS[step]:
        at += _STEPS[step]
        yield at
