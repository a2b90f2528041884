"""Estates in which a value is of another kind than AWS sends."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace
from stillframe.snapshot import kinds
from stillframe.snapshot.model import Account, Resource, Snapshot, Unknown
from stillframe.snapshot.types import Kind, Type

Path = tuple[Any, ...]

WRONG: Mapping[Kind, tuple[Any, ...]] = {
    Kind.BOOLEAN: ("false", "true", 0, 1, [], {}),
    Kind.NUMBER: ("0", "9999", True, False, [], {}),
    Kind.STRING: (0, 1, True, False, [], ["Enabled"], {}, {"a": "b"}),
    Kind.ARRAY: ("", "text", 0, True, False, {}, {"a": "b"}),
    Kind.OBJECT: ("", "text", 0, True, False, [], ["a"]),
    Kind.MAP: ("", "text", 0, True, False, [], ["a"]),
}


def places(value: Any, kind: Type, path: Path = ()) -> Iterator[tuple[Path, Kind]]:
    """Where values stand whose kind is known, with that kind."""
    for key, each, inner, _ in kinds._parts(value, kind):
        if each is not None and not isinstance(each, Unknown) and inner.kind in WRONG:
            yield (*path, key), inner.kind
            yield from places(each, inner, (*path, key))


def spoilt(config: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A config with another value in one place."""
    found: Any = copy.deepcopy(dict(config))
    node = found
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = copy.deepcopy(value)
    return found


def with_config(snapshot: Snapshot, old: Resource, config: dict[str, Any]) -> Snapshot:
    """A snapshot in memory in which one resource has another config."""

    def account(identity: str) -> Account:
        found = snapshot.account(identity)
        new = replace(old, config=config)
        return replace(found, read=lambda kind: [new if each is old else each for each in found.read(kind)])

    return replace(snapshot, account=account)


def resources(snapshot: Snapshot) -> Iterator[Resource]:
    for identity in snapshot.accounts:
        account = snapshot.account(identity)
        for kind in account.coverage:
            yield from account.read(kind)


def as_written(value: Any) -> Any:
    """A value without what is only marked because it is lost."""
    if isinstance(value, dict):
        return {name: as_written(each) for name, each in value.items() if " has no " not in str(each)}
    return list(map(as_written, value)) if isinstance(value, list) else value
