"""Plausible resources for examples: what AWS always sends of a type, with values of the right kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...snapshot.catalog import ResourceType
from ...snapshot.types import Kind, Type
from ..testing.examples import ACCOUNT, REGION, TIME

Path = tuple[str, ...]

_FIELD = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
_PLAIN = re.compile(r"[A-Za-z$][\w$-]*\Z")
_USUAL = re.compile(r"(active|available|customer|enabled)\Z", re.IGNORECASE)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_EMPTY: dict[Kind, Any] = {Kind.BOOLEAN: True, Kind.NUMBER: 1, Kind.ARRAY: []}


def noun(spec: ResourceType) -> str:
    """What to call one resource of a type: `VPC`."""
    return spec.type.rpartition("::")[2]


def example(spec: ResourceType, config: Type, path: Path) -> dict[str, Any]:
    """A resource with what it is listed with, and with the field of a path and what always stands beside it."""
    found: dict[str, Any] = {}
    for each in (*_needed(spec, path), path):
        put(found, each, _value(spec, config, each))
    return found


def type_at(config: Type, path: Path) -> Type:
    """The type of a field that is reached through objects alone."""
    for step in path:
        config = config.members[step]
    return config


def usual(values: tuple[str, ...]) -> str:
    """The value of an enumeration that most resources have, as far as its name says."""
    return next((value for value in values if _USUAL.match(value)), values[0])


def put(target: dict[str, Any], path: Path, value: Any) -> None:
    """Set a field of a field, but no empty object where there is more."""
    for step in path[:-1]:
        target = target.setdefault(step, {})
    if not (value == {} and path[-1] in target):
        target[path[-1]] = value


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str() if _PLAIN.match(value) and value.lower() not in _WORDS:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _needed(spec: ResourceType, path: Path) -> Iterator[Path]:
    """What names the resource, and what AWS always sends in the same answers."""
    named = (spec.id, spec.name)
    yield from (tuple(text.split(".")) for text in named if text and _FIELD.match(text))
    for steps in spec.always:
        if "[]" not in steps and (steps[0] not in spec.attach or (steps[0] == path[0] and len(steps) > 1)):
            yield steps


def _value(spec: ResourceType, config: Type, path: Path) -> Any:
    found, name = type_at(config, path), path[-1]
    if found.enum:
        return usual(found.enum)
    if found.kind is not Kind.STRING:
        return _EMPTY.get(found.kind, {})
    service = spec.type.split("::")[1].lower()
    lower = name.lower()
    if lower.endswith("arn"):
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{noun(spec).lower()}/example"
    if lower in ("accountid", "ownerid"):
        return ACCOUNT
    if "region" in lower:
        return REGION
    if re.search(r"date|time", found.name, re.IGNORECASE):
        return TIME
    return f"{noun(spec).lower()}-1" if lower.endswith("id") else "example"
