"""Lookups across a snapshot, as semi-joins: first the keys that are asked for, then the rows that have them.

Lookups may need each other, so this goes in rounds: what one found, the next may ask with. In the end all rows
that judging needs are at hand, and no others: memory does not grow with the fleet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from ...snapshot.model import Account, Resource, Snapshot, Unknown
from ..join import Index, Key, build
from ..model import Lookup, Policy, Within
from . import near
from .cache import Offer
from .near import Find
from .plain import NotPlain
from .program import Join
from .target import UNKNOWN, Decoder, Target, exact_key, key_reader, target_of

Keys = dict[Target, set[Hashable]]


class Row(msgspec.Struct, frozen=True):
    """A line of some account."""

    account: str
    number: int
    line: bytes
    key: Hashable = None


@dataclass(slots=True)
class Fetched:
    """The rows that have a key somebody asked for, in order, and why there may be others."""

    keys: set[Hashable] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    gap: Unknown | None = None
    offer: Offer | None = None  # of one account: what else is there, where that is known


_Named = tuple[
    Target | None, dict[Hashable, list[Row]], tuple[str, ...] | None
]  # rows by key, and why there may be more


@dataclass(slots=True)
class Far:
    """The rows of other accounts. A key that was not fetched is noted in `asked`, and has no answer yet."""

    snapshot: Snapshot
    decoders: Mapping[str, Decoder]
    fetched: dict[Target, Fetched] = field(default_factory=dict)
    asked: Keys = field(default_factory=dict)
    missed: bool = False
    used: set[tuple[str, Hashable]] = field(default_factory=set)
    _plain: dict[Join, near.Index] = field(default_factory=dict)
    _exact: dict[Target, Index] = field(default_factory=dict)
    _named: dict[str, _Named] = field(default_factory=dict)
    _accounts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._accounts = frozenset(self.snapshot.accounts)

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a key."""
        target, one = target_of(join.lookup), join.lookup.one
        by_account = not one and any(theirs.text == "@.$account" for theirs in target.theirs)

        def find(_: str, key: Hashable) -> Sequence[Any]:
            if not self._has(target, key) or (by_account and target.elsewhere(key, self._accounts)):
                raise NotPlain
            if join not in self._plain:
                self._plain[join] = near.index(self._rows(target), join, self.snapshot.captured_at)
            return self._plain[join].table(one=one, gap=self.fetched[target].gap is not None).get(key, ())

        return find

    def across(self, lookup: Lookup, key: Key | None) -> tuple[Index, Unknown | None]:
        """The same for the exact path."""
        target = target_of(lookup)
        if not self._has(target, key):
            return Index({}, ()), Unknown.because("not asked for yet")
        if target not in self._exact:
            resources = (self._parse(target, each) for each in self.fetched[target].rows)
            self._exact[target] = build(resources, lookup.theirs, {})
        return self._exact[target], self.fetched[target].gap

    def take(self, fetched: dict[Target, Fetched]) -> None:
        """Have the rows that were fetched, instead of those of before."""
        self.fetched = fetched
        self._plain.clear()
        self._exact.clear()
        self._named.clear()

    def keys(self, target: Target) -> set[Hashable]:
        """The keys whose rows are at hand."""
        return self.fetched[target].keys if target in self.fetched else set()

    def answer(self, used: Iterable[tuple[str, Hashable]]) -> bytes:
        """A digest of what there is for some keys, by the names of their targets. Rows of unknown keys are for all."""
        found = hashlib.sha256()
        for name, key in used:
            target, rows, gap = self._by_name().get(name, (None, {}, None))
            there = [[(row.account, row.line) for row in rows.get(each, ())] for each in (key, UNKNOWN)]
            elsewhere = target is not None and target.elsewhere(key, self._accounts)
            found.update(msgspec.msgpack.encode([name, key, there, gap, elsewhere]))
        return found.digest()

    def _by_name(self) -> dict[str, _Named]:
        if not self._named:
            for target, fetched in self.fetched.items():
                rows: dict[Hashable, list[Row]] = {}
                for each in fetched.rows:
                    rows.setdefault(each.key, []).append(each)
                self._named[target.name] = target, rows, fetched.gap.causes if fetched.gap is not None else None
        return self._named

    def _has(self, target: Target, key: Hashable) -> bool:
        self.used.add((target.name, key))
        if target in self.fetched and (key is None or key in self.fetched[target].keys):
            return True
        self.asked.setdefault(target, set()).update(() if key is None else (key,))
        self.missed = True
        return False

    def _rows(self, target: Target) -> Iterable[Any]:
        decoder = self.decoders[target.source].careful()
        return (decoder.row(each.line, partial(self._parse, target, each)) for each in self.fetched[target].rows)

    def _parse(self, target: Target, found: Row) -> Resource:
        parse = self.snapshot.account(found.account).parse
        assert parse  # noqa: S101 - of a snapshot in files
        return parse(target.source, found.line, found.number)


def rounds(policies: Sequence[Policy]) -> int:
    """How often to ask: each time, every resource gets at least one lookup further."""
    return max((_reach(policy) for policy in policies), default=0)


def _reach(policy: Policy) -> int:
    return sum(lookup.within is Within.SNAPSHOT for lookup in policy.lookups.values())


def fetch(account: Account, target: Target, keys: Collection[Hashable], *, offering: bool = False) -> Fetched:
    """What one account has of the rows that are wanted: also those of which nobody can say."""
    found = Fetched(gap=account.gap_anywhere(target.source))
    owner = target.owner()
    if owner is not None and not any(isinstance(key, tuple) and key[owner] == account.id for key in keys):
        return found  # what is asked for is in other accounts
    assert account.lines  # noqa: S101 - of a snapshot in files
    assert account.parse  # noqa: S101
    text = account.lines(target.source)
    decoder, key_of = key_reader(target)
    read = decoder.for_lines(text).read
    offered: list[bytes] = []
    for number, line in enumerate(text.lines, 1):
        try:
            key = key_of(read(line))
        except Exception:  # whatever it is, the exact path knows it
            key = exact_key(account.parse(target.source, line, number), target.theirs)
        if key == UNKNOWN or key in keys:
            found.rows.append(Row(account.id, number, bytes(line), key))
        if offering:
            offered.append(ANYTHING if key == UNKNOWN else short(key))
    if offering:
        assert account.stamp  # noqa: S101
        gap = found.gap.causes if found.gap is not None else None
        found.offer = Offer(account.stamp([target.source]), b"".join(offered), gap)
    return found


def remembered(offer: Offer, keys: Collection[Hashable]) -> Fetched | None:
    """The same from memory, where that says that nothing wanted is there."""
    there = {offer.keys[start : start + SHORT] for start in range(0, len(offer.keys), SHORT)}
    if ANYTHING in there or not there.isdisjoint(map(short, keys)):
        return None
    return Fetched(gap=Unknown(offer.gap) if offer.gap is not None else None, offer=offer)


def short(key: Hashable) -> bytes:
    """A few bytes that stand for a key."""
    return hashlib.sha256(msgspec.msgpack.encode(key)).digest()[:SHORT]


SHORT = 8
ANYTHING = b"\0" * SHORT


def merged(
    known: Mapping[Target, Fetched], wanted: Keys, parts: Iterable[Mapping[Target, Fetched]]
) -> dict[Target, Fetched]:
    """What was fetched before, and now from each account in order."""
    found = dict(known)
    by_account = list(parts)
    for target, keys in wanted.items():
        before = known.get(target) or Fetched()
        now = [part[target] for part in by_account]
        gaps = [part.gap for part in now if part.gap is not None]
        found[target] = Fetched(
            keys=before.keys | keys,
            rows=sorted({*before.rows, *(row for part in now for row in part.rows)}, key=_place),
            gap=Unknown.merge(gaps) if gaps else None,
        )
    return found


def _place(found: Row) -> tuple[str, int]:
    return found.account, found.number
