"""msgspec's types of values of the kinds that AWS sends: for decoding them as they are, and for looking into them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...snapshot.format import DEPTH
from ...snapshot.kinds import fits
from ...snapshot.types import Kind, Type

Test = Callable[[Sequence[Any]], bool]
_Objects = Callable[[Type], Any]


def whole(kind: Type, leaf: Any) -> Any:
    """The type to decode a value of a kind with as it is, or null. What may be anything is a `leaf`: Any, or what
    refuses markers, and then every object is refused: its names may be escaped."""
    if leaf is not Any:
        return _type(kind, leaf, lambda _: None, maps=False)
    return Any if _has_objects(kind) else _type(kind, leaf, lambda _: Any)


def all_fit(kind: Type) -> Test | None:
    """A test for whether what several values hold is of their kinds; None where `whole` has seen to it.

    It is one call for all of them, as each call of Python's takes longer than looking into a value.
    """
    if not _has_objects(kind):
        return None
    try:
        several = msgspec.defstruct("Several", [("values", list[_type(kind, Any, _struct(()))])], gc=False)  # type: ignore[misc]
    except _HoldsItself:
        test = fits(kind)
        return lambda values: test is None or all(map(test, values))

    def test_all(values: Sequence[Any]) -> bool:
        try:
            msgspec.convert({"values": values}, several)
        except msgspec.ValidationError:
            return False
        return True

    return test_all


LEVELS = DEPTH // 2 - 2  # so many above a value and so many in it are never too deep for a line


def nests(kind: Type) -> bool:
    """Whether what `whole` takes for a value of a kind may be of any depth."""
    return kind.kind is Kind.ANY or _has_objects(kind) or (kind.kind in (Kind.ARRAY, Kind.MAP) and nests(kind.item))


def shallow(values: Sequence[Any]) -> bool:
    """Whether none of some values is nested more than LEVELS deep. One that is, the exact path cuts where it must."""
    for _ in range(LEVELS + 1):
        if not values:
            return True
        values = gc.get_referents(*values)  # what is in all of them, in one call
    return not values


class _HoldsItself(Exception):  # noqa: N818 - not an error: msgspec cannot be told of such an object
    pass


def _type(kind: Type, leaf: Any, objects: _Objects, *, maps: bool = True) -> Any:
    match kind.kind:
        case Kind.STRING:
            return str | None
        case Kind.BOOLEAN:
            return bool | None
        case Kind.NUMBER:
            return int | float | None
        case Kind.ARRAY:
            return list[_type(kind.item, leaf, objects, maps=maps)] | None  # type: ignore[misc]
        case Kind.MAP if maps:
            return dict[str, _type(kind.item, leaf, objects)] | None  # type: ignore[misc]
        case Kind.OBJECT | Kind.MAP:
            return objects(kind)
        case _:
            return leaf


def _struct(around: tuple[Type, ...]) -> _Objects:
    """A struct for each object, with its members."""

    def struct(kind: Type) -> Any:
        if any(kind is each for each in around):
            raise _HoldsItself
        inner = _struct((*around, kind))
        labels = {f"f{number}": name for number, name in enumerate(kind.members)}
        fields = [(label, _type(kind.members[name], Any, inner), None) for label, name in labels.items()]
        return msgspec.defstruct("Members", fields, rename=labels, gc=False) | None

    return struct


def _has_objects(kind: Type) -> bool:
    return kind.kind is Kind.OBJECT or (kind.kind in (Kind.ARRAY, Kind.MAP) and _has_objects(kind.item))
