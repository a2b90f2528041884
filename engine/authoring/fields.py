"""The fields that a policy may read of a resource type, as a tree drawn from AWS's own API models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ...snapshot.catalog import Call, ResourceType
from ...snapshot.types import Kind, Type

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


class Field(Struct, frozen=True, kw_only=True):
    """One field. `call` is set where another call's answer is attached; `cut` where more lies below.

    `redacted` says that its value, or each of its values where it is a map, is never written.
    """

    name: str
    type: str
    always: bool
    enum: tuple[str, ...]
    doc: str
    call: Call | None
    volatile: bool
    redacted: bool
    cut: bool
    fields: tuple[Field, ...]


def fields_of(spec: ResourceType, config: Type, depth: int) -> tuple[Field, ...]:
    """The fields of a resource type, `depth` levels of them: first those it is listed with, then what is attached."""
    listed = sorted(config.members.items(), key=lambda item: item[0] in spec.attach)
    return tuple(_field(spec, (name,), member, depth, ()) for name, member in listed)


def type_text(found: Type) -> str:
    """A type in words: `array of string`."""
    if found.kind is Kind.ARRAY:
        return f"array of {type_text(found.item)}"
    if found.kind is Kind.MAP:
        return f"map of {type_text(found.item)}"
    return found.kind.value


def first_sentence(doc: str) -> str:
    """What AWS's documentation begins with; taking out its markup left spaces before stops."""
    return _SENTENCE.split(doc, maxsplit=1)[0].replace(" .", ".").replace(" ,", ",")


def path_text(steps: tuple[str, ...]) -> str:
    """The steps of a path as the catalogue writes them: `A.B[].C`."""
    return ".".join(steps).replace(".[]", "[]")


def inside(found: Type) -> Type:
    """What a field's own fields are fields of: the items of a list, the values of a map."""
    while found.kind in (Kind.ARRAY, Kind.MAP):
        found = found.item
    return found


def record(field: Field) -> dict[str, Any]:
    """A field as JSON has it."""
    return {
        "name": field.name,
        "type": field.type,
        "always": field.always,
        "enum": list(field.enum),
        "doc": field.doc,
        "call": f"{field.call.service}:{field.call.operation}" if field.call else None,
        "action": field.call.action if field.call else None,
        "volatile": field.volatile,
        "redacted": field.redacted,
        "fields": [record(below) for below in field.fields],
    }


def _field(spec: ResourceType, path: tuple[str, ...], found: Type, depth: int, above: tuple[str, ...]) -> Field:
    inner = inside(found)
    members: Mapping[str, Type] = inner.members if inner.kind is Kind.OBJECT else {}
    ends = depth <= 1 or (inner.name != "" and inner.name in above)  # a shape inside itself never ends
    deeper = () if ends else members.items()
    return Field(
        name=path[-1],
        type=type_text(found),
        always=not found.nullable,
        enum=inner.enum,
        doc=first_sentence(found.doc),
        call=spec.attach.get(path[0]) if len(path) == 1 else None,
        volatile=".".join(path) in spec.volatile,
        redacted=path in {tuple(step for step in steps if step not in ("[]", "*")) for steps in spec.redact},
        cut=ends and bool(members),
        fields=tuple(_field(spec, (*path, name), member, depth - 1, (*above, inner.name)) for name, member in deeper),
    )
