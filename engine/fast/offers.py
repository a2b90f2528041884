"""What accounts have that lookups across the snapshot may find: digests of keys and rows, without the rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping

import msgspec

from ...snapshot.model import Unknown
from .target import UNKNOWN, Target

SHORT, LONG = 8, 16  # of a key and of a row
ANYTHING = b"\0" * SHORT  # of a key that nobody knows


class Offer(msgspec.Struct, array_like=True):
    """What one account has for one target: the stamp of the type, and a digest of each key and of its row."""

    stamp: bytes
    rows: bytes

    def shorts(self) -> list[bytes]:
        return [self.rows[start : start + SHORT] for start in range(0, len(self.rows), SHORT + LONG)]


def offer(stamp: bytes, rows: Iterable[tuple[Hashable, bytes]]) -> Offer:
    return Offer(stamp, b"".join(short(key) + hashlib.sha256(line).digest()[:LONG] for key, line in rows))


def short(key: Hashable) -> bytes:
    """A few bytes that stand for a key."""
    return ANYTHING if key == UNKNOWN else hashlib.sha256(repr(key).encode()).digest()[:SHORT]


class Board:
    """Who has what: the offers of accounts, and the gaps of all."""

    def __init__(
        self,
        targets: Iterable[Target],
        accounts: Collection[str],
        offers: Mapping[str, dict[str, Offer]],
        gaps: Iterable[Mapping[str, tuple[str, ...]]],
    ) -> None:
        self.accounts, self.offers = accounts, offers
        self._targets = {target.name: target for target in targets}
        self._gaps: dict[str, list[Unknown]] = defaultdict(list)
        for each in gaps:
            for name, causes in each.items():
                self._gaps[name].append(Unknown(causes))
        self._rows: dict[str, dict[bytes, list[tuple[str, bytes]]]] = {}

    def gap(self, name: str) -> Unknown | None:
        """Why there may be other rows."""
        return Unknown.merge(self._gaps[name]) if name in self._gaps else None

    def where(self, target: Target, keys: Iterable[Hashable]) -> Iterable[str]:
        """The accounts that may have rows with one of some keys: all that do not say what they have."""
        owner = target.owner()
        if owner is not None:
            return sorted({key[owner] for key in keys if isinstance(key, tuple)} & self.offers.keys())
        shorts = {ANYTHING, *map(short, keys)}
        offers = ((account, self.offers[account].get(target.name)) for account in self.accounts)
        return [account for account, offered in offers if offered is None or not shorts.isdisjoint(offered.shorts())]

    def note(self, asked: Iterable[tuple[str, Hashable]]) -> None:
        """Have what is said of some keys, by the names of their targets, at hand for `answer`."""
        wanted: dict[str, set[bytes]] = defaultdict(lambda: {ANYTHING})
        for name, key in asked:
            wanted[name].add(short(key))
        for name, shorts in wanted.items():
            rows = self._rows[name] = defaultdict(list)
            for account in self.accounts:
                if offered := self.offers[account].get(name):
                    for number, each in enumerate(offered.shorts()):
                        if each in shorts:
                            start = number * (SHORT + LONG) + SHORT
                            rows[each].append((account, offered.rows[start : start + LONG]))

    def answer(self, asked: Iterable[tuple[str, Hashable]]) -> bytes:
        """A digest of what there is for some keys that were noted. Rows of unknown keys are for all."""
        found = []
        for name, key in sorted(asked, key=repr):
            rows, gap = self._rows.get(name, {}), self.gap(name)
            causes = gap.causes if gap is not None else None
            elsewhere = name in self._targets and self._targets[name].elsewhere(key, self.offers)
            found.append([name, causes, elsewhere, rows.get(ANYTHING, []), repr(key), rows.get(short(key), [])])
        return hashlib.sha256(msgspec.msgpack.encode(found)).digest()
