"""What differs between the configurations of two snapshots, whatever any policy says of it.

Only what differs is read: accounts and files with the same digest are skipped, and so are lines that are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from ...snapshot.catalog import load_catalog, steps
from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Json, Resource, Snapshot, Unknown
from ..diff.fields import differences
from ..language.paths import without
from ..model.cause import READ


class Change(StrEnum):
    """What became of a resource; or with `UNKNOWN` and `KNOWN`, of what could be read of all of a type."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    KNOWN = "known"


FIELDS = ("change", "account", "region", "type", "resource", "name", "fields")


class Drift(Struct, frozen=True, kw_only=True):
    """One resource that differs, by field; or a list that only one of the snapshots has. `*` stands for all."""

    change: Change
    account: str
    region: str
    type: str
    resource: str | None = None
    name: str | None = None
    fields: Sequence[tuple[str | None, Json, Json]] = ()

    def record(self) -> dict[str, Any]:
        """As files have it: docs/findings.md."""
        fields = [{"path": path, "before": before, "after": after} for path, before, after in self.fields]
        return {name: getattr(self, name) for name in FIELDS} | {"fields": fields}


def drift(old: Snapshot, new: Snapshot, types: Collection[str] = ()) -> Iterator[Drift]:
    """Every difference, by account, type, region and resource; of some types only, if they are named.

    What could not be read in one of the snapshots is neither added nor removed.
    """
    for identity in sorted({*old.accounts, *new.accounts}):
        there = [identity in snapshot.accounts for snapshot in (old, new)]
        if not all(there):
            gap = Unknown.because(f"account {identity} is not in this snapshot")
            yield _list(identity, EVERYWHERE, EVERYWHERE, *(None if each else gap for each in there))
        elif identity not in old.digests or old.digests[identity] != new.digests.get(identity):
            was, now = old.account(identity), new.account(identity)
            for kind in sorted(types or {*was.coverage, *now.coverage}):
                yield from _of_type(kind, was, now)


def _of_type(kind: str, old: Account, new: Account) -> Iterator[Drift]:
    gaps = [_gaps(each, kind) for each in (old, new)]
    for region in sorted({*gaps[0], *gaps[1]}):
        was, now = (each.get(region) for each in gaps)
        if was != now:
            yield _list(old.id, region, kind, was, now)
    before, after = _differing(kind, old, new)
    for key in sorted({*before, *after}):
        earlier, later = before.get(key), after.get(key)
        if earlier and later:
            fields = list(differences(_steady(earlier), _steady(later), items=True))
            if fields:
                yield _resource(Change.CHANGED, later, fields)
        elif earlier and _gap(new, kind, earlier.region) is None:
            yield _resource(Change.REMOVED, earlier)
        elif later and _gap(old, kind, later.region) is None:
            yield _resource(Change.ADDED, later)


def _gap(account: Account, kind: str, region: str) -> Unknown | None:
    """Why resources may be missing: in a region that was not enabled there were none."""
    if kind in account.coverage and region not in (EVERYWHERE, GLOBAL) and not isinstance(account.regions, Unknown):
        return account.gap(kind, region) if region in account.regions else None
    return account.gap(kind, region)


def _gaps(account: Account, kind: str) -> Mapping[str, Unknown]:
    """Where a type was not read: region → cause, or `*` alone for the whole account."""
    found = account.gaps(kind)
    return {EVERYWHERE: found[EVERYWHERE]} if EVERYWHERE in found else found


def _differing(kind: str, old: Account, new: Account) -> list[dict[tuple[str, str], Resource]]:
    """The resources of a type that are not the same, line by line, by region and id."""
    if _digest(old, kind) is not None and _digest(old, kind) == _digest(new, kind):
        return [{}, {}]
    return [
        {(each.region, each.id): each for each in found} for found in (_unlike(kind, old, new), _unlike(kind, new, old))
    ]


def _digest(account: Account, kind: str) -> str | None:
    coverage = account.coverage.get(kind)
    return coverage.sha256 if coverage else None


def _unlike(kind: str, account: Account, other: Account) -> Iterable[Resource]:
    if not (account.lines and account.parse and other.lines):
        return account.read(kind)
    same, parse = set(map(bytes, other.lines(kind).lines)), account.parse
    lines = enumerate(account.lines(kind).lines, 1)
    return (parse(kind, line, number) for number, line in lines if bytes(line) not in same)


def _steady(resource: Resource) -> Mapping[str, Json]:
    """A resource's config without what changes by itself."""
    config: Json = resource.config
    spec = load_catalog().get(resource.type)
    for path in spec.volatile if spec else ():
        config = without(config, steps(path))
    found: Mapping[str, Json] = config
    return found


def _resource(change: Change, of: Resource, fields: Sequence[tuple[str | None, Json, Json]] = ()) -> Drift:
    return Drift(
        change=change, account=of.account, region=of.region, type=of.type, resource=of.id, name=of.name, fields=fields
    )


def _list(account: str, region: str, kind: str, was: Unknown | None, now: Unknown | None) -> Drift:
    """A list of which only one of the snapshots has all, or whose gap has another cause."""
    field = (None, READ if was is None else was, READ if now is None else now)
    change = Change.KNOWN if now is None else Change.UNKNOWN
    return Drift(change=change, account=account, region=region, type=kind, fields=[field])


def counted(found: Iterable[Drift]) -> Counter[tuple[str, Change]]:
    """How many of each type changed how."""
    return Counter((each.type, each.change) for each in found)
