"""Values as AWS Config writes them, turned into what the API sends, by the kinds of AWS's models.

Names are compared without case. A name that is not there is not known: AWS Config writes null for what is not set, and
what it does not record it leaves out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from ..catalog import Steps
from ..format import timestamp
from ..model import Json, Unknown
from ..types import ANY, Kind, Type

NOT_RECORDED = Unknown.because("NotRecorded: AWS Config")
_WORDS = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}\s[AP]M\Z")  # a time of no known zone
_EPOCH = range(946_684_800_000, 4_102_444_800_000)  # milliseconds of the years 2000 to 2099
_UNPACK = 3  # how often JSON stands in text, at most


class Folding(Struct, frozen=True, kw_only=True):
    """How the values of one resource type are folded. `more` are members that the model lets be anything, by path."""

    names: Mapping[str, str | None]
    more: Mapping[Steps, Collection[str]]
    _members: dict[Steps, tuple[Mapping[str, Type], Mapping[str, str]]] = field(default_factory=dict)

    def fold(self, value: Json, kind: Type, path: Steps = ()) -> Json:
        """A value, and all that is in it, as the API would send it."""
        if value is None or isinstance(value, Unknown):
            return value
        match kind.kind:
            case Kind.OBJECT:
                found = unpacked(value)
                return self._object(found, kind, path) if isinstance(found, dict) else found
            case Kind.MAP:
                found = unpacked(value)
                inner = (*path, "*")
                return (
                    {key: self.fold(each, kind.item, inner) for key, each in found.items()} if _is_map(found) else found
                )
            case Kind.ARRAY:
                found = unpacked(value)
                inner = (*path, "[]")
                return [self.fold(each, kind.item, inner) for each in found] if isinstance(found, list) else found
            case Kind.BOOLEAN | Kind.NUMBER | Kind.STRING:
                return _SCALARS[kind.kind](_unwrapped(value))
            case _:
                return value

    def _object(self, value: dict[str, Json], kind: Type, path: Steps) -> dict[str, Json]:
        members, known = self._known(kind, path)
        found: dict[str, Json] = {}
        for name, each in value.items():
            target = self.names[name] if name in self.names else known.get(name.casefold())
            if target is None or target not in members or found.get(target) is not None:
                continue
            found[target] = self.fold(each, members[target], (*path, target))
        return {name: found.get(name, NOT_RECORDED) for name in members}

    def _known(self, kind: Type, path: Steps) -> tuple[Mapping[str, Type], Mapping[str, str]]:
        if path not in self._members:
            members = {**dict.fromkeys(self.more.get(path, ()), ANY), **kind.members}
            self._members[path] = members, {name.casefold(): name for name in members}
        return self._members[path]


def unpacked(value: Json) -> Json:
    """JSON that stands in text, once or several times; any other value as it is."""
    for _ in range(_UNPACK):
        if not isinstance(value, str) or value[:1] not in ('"', "{", "[", "n"):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            break
    return value


def _is_map(value: Json) -> bool:
    return isinstance(value, dict)


def _unwrapped(value: Json) -> Json:
    return value["value"] if isinstance(value, dict) and value.keys() == {"value"} else value


def _flag(value: Json) -> Json:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _number(value: Json) -> Json:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def _text(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool) and _EPOCH[0] <= value <= _EPOCH[-1]:
        return timestamp(datetime.fromtimestamp(int(value) // 1000, UTC))
    if isinstance(value, str) and _WORDS.match(value):
        return Unknown.because("MalformedValue: a time without its zone")
    return value


_SCALARS: Mapping[Kind, Any] = {Kind.BOOLEAN: _flag, Kind.NUMBER: _number, Kind.STRING: _text}
