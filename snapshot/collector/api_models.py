"""AWS's API models, as botocore ships them, as types. Only tools for people who write policies need this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import botocore
import botocore.session
import yaml
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError, Shape
from msgspec.structs import replace

from ..catalog import Call, ResourceType, Steps
from ..kinds import models_version
from ..types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, maybe
from .lacking import Lacking

VERSION: str = botocore.__version__  # of the models

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


def are_old() -> bool:
    """Whether the installed models are older than those that `kinds.json` was made from."""
    return _number(VERSION) < _number(models_version())


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@cache
def _session() -> Any:
    return botocore.session.Session()


@cache
def _service(name: str) -> Any:
    return _session().get_service_model(name)


@cache
def _spellings() -> Any:
    return yaml.safe_load((files("stillframe.snapshot") / "spellings.yaml").read_text("utf-8"))


def knows(call: Call) -> bool:
    """Whether the installed botocore has a call in its models."""
    try:
        return bool(_service(call.service).operation_model(call.operation))
    except (UnknownServiceError, OperationNotFoundError):
        return False


def lacking(spec: ResourceType) -> tuple[Steps, ...]:
    """The paths of what the installed botocore is too old to know of a resource type."""
    return tuple(Lacking(spec, lambda call: _service(call.service)).paths())


def output_type(call: Call) -> Type:
    """The type of what an API call answers, before the catalogue's `result` picks from it.

    ANY where the installed botocore is too old to know the call.
    """
    shape = _service(call.service).operation_model(call.operation).output_shape if knows(call) else None
    return _type(shape, _spellings().get(call.service, {})) if shape is not None else ANY


def _type(shape: Shape, spelt: Mapping[str, Mapping[str, str]]) -> Type:
    doc, secret = " ".join(_MARKUP.sub(" ", shape.documentation).split()), bool(shape.metadata.get("sensitive"))
    if getattr(shape, "is_document_type", False):  # any JSON
        return ANY
    if shape.type_name == "structure":
        return Type(Kind.OBJECT, name=shape.name, of_members=lambda: _members(shape, spelt), doc=doc, secret=secret)
    if shape.type_name == "list":
        return Type(Kind.ARRAY, name=shape.name, of_item=lambda: _type(shape.member, spelt), doc=doc, secret=secret)
    if shape.type_name == "map" and getattr(shape.key, "enum", ()):
        return Type(Kind.OBJECT, name=shape.name, of_members=lambda: _entries(shape, spelt), doc=doc, secret=secret)
    if shape.type_name == "map":
        return Type(Kind.MAP, name=shape.name, of_item=lambda: _type(shape.value, spelt), doc=doc, secret=secret)
    scalar = _SCALARS.get(shape.type_name, ANY)
    return Type(scalar.kind, name=shape.name, enum=tuple(getattr(shape, "enum", ())), doc=doc, secret=secret)


def _entries(shape: Any, spelt: Mapping[str, Mapping[str, str]]) -> Mapping[str, Type]:
    """The members of a map whose keys the model knows, as it does those of IAM's account summary."""
    return {name: maybe(_type(shape.value, spelt)) for name in shape.key.enum}


def _members(shape: Any, spelt: Mapping[str, Mapping[str, str]]) -> Mapping[str, Type]:
    # AWS leaves out what is not set: any member may be absent, which expressions read as null.
    return {
        name: _spelt(maybe(_type(member, spelt)), spelt.get(f"{shape.name}.{name}", {}))
        for name, member in shape.members.items()
    }


def _spelt(found: Type, pairs: Mapping[str, str]) -> Type:
    """The same type, with the values that answers have beside those of the model."""
    if not pairs:
        return found
    return replace(found, enum=tuple(dict.fromkeys([*found.enum, *pairs.values()])), spellings=tuple(pairs.items()))


def services() -> list[str]:
    """The services that the installed botocore knows."""
    found: list[str] = _session().get_available_services()
    return found


def operations(service: str) -> list[str]:
    """The operations of a service."""
    return list(_service(service).operation_names)


def parameters(call: Call) -> dict[str, bool]:
    """What a call may be asked with, and of each whether it must be."""
    shape = _service(call.service).operation_model(call.operation).input_shape
    return {name: name in shape.required_members for name in shape.members} if shape else {}


def error_codes(call: Call) -> set[str]:
    """The errors that the models say a call may end with; of many services they say none."""
    found = _service(call.service).operation_model(call.operation).error_shapes
    return {each.error_code for each in found}
