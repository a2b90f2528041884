"""The functions of the language: JMESPath's own, and ours, in one table.

A function sees plain values. One that gets an unknown argument, however deep, is unknown too, unless it is in
`AWARE`: those decide what they can from what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from jmespath.functions import Functions

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from . import lists, network, text, times
from .arguments import _Expression, kind
from .standard import standard
from .unknowns import unknown_in


def _of(module: str, name: str) -> Callable[..., Any]:
    """A function of a module that is imported when it is first called: few policies ask for what takes long to read."""
    found: list[Callable[..., Any]] = []

    def call(*arguments: Any) -> Any:
        if not found:
            found.append(getattr(import_module(f".{module}", __package__), name))
        return found[0](*arguments)

    return call


class _Undecided(Exception):  # noqa: N818 - not an error: the way an unknown leaves jmespath.py's own loops
    def __init__(self, unknown: Unknown) -> None:
        self.unknown = unknown


def call(name: str, arguments: Sequence[Json], snapshot_time: str) -> Json:
    """Call a function of the table. Raises EvaluationError where the arguments are of the wrong kind."""
    try:
        if name in AWARE:
            return AWARE[name](*_narrowed(name, arguments))
        gaps = [gap for argument in arguments if (gap := unknown_in(argument)) is not None]
        if gaps:
            return Unknown.merge(gaps)
        if name in TIMED:
            return TIMED[name](*arguments, snapshot_time)
        if name in PLAIN:
            return PLAIN[name](*arguments)
        return standard(name, [_decided(argument) for argument in arguments])
    except _Undecided as undecided:
        return undecided.unknown
    except (TypeError, ValueError, AttributeError, LookupError):
        raise EvaluationError(f"{name}() has no value for these arguments") from None


def _narrowed(name: str, arguments: Sequence[Json]) -> Iterable[Json]:
    """Arguments without the fields that a function does not read: so `ROWS` and `MEMBERS` say no less than it does."""
    if name not in _NARROWED:
        return arguments
    return (_narrow(each, (name, position)) for position, each in enumerate(arguments))


def _narrow(argument: Json, place: tuple[str, int]) -> Json:
    if place in ROWS and isinstance(argument, list):
        return [_members(row, ROWS[place]) for row in argument]
    return _members(argument, MEMBERS[place]) if place in MEMBERS else argument


def _members(argument: Json, fields: Sequence[str]) -> Json:
    return {field: argument.get(field) for field in fields} if isinstance(argument, dict) else argument


def check_literal(name: str, position: int, value: Json) -> None:
    """Raise EvaluationError for a literal argument that can never be right: then the policy is wrong, not the data."""
    if check := LITERALS.get((name, position)):
        check(value)


def _not_null(*arguments: Json) -> Json:
    return next((argument for argument in arguments if argument is not None), None)


def _merge(*objects: Json) -> Json:
    merged: dict[str, Json] = {}
    for each in objects:
        if not isinstance(each, dict):
            raise EvaluationError(f"merge() takes objects, not {kind(each)}")
        merged |= each
    return merged


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


PLAIN: Mapping[str, Callable[..., Json]] = {
    "arn": text.arn,
    "cidr_contains": network.cidr_contains,
    "days_between": times.days_between,
    "hours_between": times.hours_between,
    "is_public_policy": _of("policy_document", "is_public"),
    "join": text.join,
    "like": _of("policy_document", "like"),
    "lower": text.lower,
    "matches": text.matches,
    "merge": _merge,
    "parse_json": text.parse_json,
    "split": text.split,
    "statements": _of("policy_document", "statements"),
    "to_number": text.to_number,
}
TIMED: Mapping[str, Callable[..., Json]] = {"days_since": times.days_since, "hours_since": times.hours_since}
AWARE: Mapping[str, Callable[..., Json]] = {
    "acl_opens_port": _of("acl", "acl_opens_port"),
    "alarm_patterns": _of("metric_alarm", "alarm_patterns"),
    "all": lists.all_,
    "any": lists.any_,
    "contains": lists.contains,
    "difference": lists.difference,
    "filter_covers": _of("filter_cover", "filter_covers"),
    "filter_covers_part": _of("filter_cover", "filter_covers_part"),
    "intersection": lists.intersection,
    "known": _known,
    "length": lists.length,
    "map": lists.map_,
    "not_null": _not_null,
    "opens_port": network.opens_port,
    "selects_events": _of("event_selectors", "selects_events"),
    "unique": lists.unique,
    "world_reaches": _of("security_group", "world_reaches"),
}
LITERALS: Mapping[tuple[str, int], Callable[[Json], object]] = {
    ("acl_opens_port", 1): network.ports,
    ("acl_opens_port", 2): network.check_reading,
    ("cidr_contains", 0): network.network,
    ("cidr_contains", 1): network.network,
    ("filter_covers", 1): _of("filter_cover", "check_required"),
    ("filter_covers_part", 1): _of("filter_cover", "check_required"),
    ("matches", 1): text.regex,
    ("opens_port", 1): network.ports,
    ("world_reaches", 2): network.check_reading,
    ("selects_events", 1): _of("event_selectors", "check_event"),
}
# Function and argument → the fields that it reads of rows there. A field that is not there is null to it.
ROWS: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("alarm_patterns", 0): (
        *("filterPattern", "metricTransformations", "fieldSelectionCriteria"),
        *("applyOnTransformedLogs", "emitSystemFieldDimensions"),
    ),
    ("alarm_patterns", 1): (
        *("AlarmArn", "Namespace", "MetricName", "Dimensions", "Unit", "Statistic", "ExtendedStatistic", "Metrics"),
        *("EvaluationCriteria", "ComparisonOperator", "Threshold", "TreatMissingData", "AlarmActions"),
    ),
    ("world_reaches", 1): ("PrefixListId", "OwnerId", "Entries"),
}
# The same of an object there.
MEMBERS: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("selects_events", 0): ("EventSelectors", "AdvancedEventSelectors")
}
_NARROWED = frozenset(name for name, _ in (*ROWS, *MEMBERS))
OURS: Mapping[str, tuple[int, int | None]] = {
    "acl_opens_port": (2, 3),
    "alarm_patterns": (3, 4),
    "all": (2, 2),
    "any": (2, 2),
    "arn": (1, 1),
    "cidr_contains": (2, 2),
    "days_between": (2, 2),
    "days_since": (1, 1),
    "difference": (2, 2),
    "filter_covers": (2, 3),
    "filter_covers_part": (2, 3),
    "hours_between": (2, 2),
    "hours_since": (1, 1),
    "intersection": (2, 2),
    "is_public_policy": (1, 1),
    "known": (1, None),
    "like": (2, 2),
    "lower": (1, 1),
    "matches": (2, 2),
    "opens_port": (2, 2),
    "parse_json": (1, 1),
    "selects_events": (2, 2),
    "split": (2, 2),
    "statements": (1, 1),
    "unique": (1, 1),
    "world_reaches": (2, 3),
}


def _arity(signature: Sequence[Mapping[str, Any]]) -> tuple[int, int | None]:
    return len(signature), None if signature and signature[-1].get("variadic") else len(signature)


# Function → the fewest and the most arguments it takes; None for any number.
ARITY: Mapping[str, tuple[int, int | None]] = {
    **{name: _arity(entry["signature"]) for name, entry in Functions.FUNCTION_TABLE.items()},
    **OURS,
}
# Function → which of its arguments is an &expression.
EXPREFS: Mapping[str, int] = {
    **{
        name: position
        for name, entry in Functions.FUNCTION_TABLE.items()
        for position, argument in enumerate(entry["signature"])
        if "expref" in argument["types"]
    },
    "all": 1,
    "any": 1,
}
