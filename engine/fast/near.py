"""Lookups within a region or an account: hash joins over rows of which only the fields needed are decoded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Resource
from ..model import Within
from .plain import NotPlain
from .program import Join
from .target import UNKNOWN, Decoder, Row, exact_key

Find = Callable[[str, Hashable], Sequence[Row]]


@dataclass(slots=True)
class Index:
    """Rows by key. A key of which a row is not plain is in `odd`; `whole` says that no row is without a key."""

    rows: dict[Hashable, list[Row]] = field(default_factory=dict)
    odd: set[Hashable] = field(default_factory=set)
    whole: bool = True

    def add(self, row: Row, join: Join, snapshot_time: str) -> None:
        plain = not isinstance(row, Resource)
        key = join.theirs(row, snapshot_time) if plain else exact_key(row, join.lookup.theirs)
        if key == UNKNOWN:
            self.whole = False
        elif key is not None and not plain:
            self.odd.add(key)
        elif key is not None:
            try:
                if join.keep is None or join.keep(row, snapshot_time):
                    self.rows.setdefault(key, []).append(row)
            except Exception:  # nobody can say whether it is one of them
                self.odd.add(key)

    def table(self, *, one: bool, gap: bool) -> Mapping[Hashable, list[Row]]:
        """Rows by key. Asking raises NotPlain where the rows are not all that there may be."""
        # Exactly one is asked for, and found: then it does not matter what else there may be.
        if (gap or not self.whole) and not one:
            return _Never()
        return _But(self.rows, self.odd) if self.odd else self.rows


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
    for each in rows:
        found.add(each, join, snapshot_time)
    return found


@dataclass(slots=True)
class Near:
    """The rows of one account, decoded once for all lookups."""

    account: Account
    decoders: Mapping[str, Decoder]
    snapshot_time: str
    _rows: dict[str, list[Row]] = field(default_factory=dict)

    def find(self, join: Join) -> Find:
        """The function that finds a lookup's rows for a region and a key."""
        lookup, places = join.lookup, self._places(join)
        everywhere = lookup.within is not Within.REGION
        tables: dict[str, Mapping[Hashable, list[Row]]] = {}

        def find(region: str, key: Hashable) -> Sequence[Row]:
            place = EVERYWHERE if everywhere else region
            table = tables.get(place)
            if table is None:
                table = tables[place] = places(place).table(one=lookup.one, gap=self._gap(lookup.source, place))
            return table.get(key, ())

        return find

    def _gap(self, kind: str, place: str) -> bool:
        account = self.account
        return (account.gap_anywhere(kind) if place == EVERYWHERE else account.gap(kind, place)) is not None

    def _places(self, join: Join) -> Callable[[str], Index]:
        """The index of a region, or of the whole account. None is made before the first is asked for."""
        made: dict[str, Index] = {}
        everywhere = join.lookup.within is Within.ACCOUNT

        def place(region: str) -> Index:
            if not made:
                for each in self._of(join.lookup.source):
                    where = EVERYWHERE if everywhere else each.region
                    if where not in made:
                        made[where] = Index()
                    made[where].add(each, join, self.snapshot_time)
                made.setdefault("", _NOTHING)
            if not everywhere and GLOBAL in made and region not in mixed:
                rows = (each for each in self._of(join.lookup.source) if each.region in (region, GLOBAL))
                mixed[region] = index(rows, join, self.snapshot_time)
            return mixed.get(region) or made.get(region, _NOTHING)

        mixed: dict[str, Index] = {}
        return place

    def _of(self, kind: str) -> list[Row]:
        if kind not in self._rows:
            self._rows[kind] = list(read_rows(self.account, kind, self.decoders[kind]))
        return self._rows[kind]


_NOTHING = Index()


def read_rows(account: Account, kind: str, decoder: Decoder) -> Iterator[Row]:
    """The rows of one type, in order. Raises SnapshotError where the exact path does."""
    assert account.lines  # noqa: S101 - of a snapshot in files
    assert account.parse  # noqa: S101
    text = account.lines(kind)
    read, last = decoder.for_lines(text).read, ("", "")
    for number, line in enumerate(text.lines, 1):
        try:
            each = read(line)
        except Exception:  # whatever it is, the exact path knows it
            each = account.parse(kind, line, number)
        place = each.region, each.id
        if each.account != account.id or place <= last:
            refuse(account, kind)
        last = place
        yield each


def refuse(account: Account, kind: str) -> None:
    """Let the exact path say what is wrong with a file."""
    raise AssertionError(f"the exact path reads {len(list(account.read(kind)))} of {kind}, the fast path does not")
