"""Recorded JSON as the values that botocore makes of an answer: times, bytes, and nothing that its model has not."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from ..model import Json

_WITH_NULL = "GetBucketLocationOutput"  # null is us-east-1; elsewhere some tools write it for what AWS did not send


class UnfitError(Exception):
    """What of an answer is none of its operation's."""


def fitted(value: Json, shape: Any, path: str = "") -> Any:
    """A value of a shape. Raises UnfitError."""
    if shape is None or getattr(shape, "is_document_type", False):
        return value
    match shape.type_name, value:
        case "structure", dict():
            return _structure(value, shape, path)
        case "list", list():
            return [fitted(each, shape.member, f"{path}[]") for each in value]
        case "map", dict():
            return {key: fitted(each, shape.value, f"{path}.*") for key, each in value.items() if each is not None}
        case "string", dict() | list():
            return value  # a document, which AWS's tools unpack
        case kind, _ if kind in _SCALARS:
            try:
                return _SCALARS[kind](value)
            except (TypeError, ValueError, OverflowError, OSError, binascii.Error):
                pass
        case _:
            pass
    raise UnfitError(f"{path.lstrip('.') or 'all of it'} is no {shape.type_name}")


def _structure(value: Mapping[str, Json], shape: Any, path: str) -> dict[str, Any]:
    found, members = {}, shape.members
    for name, each in value.items():
        if name in members:
            if each is not None:
                found[name] = fitted(each, members[name], f"{path}.{name}")
            elif shape.name == _WITH_NULL:
                found[name] = None
        elif close := get_close_matches(name, members.keys() - value.keys(), 1, 0.8):
            raise UnfitError(f"there is no {path.lstrip('.')}{'.' if path else ''}{name}: did you mean {close[0]}?")
    return found


def _exactly(*kinds: type) -> Callable[[Json], Json]:
    def check(value: Json) -> Json:
        if type(value) not in kinds:
            raise TypeError
        return value

    return check


def _time(value: Json) -> datetime:
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.fromtimestamp(_exactly(int, float)(value), UTC)


_SCALARS: Mapping[str, Callable[[Json], Any]] = {
    "string": _exactly(str),
    "character": _exactly(str),
    "boolean": _exactly(bool),
    "integer": _exactly(int),
    "long": _exactly(int),
    "float": _exactly(int, float),
    "double": _exactly(int, float),
    "timestamp": _time,
    "blob": lambda value: base64.b64decode(value, validate=True),
}
