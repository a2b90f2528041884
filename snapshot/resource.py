"""What its type's entry says of a resource: what identifies it, what people call it, its tags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from .catalog import ResourceType
from .format import not_collected
from .model import Json, Unknown
from .names import has_halves

TAGS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))  # what services call a tag's two halves


@cache
def compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def known(config: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a resource whose values are known, for expressions that know no unknown."""
    return {key: value for key, value in config.items() if not isinstance(value, Unknown)}


def gap_in(expression: str, config: Json) -> Unknown | None:
    """Why an expression over a resource cannot be known: the fields that it names and that are not."""
    gaps = [*_gaps(config, sorted(names_in(expression)))]
    return Unknown.merge(gaps) if gaps else None


def _gaps(value: Json, names: Collection[str]) -> Iterator[Unknown]:
    match value:
        case Unknown():
            yield value
        case dict():
            for name in names:
                yield from _gaps(value.get(name), names)
        case list():
            for each in value:
                yield from _gaps(each, names)
        case _:
            pass


@cache
def names_in(expression: str) -> frozenset[str]:
    """The names of fields in an expression; of a field of a field too, which does no harm here."""
    found, queue = set(), [compiled(expression).parsed]
    while queue:
        node = queue.pop()
        if node["type"] == "field":
            found.add(node["value"])
        queue += [child for child in node["children"] if isinstance(child, dict)]
    return frozenset(found)


def id_of(spec: ResourceType, config: Json) -> str | None:
    """What identifies a resource; None where that is not there, is empty, or is no text of whole characters."""
    try:
        found = compiled(spec.id).search(config)
    except JMESPathError:
        return None
    return found if isinstance(found, str) and found and not has_halves(found) else None


def name_of(spec: ResourceType, config: Mapping[str, Json]) -> str | None:
    """What people call a resource, where its type has names."""
    found = compiled(spec.name).search(known(config)) if spec.name else None
    return found if isinstance(found, str) else None


def tags_of(spec: ResourceType, config: Mapping[str, Json]) -> Mapping[str, Json] | Unknown:
    """A resource's tags, key to value; Unknown where its type's tags are not collected, or could not be."""
    if spec.tags is None:
        return not_collected(spec.type)
    gap = gap_in(spec.tags, config)
    if gap is not None:
        return gap
    match found := compiled(spec.tags).search(config):
        case dict():
            return {key: _tag(spec, value) for key, value in found.items()}
        case None:
            return {}
        case list() if all(isinstance(tag, dict) for tag in found):
            pairs = [(tag[key], tag.get(value, "")) for tag in found for key, value in TAGS if key in tag]
            if len(pairs) == len(found) and all(isinstance(key, str) for key, _ in pairs):
                return {key: _tag(spec, value) for key, value in pairs}
    return Unknown.because(f"UnexpectedAnswer: tags of {spec.type}")


def _tag(spec: ResourceType, value: Json) -> Json:
    """The value of a tag; one without a value has an empty one."""
    if value is None or isinstance(value, str | Unknown):
        return value or ""
    return Unknown.because(f"MalformedValue: a tag of {spec.type} is no text")
