"""Joins that remember what they came by: the rows that a verdict rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from ...snapshot.model import Account, Json, Resource, Snapshot, Unknown
from ..language.interpret import evaluate
from ..model.finding import Finding
from ..model.policy import Lookup, Policy, Within
from .grouping import is_folded
from .joins import ACCOUNT, Across, Joins, asked

Row = dict[str, Json]
RowKey = tuple[str, str, str]  # account, region and id: what tells resources of one type apart


class Spy(Joins):
    """Joins that remember every row they came by, also those that a lookup's `where` then refuses.

    `away` are the types and accounts of rows that were looked for in an account which the snapshot does not hold.
    """

    def __init__(self, snapshot: Snapshot, across: Across | None = None) -> None:
        super().__init__(snapshot, across)
        self.rows: dict[str, dict[RowKey, Row]] = {}
        self.gaps: dict[str, list[Unknown]] = {}
        self.away: set[tuple[str, str]] = set()
        self._there = frozenset(snapshot.accounts)

    def find(self, lookup: Lookup, resource: Resource, scope: Mapping[str, Json]) -> Json:
        rows = self.rows.setdefault(lookup.source, {})
        for each in super().find(replace(lookup, where=None, one=False, refers=False), resource, scope):
            if isinstance(each, Unknown):
                self.gaps.setdefault(lookup.source, []).append(each)
            else:
                rows[row_key(each)] = each
        self.away |= {(lookup.source, account) for account in self._elsewhere(lookup, resource, scope)}
        return super().find(lookup, resource, scope)

    def _elsewhere(self, lookup: Lookup, resource: Resource, scope: Mapping[str, Json]) -> Iterator[str]:
        if lookup.within is Within.SNAPSHOT and ACCOUNT in (named := [each.text for each in lookup.theirs]):
            keys, _ = asked([evaluate(each, resource.config, scope) for each in lookup.ours], lookup.among)
            yield from (str(key[named.index(ACCOUNT)]) for key in keys if key[named.index(ACCOUNT)] not in self._there)


def row_key(found: Row) -> RowKey:
    return found["$account"], found["$region"], found["$id"]


def is_about(policy: Policy, finding: Finding, resource: Resource, account: Account, snapshot_time: str) -> bool:
    """Whether a finding is about a resource of an account, or with a rollup of one that it folds."""
    if policy.rollup:
        return is_folded(policy, finding, resource, account, snapshot_time)
    return finding.account == account.id and (resource.type, resource.region, resource.id) == (
        finding.type,
        finding.region,
        finding.resource,
    )
