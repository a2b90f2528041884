"""What of a record the policies need: a tree of fields that grows while expressions are read, and its msgspec type.

A value that is not of the kind that AWS sends is refused, as far as it is decoded: the exact path marks it as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Literal

import msgspec

from ...snapshot import kinds, types
from ...snapshot.format import MISSING
from ...snapshot.types import Type
from .kind_checks import LEVELS, Test, all_fit, nests, shallow, whole

Scalar = str | int | float | bool | None
Steps = tuple[str, ...]  # of a path, as in the catalogue: field names, and "[]" for each item of a list


class Kind(Enum):
    """How a place of a record is decoded: as it is, as a struct of the fields needed, or as a list of such."""

    PLAIN = auto()
    STRUCT = auto()
    LIST = auto()


def _may_be_field(name: str) -> bool:
    """Whether a struct can have a field of that name in the line: neither escaped there, nor what a marker may be."""
    return not name.endswith(MISSING[1:]) and _PLAIN(name) is not None


_PLAIN = re.compile(r'[^"\\\0-\x1f]*').fullmatch


class Need:
    """One place of a record. While `open`, it grows; then `kind` says how it is decoded, for good."""

    def __init__(self, label: str = "", level: int = 0) -> None:
        self.label = label  # the field's name in the struct of its parent
        self.level = level
        self.fields: dict[str, Need] = {}
        self.items: Need | None = None
        self.whole = False  # somebody looks at the value itself
        self.counted = False  # somebody asks whether it is empty
        self.flat = False  # as an item it is flattened: a list there would be something else
        self.checks: list[Steps] = []  # what must be there, below a place that is decoded as it is
        self.fit: Test | None = None  # and whether it is of its kind, as far as decoding does not see to it
        self.nests = False  # and whether it is not too deep

    def field(self, name: str) -> Need:
        if name not in self.fields:
            self.fields[name] = self._below(f"f{len(self.fields)}")
        return self.fields[name]

    def item(self) -> Need:
        if self.items is None:
            self.items = self._below()
        return self.items

    def _below(self, label: str = "") -> Need:
        if self.level == LEVELS:
            raise ValueError(f"more than {LEVELS} steps: what is there may be too deep")
        return Need(label, self.level + 1)

    @property
    def kind(self) -> Kind:
        mixed = self.fields and (self.items or self.counted)
        if self.whole or mixed or not all(map(_may_be_field, self.fields)) or (self.flat and self.items):
            return Kind.PLAIN
        return Kind.STRUCT if self.fields else Kind.LIST if self.items else Kind.PLAIN

    def shape(self, always: Sequence[Steps], kind: Type, leaf: Any) -> Any:
        """The type to decode it with, which takes null, and no value of another `kind`.

        What AWS `always` sends is required: a record without it is not plain. `leaf` is for what may be anything: Any,
        or Scalar to refuse what may hold a marker.
        """
        match self.kind:
            case Kind.PLAIN:
                self.checks, self.fit, self.nests = list(always), all_fit(kind), nests(kind)
                return whole(kind, leaf)
            case Kind.LIST if kind.kind in (types.Kind.ARRAY, types.Kind.ANY):
                assert self.items is not None  # noqa: S101 - that is what makes it a list
                below = [steps[1:] for steps in always if steps[0] == "[]" and steps[1:]]
                return list[self.items.shape(below, kind.item, leaf)] | None  # type: ignore[misc]
            case Kind.STRUCT if kind.kind in (types.Kind.OBJECT, types.Kind.MAP, types.Kind.ANY):
                return self.struct(always, kind, leaf) | None
        return None  # what fits is not what the policies take it for

    def struct(self, always: Sequence[Steps], kind: Type, leaf: Any) -> type[msgspec.Struct]:
        fields: list[Any] = []
        for name, need in self.fields.items():
            below = [steps[1:] for steps in always if steps[0] == name and steps[1:]]
            member = kind.item if kind.kind is types.Kind.MAP else kind.members.get(name, types.ANY)
            shape = need.shape(below, member, leaf)
            fields.append((need.label, shape) if (name,) in always else (need.label, shape, None))
        names = {need.label: name for name, need in self.fields.items()}
        # A marker in the place of the object is not an object without fields.
        fields.append(("marker", msgspec.UnsetType, msgspec.UNSET))
        names["marker"] = MISSING
        return msgspec.defstruct("Record", fields, rename=names, kw_only=True, gc=False)

    def flawed(self) -> Test | None:
        """A test of values of this place, for whether anything in one is missing or not of its kind that decoding does
        not see to; None if nothing can be."""
        if self.checks or self.fit or self.nests:
            checks, fit, deep = self.checks, self.fit, self.nests

            def odd(values: Sequence[Any]) -> bool:
                there = [value for value in values if value is not None]
                return bool(there) and (
                    any(_lacks(there, steps) for steps in checks)
                    or (deep and not shallow(there))
                    or not (fit is None or fit(there))
                )

            return odd
        if self.items:
            inner = self.items.flawed()
            return inner and (lambda values: inner([each for value in values if value is not None for each in value]))
        below = [(attrgetter(need.label), test) for need in self.fields.values() if (test := need.flawed())]
        return _any_below(below) if below else None

    def naming(self) -> Callable[[Any], bool]:
        """A test for whether a name below means something to us: `$missing`, or `$id`."""
        if self.kind is Kind.PLAIN:
            return _names
        if self.kind is Kind.LIST:
            assert self.items is not None  # noqa: S101 - that is what makes it a list
            inner = self.items.naming()
            return lambda value: any(inner(each) for each in value or ())
        below = [(need.label, need.naming()) for need in self.fields.values()]
        return lambda value: value is not None and any(test(getattr(value, label)) for label, test in below)


def _any_below(below: Sequence[tuple[Callable[[Any], Any], Test]]) -> Test:
    def test(values: Sequence[Any]) -> bool:
        there = [value for value in values if value is not None]
        return any(flawed(list(map(get, there))) for get, flawed in below)

    return test


def _names(value: Any) -> bool:
    if value.__class__ is dict:
        return any(name == "$id" or name.endswith(MISSING[1:]) or _names(each) for name, each in value.items())
    return value.__class__ is list and any(map(_names, value))


def _lacks(values: Sequence[Any], steps: Steps) -> bool:
    """Whether any of some values lacks a field, as the archive finds it when it reads a whole record; all at once."""
    *way, last = steps
    for step in way:
        if step == "[]":
            values = [each for value in values if value.__class__ is list for each in value]
        else:
            values = [value.get(step) for value in values if value.__class__ is dict]
    return any(last not in value for value in values if value.__class__ is dict)


class Config(Need):
    """A place that holds an object, whatever else an expression takes it for."""

    @property
    def kind(self) -> Kind:
        return Kind.STRUCT if super().kind is Kind.STRUCT else Kind.PLAIN

    @property
    def is_read(self) -> bool:
        return bool(self.whole or self.counted or self.fields or self.items)

    def object(self, always: Sequence[Steps], kind: Type, leaf: Any) -> Any:
        """The type to decode it with: never null."""
        if self.kind is Kind.STRUCT:
            return self.struct(always, kind, leaf)
        if not self.is_read:
            return Empty
        self.shape(always, kind, leaf)  # notes what must be there
        return dict[str, whole(kind.item, leaf)] if leaf is Any else None  # type: ignore[misc]


class LineNeed(Need):
    """A whole line: what policies on its type, and lookups of it, need of a resource."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.resource = kind
        self.config = Config("config")
        self.tags = Config("tags")

    @property
    def kind(self) -> Kind:
        return Kind.STRUCT

    def line(self, always: Sequence[Steps], leaf: Any = Any) -> type[msgspec.Struct]:
        """The type of a line, as closed as the format says. A line that it refuses is for the exact path to judge."""
        fields: list[Any] = [
            ("type", Literal[self.resource]),
            ("id", str),
            ("account", str),
            ("region", str),
            ("name", str | None),
            ("config", self.config.object(always, kinds.config_kind(self.resource), leaf)),
            ("tags", self.tags.object((), kinds.TAGS, leaf))
            if self.tags.is_read
            else ("tags", msgspec.Raw, msgspec.Raw()),
        ]
        return msgspec.defstruct("Line", fields, kw_only=True, gc=False, forbid_unknown_fields=True)

    def naming(self) -> Callable[[Any], bool]:
        inner = self.config.naming()
        tagged = self.tags.naming() if self.tags.is_read else lambda _: False
        return lambda line: inner(line.config) or tagged(line.tags)


class Empty(msgspec.Struct, gc=False):
    """An object of which nothing is read."""
