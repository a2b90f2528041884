"""Lookups: hash joins between resource types, within a region, an account or the whole snapshot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Json, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..functions import equality
from ..functions.budget import Recount, charge_rows, charge_values, paced, spending
from ..functions.unknowns import known_items, maybe_items, unknown_in
from ..language.interpret import Scope, charge_items, evaluate, holds
from ..language.parser import Expression
from ..model.policy import Lookup, Within
from .growth import is_fixed, is_light

Key = tuple[Any, ...]


class Matched(Protocol):
    """What rows are found by: a lookup, or what stands for several of them."""

    @property
    def theirs(self) -> tuple[Expression, ...]: ...
    @property
    def spread(self) -> int | None: ...


ACCOUNT = "@.$account"  # how a lookup says that it matches the account of a row


class Index(Struct, frozen=True):
    """Rows by key. `maybes` are rows whose key is unknown: they may match anything. Of `heavy` keys a row is large."""

    rows: Mapping[Key, list[dict[str, Json]]]
    maybes: tuple[Unknown, ...]
    heavy: frozenset[Key] = frozenset()


Across = Callable[[Lookup, Key], tuple[Index, Unknown | None]]


class Joins:
    """The lookups of one snapshot. Indexes are built once and kept: an account's until `enter` opens the next.

    `across` finds rows for lookups within the snapshot, where somebody has a quicker way.
    """

    def __init__(self, snapshot: Snapshot, across: Across | None = None) -> None:
        self._snapshot = snapshot
        self._accounts = frozenset(snapshot.accounts)
        self._across = across
        self._account: Account | None = None
        self._rows: dict[str, list[Resource]] = {}
        self._near: dict[Key, Index] = {}
        self._kept: dict[Key, tuple[Lookup, Json, list[Json]]] = {}
        self._far: dict[Key, tuple[Index, Unknown | None]] = {}

    def enter(self, account: Account) -> None:
        self._account = account
        self._rows.clear()
        self._near.clear()
        self._kept.clear()

    def resources(self, kind: str) -> list[Resource]:
        """The resources of one type in the current account."""
        assert self._account is not None  # noqa: S101 - `evaluate` enters first
        if kind not in self._rows:
            self._rows[kind] = list(self._account.read(kind))
        return self._rows[kind]

    def find(self, lookup: Lookup, resource: Resource, scope: Scope) -> Json:
        """What a lookup's variable holds for a resource.

        A list, with an Unknown item for what may be missing from it; or, with `one`, the row itself, Unknown
        unless exactly one was collected.
        """
        ours = [evaluate(expression, resource.config, scope) for expression in lookup.ours]
        charge_values(*ours)
        keys, gaps = asked(ours, lookup.among)
        if gaps and (lookup.among is None or lookup.one):
            return Unknown.merge(gaps) if lookup.one else [Unknown.merge(gaps)]
        found = [(wanted, *self._index(lookup, resource, scope, wanted)) for wanted in keys]
        by_key: dict[Key, list[Any]] = {wanted: index.rows.get(wanted, []) for wanted, index, _ in found}
        # Where every key is null, it equals nothing, whatever the rows are.
        maybes: Sequence[Json] = found[-1][1].maybes if found else ()
        gaps += [gap for *_, gap in found if gap is not None]
        if lookup.within is Within.SNAPSHOT and not lookup.one:
            gaps += [gap for key in keys if (gap := elsewhere(lookup, key, self._accounts)) is not None]
        if lookup.refers:
            gaps += [_absent(lookup, map(_told, key)) for key, index, _ in found if key not in index.rows]
        if paced() and any(wanted in index.heavy for wanted, index, _ in found):
            raise Recount
        matched = [*self._satisfying(lookup, by_key, len(maybes), resource.region, scope), *maybes]
        gap = Unknown.merge(gaps) if gaps else None
        if lookup.one:
            return _one(lookup, ours, matched, gap)
        return matched if gap is None else [*matched, gap]

    def _satisfying(
        self, lookup: Lookup, by_key: Mapping[Key, list[Json]], maybes: int, region: str, scope: Scope
    ) -> Iterable[Json]:
        """The rows for which a lookup's condition holds. One that says the same of a row each time is asked once."""
        where, found = lookup.where, list(by_key.values())
        if where and paced() and is_fixed(where):
            try:
                found = [self._once(lookup, where, (region, key), by_key[key], scope) for key in by_key]
            finally:  # where it has no value for one of the rows, all are asked again each time
                charge_rows(sum(map(len, found)) + maybes)
            return chain.from_iterable(found)
        charge_rows(sum(map(len, found)) + maybes)
        matched = list(chain.from_iterable(found))
        if where:
            charge_items(matched, where.tree)
        return _where(where, matched, scope) if where else matched

    def _once(self, lookup: Lookup, where: Expression, place: Key, rows: list[Json], scope: Scope) -> list[Json]:
        params, key = scope["params"], (id(lookup), *place)
        known = self._kept.get(key)
        if known is None or known[0] is not lookup or known[1] is not params:
            known = self._kept[key] = lookup, params, list(_where(where, rows, scope))
        return known[2]

    def _index(self, lookup: Lookup, resource: Resource, scope: Scope, wanted: Key) -> tuple[Index, Unknown | None]:
        assert self._account is not None  # noqa: S101
        if lookup.within is Within.SNAPSHOT:
            if self._across:
                return self._across(lookup, wanted)
            key: Key = (lookup.source, lookup.theirs, lookup.spread)
            if key not in self._far:
                self._far[key] = self._everywhere(lookup, scope)
            return self._far[key]
        region = resource.region if lookup.within is Within.REGION else EVERYWHERE
        key = (lookup.source, lookup.theirs, lookup.spread, region)
        if key not in self._near:
            rows = (
                row for row in self.resources(lookup.source) if row.region in (region, GLOBAL) or region == EVERYWHERE
            )
            self._near[key] = build(rows, lookup, scope)
        account = self._account
        gap = account.gap_anywhere(lookup.source) if region == EVERYWHERE else account.gap(lookup.source, region)
        return self._near[key], gap

    def _everywhere(self, lookup: Lookup, scope: Scope) -> tuple[Index, Unknown | None]:
        accounts = [self._snapshot.account(account) for account in self._snapshot.accounts]
        gaps = [gap for account in accounts if (gap := account.gap_anywhere(lookup.source)) is not None]
        rows = (row for account in accounts for row in account.read(lookup.source))
        return build(rows, lookup, scope), Unknown.merge(gaps) if gaps else None


def asked(ours: Sequence[Json], among: int | None) -> tuple[list[Key], list[Unknown]]:
    """The keys of a lookup: one, or with `among` one for each item of that list; and what may be others."""
    if among is None:
        rows: list[Sequence[Json]] = [ours]
    elif isinstance(items := ours[among], list):
        rows = [[*ours[:among], item, *ours[among + 1 :]] for item in items]
    else:
        rows = [[*ours[:among], items, *ours[among + 1 :]]] if isinstance(items, Unknown) else []
    gaps = list(dict.fromkeys(gap for row in rows if (gap := unknown_in(list(row))) is not None))
    keys = dict.fromkeys(key_of(row) for row in rows if unknown_in(list(row)) is None and None not in row)
    return list(keys), gaps


def elsewhere(lookup: Lookup, key: Key, accounts: Collection[str]) -> Unknown | None:
    """Why there may be rows with a key: that they are in an account which the snapshot does not hold."""
    for theirs, value in zip(lookup.theirs, key, strict=True):
        if theirs.text == ACCOUNT and value not in accounts:
            return Unknown.because(f"account {value} is not in this snapshot")
    return None


def row(resource: Resource) -> dict[str, Json]:
    """A joined resource as expressions see it: its config, and `$account` and the like beside AWS's own fields."""
    return {
        **resource.config,
        "$account": resource.account,
        "$region": resource.region,
        "$id": resource.id,
        "$name": resource.name,
        "$tags": resource.tags,
    }


def build(resources: Iterable[Resource], by: Matched, scope: Scope) -> Index:
    """Rows by what a lookup matches them by. Raises EvaluationError."""
    rows: dict[Key, list[dict[str, Json]]] = {}
    maybes: list[Unknown] = []
    heavy = set[Key]()
    for resource in resources:
        candidate = row(resource)
        with spending(0):  # an index is everybody's, and what it is made by was bounded when it was read
            values = [evaluate(expression, candidate, scope) for expression in by.theirs]
        if (gap := unknown_in(values)) is not None:
            maybes.append(gap)
            continue
        keys = keys_of(values, by.spread)
        for key in keys:
            rows.setdefault(key, []).append(candidate)
        if not is_light(resource):
            heavy.update(keys)
    return Index(rows, tuple(maybes), frozenset(heavy))


def keys_of(values: Sequence[Json], spread: int | None) -> list[Key]:
    """The keys of a row: one, or with `spread` one for each item of that list; null equals nothing.

    Raises EvaluationError where that is no list.
    """
    if None in values:
        return []
    if spread is None:
        return [key_of(values)]
    items = values[spread]
    if not isinstance(items, list):
        raise EvaluationError("`contains` in a match wants a list on their side")
    found = (key_of((*values[:spread], item, *values[spread + 1 :])) for item in items if item is not None)
    return list(dict.fromkeys(found))


def key_of(values: Iterable[Json]) -> Key:
    """Values as a key. Equal as JMESPath is: 1 is 1.0 and is not true; lists and objects by what they hold."""
    return tuple(value if isinstance(value, str) else _hashable(value) for value in values)


def _hashable(value: Json) -> Key:
    return type(value) is bool, equality.text(value) if isinstance(value, list | dict) else value


def _told(part: Any) -> str:
    """A part of a key, for people."""
    if isinstance(part, str):
        return part
    spelled: bytes = part[1] if isinstance(part[1], bytes) else msgspec.json.encode(part[1])
    return spelled.decode()


def _where(condition: Expression, rows: list[Json], scope: Scope) -> Iterable[Json]:
    for candidate in rows:
        decision = candidate if isinstance(candidate, Unknown) else holds(condition, candidate, scope)
        if decision is not False:
            yield candidate if decision is True else decision


def _one(lookup: Lookup, ours: list[Json], matched: list[Json], gap: Unknown | None) -> Json:
    found = known_items(matched)
    if len(found) == 1:
        return found[0]
    if found:
        return Unknown.because(f"{len(found)} resources of type {lookup.source} match {', '.join(map(str, ours))}")
    return Unknown.merge([_absent(lookup, ours), *maybe_items(matched), *([] if gap is None else [gap])])


def _absent(lookup: Lookup, values: Iterable[Json]) -> Unknown:
    named = f"{lookup.source} {', '.join(map(str, values))}".rstrip()
    return Unknown.because(f"no {named} in this snapshot")
