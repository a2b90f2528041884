"""Where a waiver or a setting holds: in which accounts, units and regions, and of which resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from .glob import glob

Patterns = tuple[str, ...]
BY_ACCOUNT = ("account", "unit", "account_tag")  # keys that say which accounts


class Scope(Struct, frozen=True, kw_only=True):
    """Of each key that is given, one of its patterns fits; where none is given, it holds anywhere.

    An account is an id or a name. A unit is a name, an id or a path, a tag NAME or NAME=VALUE.
    """

    account: Patterns = ()
    unit: Patterns = ()
    account_tag: Patterns = ()
    region: Patterns = ()
    resource: Patterns = ()
    tag: Patterns = ()

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Scope:
        """The scope of an entry of stillframe.yaml: each key has one pattern, or a list of them."""
        return cls(**{key: _patterns(written[key]) for key in KEYS if key in written})

    @property
    def by_account(self) -> str:
        """The first of its keys that says which accounts; empty where none does."""
        return next((key for key in BY_ACCOUNT if getattr(self, key)), "")

    @property
    def by_line(self) -> bool:
        """Whether of the findings of one account some may be in it, and others not."""
        return bool(self.region or self.resource or self.tag)

    def words(self) -> str:
        """For people."""
        return " and ".join(f"{key.replace('_', ' ')} {' or '.join(getattr(self, key))}" for key in self.record())

    def record(self) -> dict[str, str | list[str]]:
        """The keys that are given, as they may be written."""
        given = {key: found for key in KEYS if (found := getattr(self, key))}
        return {key: found[0] if len(found) == 1 else list(found) for key, found in given.items()}


KEYS = tuple(each.name for each in fields(Scope))
ANYWHERE = Scope()


def _patterns(written: Any) -> Patterns:
    return tuple(map(str, written if isinstance(written, list) else [written]))


def fits(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether one of some patterns fits one of the names that something has, or there are no patterns."""
    return not patterns or any(glob(pattern, name) for name in names for pattern in patterns)


def unit_path(units: Iterable[str]) -> str:
    """The path of organisational units, from the root down: a slash in a name is none between two."""
    return "/".join(name.replace("%", "%25").replace("/", "%2F") for name in units)
