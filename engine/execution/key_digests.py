"""What accounts have that lookups across the snapshot may find: digests of keys and rows, without the rows."""

from __future__ import annotations

import hashlib
import struct
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Self
from zlib import crc32

import msgspec
from msgspec import Struct, field

from ...snapshot.model import Account, Lines, Unknown
from ..compiler.join_key import UNKNOWN, Target
from .records import keyed, text_of

SHORT, LONG = 4, 16  # of a key and of a row
ANYTHING = b"\0" * SHORT  # of a key that nobody knows
_ACCOUNT = 24  # bits of an account's number in an index, after those of a key


class Offer(msgspec.Struct, array_like=True):
    """What one account has for one target: a digest of each key, and if it is to be kept also one of each row, and
    the stamp of the type."""

    keys: bytes
    rows: bytes = b""
    stamp: bytes = b""

    def table(self) -> dict[bytes, list[bytes]]:
        """The digests of rows, by the digests of their keys."""
        found = defaultdict[bytes, list[bytes]](list)
        for number, start in enumerate(range(0, len(self.keys), SHORT)):
            found[self.keys[start : start + SHORT]].append(self.rows[number * LONG : (number + 1) * LONG])
        return found


class Survey(Struct, frozen=True):
    """By the names of targets, what one account has for others, and why they may not find all that there is."""

    offers: dict[str, Offer]
    gaps: Mapping[str, tuple[str, ...]]


def survey(
    account: Account, targets: Iterable[Target], remembered: Mapping[str, Offer], snapshot_time: str, *, keeping: bool
) -> Survey:
    """What an account has. Of targets that name the account it is not asked: who looks there opens it."""
    targets = list(targets)
    gaps = {target.name: account.gap_anywhere(target.source) for target in targets}
    offers = {
        target.name: remembered.get(target.name) or offer(account, target, snapshot_time, keeping=keeping)
        for target in targets
        if target.owner() is None
    }
    return Survey(offers, {name: gap.causes for name, gap in gaps.items() if gap is not None})


def offer(account: Account, target: Target, snapshot_time: str, *, keeping: bool) -> Offer:
    text = text_of(account, target.source)
    rows = list(keyed(account, target, text, snapshot_time))
    keys = _packed([_number(key) for key, _ in rows])
    if not keeping:
        return Offer(keys)
    assert account.stamp  # noqa: S101 - of a snapshot in files
    return Offer(keys, b"".join([_long(text, number) for _, number in rows]), account.stamp([target.source]))


def _long(text: Lines, number: int) -> bytes:
    return hashlib.sha256(text.lines[number]).digest()[:LONG]


def short(key: Hashable) -> bytes:
    """A few bytes that stand for a key. Others may have the same: then more is opened or evaluated than need be."""
    return _packed([_number(key)])


def _number(key: Hashable) -> int:
    if key == UNKNOWN:
        return 0
    spelled = [_spelled(part) if part.__class__ is tuple else part for part in key] if isinstance(key, tuple) else key
    return crc32(repr(spelled).encode())


def _packed(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _numbers(keys: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(keys) // SHORT}I", keys)


def _spelled(part: tuple[str, Any]) -> Any:
    """Equal parts of keys alike: 1 is 1.0."""
    if isinstance(part[1], float) and part[1].is_integer():
        return part[0], int(part[1])
    return part


class Board(Struct):
    """Who has what of some targets. `gaps` say for each why there may be other rows; `surveys` are there to be kept."""

    accounts: Sequence[str]
    targets: dict[str, Target] = field(default_factory=dict)
    gaps: dict[str, Unknown] = field(default_factory=dict)
    surveys: dict[str, Survey] = field(default_factory=dict)
    index: dict[str, array[int]] = field(default_factory=dict)

    @classmethod
    def joined(cls, accounts: Sequence[str], parts: Iterable[Board]) -> Self:
        """The board of all accounts, of boards of some that know the number of their `first`."""
        board, places = cls(accounts), defaultdict[str, "array[int]"](lambda: array("Q"))
        gaps: dict[str, list[Unknown]] = defaultdict(list)
        for part in parts:
            board.targets |= part.targets
            for name, gap in part.gaps.items():
                gaps[name].append(gap)
            for name, found in part.index.items():
                places[name].extend(found)
        board.gaps = {name: Unknown.merge(each) for name, each in gaps.items()}
        while places:
            name, found = places.popitem()
            board.index[name] = array("Q", sorted(found))  # of parts that are sorted it is a merge
        return board

    def add(
        self, targets: Iterable[Target], surveys: Iterable[Survey], *, keeping: bool = False, first: int = 0
    ) -> None:
        """Note what each of the accounts has for some targets."""
        places: dict[str, list[int]] = defaultdict(list)
        gaps: dict[str, list[Unknown]] = defaultdict(list)
        for number, (account, each) in enumerate(zip(self.accounts, surveys, strict=True), first):
            if keeping:
                self.surveys[account] = each
            for name, causes in each.gaps.items():
                gaps[name].append(Unknown(causes))
            for name, offered in each.offers.items():
                places[name] += {each << _ACCOUNT | number for each in _numbers(offered.keys)}
        self.targets |= {target.name: target for target in targets}
        self.gaps |= {name: Unknown.merge(each) for name, each in gaps.items()}
        while places:  # one after the other: the list of a fleet is large
            name, found = places.popitem()
            found.sort()
            self.index[name] = array("Q", found)

    def where(self, target: str, key: bytes) -> list[str]:
        """The accounts that may have rows with a key, by its digest, in order."""
        found, (wanted,), numbers = self.index.get(target, array("Q")), _numbers(key), []
        place = bisect_left(found, wanted << _ACCOUNT)
        while place < len(found) and found[place] >> _ACCOUNT == wanted:
            numbers.append(found[place] & (1 << _ACCOUNT) - 1)
            place += 1
        return [self.accounts[number] for number in numbers]
