"""What of AWS's answers the installed botocore is too old to know: its parser drops it, and absent reads as null.

`kinds.json` says what newer models have. So once for each resource type a sketch is made of all that the installed
ones have; where the kinds have more, a resource says that it is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..catalog import Call, ResourceType, load_catalog
from ..kinds import config_kind
from ..model import Json, Unknown
from ..resource import compiled
from ..types import Kind, Type, struct

_KEY = "*"  # of a sketch of a map
_OPAQUE = ""  # of which nothing more is known, and nothing is lacking

Sketch = dict[str, Json]
Steps = tuple[str, ...]


class Lacking:
    """What the models lack of one resource type. `model_of` gives the model that parses the answers to a call."""

    def __init__(self, spec: ResourceType, model_of: Callable[[Call], Any]) -> None:
        members, whole = config_kind(spec.type).members, load_catalog().get(spec.type, spec)
        not_asked = whole.attach.keys() - spec.attach.keys()  # by a part of the catalogue, as the demo's
        self._spec, self._kind = spec, struct({name: members[name] for name in members if name not in not_asked})
        self._known: Sketch = {name: _result(call, model_of) for name, call in spec.attach.items()}
        self.listing: Unknown | None = None  # why no list can be read
        for call in (spec.list, spec.list.of):
            items = _result(call, model_of) if call else [{}]
            if items is None and call:
                self.listing = _unknown(call)
            self._known |= items[0] if items else {}
        self._known = {name: each for name, each in self._known.items() if each is not None}
        self.listed = tuple(name for name in self._kind.members if name not in spec.attach)
        self._any = next(self.paths(), None) is not None

    def paths(self) -> Iterator[Steps]:
        yield from _paths(self._kind, self._known)

    def mark(self, config: dict[str, Json], names: Iterable[str]) -> None:
        """Say in a resource, of the fields of these names and what is in them, what cannot be known."""
        for name in names if self._any else ():
            unknown = _unknown(self._spec.attach.get(name, self._spec.list))
            if name in self._kind.members:
                one = struct({name: self._kind.members[name]})
                config.update(_marked({name: config.get(name)}, one, self._known, unknown))


def _unknown(call: Call) -> Unknown:
    return Unknown.because(f"UnknownMemberError: {call.action}")


def _result(call: Call, model_of: Callable[[Call], Any]) -> Json:
    """What the models know of what a call is made for; None where they know nothing of it."""
    if call.columns:
        return [dict.fromkeys(call.columns, _OPAQUE)]
    try:
        shape = model_of(call).operation_model(call.operation).output_shape
    except Exception:  # the call itself says that it is unknown
        return _OPAQUE
    return compiled(call.result).search(_answer(shape, {}))


def _answer(shape: Any, done: Sketch) -> Json:
    """All that a model knows of an answer: each member, an item in each list, and a key in each map."""
    if shape.name in done:  # one that holds itself, say
        return done[shape.name]
    match shape.type_name:
        case "structure":
            members = done[shape.name] = {}
            members.update((name, _answer(each, done)) for name, each in shape.members.items())
            return members
        case "list":
            items = done[shape.name] = []
            items.append(_answer(shape.member, done))
            return items
        case "map":
            return {_KEY: _answer(shape.value, done)}
        case _:
            return _OPAQUE


def _paths(kind: Type, known: Json, path: Steps = (), around: tuple[int, ...] = ()) -> Iterator[Steps]:
    """The paths of what is of a kind and is not in a sketch."""
    if id(known) in around:
        return
    around = (*around, id(known))
    match kind.kind, known:
        case Kind.OBJECT, dict() if _KEY not in known:  # of a map the parser drops nothing
            for name, inner in kind.members.items():
                yield from _paths(inner, known[name], (*path, name), around) if name in known else [(*path, name)]
        case Kind.MAP, {"*": inner}:
            yield from _paths(kind.item, inner, (*path, _KEY), around)
        case Kind.ARRAY, [inner]:
            yield from _paths(kind.item, inner, (*path, "[]"), around)
        case _:
            pass


def _marked(value: Json, kind: Type, known: Json, unknown: Unknown) -> Json:
    """The same value, unknown where a sketch has nothing. Others may have the value: it is left as it is."""
    match kind.kind, known, value:
        case Kind.OBJECT, dict(), dict() if _KEY not in known:
            lost = {name: unknown for name in kind.members if name not in known and value.get(name) is None}
            return lost | {
                name: _marked(each, kind.members[name], known[name], unknown)
                if name in known and name in kind.members
                else each
                for name, each in value.items()
                if name not in lost
            }
        case Kind.MAP, {"*": inner}, dict():
            return {key: _marked(each, kind.item, inner, unknown) for key, each in value.items()}
        case Kind.ARRAY, [inner], list():
            return [_marked(each, kind.item, inner, unknown) for each in value]
        case _:
            return value
