"""Lookups within a region or an account: hash joins over rows of which only the fields needed are decoded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec import Struct, field

from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Resource
from ..compiler.join_key import UNKNOWN, Decoder, Row, exact_keys
from ..compiler.program import Join
from ..compiler.runtime import NotPlain
from ..model.policy import Within
from .records import read_rows, text_of

Find = Callable[[str, Hashable], Sequence[Row]]
NONE: Sequence[Row] = ()  # what is found of a key that no row has


class Index(Struct):
    """Rows by key. A key of which a row is not plain is in `odd`; `whole` says that no row has an unknown key."""

    rows: dict[Hashable, list[Row]] = field(default_factory=dict)
    odd: set[Hashable] = field(default_factory=set)
    whole: bool = True

    def table(self, *, one: bool, gap: bool) -> Mapping[Hashable, list[Row]]:
        """Rows by key. Asking raises NotPlain where the rows are not all that there may be."""
        # Exactly one is asked for, and found: then it does not matter what else there may be.
        if (gap or not self.whole) and not one:
            return _Never()
        return _But(self.rows, self.odd) if self.odd else self.rows


def referred(find: Find) -> Find:
    """The same where each key names what exists: one without a row is not plain, be its rows kept or not."""

    def found(region: str, key: Hashable) -> Sequence[Row]:
        rows = find(region, key)
        if rows is NONE and key is not None:
            raise NotPlain
        return rows

    return found


class _Never(dict[Hashable, list[Row]]):
    def get(self, *_: Any) -> Any:
        raise NotPlain


class _But(dict[Hashable, list[Row]]):
    """All but some keys."""

    def __init__(self, rows: Mapping[Hashable, list[Row]], odd: Collection[Hashable]) -> None:
        super().__init__(rows)
        self._odd = odd

    def get(self, key: Hashable, default: Any = None) -> Any:
        if key in self._odd:
            raise NotPlain
        return super().get(key, default)


def index(rows: Iterable[Row], join: Join, snapshot_time: str) -> Index:
    """The rows that a lookup may find, by what they are matched by."""
    found = Index()
    theirs, keep, there, odd = join.theirs, join.keep, found.rows, found.odd
    spread, refers = join.lookup.spread is not None, join.lookup.refers
    for row in rows:
        if row.__class__ is Resource:
            keys = exact_keys(row, join.lookup, snapshot_time)
            found.whole = found.whole and UNKNOWN not in keys
            odd.update(keys)
        elif (key := theirs(row, snapshot_time)) is not None:
            keys = key if spread else (key,)  # a fleet has a hundred thousand rows
            try:
                if keep is None or keep(row, snapshot_time):
                    for each in keys:
                        there.setdefault(each, []).append(row)
                elif refers:
                    for each in keys:
                        there.setdefault(each, [])
            except Exception:  # nobody can say whether it is one of them
                odd.update(keys)
    return found


class Near(Struct):
    """The rows of one account, decoded once for all lookups."""

    account: Account
    decoders: Mapping[str, Decoder]
    snapshot_time: str
    _rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a region and a key."""
        everywhere = join.lookup.within is not Within.REGION
        tables: dict[str, Mapping[Hashable, list[Row]]] = {}
        sure: Collection[str] | None = () if everywhere else None
        rows: Mapping[Hashable, list[Row]] = {}

        def find(region: str, key: Hashable) -> Sequence[Row]:
            nonlocal sure, rows
            if sure is None:
                sure, rows = self._by_region(join)
            if region in sure:
                return rows.get((region, key), NONE)
            place = EVERYWHERE if everywhere else region
            table = tables.get(place)
            if table is None:
                table = tables[place] = self._table(join, place)
            return table.get(key, NONE)

        return find

    def _by_region(self, join: Join) -> tuple[Collection[str], Mapping[Hashable, list[Row]]]:
        """The frequent case at once: the regions whose rows are all known and plain, and rows by region and key."""
        source, theirs, keep, time = join.lookup.source, join.theirs, join.keep, self.snapshot_time
        coverage, rows = self.account.coverage.get(source), dict[Hashable, list[Row]]()
        if coverage is None or coverage.missing or join.lookup.spread is not None or GLOBAL in self._of(source):
            return (), rows
        sure = {*coverage.read}
        for row in chain.from_iterable(self._of(source).values()):
            if row.__class__ is Resource:
                sure.discard(row.region)
                continue
            try:
                key = theirs(row, time)
                if key is None:
                    continue
                if keep is None or keep(row, time):
                    rows.setdefault((row.region, key), []).append(row)
                elif join.lookup.refers:
                    rows.setdefault((row.region, key), [])
            except Exception:  # nobody can say whether it is one of them
                sure.discard(row.region)
        return sure, rows

    def _table(self, join: Join, place: str) -> Mapping[Hashable, list[Row]]:
        source, account = join.lookup.source, self.account
        gap = account.gap_anywhere(source) if place == EVERYWHERE else account.gap(source, place)
        rows = self._of(source)
        places = rows if place == EVERYWHERE else sorted({place, GLOBAL})
        there = chain.from_iterable(rows.get(each, ()) for each in places)
        return index(there, join, self.snapshot_time).table(one=join.lookup.one, gap=gap is not None)

    def _of(self, kind: str) -> Mapping[str, list[Row]]:
        """The rows of a type by region, in order."""
        if kind not in self._rows:
            by_region = self._rows[kind] = {}
            for _, rows in read_rows(self.account, kind, text_of(self.account, kind), self.decoders[kind]):
                for row in rows:
                    by_region.setdefault(row.region, []).append(row)
        return self._rows[kind]
