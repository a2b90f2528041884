"""Lookups across a snapshot, as semi-joins: first the keys that are asked for, then the rows that have them.

Lookups may need each other, so this goes in rounds: what one found, the next may ask with. In the end all rows
that judging needs are at hand, and no others: memory does not grow with the fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from ...snapshot.model import Account, Lines, Resource, Snapshot, Unknown
from ..join import Index, Key, build
from ..model import Lookup
from . import near
from .near import Find
from .offers import Offer, offer
from .plain import NotAsked, NotPlain
from .program import Join
from .rows import exact_row, read_rows, text_of
from .target import UNKNOWN, Decoder, Target, exact_key, key_reader, target_of

Keys = dict[Target, set[Hashable]]
Stamp = Callable[[Sequence[str]], bytes]  # of types


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
    offer: Offer | None = None  # of one account: what else it has


@dataclass(slots=True)
class Far:
    """The rows of other accounts. A key that was not fetched is noted in `asked`, and has no answer yet."""

    snapshot: Snapshot
    decoders: Mapping[str, Decoder]
    fetched: dict[Target, Fetched] = field(default_factory=dict)
    asked: Keys = field(default_factory=dict)
    used: set[tuple[str, Hashable]] = field(default_factory=set)
    _plain: dict[Join, near.Index] = field(default_factory=dict)
    _decoded: dict[Target, list[Any]] = field(default_factory=dict)
    _exact: dict[Target, Index] = field(default_factory=dict)
    _accounts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._accounts = frozenset(self.snapshot.accounts)

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a key."""
        target, one = target_of(join.lookup), join.lookup.one
        by_account = not one and any(theirs.text == "@.$account" for theirs in target.theirs)

        def find(_: str, key: Hashable) -> Sequence[Any]:
            if not self._has(target, key):
                raise NotAsked
            if by_account and target.elsewhere(key, self._accounts):
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
        self._decoded.clear()
        self._exact.clear()

    def _has(self, target: Target, key: Hashable) -> bool:
        self.used.add((target.name, key))
        if target in self.fetched and (key is None or key in self.fetched[target].keys):
            return True
        self.asked.setdefault(target, set()).update(() if key is None else (key,))
        return False

    def _rows(self, target: Target) -> Iterable[Any]:
        """The rows at hand: decoded once, for all lookups that find rows by the same fields."""
        if target not in self._decoded:
            decoder, rows = self.decoders[target.source].careful(), self.fetched[target].rows
            self._decoded[target] = [decoder.row(each.line, partial(self._parse, target, each)) for each in rows]
        return self._decoded[target]

    def _parse(self, target: Target, found: Row) -> Resource:
        parse = self.snapshot.account(found.account).parse
        assert parse  # noqa: S101 - of a snapshot in files
        return parse(target.source, found.line, found.number)


def fetch(account: Account, target: Target, keys: Collection[Hashable], stamp: Stamp | None = None) -> Fetched:
    """What one account has of the rows that are wanted: also those of which nobody can say.

    If given how to `stamp` types, also what else it has.
    """
    text = text_of(account, target.source)
    rows, wanted = list(keyed(account, target, text)), {*keys, UNKNOWN}
    found = [Row(account.id, number, bytes(text.lines[number - 1]), key) for key, number in rows if key in wanted]
    offered = ((key, bytes(text.lines[number - 1])) for key, number in rows)
    return Fetched(rows=found, offer=offer(stamp([target.source]), offered) if stamp else None)


def keyed(account: Account, target: Target, text: Lines) -> Iterator[tuple[Hashable, int]]:
    """Every row of an account that a target may find: its key, and the number of its line."""
    decoder, key_of = key_reader(target)
    for before, rows in read_rows(account, target.source, text, decoder):
        for number, row in enumerate(rows, before):
            try:
                key = exact_key(row, target.theirs) if row.__class__ is Resource else key_of(row)
            except Exception:  # whatever it is, the exact path knows it
                key = exact_key(exact_row(account, target.source, text, number), target.theirs)
            if key is not None:
                yield key, number + 1


def merged(known: Mapping[Target, Fetched], new: Mapping[Target, Fetched]) -> dict[Target, Fetched]:
    """What was fetched before, and now."""
    found = dict(known)
    for target, each in new.items():
        found.setdefault(target, Fetched()).rows.extend(each.rows)
    return found


def ordered(fetched: Mapping[Target, Fetched]) -> dict[Target, Fetched]:
    """With rows in order, each once."""
    return {
        target: replace(each, rows=list({_place(row): row for row in sorted(each.rows, key=_place)}.values()))
        for target, each in fetched.items()
    }


def _place(found: Row) -> tuple[str, int]:
    return found.account, found.number
