"""What AWS Config knew at a moment, put together on disk: the last whole file of each region, and what came later."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from ..catalog import ResourceType
from ..collector.write import Row, row
from ..errors import SnapshotError
from ..format import encode, timestamp
from ..model import EVERYWHERE, GLOBAL
from .coverage import RECORDER, Place, recorder_of
from .items import UNRECORDED, BrokenError, Item, Source, read_items
from .resources import importable, is_one, rank_of, resource_of

_TABLE = """
CREATE TABLE items (
  account TEXT, kind TEXT, place TEXT, key TEXT, moment TEXT, gone INTEGER, region TEXT, id TEXT, line BLOB,
  rank INTEGER,
  PRIMARY KEY (account, kind, place, key)
) WITHOUT ROWID
"""
_ADD = """
INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET moment = excluded.moment, gone = excluded.gone, region = excluded.region, id = excluded.id,
  line = excluded.line, rank = excluded.rank
  WHERE excluded.moment > moment OR (excluded.moment = moment AND excluded.gone >= gone)
"""
# Of an id that is there twice, from two regions' files say, the latest counts; SQLite takes the row of the maximum.
_ROWS = """
SELECT region, id, line, gone, MAX(printf('%09d', rank) || moment) FROM items
WHERE account = ? AND kind = ? {places} AND NOT gone GROUP BY region, id ORDER BY region, id
"""
LATE = timedelta(hours=12)  # a history file tells of the hours before it


class State:
    """The items of many files, of which each resource's last counts. It stands in a file of its own.

    What is later than `now` is of a clock that is wrong: its type is not known, and a whole file counts for nothing.
    Once all files are added, what it has may be asked for from any thread.
    """

    def __init__(self, folder: Path, until: datetime | None, regions: frozenset[str], now: datetime) -> None:
        self._db = sqlite3.connect(folder / "items.sqlite", isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -8192")
        self._db.execute("BEGIN")
        self._db.execute(_TABLE)
        self.until, self.regions, self.now = until, regions, now
        self.places: dict[str, dict[str, Place]] = {}
        self.problems: list[str] = []
        self._wholes: dict[tuple[str | None, str | None], Source] = {}
        self.read = 0

    def moment(self) -> datetime | None:
        """The time of the latest of what was read: a whole file, or an item after it."""
        places = [place for each in self.places.values() for place in each.values()]
        return max((moment for place in places for moment in (place.moment, place.latest) if moment), default=None)

    def digest(self) -> str:
        """The digest of all items that count."""
        found = hashlib.sha256()
        for each in self._db.execute("SELECT * FROM items ORDER BY account, kind, place, key"):
            found.update(repr(each).encode())
        return found.hexdigest()

    def close(self) -> None:
        self._db.close()

    def sound(self, found: Sequence[Source]) -> list[Source]:
        """The files but for those of a time to come, of which a line says so."""
        kept = []
        for each in found:
            if self.until is not None or each.moment is None or each.moment <= self.now:
                kept.append(each)
                continue
            self.problems.append(f"{each.path}: is of {timestamp(each.moment)}, which is still to come: not read")
            self._lose(each)
            if each.account and each.region:
                self._place(each.account, each.region).ahead = each.moment
        return kept

    def add(self, source: Source) -> None:
        """All the items of a file. Whole files come first: nothing older than that of its region counts."""
        if source.whole and (rival := self._wholes.setdefault((source.account, source.region), source)) is not source:
            self._compare(source, rival)
            return
        faults: dict[str, list[int]] = {}
        number, done = 0, False
        try:
            for number, found in enumerate(read_items(source), 1):
                try:
                    if isinstance(found, BrokenError):
                        raise found
                    self._take(source, found)
                except BrokenError as fault:
                    faults.setdefault(str(fault), []).append(number)
            done = True
        except BrokenError as fault:
            self.problems.append(f"{source.path}: {fault}" + (f", after {number:,} items" if number else ""))
        for text, numbers in faults.items():
            self.problems.append(f"{source.path}: item {numbers[0]}{_more(numbers)}: {text}")
        if faults or not done:
            self._lose(source)
        if source.whole and source.account and source.region and source.moment:
            place = self._place(source.account, source.region)
            # An item of which not even the type is known may be of any.
            whole = done and not any("without" in text or "no object" in text or "status" in text for text in faults)
            place.moment, place.broken, place.file = (source.moment if whole else None), not whole, source.path.name

    def _compare(self, source: Source, rival: Source) -> None:
        """Of two whole files of one moment that do not say the same nobody knows which is right."""
        try:
            same = _sum(source) == _sum(rival)
        except BrokenError:
            same = False
        if not same and source.account and source.region:
            self.problems.append(
                f"{source.path}: of the same moment as {rival.path.name}, and says something else: of {source.region} "
                "neither counts"
            )
            self._place(source.account, source.region).lost.add(EVERYWHERE)

    def _lose(self, source: Source) -> None:
        """Of a history file that is damaged, what it tells of may have changed since."""
        if not source.whole and source.account and source.region:
            self._place(source.account, source.region).lost.add(source.kind or EVERYWHERE)

    def _take(self, source: Source, item: Item) -> None:
        if source.account not in (None, item.account):
            raise BrokenError("of another account than the file's name")
        if source.region is not None and item.region not in (source.region, GLOBAL):
            raise BrokenError("of another region than the file's name")
        region = source.region or item.region
        if self.regions and region != GLOBAL and region not in self.regions:
            raise BrokenError(f"of {region}, which is none of the regions that are enabled, as was said")
        place = self._place(item.account, region)
        moment = item.moment or (source.moment if source.whole else None)
        if moment is None:
            raise BrokenError("without a capture time")
        if self.until is not None and moment > self.until:
            return
        if moment > self.now:
            place.ahead = moment
            place.damaged.add(item.type)
            raise BrokenError("of a time that is still to come")
        if not source.whole:
            if place.moment is not None and moment <= place.moment:
                return
            place.later += 1
        place.latest = max(place.latest or moment, moment)
        self.read += 1
        self._keep(item, place, region, moment)

    def _keep(self, item: Item, place: Place, region: str, moment: datetime) -> None:
        if item.type == RECORDER:
            _note_recorder(place, item)
        spec = importable().get(item.type)
        if spec is None:
            return
        place.seen.add(item.type)
        if item.body["configurationItemStatus"] == UNRECORDED:  # it is there, and nothing is known of it
            place.damaged.add(item.type)
        try:
            self.put(spec, replace(item, gone=not is_one(spec, item)), region, moment)
        except BrokenError:
            place.damaged.add(item.type)
            raise

    def put(self, spec: ResourceType, item: Item, region: str, moment: datetime) -> None:
        """Keep a resource, as of a region's file, unless a later one is there."""
        item = replace(
            item, moment=moment, body={**item.body, "regions": sorted(self.regions)} if self.regions else item.body
        )
        try:
            found = None if item.gone else resource_of(spec, item)
            written = (*row(found), rank_of(spec, found)) if found else (None, None, None, 0)
        except SnapshotError as error:
            raise BrokenError(str(error)) from None
        when, key = moment.isoformat(timespec="microseconds"), f"{item.region}/{item.id}"
        with self._lock:
            self._db.execute(_ADD, (item.account, spec.type, region, key, when, item.gone, *written))

    def _place(self, account: str, region: str) -> Place:
        return self.places.setdefault(account, {}).setdefault(region, Place())

    def count(self, account: str, kind: str, places: Sequence[str]) -> int:
        query = f"SELECT COUNT(*) FROM ({_ROWS.format(places=_among(places))})"  # noqa: S608 - names are given apart
        with self._lock:
            found: int = self._db.execute(query, (account, kind, *places)).fetchone()[0]
        return found

    def rows(self, account: str, kind: str, places: Sequence[str]) -> list[Row]:
        """The resources of a type, of what was read in some places, by region and id."""
        query = _ROWS.format(places=_among(places))
        with self._lock:
            found = self._db.execute(query, (account, kind, *places)).fetchall()
        return [(region, identity, line) for region, identity, line, *_ in found]


class Rows(Mapping[str, Sequence[Row]]):
    """The resources of one account, read type by type: all of them at once need not fit into memory."""

    def __init__(self, state: State, account: str, places: Mapping[str, Sequence[str]]) -> None:
        self._state, self._account, self._places = state, account, places

    def __getitem__(self, kind: str) -> Sequence[Row]:
        return self._state.rows(self._account, kind, self._places[kind])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _among(places: Sequence[str]) -> str:
    return f"AND place IN ({', '.join('?' * len(places))})"


def _note_recorder(place: Place, item: Item) -> None:
    if item.gone:
        for states in place.recorders.values():  # which one it was is not said
            states.append(None)
    elif (found := recorder_of(item.body)) is not None:
        place.recorders.setdefault(found[0], []).append(found[1])


def _more(numbers: Sequence[int]) -> str:
    return f" and {len(numbers) - 1:,} more" if len(numbers) > 1 else ""


def chosen(found: Sequence[Source], until: datetime | None) -> Iterator[Source]:
    """The files that matter for a moment: the last whole one of each region, then those that may tell of later.

    Of several whole ones of one region and moment, all.
    """
    whole: dict[tuple[str | None, str | None], list[Source]] = {}
    for each in found:
        place = each.account, each.region
        if each.whole and each.moment and (until is None or each.moment <= until):
            before = whole.get(place, [])
            if not before or _time(before[0]) <= each.moment:
                whole[place] = [*(one for one in before if one.moment == each.moment), each]
    yield from (each for own in whole.values() for each in own)
    for each in found:
        own = whole.get((each.account, each.region))
        if each.whole:
            continue
        if each.moment is None or (
            (not own or each.moment > _time(own[0])) and (until is None or each.moment <= until + LATE)
        ):
            yield each


def _time(source: Source) -> datetime:
    return source.moment or datetime.min.replace(tzinfo=UTC)


def _sum(source: Source) -> int:
    """What tells the items of a file from others, in whatever order they are."""
    return sum(
        int.from_bytes(hashlib.sha256(encode(dict(each.body), ordered=True)).digest(), "big")
        for each in read_items(source)
        if isinstance(each, Item)
    )


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
