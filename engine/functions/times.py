"""Functions of time. The only "now" is the snapshot's."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from ...snapshot.model import Json
from ..errors import EvaluationError
from .arguments import text


def hours_between(later: Json, earlier: Json) -> float:
    return _hours("hours_between", later, earlier)


def days_between(later: Json, earlier: Json) -> float:
    return _hours("days_between", later, earlier) / 24


def hours_since(moment: Json, snapshot_time: str) -> float:
    return _hours("hours_since", snapshot_time, moment)


def days_since(moment: Json, snapshot_time: str) -> float:
    return _hours("days_since", snapshot_time, moment) / 24


def _hours(function: str, later: Json, earlier: Json) -> float:
    first = _moment(function, text(function, earlier))
    return (_moment(function, text(function, later)) - first).total_seconds() / 3600


@lru_cache(maxsize=1024)
def _moment(function: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise EvaluationError(f"{function}(): {value!r} is no time as in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
