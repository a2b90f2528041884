"""What compiled code calls: the language on values that are all known. Raises where a record is not plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import chain
from shlex import quote
from typing import TYPE_CHECKING, Any

import msgspec

from ...snapshot.model import Json
from ..functions.call import call
from ..functions.equality import among, equal
from ..functions.unknowns import unknown_in
from ..judging.joins import key_of
from ..language.interpret import compare, truthiness

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

Find = Callable[[str, Hashable], Iterable[Any]]

encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="sorted").encode


class NotPlain(Exception):  # noqa: N818 - not an error: the exact path judges this record
    """Something is unknown, or has no value."""


def truthy(found: Json) -> bool:
    return truthiness(found) is True


same = equal


def _ordering(symbol: str) -> Callable[[Json, Json], bool | None]:
    def ordered(left: Json, right: Json) -> bool | None:
        return compare(symbol, left, right)

    ordered.__name__ = symbol
    return ordered


ORDER: Mapping[str, Callable[[Json, Json], bool | None]] = {
    symbol: _ordering(symbol) for symbol in ("lt", "lte", "gt", "gte")
}


def flatten(found: Json) -> list[Json] | None:
    if found.__class__ is not list:
        return None
    return [inner for item in found for inner in (item if item.__class__ is list else (item,))]


def chained(found: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(found))


def called(name: str, arguments: list[Json], snapshot_time: str) -> Json:
    found = call(name, arguments, snapshot_time)
    if unknown_in(found) is not None:
        raise NotPlain
    return found


def length(found: Json) -> int:
    if found.__class__ in _SIZED:
        return len(found)
    raise NotPlain


_SIZED = frozenset({str, list, dict})


def contains(subject: Json, wanted: Json) -> bool:
    if subject.__class__ is list:
        return among(wanted, subject)
    if subject.__class__ is str:
        return wanted.__class__ is str and wanted in subject
    raise NotPlain


def starts_with(subject: Json, prefix: Json) -> bool:
    if subject.__class__ is str and prefix.__class__ is str:
        return bool(subject.startswith(prefix))
    raise NotPlain


def ends_with(subject: Json, suffix: Json) -> bool:
    if subject.__class__ is str and suffix.__class__ is str:
        return bool(subject.endswith(suffix))
    raise NotPlain


def first(*arguments: Json) -> Json:
    """The first that is not null: `not_null` and `known`."""
    return next((argument for argument in arguments if argument is not None), None)


def shown(found: Json) -> str:
    """A value in a message, as template.py shows it."""
    return found if found.__class__ is str else _sorted(found).decode()


def quoted(found: Json) -> str:
    """A value in a command."""
    text = found if found.__class__ is str else shown(found)
    return text if _SAFE(text) else quote(text)


_SAFE = re.compile(r"[\w@%+=:,./-]+", re.ASCII).fullmatch  # as shlex has it


def telling(values: list[Json]) -> list[Hashable]:
    """Something to tell each by: texts as they are, and what Python takes for equal, as true and 1, as JSON."""
    if _TELLING.issuperset(map(type, values)):
        return values
    return [value if value.__class__ in _TELLING else encode(value) for value in values]


_TELLING = frozenset({str, bool, type(None)})


def sentence(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def one(rows: list[Any]) -> Any:
    """The only row of a lookup that says there is one."""
    if len(rows) != 1:
        raise NotPlain
    return rows[0]


def identify(begins: bytes, marks: Hash, identity: str, name: str | None) -> bytes:
    """What all findings on a record share: what it is, and its part of the fingerprint, as for the exact path.

    `marks` has hashed what all resources of its type have in common that are in the same region.
    """
    marked = marks.copy()
    marked.update(identity.encode())
    mark = marked.hexdigest()[:28].encode()
    return b"".join((begins, encode(identity), b',"name":', encode(name), b',"fingerprint":"', mark))


def gathered(find: Find, region: str, values: tuple[Json, ...], among: int) -> list[Any]:
    """The rows of a lookup for each item of one of its values."""
    items = values[among]
    keys = [key((*values[:among], item, *values[among + 1 :])) for item in items] if items.__class__ is list else ()
    return [row for wanted in dict.fromkeys(keys) if wanted is not None for row in find(region, wanted)]


def key(values: tuple[Json, ...]) -> Hashable:
    """The key of a lookup; None where nothing can match."""
    return None if None in values else key_of(values) if values else ()
