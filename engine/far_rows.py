"""Rows of a whole snapshot, found one key at a time: it is noted once where each key is, and few rows are kept."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ..snapshot.model import Resource, Snapshot, Unknown
from .fast.far import keyed
from .fast.rows import exact_row, text_of
from .fast.target import UNKNOWN, Target, target_of
from .join import Index, Key, build
from .model import Lookup

KEPT = 64  # keys whose rows are kept: one finding asks for the same again and again
_Place = tuple[str, int]  # account, and number of a line


class FarRows:
    """The rows that lookups across a snapshot in files find, and why there may be others."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._places: dict[Target, dict[Hashable, list[_Place]]] = {}
        self._found: dict[tuple[Target, Key | None], Index] = {}
        self._gaps: dict[str, Unknown | None] = {}

    def across(self, lookup: Lookup, key: Key | None) -> tuple[Index, Unknown | None]:
        """As joins want it: the rows that have a key, with those of which nobody can say, and the gap."""
        target = target_of(lookup)
        if target not in self._places:
            noted = self._places[target] = {}
            for place, found in self._keys(target):
                noted.setdefault(found, []).append(place)
        places = self._places[target]
        if (target, key) not in self._found:
            if len(self._found) >= KEPT:
                self._found.clear()
            wanted = sorted({*places.get(key, ()), *places.get(UNKNOWN, ())})
            rows = (self._row(target.source, *place) for place in wanted)
            self._found[target, key] = build(rows, lookup.theirs, {})
        return self._found[target, key], self.gap(target.source)

    def gap(self, kind: str) -> Unknown | None:
        """Why resources of a type may be missing from the snapshot; None if none are."""
        if kind not in self._gaps:
            every = (self._snapshot.account(each).gap_anywhere(kind) for each in self._snapshot.accounts)
            gaps = [gap for gap in every if gap is not None]
            self._gaps[kind] = Unknown.merge(gaps) if gaps else None
        return self._gaps[kind]

    def _keys(self, target: Target) -> Iterator[tuple[_Place, Hashable]]:
        for identity in self._snapshot.accounts:
            account = self._snapshot.account(identity)
            for key, number in keyed(account, target, text_of(account, target.source)):
                yield (identity, number), key

    def _row(self, kind: str, identity: str, number: int) -> Resource:
        account = self._snapshot.account(identity)
        return exact_row(account, kind, text_of(account, kind), number - 1)
