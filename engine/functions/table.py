"""The functions of the language: JMESPath's own, and ours, in one table, an entry for each.

Whoever knows something of a function knows it from here, so that a new one is an entry and a Python function.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...snapshot.types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, array, maybe, union
from . import lists, times, values
from .function import Cost, Function, function
from .table_of_aws import OF_AWS
from .table_of_text import OF_TEXT


def _first(types: Sequence[Type]) -> Type:
    found = types[0]
    for other in types[1:]:
        found = union(found, other)
    return maybe(found, nullable=all(each.nullable for each in types))


def _same(types: Sequence[Type]) -> Type:
    return types[0]


def _item(types: Sequence[Type]) -> Type:
    return maybe(types[0].item)


def _each(types: Sequence[Type]) -> Type:
    return array(types[0].item)


def _listed(types: Sequence[Type]) -> Type:
    return types[0] if types[0].kind is Kind.ARRAY else array(types[0])


def _value_of(types: Sequence[Type]) -> Type:
    return maybe(types[0].item) if types[0].kind is Kind.MAP else ANY


_list = partial(function, "Lists")
_LISTS = (
    _list(
        *("all(list, &expression)", "array expref", BOOLEAN, lists.all_),
        aware=True,
        says="it holds for each item; true for an empty list",
        example=("all(`[1, 2]`, &@ > `0`)", True),
    ),
    _list(
        *("any(list, &expression)", "array expref", BOOLEAN, lists.any_),
        aware=True,
        says="it holds for some item",
        example=('any(`[{"Open": true}]`, &Open)', True),
    ),
    _list(
        *("contains(list or text, value)", "array|string any", BOOLEAN, lists.contains),
        aware=True,
        says="an item is equal, or it is a part of the text",
        example=("contains(['ALL', 'REJECT'], 'ALL')", True),
    ),
    _list(
        *("difference(list, others)", "array array", _same, lists.difference),
        aware=True,
        says="the items that are not among the others",
        example=("difference(`[1, 2, 3]`, `[2]`)", [1, 3]),
    ),
    _list(
        *("intersection(list, others)", "array array", _same, lists.intersection),
        aware=True,
        says="the items that are among the others",
        example=("intersection(`[1, 2, 3]`, `[3, 2]`)", [2, 3]),
    ),
    _list(
        *("length(list or object or text)", "array|object|string", NUMBER, lists.length),
        aware=True,
        example=("length(`[1, 2]`)", 2),
    ),
    _list(
        *("map(&expression, list)", "expref array", _each, lists.map_),
        aware=True,
        says="of each item, nulls kept",
        example=('map(&Name, `[{"Name": "a"}, {}]`)', ["a", None]),
    ),
    _list("max(numbers or texts)", "array", _item, says="null for none", example=("max(`[1, 3, 2]`)", 3)),
    _list("max_by(list, &expression)", "array expref", _item, example=('max_by(`[{"n": 1}, {"n": 2}]`, &n)', {"n": 2})),
    _list("min(numbers or texts)", "array", _item, says="null for none", example=("min(`[]`)", None)),
    _list("min_by(list, &expression)", "array expref", _item, example=('min_by(`[{"n": 1}, {"n": 2}]`, &n).n', 1)),
    _list("reverse(list or text)", "array|string", _same, example=("reverse(`[1, 2]`)", [2, 1])),
    _list("sort(numbers or texts)", "array", _same, example=("sort(['b', 'a'])", ["a", "b"])),
    _list(
        *("sort_by(list, &expression)", "array expref", _same),
        example=('sort_by(`[{"n": 2}, {"n": 1}]`, &n)[].n', [1, 2]),
    ),
    _list("to_array(value)", "any", _listed, example=("to_array('a')", ["a"])),
    _list(
        *("unique(list)", "array", _same, lists.unique),
        aware=True,
        says="each value once, where it first stands",
        example=("unique(`[2, 1, 2]`)", [2, 1]),
    ),
)
_time = partial(function, "Time", gives=NUMBER)
_TIME = (
    _time(
        *("days_between(later, earlier)", "number|string number|string"),
        run=times.days_between,
        says="from the earlier to the later; negative if it is the other way round",
        example=("days_between('2026-01-31', '2026-01-01')", 30),
    ),
    _time(
        *("days_since(time)", "number|string"),
        run=times.days_since,
        timed=True,
        says="from then to the snapshot's time",
        example=("days_since('2025-12-25T00:00:00Z')", 7),
    ),
    _time(
        *("hours_between(later, earlier)", "number|string number|string"),
        run=times.hours_between,
        says="the same in hours",
        example=("hours_between('2026-01-01T12:00:00+02:00', '2026-01-01T00:00:00Z')", 10),
    ),
    _time(
        *("hours_since(time)", "number|string"),
        run=times.hours_since,
        timed=True,
        says="from then to the snapshot's time, in hours",
        example=("hours_since('2025-12-31T12:00:00Z')", 12),
    ),
)
_value = partial(function, "Values and objects")
_VALUES = (
    _value(
        *("from_items(pairs)", "array", ANY, values.from_items),
        says="the object of names and values, such as items() gives",
        example=('from_items(`[["a", 1]]`)', {"a": 1}),
    ),
    _value(
        *("get(object, name)", "object string", _value_of, values.get),
        aware=True,
        says="the field of a name that is computed; null if it is not there",
        example=("get(`{\"a\": 1}`, 'a')", 1),
    ),
    _value(
        *("items(object)", "object", array(array(ANY)), values.items),
        cost=Cost(expands=2),
        says="its names and values in pairs",
        example=('items(`{"a": 1}`)', [["a", 1]]),
    ),
    _value("keys(object)", "object", array(STRING), example=('keys(`{"a": 1}`)', ["a"])),
    _value(
        *("known(value, …)", "any", _first, values.known),
        aware=True,
        says="the first that is known and not null",
        example=("known(`null`, 'second')", "second"),
    ),
    _value(
        *("merge(object, …)", "object", ANY, values.merge),
        says="later ones win",
        example=('merge(`{"a": 1}`, `{"a": 2}`)', {"a": 2}),
    ),
    _value(
        *("not_null(value, …)", "any", _first, values.not_null),
        aware=True,
        says="the first that is not null",
        example=("not_null(`null`, 'a')", "a"),
    ),
    _value("type(value)", "any", STRING, example=("type('a')", "string")),
    _value(
        *("unknown(cause)", "string", ANY, values.unknown),
        may_be_unknown=True,
        checks={"cause": values.unknown},
        says="what cannot be decided here, and why",
        example=("known(unknown('the image may be in another account'), 'b')", "b"),
    ),
    _value("values(object)", "object", array(ANY), example=('values(`{"a": 1}`)', [1])),
)
_number = partial(function, "Numbers")
_NUMBERS = (
    _number("abs(number)", "number", NUMBER, example=("abs(`-2`)", 2)),
    _number("avg(numbers)", "array", maybe(NUMBER), example=("avg(`[1, 2]`)", 1.5)),
    _number("ceil(number)", "number", NUMBER, example=("ceil(`1.2`)", 2)),
    _number("floor(number)", "number", NUMBER, example=("floor(`1.8`)", 1)),
    _number("sum(numbers)", "array", NUMBER, example=("sum(`[1, 2]`)", 3)),
)
FUNCTIONS: dict[str, Function] = {
    each.name: each for section in (_LISTS, OF_TEXT, _TIME, OF_AWS, _VALUES, _NUMBERS) for each in section
}
