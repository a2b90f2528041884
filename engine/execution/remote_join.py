"""Lookups across a snapshot: a board says which accounts may have rows with a key, and these are opened for them.

Little is kept of what was found, and little of the files where it was.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.model import Account, Lines, Resource, Snapshot, Unknown
from ..compiler.join_key import UNKNOWN, Decoder, Target, target_of
from ..compiler.program import Join
from ..compiler.runtime import NotPlain
from ..errors import EvaluationError
from ..judging.evaluate import speaker
from ..judging.joins import Index, Key, Matched, build
from ..model.policy import Lookup, Policy
from . import local_join
from .key_digests import ANYTHING, Board, Offer, Survey, offer, short, survey
from .local_join import Find
from .records import exact_row, keyed, text_of

KEPT = 512  # keys whose rows are kept
OPEN = 4  # files that are kept: of a few accounts, which keep what others send there, one asks again and again

_Remembered = Callable[[str, str], Offer | None]  # of an account, by the name of a target


_NOT_YET: Any = object()
_K = TypeVar("_K")
_V = TypeVar("_V")


class _Kept(dict[_K, _V], Generic[_K, _V]):
    """So many of what was kept last."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: _K, value: _V) -> _V:
        if len(self) >= self._most:
            del self[next(iter(self))]
        self[key] = value
        return value

    def recalled(self, key: _K) -> _V | None:
        """What is kept, for as long again; None if it is not."""
        if key not in self:
            return None
        found = self[key] = self.pop(key)
        return found


class _File(Struct, frozen=True):
    """The resources of one type in one account, by what a target finds them by."""

    account: Account
    text: Lines
    numbers: Mapping[Hashable, list[int]]

    def rows(self, kind: str, key: Hashable) -> list[Row]:
        """Those with a key, in order."""
        return [Row(self.account, kind, self.text, number) for number in self.numbers.get(key, ())]


class Row(Struct, frozen=True):
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
    _accounts: frozenset[str] = field(init=False)
    _speaker: str | None = None
    _files: _Kept[tuple[str, str], _File] = field(default_factory=lambda: _Kept(OPEN))
    _plain: _Kept[tuple[Join, Hashable], Sequence[Any] | None] = field(default_factory=lambda: _Kept(KEPT))
    _rows: _Kept[tuple[str, Hashable], Sequence[Any]] = field(default_factory=lambda: _Kept(KEPT))
    _exact: _Kept[tuple[str, Hashable], Index] = field(default_factory=lambda: _Kept(KEPT))
    _tables: _Kept[tuple[str, str], dict[bytes, list[bytes]]] = field(default_factory=lambda: _Kept(OPEN))
    _maybes: dict[str, tuple[Unknown, ...] | EvaluationError] = field(default_factory=dict)
    _digests: _Kept[tuple[str, Hashable], bytes] = field(default_factory=lambda: _Kept(KEPT))
    _unsure: dict[str, bytes] = field(default_factory=dict)
    _offers: dict[str, dict[str, Offer]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self.board = Board(self.snapshot.accounts)
        self._accounts = frozenset(self.snapshot.accounts)

    def speaker(self, policies: Sequence[Policy]) -> str:
        """The account that has the findings of the whole organisation."""
        if self._speaker is None:
            self._speaker = speaker(policies, self.snapshot)
        return self._speaker

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a key."""
        target, found, used = target_of(join.lookup), self._plain, self.used
        name = target.name

        def find(_: str, key: Hashable) -> Sequence[Any]:
            used.add((name, key))
            rows: Sequence[Any] | None = found.get((join, key), _NOT_YET)
            if rows is _NOT_YET:
                rows = found.keep((join, key), self._found(join, target, key))
            if rows is None:
                raise NotPlain
            return rows

        return find

    def across(self, lookup: Lookup, key: Key) -> tuple[Index, Unknown | None]:
        """The same for the exact path. Raises EvaluationError."""
        target = target_of(lookup)
        place = target.name, key
        self.used.add(place)
        index = self._exact.get(place)
        if index is None:
            there = self._build(lookup, self._lines(target, key))
            index = self._exact.keep(place, replace(there, maybes=self._unknowns(target)))
        return index, self.board.gaps.get(target.name)

    def answer(self, asked: Iterable[tuple[str, Hashable]]) -> bytes:
        """A digest of what there is for some keys of targets, by their names, in order; rows of unknown keys are for
        all."""
        digest, names = hashlib.sha256(), dict[str, None]()
        for place in asked:
            digest.update(self._digests.recalled(place) or self._digests.keep(place, self._digest(*place)))
            names[place[0]] = None
        for name in names:
            digest.update(self._unsure.get(name) or self._unsure.setdefault(name, self._digest_unsure(name)))
        return digest.digest()

    def _digest(self, name: str, key: Hashable) -> bytes:
        target, found = self.board.targets.get(name), list[object]()
        if target is not None:  # or nobody looks for it any more
            rows = [(each, self._table(target, each).get(short(key), [])) for each in self._where(target, key)]
            found = [target.elsewhere(key, self._accounts), rows]
        return hashlib.sha256(msgspec.msgpack.encode([name, repr(key), *found])).digest()

    def _digest_unsure(self, name: str) -> bytes:
        """The same of what rows of a target may be missing, and of those whose keys nobody knows."""
        target, gap, rows = self.board.targets.get(name), self.board.gaps.get(name), list[object]()
        if target is not None:
            there = self._where(target, UNKNOWN)
            rows = [(each, self._table(target, each).get(ANYTHING, [])) for each in there]
        return hashlib.sha256(msgspec.msgpack.encode([gap.causes if gap is not None else None, rows])).digest()

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
        if self._unknowns(target) and not lookup.one:
            return None
        found = local_join.index(self._decoded(target, key), join, self.snapshot.captured_at)
        try:
            return found.table(one=lookup.one, gap=target.name in self.board.gaps).get(key, local_join.NONE)
        except NotPlain:
            return None

    def _decoded(self, target: Target, key: Hashable) -> Sequence[Any]:
        """Rows for all lookups that find them by the same fields."""
        place = target.name, key
        rows = self._rows.get(place)
        if rows is None:
            decoder = self.decoders[target.source].careful()
            lines = self._lines(target, key)
            rows = [decoder.row(each.text.lines[each.number], each.parse) for each in lines]
            self._rows.keep(place, rows)
        return rows

    def _lines(self, target: Target, key: Hashable) -> list[Row]:
        return [
            row for account in self._where(target, key) for row in self._file(target, account).rows(target.source, key)
        ]

    def _unknowns(self, target: Target) -> tuple[Unknown, ...]:
        """Why rows may have any key: those whose own nobody knows. Raises EvaluationError where one has no value."""
        name = target.name
        if name not in self._maybes:
            lines = self._lines(target, UNKNOWN)
            try:
                self._maybes[name] = self._build(target, lines).maybes
            except EvaluationError as error:
                self._maybes[name] = error
        found = self._maybes[name]
        if isinstance(found, EvaluationError):
            raise found
        return found

    def _build(self, by: Matched, lines: Iterable[Row]) -> Index:
        return build((row.parse() for row in lines), by, {"snapshot_time": self.snapshot.captured_at})

    def _where(self, target: Target, key: Hashable) -> list[str]:
        """The accounts that may have rows with a key; those whose own is unknown have UNKNOWN."""
        name, owner = target.name, target.owner()
        if name not in self.board.targets:  # nobody knew that it would be asked for
            time, accounts = self.snapshot.captured_at, map(self.snapshot.account, self.snapshot.accounts)
            self.board.add([target], (survey(account, [target], {}, time, keeping=False) for account in accounts))
        if owner is None:
            return self.board.where(name, short(key))
        return [key[owner]] if isinstance(key, tuple) and key[owner] in self._accounts else []

    def _file(self, target: Target, identity: str) -> _File:
        place = target.name, identity
        file = self._files.recalled(place)
        if file is None:
            account = self.snapshot.account(identity)
            text, numbers = text_of(account, target.source), dict[Hashable, list[int]]()
            for key, number in keyed(account, target, text, self.snapshot.captured_at):
                numbers.setdefault(key, []).append(number)
            file = self._files.keep(place, _File(account, text, numbers))
        return file

    def _table(self, target: Target, account: str) -> dict[bytes, list[bytes]]:
        place = target.name, account
        table = self._tables.recalled(place)
        return self._tables.keep(place, self._offer(target, account).table()) if table is None else table

    def _offer(self, target: Target, account: str) -> Offer:
        """What an account offers, if it did not say so on the board: it is named by who looks for it."""
        name, asked, known = target.name, self._offers[account], self.board.surveys.get(account)
        if known and name in known.offers:
            return known.offers[name]
        if name not in asked:
            time = self.snapshot.captured_at
            read = self.remembered(account, name) or offer(self.snapshot.account(account), target, time, keeping=True)
            asked[name] = read
        return asked[name]
