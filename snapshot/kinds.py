"""The kinds of values that AWS sends, by its API models; and which values are not of their kind.

The kinds are kept as data, so that who reads a snapshot needs no models. `kinds.json` has a line for each resource
type, in which "b" is a boolean, "n" a number, "s" text, [KIND] a list, {"*": KIND} a map, {NAME: KIND} an object, null
anything, and a number the object that is so many around it. All fields that the models have are named; one that is not
may be anything: models grow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from .files import packaged
from .format import digest
from .model import Json, Unknown
from .types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, array, mapping

TAGS = mapping(STRING)
MALFORMED = "MalformedValue"

Fits = Callable[[Json], bool]
Steps = tuple[str, ...]

_OWN: dict[str, dict[str, Any]] = {}  # of the types in use that do not ship, and what is added to those that do
_LETTERS = {"b": BOOLEAN, "n": NUMBER, "s": STRING}
_LETTER_OF = {kind.kind: letter for letter, kind in _LETTERS.items()}
_CLASSES: dict[Kind, tuple[type, ...]] = {
    Kind.BOOLEAN: (bool,),
    Kind.NUMBER: (int, float),
    Kind.STRING: (str,),
    Kind.ARRAY: (list,),
    Kind.OBJECT: (dict,),
    Kind.MAP: (dict,),
}
_WORDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_NONE = (type(None), Unknown)  # what is absent, or unknown, may stand anywhere
_FITTING = {kind: frozenset((*_CLASSES[kind], *_NONE)) for kind in (Kind.BOOLEAN, Kind.NUMBER, Kind.STRING)}


@cache
def config_kind(resource: str) -> Type:
    """The kinds of what is in the config of a resource type; ANY if nobody knows the type.

    Of a type that ships, an entry of one's own says only what this has not.
    """
    shipped, own = _shipped(resource), _OWN.get(resource)
    if not own or not shipped:
        return read(own if shipped is None else shipped)
    return read({**shipped, **{name: each for name, each in own.items() if shipped.get(name) is None}})


def shipped_fields(resource: str) -> Collection[str]:
    """The fields of a resource type that ships."""
    return _shipped(resource) or ()


def _shipped(resource: str) -> dict[str, Any] | None:
    found = _table().get(resource)
    return None if found is None else msgspec.json.decode(found)


def use_kinds(own: Mapping[str, dict[str, Any]]) -> None:
    """Put in use the kinds of types of one's own, as `kinds.json` would have them; in place of any before."""
    _OWN.clear()
    _OWN.update(own)
    config_kind.cache_clear()
    _config_fits.cache_clear()


def models_version() -> str:
    """The version of botocore whose models the kinds come from."""
    return msgspec.json.decode(_table()["botocore"], type=str)


@cache
def kinds_digest() -> str:
    return digest(_data())


def written(kind: Type, around: tuple[str, ...] = ()) -> Any:
    """A type as `kinds.json` has it. `around` are the names of the objects that it is in."""
    match kind.kind:
        case Kind.ARRAY:
            return [written(kind.item, around)]
        case Kind.MAP:
            return {"*": written(kind.item, around)}
        case Kind.OBJECT if kind.name and kind.name in around:
            return around.index(kind.name)
        case Kind.OBJECT:
            inside = (kind.name, *around)
            return {name: written(each, inside) for name, each in sorted(kind.members.items())}
        case _:
            return _LETTER_OF.get(kind.kind)


def read(entry: Any, around: tuple[Type, ...] = ()) -> Type:
    """The type of an entry of `kinds.json`."""
    match entry:
        case str():
            return _LETTERS[entry]
        case int():
            return around[entry]
        case [item]:
            return array(read(item, around))
        case {"*": item}:
            return mapping(read(item, around))
        case dict():
            found = Type(Kind.OBJECT, of_members=lambda: {name: read(entry[name], (found, *around)) for name in entry})
            return found
        case _:
            return ANY


def is_written(entry: Any, around: int = 0) -> bool:
    """Whether something is an entry as `written` makes them."""
    match entry:
        case None:
            return True
        case str():
            return entry in _LETTERS
        case bool() | float():
            return False
        case int():
            return 0 <= entry < around
        case [item] | {"*": item}:
            return (not isinstance(entry, dict) or len(entry) == 1) and is_written(item, around)
        case dict():
            return all(is_written(item, around + 1) for item in entry.values())
        case _:
            return False


def says(kind: Type, path: Steps) -> bool:
    """Whether something is said of what stands at a path."""
    for step in path:
        match kind.kind:
            case Kind.OBJECT if step not in kind.members:
                return False
            case Kind.OBJECT:
                kind = kind.members[step]
            case Kind.MAP | Kind.ARRAY:
                kind = kind.item
            case _:
                return True
    return True


def strange(kind: Type, path: Steps) -> tuple[Steps, Collection[str]] | None:
    """A path as far as the first field that is not known, and those that are known there; None where all are."""
    for number, step in enumerate(path):
        if kind.kind is Kind.ANY:
            return None
        if step in ("[]", "*"):
            if kind.kind not in (Kind.ARRAY, Kind.MAP):
                if step == "*":
                    return None
                continue  # as [] of what is one already
            kind = kind.item
            while kind.kind is Kind.ARRAY and path[number + 1 : number + 2] != ("[]",):
                kind = kind.item  # [] takes lists apart that are in it
        elif kind.kind is Kind.MAP:
            kind = kind.item
        elif step in kind.members:
            kind = kind.members[step]
        else:
            return path[: number + 1], kind.members
    return None


def fits(kind: Type) -> Fits | None:
    """A test for whether a value and all that is in it are of their kinds; None where anything is."""
    match kind.kind:
        case Kind.OBJECT:
            return _object(kind)
        case Kind.ARRAY:
            return _several(kind, list, iter)
        case Kind.MAP:
            return _several(kind, dict, dict.values)
        case _ if kind.kind in _FITTING:
            classes = _FITTING[kind.kind]
            return lambda value: value.__class__ in classes
        case _:
            return None


def _object(kind: Type) -> Fits:
    members = kind.members
    plain = {name: _FITTING[each.kind] for name, each in members.items() if each.kind in _FITTING}
    tests: dict[str, Fits | None] = {}  # of the others met so far: a shape may hold itself

    def test(value: Json) -> bool:
        if value.__class__ is not dict:
            return value.__class__ in _NONE
        for name, each in value.items():
            if name in plain:
                if each.__class__ not in plain[name]:
                    return False
            elif name in members:
                if name not in tests:
                    tests[name] = fits(members[name])
                inner = tests[name]
                if inner is not None and not inner(each):
                    return False
        return True

    return test


def _several(kind: Type, container: type, values: Callable[[Any], Iterable[Json]]) -> Fits:
    inner = fits(kind.item)

    def test(value: Json) -> bool:
        if value.__class__ is not container:
            return value.__class__ in _NONE
        return inner is None or all(map(inner, values(value)))

    return test


def mark(config: Json, resource: str) -> None:
    """Mark as unknown, in place, each value of a config that is not of its kind."""
    _mark(config, config_kind(resource), _config_fits(resource), (resource,))


def mark_tags(tags: Json, resource: str) -> None:
    """The same for tags."""
    _mark(tags, TAGS, _TAGS_FIT, (resource, "$tags"))


def malformed(config: Json, resource: str) -> list[str]:
    """The cause of each value of a config that is not of its kind."""
    return [cause for _, _, cause in _misfits(config, config_kind(resource), (resource,))]


def _mark(value: Json, kind: Type, fit: Fits | None, steps: Steps) -> None:
    if fit is not None and not fit(value):
        for place, key, cause in list(_misfits(value, kind, steps)):
            place[key] = Unknown.because(cause)


def _misfits(value: Json, kind: Type, steps: Steps) -> Iterator[tuple[Any, Any, str]]:
    """Each value that is not of its kind: what it is in, its key there, and the cause.

    A cause holds no value, and no key of a map: they may be secrets, and are anybody's text.
    """
    for key, each, inner, step in _parts(value, kind):
        classes, path = _CLASSES.get(inner.kind), (*steps, step)
        if classes is None or each.__class__ in _NONE:
            continue
        if each.__class__ in classes:
            yield from _misfits(each, inner, path)
        else:
            where = ".".join(path[1:]).replace(".[]", "[]")
            yield value, key, f"{MALFORMED}: {path[0]} {where} is {_WORDS[each.__class__]}, not {_WORDS[classes[0]]}"


def _parts(value: Json, kind: Type) -> Iterator[tuple[Any, Json, Type, str]]:
    """The keys of what is in a value, with the values, their kinds, and the steps of a path that leads there."""
    match kind.kind, value:
        case Kind.OBJECT, dict():
            yield from ((name, each, kind.members[name], name) for name, each in value.items() if name in kind.members)
        case Kind.MAP, dict():
            yield from ((name, each, kind.item, "*") for name, each in value.items())
        case Kind.ARRAY, list():
            yield from ((number, each, kind.item, "[]") for number, each in enumerate(value))
        case _:
            pass


@cache
def _config_fits(resource: str) -> Fits | None:
    return fits(config_kind(resource))


@cache
def _table() -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(_data(), type=dict[str, msgspec.Raw])


def _data() -> bytes:
    return packaged("snapshot", "kinds.json").read_bytes()


_TAGS_FIT = fits(TAGS)
