"""Lookups across a snapshot: a board says which accounts may have rows with a key, and these are opened for them.

Little is kept of what was found, and little of the files where it was: memory does not grow with the fleet.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ...snapshot.model import Account, Lines, Resource, Snapshot, Unknown
from ..join import Index, Key, build
from ..model import Lookup
from . import near
from .near import Find
from .offers import Board, Offer, Survey, offer, survey
from .plain import NotPlain
from .program import Join
from .rows import exact_row, keyed, text_of
from .target import UNKNOWN, Decoder, Target, target_of

KEPT = 512  # keys whose rows are kept
OPEN = 4  # files that are kept: of a few accounts, which keep what others send there, one asks again and again

_Remembered = Callable[[str, str], Offer | None]  # of an account, by the name of a target


@dataclass(frozen=True, slots=True)
class _File:
    """The resources of one type in one account, by what a target finds them by."""

    account: Account
    text: Lines
    numbers: Mapping[Hashable, list[int]]

    def rows(self, kind: str, key: Hashable) -> list[Row]:
        """Those with a key, and those that may have any, in order."""
        wanted = [*self.numbers.get(key, ()), *self.numbers.get(UNKNOWN, ())]
        return [Row(self.account, kind, self.text, number) for number in sorted(wanted)]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of some account."""

    account: Account
    kind: str
    text: Lines
    number: int

    def parse(self) -> Resource:
        return exact_row(self.account, self.kind, self.text, self.number)


@dataclass(slots=True)
class Far:
    """The rows of other accounts, as they are asked for. What was asked since it was emptied is in `used`."""

    snapshot: Snapshot
    decoders: Mapping[str, Decoder] = field(default_factory=dict)
    board: Board = field(init=False)
    remembered: _Remembered = lambda *_: None
    used: set[tuple[str, Hashable]] = field(default_factory=set)
    _files: dict[tuple[str, str], _File] = field(default_factory=dict)
    _plain: dict[tuple[Join, Hashable], Sequence[Any] | None] = field(default_factory=dict)
    _rows: dict[tuple[str, Hashable], Sequence[Any]] = field(default_factory=dict)
    _exact: dict[tuple[str, Hashable], Index] = field(default_factory=dict)
    _offers: dict[str, dict[str, Offer]] = field(default_factory=lambda: defaultdict(dict))
    _accounts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.board = Board(self.snapshot.accounts)
        self._accounts = frozenset(self.snapshot.accounts)

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a key."""
        target, found, used = target_of(join.lookup), self._plain, self.used
        name = target.name

        def find(_: str, key: Hashable) -> Sequence[Any]:
            used.add((name, key))
            if (join, key) not in found:
                _bound(found, KEPT)
                found[join, key] = self._found(join, target, key)
            rows = found[join, key]
            if rows is None:
                raise NotPlain
            return rows

        return find

    def across(self, lookup: Lookup, key: Key | None) -> tuple[Index, Unknown | None]:
        """The same for the exact path."""
        target = target_of(lookup)
        place = target.name, key
        self.used.add(place)
        if place not in self._exact:
            _bound(self._exact, KEPT)
            self._exact[place] = build((row.parse() for row in self._lines(target, key)), lookup.theirs, {})
        return self._exact[place], self.board.gaps.get(target.name)

    def answer(self, asked: Iterable[tuple[str, Hashable]]) -> bytes:
        """A digest of what there is for some keys of targets, by their names."""
        found = list[object]()
        for name, key in sorted(asked, key=repr):
            target = self.board.targets.get(name)
            if target is None:  # nobody looks for it any more
                found.append(name)
                continue
            rows = [(each, self._offer(target, each).having(key)) for each in self._where(target, key)]
            gap = self.board.gaps.get(name)
            causes = gap.causes if gap is not None else None
            found.append([name, causes, target.elsewhere(key, self._accounts), repr(key), rows])
        return hashlib.sha256(msgspec.msgpack.encode(found)).digest()

    def survey(self, account: str) -> Survey:
        """What is known of what an account has for others."""
        known = self.board.surveys.get(account, Survey({}, {}))
        return Survey({**known.offers, **self._offers[account]}, known.gaps)

    def _found(self, join: Join, target: Target, key: Hashable) -> Sequence[Any] | None:
        """The rows of a lookup; None where it is not plain which they are."""
        lookup = join.lookup
        by_account = not lookup.one and any(theirs.text == "@.$account" for theirs in target.theirs)
        if by_account and target.elsewhere(key, self._accounts):
            return None
        found = near.index(self._decoded(target, key), join, self.snapshot.captured_at)
        try:
            return found.table(one=lookup.one, gap=target.name in self.board.gaps).get(key, ())
        except NotPlain:
            return None

    def _decoded(self, target: Target, key: Hashable) -> Sequence[Any]:
        """Rows for all lookups that find them by the same fields."""
        place, rows = (target.name, key), self._rows
        if place not in rows:
            _bound(rows, KEPT)
            decoder = self.decoders[target.source].careful()
            rows[place] = [decoder.row(each.text.lines[each.number], each.parse) for each in self._lines(target, key)]
        return rows[place]

    def _lines(self, target: Target, key: Hashable) -> Iterable[Row]:
        for account in self._where(target, key):
            yield from self._file(target, account).rows(target.source, key)

    def _where(self, target: Target, key: Hashable) -> list[str]:
        if target.name not in self.board.targets:  # nobody knew that it would be asked for
            accounts = map(self.snapshot.account, self.snapshot.accounts)
            self.board.add([target], (survey(account, [target], {}, keeping=False) for account in accounts))
        owner = target.owner()
        if owner is None:
            return self.board.where(target.name, key)
        return [key[owner]] if isinstance(key, tuple) and key[owner] in self._accounts else []

    def _file(self, target: Target, identity: str) -> _File:
        place = target.name, identity
        file = self._files.pop(place, None)
        if file is None:
            account = self.snapshot.account(identity)
            text, numbers = text_of(account, target.source), dict[Hashable, list[int]]()
            for key, number in keyed(account, target, text):
                numbers.setdefault(key, []).append(number)
            file = _File(account, text, numbers)
            if len(self._files) >= OPEN:
                del self._files[next(iter(self._files))]  # the one that was not asked for longest
        self._files[place] = file
        return file

    def _offer(self, target: Target, account: str) -> Offer:
        """What an account offers, if it did not say so on the board: it is named by who looks for it."""
        name, asked, known = target.name, self._offers[account], self.board.surveys.get(account)
        if known and name in known.offers:
            return known.offers[name]
        if name not in asked:
            asked[name] = self.remembered(account, name) or offer(self.snapshot.account(account), target, keeping=True)
        return asked[name]


def _bound(kept: dict[Any, Any], most: int) -> None:
    if len(kept) >= most:
        kept.clear()
