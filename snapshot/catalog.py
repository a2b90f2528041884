"""The catalogue of resource types: which call lists a type, what identifies it, what is attached to it.

One YAML file per AWS service in `catalog/`; no Python per service. `docs/catalogue.md` explains its words, and
`tests/snapshot/test_catalog.py` checks every entry against botocore's service models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from msgspec import Struct, field
from msgspec.structs import replace

from .config_rule import ConfigRule, config_rule
from .errors import CatalogError
from .files import packaged
from .format import digest

ACCOUNT_TYPE = "AWS::Account"
REGION_TYPE = "AWS::Region"
# What no account owns as it owns a resource: what it has once, and what is said of others.
UNLIKE = frozenset({ACCOUNT_TYPE, REGION_TYPE, "AWS::IAM::CredentialReport", "AWS::SSM::PatchCompliance"})

_NAME = re.compile(r"^  (AWS::[A-Za-z0-9:]+):", re.MULTILINE)  # of a type, where a file defines it

Steps = tuple[str, ...]


class Call(Struct, frozen=True, kw_only=True):
    """One API call. `action` is the IAM action that allows it, where it is not SERVICE:OPERATION.

    `params` are constants; `arguments` are JMESPath over the resource. `result` is JMESPath over the answer.
    `absent` lists the errors that mean "not configured", as CODE or as CODE: TEXT of the message; their result is
    null, not unknown. `optional` says that an answer without the result means the same. `when` is JMESPath over
    the resource: where it does not hold there is nothing to ask for, and the result is null.
    `leaves_out` says of parameters what they would add to the answer, and why it is not asked for.
    `region` is the one region that answers, where it is neither the resource's nor home. `keys` are those of a map
    where AWS's model does not list them, `columns` those of an answer that is CSV. `after` is asked first, again and
    again, until its own `until` holds. `of` lists the owners of what a list is asked about. `caller` says that the
    caller of the collector asks, not the account, and only where it collects its organisation; `found` that the
    answer is known from finding the accounts, for all of them together. `first` says that the first page is all that
    counts. `costly` calls are made only for policies that read their answers. `asked` is false where a collection
    leaves out what is attached.
    """

    service: str
    operation: str
    action: str
    result: str = "@"
    params: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    optional: bool = False
    when: str | None = None
    region: str | None = None
    page_size: int | None = None
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    after: Call | None = None
    of: Call | None = None
    until: str | None = None
    caller: bool = False
    found: bool = False
    first: bool = False
    costly: bool = False
    leaves_out: Mapping[str, str] = field(default_factory=dict)
    asked: bool = True

    def whole(self) -> Call:
        """The same call for all of its answer, of which each of those who ask takes its part."""
        return replace(self, result="@", columns=(), keys=(), optional=False, leaves_out={})


class ResourceType(Struct, frozen=True, kw_only=True):
    """One resource type. `id`, `name`, `region` and `tags` are JMESPath over the resource's config.

    `scope` is "region" (listed in every enabled region) or "account" (listed once). Paths are in steps: `always`
    holds those that are present in every complete resource, where one is not, it is unknown; `json` those whose
    text is a JSON document; `redact` those whose values are never written. `config` is how AWS Config has the type.
    """

    type: str
    service: str
    scope: str
    list: Call
    id: str
    name: str | None
    region: str | None
    tags: str | None
    attach: Mapping[str, Call]
    always: tuple[Steps, ...]
    json: tuple[Steps, ...]
    redact: tuple[Steps, ...]
    volatile: tuple[str, ...]
    config: ConfigRule | None = None

    @property
    def first(self) -> Call:
        """The call that is about no resource yet."""
        return self.list.of or self.list

    def calls(self) -> Iterator[Call]:
        """Every call that a resource takes."""
        for call in (self.list, *(each for each in self.attach.values() if each.asked)):
            yield from (before for before in (call.of, call.after) if before)
            yield call


@cache
def load_catalog() -> Catalog:
    """Every resource type by name, of one's own those that are in use. One is only parsed when it is asked for.

    Raises CatalogError, also later, naming the file and the entry.
    """
    return Catalog()


class Catalog(Mapping[str, ResourceType]):
    """An evaluation asks for a few types of a hundred, and parsing all of these took it longer than evaluating."""

    def __init__(self) -> None:
        found = ((name, (file, text)) for file, whole in _sources().items() for name, text in _entries(whole))
        self._written = dict(sorted(found))
        self._read: dict[str, ResourceType] = {}
        self.own: Mapping[str, ResourceType] = {}  # which `own_types` puts in use
        self.own_data = b""  # all that is said of them

    def __getitem__(self, name: str) -> ResourceType:
        return self.own[name] if name in self.own else self.shipped(name)

    def shipped(self, name: str) -> ResourceType:
        """A type as it ships. Raises KeyError."""
        if name not in self._read:
            self._read[name] = self._type(name, *self._written[name])
        return self._read[name]

    def ships(self, name: str) -> bool:
        return name in self._written

    def __contains__(self, name: object) -> bool:
        return name in self._written or name in self.own

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._written, *self.own}) if self.own else self._written)

    def __len__(self) -> int:
        return len({*self._written, *self.own})

    def _type(self, name: str, file: str, text: str) -> ResourceType:
        try:
            document = yaml.load(text, yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
            found = {each: read_type(each, document, entry) for each, entry in document["resources"].items()}
        except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            raise CatalogError(f"{file}: {name}: {error!r}") from error
        if found.keys() != {name}:
            raise CatalogError(f"{file}: write each type on a line of its own, two spaces in: {sorted(found)}")
        return found[name]


def _entries(whole: bytes) -> Iterator[tuple[str, str]]:
    """The types of a file, each with what stands before the first of them and its own lines."""
    before, *parts = _NAME.split(whole.decode())
    for name, rest in zip(parts[::2], parts[1::2], strict=True):
        yield name, f"{before}  {name}:{rest}"


def catalog_digest() -> str:
    """What a snapshot records of the catalogue it was collected with: all that ships, and one's own types in use."""
    return _digest(load_catalog().own_data)


@cache
def _digest(own: bytes) -> str:
    return digest(b"\0".join([*_sources().values(), *([own] if own else [])]))


def steps(path: str) -> Steps:
    """`A.B[].C` → ("A", "B", "[]", "C"); `A.*` → ("A", "*"): each value of a map."""
    return tuple(path.replace("[]", ".[]").split("."))


@cache
def _sources() -> dict[str, bytes]:
    folder = packaged("snapshot", "catalog")
    found = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(".yaml")}
    return dict(sorted(found.items()))


def extended_type(
    spec: ResourceType, taken: Collection[str], document: Mapping[str, Any], entry: Mapping[str, Any]
) -> ResourceType:
    """A type with the calls that an entry attaches under names that are not `taken`, and what it says of these.

    So an entry can make more of a type unknown, and nothing known.
    """
    attach = {name: _call(document, dict(call)) for name, call in entry.get("attach", {}).items() if name not in taken}

    def paths(key: str) -> tuple[Steps, ...]:
        return tuple(path for path in map(steps, entry.get(key, ())) if path[0] in attach)

    return replace(
        spec,
        attach={**spec.attach, **attach},
        always=(*spec.always, *((name,) for name in attach), *paths("always")),
        json=(*spec.json, *paths("json")),
        redact=(*spec.redact, *paths("redact")),
        volatile=(*spec.volatile, *(path for path in entry.get("volatile", ()) if steps(path)[0] in attach)),
    )


def read_type(name: str, document: Mapping[str, Any], entry: dict[str, Any]) -> ResourceType:
    """A type from its entry, which is used up, in a document that has the service."""
    listing = dict(entry.pop("list"))
    listing["result"] = listing.pop("items")
    first = _call(document, listing)
    attach = {key: _call(document, dict(call)) for key, call in entry.pop("attach", {}).items()}
    result = ResourceType(
        type=name,
        service=document["service"],
        scope=entry.pop("scope", "region"),
        list=first,
        id=entry.pop("id"),
        name=entry.pop("name", None),
        region=entry.pop("region", None),
        tags=entry.pop("tags", None),
        attach=attach,
        always=tuple(map(steps, [*attach, *first.columns, *entry.pop("always", ())])),
        json=tuple(map(steps, entry.pop("json", ()))),
        redact=tuple(map(steps, entry.pop("redact", ()))),
        volatile=tuple(entry.pop("volatile", ())),
        config=config_rule(name, entry.pop("config")) if "config" in entry else None,
    )
    if entry:
        raise CatalogError(f"{name}: unknown keys {sorted(entry)}")
    return result


def _call(document: Mapping[str, Any], entry: dict[str, Any]) -> Call:
    service = entry.pop("service", document["service"])
    operation = entry.pop("call")
    after, of = entry.pop("after", None), entry.pop("of", None)
    return Call(
        service=service,
        operation=operation,
        action=entry.pop("action", f"{document.get('iam', service)}:{operation}"),
        arguments=entry.pop("with", {}),
        absent=tuple(entry.pop("absent", ())),
        region=entry.pop("in", None),
        keys=tuple(entry.pop("keys", ())),
        columns=tuple(entry.pop("csv", ())),
        after=_call(document, dict(after)) if after else None,
        of=_call(document, {"result": of["items"], **{key: of[key] for key in of if key != "items"}}) if of else None,
        **entry,
    )
