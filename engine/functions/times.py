"""Functions of time. The only "now" is the snapshot's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ...snapshot.model import Json
from ..errors import EvaluationError
from .arguments import text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def hours_between(later: Json, earlier: Json) -> float:
    return _hours("hours_between", later, earlier)


def days_between(later: Json, earlier: Json) -> float:
    return _hours("days_between", later, earlier) / 24


def hours_since(moment: Json, snapshot_time: str) -> float:
    return _hours("hours_since", snapshot_time, moment)


def days_since(moment: Json, snapshot_time: str) -> float:
    return _hours("days_since", snapshot_time, moment) / 24


def _hours(function: str, later: Json, earlier: Json) -> float:
    first = _moment(function, _time(function, earlier))
    return (_moment(function, _time(function, later)) - first).total_seconds() / 3600


def _time(function: str, value: Json) -> str | float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else text(function, value)


_MILLISECONDS = 100_000_000_000  # so many seconds after 1970 is the year 5138, and so many milliseconds 1973


@lru_cache(maxsize=1024)
def _moment(function: str, value: str | float) -> datetime:
    if not isinstance(value, str):
        try:
            return _EPOCH + timedelta(seconds=value / 1000 if abs(value) >= _MILLISECONDS else value)
        except OverflowError:
            raise EvaluationError(f"{function}(): {value} is no time in seconds or milliseconds since 1970") from None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise EvaluationError(f"{function}(): {value!r} is no time as in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
