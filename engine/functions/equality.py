"""Equality as JMESPath has it, however deep: 1 is 1.0 and is not true, though Python takes one for the other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from ...snapshot.model import Json


def equal(left: Json, right: Json) -> bool:
    """Whether two values are equal."""
    return bool(left == right) and _alike(left, right)


def among(wanted: Json, items: Sequence[Json]) -> bool:
    """Whether some item is equal to a value."""
    return wanted in items and (isinstance(wanted, str) or any(equal(wanted, item) for item in items))


def key(value: Json) -> Hashable:
    """What two values share if and only if they are equal."""
    if isinstance(value, list):
        return tuple(map(key, value))
    if isinstance(value, Mapping):
        return frozenset((name, key(item)) for name, item in value.items())
    found: Hashable = (bool, value) if isinstance(value, bool) else value  # no list of ours holds a class
    return found


def text(value: Json) -> bytes:
    """The same as bytes, for values that are written."""
    return msgspec.json.encode(_whole(value), order="sorted")


def _alike(left: Any, right: Any) -> bool:
    """Whether values that Python takes for equal have true and false in the same places."""
    if isinstance(left, list):
        return all(map(_alike, left, right))
    if isinstance(left, Mapping):
        return all(_alike(item, right[name]) for name, item in left.items())
    return isinstance(left, bool) is isinstance(right, bool)


def _whole(value: Json) -> Json:
    """A value whose whole numbers are written without a point."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
