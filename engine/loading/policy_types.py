"""The resource types that a policy is about: one, several, or all that a pattern means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from ...snapshot.catalog import UNLIKE, load_catalog
from ..documents.reader import Reader
from ..model.policy import Policy
from ..suggest import suggest


def read_types(reader: Reader, given: str | Sequence[str]) -> list[str]:
    """The types, in order; a name that means none is a fault."""
    found = set[str]()
    for number, name in enumerate([given] if isinstance(given, str) else given):
        path = ("resource",) if isinstance(given, str) else ("resource", number)
        if "*" not in name:
            check_type(reader, name, path)
            found.add(name)
        elif some := _meant(name):
            found |= some
        else:
            reader.fault(path, f"no resource type is like {name}")
    return sorted(found)


def tagged(policy: Policy, given: str | Sequence[str]) -> Policy:
    """The policy; where tags decide, without types that a pattern means and whose tags nobody collects."""
    names = [given] if isinstance(given, str) else given
    if not policy.types or not any("tags" in each.variables() for each in policy.conditions()):
        return policy
    types = tuple(kind for kind in policy.types if kind in names or load_catalog()[kind].tags is not None)
    return replace(policy, resource=types[0], types=types[1:] and types) if types else policy


def check_type(reader: Reader, kind: str, path: tuple[str | int, ...], *, key: bool = False) -> None:
    if kind not in load_catalog():
        reader.fault(path, f"unknown resource type {kind}{suggest(kind, load_catalog())}", key=key)


def _meant(pattern: str) -> set[str]:
    kinds: Iterable[str] = load_catalog()
    return {kind for kind in kinds if kind not in UNLIKE and fnmatchcase(kind, pattern)}
