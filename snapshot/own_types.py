"""Resource types of one's own: those that do not ship, and calls that are added to those that do.

A process has one catalogue: what ships, and what was put in use. The types of files are put in use where somebody named
the files; those that a snapshot carries where it is read, and then they say what its values are and nothing else:
whoever reads calls nobody. Nothing takes the place of what ships.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .catalog import ResourceType, extended_type, load_catalog, read_type
from .files import packaged
from .format import CarriedType, digest, encode, too_deep
from .kinds import is_written, shipped_fields, use_kinds
from .validation import validator

MOST = 1 << 20  # bytes of an entry with its kinds
EXTENDING = ("attach", "always", "json", "redact", "volatile")  # what may be said of a type that ships


class InUse(Struct, frozen=True):
    """Types of one's own. `written` are those that a collector may ask for, and that its snapshots carry."""

    specs: Mapping[str, ResourceType]
    kinds: Mapping[str, dict[str, Any]]
    written: Mapping[str, CarriedType]


_NOTHING = InUse({}, {}, {})
_in_use = _NOTHING


def use(written: Mapping[str, CarriedType], *carried: Mapping[str, CarriedType]) -> None:
    """Put in use types of files, and those that snapshots carry, in place of what was: the first has the word.

    Where several describe a type, what any of them says is always there is so: in a snapshot that was collected before
    somebody wrote that, it is unknown.
    """
    specs: dict[str, ResourceType] = {}
    kinds: dict[str, dict[str, Any]] = {}
    for types in (written, *carried):
        for name, each in types.items():
            spec = spec_of(name, each)
            first = specs.setdefault(name, spec)
            more = tuple(path for path in spec.always if path not in first.always)
            specs[name] = replace(first, always=(*first.always, *more))
            kinds[name] = {**each.kinds, **kinds.get(name, {})}
    apply(InUse(specs, kinds, written))


def apply(found: InUse) -> None:
    """Put in use what was in use elsewhere, as in another process."""
    global _in_use  # noqa: PLW0603 - the process has one catalogue
    _in_use = found
    catalog = load_catalog()
    catalog.own = found.specs
    texts = {name: [repr(spec), found.kinds[name]] for name, spec in found.specs.items()}
    catalog.own_data = encode(texts) if texts else b""
    use_kinds(found.kinds)


def in_use() -> InUse:
    return _in_use


def stamp() -> str:
    """A digest of what is in use."""
    return digest(load_catalog().own_data)


def carried(types: Collection[str]) -> dict[str, CarriedType]:
    """What a snapshot of these types has to carry."""
    return {name: each for name, each in sorted(_in_use.written.items()) if name in types}


def spec_of(name: str, own: CarriedType) -> ResourceType:
    """A type as its entry has it; one that ships with what the entry adds."""
    document, entry = {"service": own.service, "iam": own.iam}, deepcopy(own.entry)
    catalog = load_catalog()
    if not catalog.ships(name):
        return read_type(name, document, entry)
    spec = catalog.shipped(name)
    return extended_type(spec, taken(name), document, entry)


def taken(name: str) -> set[str]:
    """The fields that a type has as it ships, which nothing of one's own may be called."""
    return {*load_catalog().shipped(name).attach, *shipped_fields(name)}


def ships(name: str) -> bool:
    return load_catalog().ships(name)


def fault_of(name: str, own: CarriedType) -> str:
    """Why an entry that a snapshot carries is none; empty where it is one."""
    whole = encode([own.entry, own.kinds])
    if len(whole) > MOST or too_deep(whole):
        return "its entry is too large"
    document = {"service": own.service, "iam": own.iam, "resources": {name: own.entry}}
    if fault := next(validator(entry_schema()).iter_errors(document), None):
        return f"its entry is none: {fault.json_path}"
    if not ships(name) and {"list", "id"} - own.entry.keys():
        return "its entry says nothing of list or id"
    return "" if is_written(own.kinds) else "its kinds are none"


@cache
def entry_schema() -> Mapping[str, Any]:
    """The JSON Schema of a file of resource types."""
    found: Mapping[str, Any] = json.loads(packaged("snapshot", "schemas", "catalogue.json").read_text("utf-8"))
    return found
