"""The types of values that policies read, drawn lazily from AWS's own API models.

Types are gradual: `ANY` is what is unknown, and nothing is ever said against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace


class Kind(StrEnum):
    """What sort of value it is, in JMESPath's words."""

    ANY = "any"
    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    ARRAY = "array"
    OBJECT = "object"
    MAP = "map"  # an object whose keys are data, such as tags
    EXPREF = "expref"


OBJECTS = frozenset({Kind.OBJECT, Kind.MAP})


class Type(Struct, frozen=True, dict=True):
    """A type. `members` and `item` are functions, so that recursive shapes end; `nullable` says null may stand here.

    `name`, `doc` and `secret` are the API model's own, for messages and for `stillframe resource show`. `enum` has
    every spelling of its values; `spellings` are the pairs of which AWS's model has the one and its answers the other.
    """

    kind: Kind
    name: str = ""
    nullable: bool = False
    enum: tuple[str, ...] = ()
    spellings: tuple[tuple[str, str], ...] = ()
    of_members: Callable[[], Mapping[str, Type]] | None = None
    of_item: Callable[[], Type] | None = None
    doc: str = ""
    secret: bool = False

    @cached_property
    def members(self) -> Mapping[str, Type]:
        return self.of_members() if self.of_members else {}

    @cached_property
    def item(self) -> Type:
        return self.of_item() if self.of_item else ANY

    def __str__(self) -> str:
        if self.kind is Kind.ARRAY:
            return f"array of {self.item}" if self.item.kind is not Kind.ARRAY else "array of arrays"
        return self.name if self.kind is Kind.OBJECT and self.name else self.kind.value


ANY = Type(Kind.ANY, nullable=True)
NULL = Type(Kind.NULL, nullable=True)
BOOLEAN = Type(Kind.BOOLEAN)
NUMBER = Type(Kind.NUMBER)
STRING = Type(Kind.STRING)
EXPREF = Type(Kind.EXPREF)


def array(item: Type, *, nullable: bool = False) -> Type:
    return Type(Kind.ARRAY, of_item=lambda: item, nullable=nullable)


def struct(members: Mapping[str, Type], name: str = "", *, nullable: bool = False) -> Type:
    return Type(Kind.OBJECT, name=name, of_members=lambda: members, nullable=nullable)


def mapping(item: Type) -> Type:
    return Type(Kind.MAP, of_item=lambda: item)


def maybe(kind: Type, *, nullable: bool = True) -> Type:
    """The same type, with or without null."""
    return kind if kind.nullable == nullable or kind.kind is Kind.ANY else replace(kind, nullable=nullable)


def union(left: Type, right: Type) -> Type:
    """What is either: the one if they agree, ANY or some object if they do not. Null makes the other nullable."""
    for one, other in ((left, right), (right, left)):
        if one.kind is Kind.NULL:
            return maybe(other)
    nullable = left.nullable or right.nullable
    if {left.kind, right.kind} <= OBJECTS and not _same(left, right):
        return replace(mapping(ANY), nullable=nullable)
    if left.kind is not right.kind or left.kind is Kind.ANY:
        return ANY
    if left.kind is Kind.ARRAY:
        return array(_merged_item(left, right), nullable=nullable)
    enum = tuple(dict.fromkeys(left.enum + right.enum)) if left.enum and right.enum else ()
    return replace(left, nullable=nullable, enum=enum, spellings=left.spellings if enum else ())


def _same(left: Type, right: Type) -> bool:
    """Whether two objects are of one shape: AWS's models name each, wherever it stands."""
    if left.kind is not right.kind or left.kind is Kind.MAP or left.of_members is right.of_members:
        return left.kind is right.kind
    return left.name != "" and (left.name, {*left.members}) == (right.name, {*right.members})


def _merged_item(left: Type, right: Type) -> Type:
    # An empty literal list, as in `x || []`, has items of no kind.
    if left.of_item is None or right.of_item is None:
        return left.item if left.of_item else right.item
    return union(left.item, right.item)


EMPTY = Type(Kind.ARRAY)  # the literal `[]`
