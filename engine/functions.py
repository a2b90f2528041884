"""The functions of the language: JMESPath's own, and ours, in one table.

A function sees plain values. One that gets an unknown argument, however deep, is unknown too, unless it is in
`AWARE`: those decide what they can from what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from ..snapshot.model import Json, Unknown
from .bucket_policy import is_public
from .errors import EvaluationError

Truth = bool | Unknown


@dataclass(frozen=True, slots=True)
class _Expression:
    """An `&expression` argument. jmespath.py knows it by this class name and these two attributes."""

    expression: Any
    visit: Callable[[Any, Json], Json]
    test: Callable[[Any, Json], Truth]

    def value(self, at: Json) -> Json:
        return self.visit(self.expression, at)

    def holds(self, at: Json) -> Truth:
        return self.test(self.expression, at)


class _Undecided(Exception):  # noqa: N818 - not an error: the way an unknown leaves jmespath.py's own loops
    def __init__(self, unknown: Unknown) -> None:
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class UnknownLength(Unknown):
    """How long a list is, where some of its items may not be there; at least `known` are."""

    known: int = 0


def call(name: str, arguments: Sequence[Json], snapshot_time: str) -> Json:
    """Call a function of the table. Raises EvaluationError where the arguments are of the wrong kind."""
    try:
        if name in AWARE:
            return AWARE[name](*arguments)
        gaps = [gap for argument in arguments if (gap := unknown_in(argument)) is not None]
        if gaps:
            return Unknown.merge(gaps)
        if name in TIMED:
            return TIMED[name](*arguments, snapshot_time)
        if name in PLAIN:
            return PLAIN[name](*arguments)
        return _JMESPATH.call_function(name, [_decided(argument) for argument in arguments])
    except _Undecided as undecided:
        return undecided.unknown
    except JMESPathError as error:
        raise EvaluationError(str(error)) from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EvaluationError(f"{name}(): {error}") from None


def unknown_in(value: Json) -> Unknown | None:
    """Every unknown anywhere in a value, merged; None where all of it is known."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return None
    gaps = [gap for item in value if (gap := unknown_in(item)) is not None]
    return Unknown.merge(gaps) if gaps else None


def known_items(items: list[Json]) -> list[Json]:
    return [item for item in items if not isinstance(item, Unknown)]


def maybe_items(items: list[Json]) -> list[Unknown]:
    """The items of a list that may or may not be there: rows whose condition, or whose listing, is unknown."""
    return [item for item in items if isinstance(item, Unknown)]


def kleene_any(truths: Sequence[Truth]) -> Truth:
    if any(truth is True for truth in truths):
        return True
    return Unknown.merge(maybe_items(list(truths))) if maybe_items(list(truths)) else False


def kleene_all(truths: Sequence[Truth]) -> Truth:
    if any(truth is False for truth in truths):
        return False
    return Unknown.merge(maybe_items(list(truths))) if maybe_items(list(truths)) else True


def _any(items: Json, test: Json) -> Truth:
    return items if isinstance(items, Unknown) else kleene_any(_each("any", items, test))


def _all(items: Json, test: Json) -> Truth:
    return items if isinstance(items, Unknown) else kleene_all(_each("all", items, test))


def _each(name: str, items: Json, test: Json) -> list[Truth]:
    if not isinstance(items, list) or not isinstance(test, _Expression):
        raise EvaluationError(f"{name}() takes a list and an &expression, not {kind(items)} and {kind(test)}")
    return [item if isinstance(item, Unknown) else test.holds(item) for item in items]


def _contains(subject: Json, wanted: Json) -> Json:
    if isinstance(subject, list) and unknown_in(wanted) is None:
        if wanted in known_items(subject):
            return True
        gap = unknown_in(subject)
        return False if gap is None else gap
    gap = unknown_in([subject, wanted])
    return _JMESPATH.call_function("contains", [subject, wanted]) if gap is None else gap


def _length(subject: Json) -> Json:
    if isinstance(subject, Unknown):
        return subject
    if isinstance(subject, list) and (maybe := maybe_items(subject)):
        return UnknownLength(Unknown.merge(maybe).causes, len(subject) - len(maybe))
    return _JMESPATH.call_function("length", [subject])


def _not_null(*arguments: Json) -> Json:
    return next((argument for argument in arguments if argument is not None), None)


def _known(*arguments: Json) -> Json:
    """The first argument that is known and not null; unknown if any was; else null."""
    gaps = []
    for argument in arguments:
        gap = unknown_in(argument)
        if gap is None and argument is not None:
            return argument
        if gap is not None:
            gaps.append(gap)
    return Unknown.merge(gaps) if gaps else None


def _map(test: Json, items: Json) -> Json:
    if isinstance(items, Unknown):
        return items
    if not isinstance(items, list) or not isinstance(test, _Expression):
        raise EvaluationError(f"map() takes an &expression and a list, not {kind(test)} and {kind(items)}")
    return [item if isinstance(item, Unknown) else test.value(item) for item in items]


def _lower(text: Json) -> str:
    return _string("lower", text).lower()


def _split(text: Json, separator: Json) -> list[str]:
    return _string("split", text).split(_string("split", separator))


def _arn(text: Json) -> Json:
    """The parts of an ARN; null for text that is not one.

    arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, as in the AWS General Reference.
    """
    parts = _string("arn", text).split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    return dict(zip(("partition", "service", "region", "account", "resource"), parts[1:], strict=True))


def _hours_since(moment: Json, snapshot_time: str) -> float:
    return (_moment(snapshot_time) - _moment(_string("hours_since", moment))).total_seconds() / 3600


def _days_since(moment: Json, snapshot_time: str) -> float:
    return _hours_since(moment, snapshot_time) / 24


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _string(function: str, value: Json) -> str:
    if not isinstance(value, str):
        raise EvaluationError(f"{function}() takes text, not {kind(value)}")
    return value


def kind(value: Json) -> str:
    """A value's JMESPath type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "an &expression"


def _decided(argument: Json) -> Json:
    """An &expression for jmespath.py's own functions, which know no unknown."""
    if not isinstance(argument, _Expression):
        return argument

    def visit(expression: Any, at: Json) -> Json:
        value = argument.visit(expression, at)
        if (gap := unknown_in(value)) is not None:
            raise _Undecided(gap)
        return value

    return _Expression(argument.expression, visit, argument.test)


_JMESPATH = Functions()
PLAIN: Mapping[str, Callable[..., Json]] = {
    "arn": _arn,
    "is_public_policy": is_public,
    "lower": _lower,
    "split": _split,
}
TIMED: Mapping[str, Callable[..., Json]] = {"days_since": _days_since, "hours_since": _hours_since}
AWARE: Mapping[str, Callable[..., Json]] = {
    "all": _all,
    "any": _any,
    "contains": _contains,
    "known": _known,
    "length": _length,
    "map": _map,
    "not_null": _not_null,
}
OURS: Mapping[str, tuple[int, int | None]] = {
    "all": (2, 2),
    "any": (2, 2),
    "arn": (1, 1),
    "days_since": (1, 1),
    "hours_since": (1, 1),
    "is_public_policy": (1, 1),
    "known": (1, None),
    "lower": (1, 1),
    "split": (2, 2),
}


def _arity(signature: Sequence[Mapping[str, Any]]) -> tuple[int, int | None]:
    return len(signature), None if signature and signature[-1].get("variadic") else len(signature)


# Function → the fewest and the most arguments it takes; None for any number.
ARITY: Mapping[str, tuple[int, int | None]] = {
    **{name: _arity(entry["signature"]) for name, entry in Functions.FUNCTION_TABLE.items()},
    **OURS,
}
