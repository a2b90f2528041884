"""Run a catalogue entry without AWS: on recorded answers, or on made-up ones of the form that AWS's models say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from msgspec import Struct

from ..catalog import ResourceType
from ..errors import ArgumentError
from ..gaps import REDACTED
from ..model import GLOBAL, Json, Resource, Unknown
from ..resource import id_of, name_of, tags_of
from ..resource_file import complete
from .call import ask
from .decode import finish

ACCOUNT, REGION = "111122223333", "us-east-1"
_SCALARS: Mapping[str, Any] = {
    "boolean": True,
    "integer": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "timestamp": "2026-01-01T00:00:00Z",
    "blob": "text",
}
_PAGING = re.compile(r"token|marker|truncated|hasmore", re.IGNORECASE)


class Rehearsal(Struct, frozen=True):
    """What would be written, and what of it is unknown: the cause of each field."""

    resource: Resource
    faults: tuple[str, ...]


def rehearse(spec: ResourceType, answers: Mapping[str, Json] | None = None) -> list[Rehearsal]:
    """The resources of a type, by the answer to each operation. Raises ArgumentError where nothing can be listed."""
    owners = _asked(spec.list.of, answers, {}) if spec.list.of else [{}]
    items = [{**owner, **item} for owner in owners for item in _asked(spec.list, answers, owner)]
    return [_resource(spec, answers, item) for item in items]


def _asked(call: Any, answers: Mapping[str, Json] | None, config: Json) -> list[dict[str, Json]]:
    found = _ask(call, answers, {**config, "$account": ACCOUNT})
    if isinstance(found, Unknown) or not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ArgumentError(f"{call.operation} lists nothing: {found}", "say in `items` where the list is")
    return found


def _resource(spec: ResourceType, answers: Mapping[str, Json] | None, config: dict[str, Json]) -> Rehearsal:
    for name, call in spec.attach.items():
        config[name] = _ask(call, answers, {**config, "$account": ACCOUNT})
    written, identity = finish(config, spec), id_of(spec, config)
    tags = tags_of(spec, config) if spec.tags else {}
    complete(written, spec)
    faults = [] if identity else [f"it has no id: {spec.id}"]
    faults += [f"{path}: {unknown}" for path, unknown in _unknowns(written) if unknown != REDACTED]
    faults += [f"$tags: {tags}"] if isinstance(tags, Unknown) else []
    place = GLOBAL if spec.scope == "account" and spec.region is None else REGION
    resource = Resource(
        type=spec.type,
        id=identity or "",
        account=ACCOUNT,
        region=place,
        name=name_of(spec, config),
        tags=tags,
        config=written,
    )
    return Rehearsal(resource, tuple(faults))


def _ask(call: Any, answers: Mapping[str, Json] | None, config: Json) -> Json:
    model = _service(call.service)
    operation = model.operation_model(call.operation)

    def answer(**_: Any) -> Json:
        return _made_up(operation.output_shape, call.operation) if answers is None else {**answers[call.operation]}

    client = SimpleNamespace(
        meta=SimpleNamespace(service_model=model), can_paginate=lambda _: False, **{xform_name(call.operation): answer}
    )
    if answers is not None and call.operation not in answers:
        raise ArgumentError(f"there is no answer to {call.operation}", f"there are {', '.join(sorted(answers))}")
    return ask(client, call, config)


@cache
def _service(name: str) -> Any:
    return botocore.session.Session().get_service_model(name)


def _made_up(shape: Any, name: str, above: tuple[str, ...] = ()) -> Json:
    """A value of a shape: a text says what it is the value of, a list has one item, and there is no next page."""
    match shape.type_name:
        case "structure":
            inside = (*above, shape.name)
            return {
                key: _made_up(member, key, inside)
                for key, member in shape.members.items()
                if member.name not in inside and not _PAGING.search(key)
            }
        case "list":
            return [] if shape.member.name in above else [_made_up(shape.member, name, above)]
        case "map":
            return {"key": _made_up(shape.value, name, above)}
        case "string":
            return next(iter(shape.enum), name) if shape.enum else name
        case other:
            return _SCALARS.get(other)


def _unknowns(value: Json, path: str = "") -> Iterator[tuple[str, Unknown]]:
    match value:
        case Unknown():
            yield path, value
        case dict():
            for name, each in value.items():
                yield from _unknowns(each, f"{path}.{name}".lstrip("."))
        case list():
            for each in value:
                yield from _unknowns(each, f"{path}[]")
        case _:
            pass
