"""The catalogue of resource types: which call lists a type, what identifies it, what is attached to it.

One YAML file per AWS service in `catalog/`; no Python per service. `tests/snapshot/test_catalog.py` checks
every entry against botocore's service models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import jmespath
import yaml

from .errors import CatalogError
from .format import digest
from .model import Json, Unknown

ACCOUNT_TYPE = "AWS::Account"
REGION_TYPE = "AWS::Region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One API call. `action` is the IAM action that allows it, where it is not SERVICE:OPERATION.

    `params` are constants; `arguments` are JMESPath over the resource. `result` is JMESPath over the answer.
    `absent` lists the error codes that mean "not configured": their result is null, not unknown. `optional`
    says that an answer without the result means the same.
    """

    service: str
    operation: str
    action: str
    result: str = "@"
    params: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    page_size: int | None = None
    optional: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One resource type. `id`, `name`, `region` and `tags` are JMESPath over the resource's config.

    `scope` is "region" (listed in every enabled region) or "account" (listed once). `always` holds the
    paths, as steps, that are present in every complete resource: where one is not, it is unknown.
    """

    type: str
    scope: str
    list: Call
    id: str
    name: str | None
    region: str | None
    tags: str | None
    attach: Mapping[str, Call]
    always: tuple[tuple[str, ...], ...]
    volatile: tuple[str, ...]


@cache
def load_catalog() -> Mapping[str, ResourceType]:
    """Every resource type by name. Raises CatalogError naming the file and the entry."""
    catalog: dict[str, ResourceType] = {}
    for source in _sources():
        try:
            document = yaml.load(source.read_text(), yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
            for name, entry in document["resources"].items():
                catalog[name] = _resource_type(name, document, dict(entry))
        except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            raise CatalogError(f"{source.name}: {error!r}") from error
    return dict(sorted(catalog.items()))


@cache
def catalog_digest() -> str:
    """What a snapshot records of the catalogue it was collected with."""
    return digest(b"\0".join(source.read_bytes() for source in _sources()))


@cache
def compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def known(config: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a resource whose values are known, for expressions that know no unknown."""
    return {key: value for key, value in config.items() if not isinstance(value, Unknown)}


def name_of(spec: ResourceType, config: Mapping[str, Json]) -> str | None:
    """What people call a resource, where its type has names."""
    found = compiled(spec.name).search(known(config)) if spec.name else None
    return found if isinstance(found, str) else None


def tags_of(spec: ResourceType, config: Mapping[str, Json]) -> Mapping[str, str] | Unknown:
    """A resource's tags, from AWS's list of Key and Value; Unknown where its type's tags are not collected."""
    if spec.tags is None:
        return Unknown.because(f"tags of {spec.type} are not collected")
    return {tag["Key"]: tag.get("Value", "") for tag in compiled(spec.tags).search(known(config)) or ()}


def steps(path: str) -> tuple[str, ...]:
    """`A.B[].C` → ("A", "B", "[]", "C")."""
    return tuple(path.replace("[]", ".[]").split("."))


def _sources() -> list[Any]:
    folder = files("stillframe.snapshot") / "catalog"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)


def _resource_type(name: str, document: dict[str, Any], entry: dict[str, Any]) -> ResourceType:
    listing = dict(entry.pop("list"))
    listing["result"] = listing.pop("items")
    attach = {key: _call(document, dict(call)) for key, call in entry.pop("attach", {}).items()}
    result = ResourceType(
        type=name,
        scope=entry.pop("scope", "region"),
        list=_call(document, listing),
        id=entry.pop("id"),
        name=entry.pop("name", None),
        region=entry.pop("region", None),
        tags=entry.pop("tags", None),
        attach=attach,
        always=tuple(map(steps, [*attach, *entry.pop("always", ())])),
        volatile=tuple(entry.pop("volatile", ())),
    )
    if entry:
        raise CatalogError(f"{name}: unknown keys {sorted(entry)}")
    return result


def _call(document: dict[str, Any], entry: dict[str, Any]) -> Call:
    service = entry.pop("service", document["service"])
    operation = entry.pop("call")
    call = Call(
        service=service,
        operation=operation,
        action=entry.pop("action", f"{document.get('iam', service)}:{operation}"),
        arguments=entry.pop("with", {}),
        absent=tuple(entry.pop("absent", ())),
        **entry,
    )
    compiled(call.result)
    return call
