"""AWS's API models, as botocore ships them, as types. Only tools for people who write policies need this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape

from .catalog import Call
from .types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, maybe

_SCALARS = {
    "boolean": BOOLEAN,
    "integer": NUMBER,
    "long": NUMBER,
    "float": NUMBER,
    "double": NUMBER,
    "string": STRING,
    "timestamp": STRING,  # snapshots hold ISO-8601 text
    "blob": STRING,
}
_MARKUP = re.compile(r"<[^>]+>|\s+")


@cache
def _session() -> Any:
    return botocore.session.Session()


@cache
def _service(name: str) -> Any:
    return _session().get_service_model(name)


def output_type(call: Call) -> Type:
    """The type of what an API call answers, before the catalogue's `result` picks from it."""
    shape = _service(call.service).operation_model(call.operation).output_shape
    return _type(shape) if shape is not None else ANY


def _type(shape: Shape) -> Type:
    doc = " ".join(_MARKUP.sub(" ", shape.documentation).split())
    if shape.type_name == "structure":
        return Type(Kind.OBJECT, name=shape.name, of_members=lambda: _members(shape), doc=doc)
    if shape.type_name == "list":
        return Type(Kind.ARRAY, name=shape.name, of_item=lambda: _type(shape.member), doc=doc)
    if shape.type_name == "map" and getattr(shape.key, "enum", ()):
        return Type(Kind.OBJECT, name=shape.name, of_members=lambda: _entries(shape), doc=doc)
    if shape.type_name == "map":
        return Type(Kind.MAP, name=shape.name, of_item=lambda: _type(shape.value), doc=doc)
    scalar = _SCALARS.get(shape.type_name, ANY)
    return Type(scalar.kind, name=shape.name, enum=tuple(getattr(shape, "enum", ())), doc=doc)


def _entries(shape: Any) -> Mapping[str, Type]:
    """The members of a map whose keys the model knows, as it does those of IAM's account summary."""
    return {name: maybe(_type(shape.value)) for name in shape.key.enum}


def _members(shape: Any) -> Mapping[str, Type]:
    # AWS leaves out what is not set: any member may be absent, which expressions read as null.
    return {name: maybe(_type(member)) for name, member in shape.members.items()}
