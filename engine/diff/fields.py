"""Two JSON values, compared field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...snapshot.model import Json
from ..functions.equality import equal, key

_NOTHING = object()


def differences(old: Json, new: Json, path: str = "", *, items: bool = False) -> Iterator[tuple[str, Json, Json]]:
    """Each innermost field that differs, as (path, before, after), with null where it is not there.

    Lists are compared as a whole; or by their `items`, in whatever order, of which those that differ are given.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            was, now = old.get(name, _NOTHING), new.get(name, _NOTHING)
            yield from differences(was, now, f"{path}.{name}" if path else name, items=items)
    elif items and isinstance(old, list) and isinstance(new, list):
        gone, come = _unlike(old, new), _unlike(new, old)
        if gone or come:
            yield f"{path}[]", gone, come
    elif old is _NOTHING or new is _NOTHING or not equal(old, new):
        yield path, None if old is _NOTHING else old, None if new is _NOTHING else new


def _unlike(items: list[Json], others: list[Json]) -> list[Json]:
    """The items of a list that the other does not have, as often as it has them."""
    left, found = Counter(map(key, others)), []
    for item in items:
        mark = key(item)
        if left[mark] > 0:
            left[mark] -= 1
        else:
            found.append(item)
    return found
