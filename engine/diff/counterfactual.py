"""What one finding rests on in two snapshots, and how it would stand were only part of that the new one's.

A scene holds the rows that a policy came by in either snapshot, and says what differs between them, by kind of
difference. `state` evaluates a snapshot that is new in some of these kinds, and old in all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.catalog import load_catalog, steps
from ...snapshot.model import EVERYWHERE, Account, Json, Resource, Snapshot, Unknown
from ..execution.memory import reads_time
from ..functions.equality import equal
from ..functions.unknowns import unknown_in
from ..judging.dependencies import deciding
from ..judging.evaluate import findings
from ..judging.grouping import is_grouped
from ..judging.joins import Index, Joins, Key, build, row
from ..judging.organisation import findings_of_all
from ..judging.recording_joins import Row, RowKey, row_key
from ..language.paths import Path, get, label, without
from ..model.cause import ABSENT, PRESENT, READ, Detail, Place
from ..model.finding import Finding
from ..model.policy import Lookup, Policy, Within
from .replay import Side
from .states import STATES, State


class Part(StrEnum):
    """A kind of difference. `VOLATILE` are fields that change by themselves: of two reasons the lesser one."""

    CONFIGURATION = "configuration"
    VOLATILE = "volatile"
    COVERAGE = "coverage"
    RESOURCE = "resource"
    POLICY = "policy"
    TIME = "time"


_STRENGTH = (Part.VOLATILE, Part.CONFIGURATION, Part.COVERAGE)
_GONE = (Part.COVERAGE, Part.RESOURCE)
_Row = tuple[str, RowKey]  # type and key


class _Pair(Struct):
    """A row in both snapshots, and by what kind of difference each of its fields differs, or the `whole` of it."""

    rows: tuple[Row | None, Row | None]
    whole: Part = Part.CONFIGURATION
    fields: dict[str, Part] = field(default_factory=dict)

    def mixed(self, new: Collection[Part]) -> Row | None:
        """The row where only what differs in some ways is new."""
        old_row, new_row = self.rows
        if old_row is None or new_row is None:
            return new_row if self.whole in new else old_row
        sources = {name: self.rows[self.fields.get(name, Part.CONFIGURATION) in new] for name in {**old_row, **new_row}}
        return {name: source[name] for name, source in sources.items() if source and name in source}


def _made(snapshot: Snapshot, rows: Sequence[Resource], time: str) -> Snapshot:
    """A snapshot that has these resources, and the gaps of another."""

    def account(identity: str) -> Account:
        own = [each for each in rows if each.account == identity]
        return replace(snapshot.account(identity), read=lambda kind: [each for each in own if each.type == kind])

    return replace(snapshot, account=account, captured_at=time)


class Scene:
    """One finding in two snapshots. `details` says what differs, by part; parts that do not differ are not there."""

    def __init__(self, old: Side, new: Side, finding: Finding) -> None:
        self._sides, self._finding = (old, new), finding
        policies = [policy for side in self._sides if (policy := side.policy(finding))]
        self._policies = policies[:1] if policies[0] is policies[-1] else policies
        self._pairs: dict[_Row, _Pair] = {}
        self._shown: set[_Row] = set()
        self._away: set[tuple[str, str]] = set()
        self._fill()
        missing = {self._missing(side) for side in self._sides}
        # What all that differs between the snapshots comes to, where one of them cannot have the finding.
        self._only = next((part for part in _GONE if part in missing), None) if len(missing) > 1 else None
        self.details: dict[Part, list[Detail]] = {}
        for part, detail in self._differences():
            self.details.setdefault(part, []).append(detail)

    def state(self, new: Collection[Part]) -> State:
        """How the finding stands where what differs in some ways is as in the new snapshot, all else as in the old."""
        policy = self._sides[Part.POLICY in new].policy(self._finding)
        if self._only:
            new = [*Part] if self._only in new else []
        side = self._sides[Part.COVERAGE in new]
        account = side.enter(self._finding.account)
        if policy is None or account is None:
            return State.ABSENT if policy is None else State.UNKNOWN
        rows = [_resource(at[0], taken) for at, pair in self._pairs.items() if (taken := pair.mixed(new))]
        own = [each for each in rows if each.account == account.id]
        near = replace(account, read=lambda kind: [each for each in own if each.type == kind])

        def across(lookup: Lookup, _: Key) -> tuple[Index, Unknown | None]:
            found = (each for each in rows if each.type == lookup.source and side.accounts.has(each.account))
            gap = side.gap(lookup.source, EVERYWHERE, EVERYWHERE)
            return build(found, lookup, {"params": policy.params}), gap

        joins = Joins(side.snapshot, across)
        joins.enter(near)
        time = self._sides[Part.TIME in new].snapshot.captured_at
        if policy.is_wide():
            found = list(findings_of_all(policy, _made(side.snapshot, rows, time), self._finding.account))
        else:
            found = list(findings(policy, near, joins, time))
        for each in found:
            if each.identity == self._finding.identity:
                return STATES[each.status]
        if is_grouped(policy):
            return State.UNKNOWN if any(each.resource == each.type for each in found) else State.ABSENT
        return side.accounts.without(self._finding)

    def _fill(self) -> None:
        """Find every row that either policy comes by in either snapshot, for the resource as it is in either."""
        rows: tuple[dict[_Row, Row], dict[_Row, Row]] = {}, {}
        for policy in self._policies:
            owns = [{row_key(row(each)): each for each in side.own(policy, self._finding)} for side in self._sides]
            if is_grouped(policy):  # what is of another group now is there all the same
                keys = {(each.type, *key) for own in owns for key, each in own.items()}
                owns = [
                    {row_key(row(each)): each for each in side.those(policy, self._finding, keys)}
                    for side in self._sides
                ]
            differing = self._differing(policy, owns)
            for key, resource in [each for own in owns for each in own.items()]:
                for side, own, every in zip(self._sides, owns, rows, strict=True):
                    here = dict(side.joined(policy, resource))
                    here |= {(own[key].type, key): row(own[key])} if key in own else {}
                    every.update(here)
                    self._away |= side.joins.away
                    self._shown |= here.keys() if key in differing else set()
            if policy.rollup and policy.rollup.unit:  # the account says of which it is
                for side, every in zip(self._sides, rows, strict=True):
                    every.update(known := dict(side.account_rows()))
                    self._shown |= known.keys()
        self._pairs = {at: _Pair((rows[0].get(at), rows[1].get(at))) for at in sorted({*rows[0], *rows[1]})}

    def _differing(self, policy: Policy, owns: Sequence[Mapping[RowKey, Resource]]) -> Collection[RowKey]:
        """Of the resources that a rollup folds, those of which it says something else."""
        said: list[dict[RowKey, Any]] = [dict.fromkeys(own) for own in owns]
        for side, own, found in zip(self._sides, owns, said, strict=True):
            now = side.policy(self._finding) or policy
            for key, each in own.items() if policy.rollup else ():
                found[key] = side.says(now, each)
        every = {**said[0], **said[1]}
        differing = [key for key in every if said[0].get(key, policy) != said[1].get(key, policy)]
        return differing if policy.rollup and differing else every

    def _missing(self, side: Side) -> Part | None:
        """Why a snapshot cannot have the finding, if it cannot."""
        finding, rollup = self._finding, self._policies[-1].rollup
        account = side.accounts.of(finding.account)
        if account is None:
            return Part.COVERAGE
        if rollup and is_grouped(self._policies[-1]) and finding.resource != finding.type:
            if side.own(self._policies[-1], finding):
                return None
            return Part.RESOURCE if side.without(finding) is State.ABSENT else Part.COVERAGE
        if rollup and rollup.per is not Within.REGION:
            return None
        if rollup:
            if isinstance(account.regions, Unknown):
                return None if finding.region == EVERYWHERE else Part.COVERAGE
            return None if finding.region in account.regions else Part.RESOURCE
        pair = self._pairs.get((finding.type, (finding.account, finding.region, finding.resource)))
        if pair and pair.rows[self._sides.index(side)]:
            return None
        return Part.RESOURCE if side.accounts.without(finding) is State.ABSENT else Part.COVERAGE

    def _differences(self) -> Iterator[tuple[Part, Detail]]:
        if self._only is Part.RESOURCE:
            there = (ABSENT, PRESENT) if self._missing(self._sides[0]) else (PRESENT, ABSENT)
            yield Part.RESOURCE, Detail(path=None, before=there[0], after=there[1])
            return
        gaps = list(self._gaps())
        yield from ((Part.COVERAGE, detail) for detail in gaps)
        if self._only and not gaps:  # of a list that both have in part, it is in the part that one of them has
            yield Part.COVERAGE, Detail(path=None, before=self._seen(0), after=self._seen(1))
        if self._only:
            return
        changes = list(self._changes(_union(deciding(policy) for policy in self._policies)))
        yield from changes
        was, now = (side.snapshot.captured_at for side in self._sides)
        if was != now and any(map(reads_time, self._policies)):
            yield Part.TIME, Detail(path="$snapshot_time", before=was, after=now)
        elif not changes and len(self._policies) == 1:  # it decides by all of a resource
            yield from self._changes({kind: [(name,) for name in self._names(kind)] for kind, _ in self._pairs})

    def _seen(self, number: int) -> Json:
        """What a snapshot has of the finding's resource: that it is there, or why it may be."""
        side, finding = self._sides[number], self._finding
        return side.gap(finding.type, finding.account, finding.region) if self._missing(side) else PRESENT

    def _gaps(self) -> Iterator[Detail]:
        """Lists that only one of the snapshots has, of all that the policies look at."""
        places = dict[Place, None]()
        for policy in self._policies:
            account = EVERYWHERE if policy.is_wide() else self._finding.account
            whole = policy.rollup is not None and policy.rollup.per is not Within.REGION
            here = EVERYWHERE if whole else self._finding.region
            for kind in policy.subjects() if policy.rollup else (self._finding.type,):
                places[Place(type=kind, account=account, region=here, resource=None)] = None
            for lookup in policy.lookups.values():
                everywhere = EVERYWHERE if lookup.within is Within.SNAPSHOT else account
                region = here if lookup.within is Within.REGION else EVERYWHERE
                places[Place(type=lookup.source, account=everywhere, region=region, resource=None)] = None
        for kind, elsewhere in sorted(self._away):
            places[Place(type=kind, account=elsewhere, region=EVERYWHERE, resource=None)] = None
        for place in places:
            gaps = [side.gap(place.type, place.account, place.region) for side in self._sides]
            was, now = (READ if gap is None else gap for gap in gaps)
            if was != now:
                yield Detail(of=place, path=None, before=was, after=now)

    def _changes(self, paths: Mapping[str, Collection[Path]]) -> Iterator[tuple[Part, Detail]]:
        """Fields that differ among some, and joined rows that only one of the snapshots has."""
        finding = self._finding
        itself = Place(type=finding.type, account=finding.account, region=finding.region, resource=finding.resource)
        for (kind, key), pair in self._pairs.items():
            account, region, identity = key
            place = Place(type=kind, account=account, region=region, resource=identity)
            of = None if place == itself else place
            old_row, new_row = pair.rows
            found: list[tuple[Part, Detail]] = []
            if old_row is None or new_row is None:
                gap = self._sides[old_row is not None].accounts.gap(kind, account, region)
                pair.whole = Part.CONFIGURATION if gap is None else Part.COVERAGE
                there = (ABSENT, PRESENT) if old_row is None else (PRESENT, ABSENT)
                found.append((pair.whole, Detail(of=of, path=None, before=there[0], after=there[1])))
            else:
                for path in paths.get(kind, ()):
                    was, now = get(old_row, path), get(new_row, path)
                    if not equal(was, now):
                        part = _part(kind, path, old_row, new_row)
                        pair.fields[path[0]] = max(part, pair.fields.get(path[0], part), key=_STRENGTH.index)
                        found.append((part, Detail(of=of, path=label(path), before=was, after=now)))
            if (kind, key) in self._shown:
                yield from found

    def _names(self, kind: str) -> list[str]:
        pairs = (pair for (each, _), pair in self._pairs.items() if each == kind)
        return sorted({name for pair in pairs for found in pair.rows for name in found or ()})


def _part(kind: str, path: Path, old: Row, new: Row) -> Part:
    """By what kind of difference a field of a row differs."""
    if any(unknown_in(get(each, path)) is not None for each in (old, new)):
        return Part.COVERAGE
    spec = load_catalog().get(kind)
    for each in spec.volatile if spec else ():
        old, new = without(old, steps(each)), without(new, steps(each))
    return Part.VOLATILE if equal(get(old, path), get(new, path)) else Part.CONFIGURATION


def _union(each: Iterable[Mapping[str, Collection[Path]]]) -> Mapping[str, Collection[Path]]:
    found: dict[str, set[Path]] = {}
    for kind, paths in (item for mapping in each for item in mapping.items()):
        found.setdefault(kind, set()).update(paths)
    return {kind: sorted(paths) for kind, paths in found.items()}


_ENVELOPE = {"$account": "account", "$region": "region", "$id": "id", "$name": "name", "$tags": "tags"}


def _resource(kind: str, found: Row) -> Resource:
    """A row as the resource that it is of."""
    envelope: Any = {_ENVELOPE[name]: item for name, item in found.items() if name in _ENVELOPE}
    return Resource(type=kind, config={k: v for k, v in found.items() if k not in _ENVELOPE}, **envelope)
