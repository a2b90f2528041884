"""Fill what AWS Config lacks: AWS itself is asked for that alone, and both are written as one snapshot.

Of what is whole by AWS Config's files nothing is asked. Of any other type the list is AWS's, as of now; what is
attached to its resources is only asked where AWS Config has no value that counts.
"""

from __future__ import annotations

import threading
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from .. import remote
from ..archive import read_account_file
from ..catalog import REGION_TYPE, ResourceType, Steps
from ..collector.write import AccountData, Pen, Row, Writer, Written
from ..errors import CollectError
from ..format import digest, read_line, timestamp
from ..gaps import REDACTED
from ..layout import Files
from ..model import EVERYWHERE, GLOBAL, Json, Resource, Unknown
from ..resource import names_in
from .account import account_of
from .aws_config import OnFile, find, reading, scope_of
from .coverage import Place
from .merging import merged
from .state import State

FRESH = timedelta(days=2)  # AWS Config writes a whole file once a day at the least
_NONE_FRESH = "no snapshot file of these days: what AWS says now is not what it was like then"
Paths = Mapping[str, Collection[Steps]]  # resource type → the paths of its resources that count


@contextmanager
def filling(
    paths: Collection[Path | str], counts: Paths, *, begun: datetime | None = None, on_file: OnFile = lambda *_: None
) -> Iterator[Filling]:
    """What the files tell, ready to be filled: now, or as it was `begun`, by the files that there were then.

    `counts` are the paths that decide: what AWS Config lacks of others is not asked. Of a type that is not among them
    all counts. Raises ArgumentError, SnapshotError or CollectError.
    """
    now = datetime.now(UTC)
    moment = begun or now
    if now - moment > FRESH:
        raise CollectError(
            f"begun at {timestamp(moment)}, more than {FRESH.days} days ago: what AWS says now is something else",
            "begin again, without --resume",
        )
    found = [each for each in find(paths) if each.moment is None or not moment < each.moment <= now]
    with reading(found, None, frozenset(), on_file) as state:
        yield Filling(state, counts, moment)


class _Known(Struct, frozen=True, kw_only=True):
    """The answers about a resource that need not be asked; and those that only say its `region`, so not there."""

    region: str
    values: Mapping[str, Json]
    spare: Mapping[str, Json]


class _Recorded(Struct, kw_only=True):
    """What AWS Config recorded of one account: as an import has it, and what of it is asked of AWS."""

    data: AccountData
    number: int
    asked: dict[str, Collection[str]] = field(default_factory=dict)
    known: dict[str, dict[tuple[str, str], _Known]] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)


class Filling:
    """A snapshot that is written of both. To a collection it is what is `Known`, and the `Writer`."""

    files: Files
    pen: Pen
    done: dict[str, str]
    captured_at: datetime

    def __init__(self, state: State, counts: Paths, moment: datetime) -> None:
        self._state, self._counts, self.moment = state, counts, moment
        self._places = {account: _fresh(places, moment) for account, places in state.places.items()}
        if not any(self._places.values()):
            raise CollectError(
                "; ".join([_NONE_FRESH, *self.problems()[:3]]),
                "name snapshot files up to today, or import these without --fill",
            )
        self.digest = digest(
            state.digest().encode() + msgspec.json.encode([self._places, counts], order="deterministic")
        )
        self._lock, self._recorded = threading.Lock(), dict[str, _Recorded]()
        self.resources = 0

    def onto(self, writer: Writer) -> None:
        """Write by this writer, which may have some accounts already."""
        self._writer, self.captured_at = writer, writer.captured_at
        self.files, self.done, self.pen = writer.files, writer.done, writer.pen
        there = [read_account_file(writer.files, account, found) for account, found in writer.done.items()]
        self.resources = sum(entry.count for file in there for entry in file.types.values())

    @property
    def accounts(self) -> list[str]:
        return sorted(self._places)

    @property
    def items(self) -> int:
        return self._state.read

    def problems(self) -> list[str]:
        """What was not used, a line each: files, items, and regions whose state is not of now."""
        stale = [
            f"{account} {region}: {why}"
            for account, places in sorted(self._state.places.items())
            for region, place in sorted(places.items())
            if (why := _unfit(place, self.moment))
        ]
        return [*self._state.problems, *stale]

    # ---------------------------------------------------------------------------------------------- what is known

    def lacking(
        self, account: str, spec: ResourceType, places: Collection[str], regions: Collection[str]
    ) -> Collection[str]:
        own = self._account(account, regions)
        coverage = own.data.coverage.get(spec.type)
        counts = self._counts.get(spec.type, [()])
        gaps, known, spare = set[str](), {}, _of_region(spec, counts)
        for _, _, line in own.data.resources.get(spec.type, ()):
            resource = read_line(bytes(line))
            known[_key(spec, resource.region, resource.id)] = _known(spec, resource, counts, spare)
            if any(_is_unknown(resource, path) for path in counts):
                gaps.add(resource.region)
        found = places
        if coverage is not None and spec.scope == "account":
            found = places if coverage.missing or gaps or GLOBAL not in coverage.read else ()
        elif coverage is not None and coverage.missing.keys().isdisjoint((EVERYWHERE, GLOBAL)):
            found = [place for place in places if place not in coverage.read or place in gaps]
        with self._lock:
            own.asked[spec.type], own.known[spec.type] = found, known if found else {}
        return found

    def attached(self, account: str, spec: ResourceType, region: str, identity: str) -> Mapping[str, Json]:
        own = self._recorded[account]
        found = own.known.get(spec.type, {}).get(_key(spec, region, identity))
        if found is None:
            return {}
        with self._lock:
            own.used.setdefault(spec.type, set()).update(found.values)
        return {**found.values, **found.spare} if found.region == region else found.values

    def _account(self, account: str, regions: Collection[str]) -> _Recorded:
        with self._lock:
            if account not in self._recorded:
                data, number = account_of(self._state, account, self.moment, regions, self._places[account])
                self._recorded[account] = _Recorded(data=data, number=number)
            return self._recorded[account]

    # --------------------------------------------------------------------------------------------- what is written

    def add(self, live: AccountData) -> None:
        """Write an account: of each type what AWS said where it was asked and answered, and else what was recorded."""
        regions = () if isinstance(live.regions, Unknown) else list(live.regions)
        own = self._account(live.id, regions)
        coverage, rows, number = dict(own.data.coverage), dict[str, Sequence[Row]](), own.number
        filled: dict[str, dict[str, list[str]]] = {}
        for kind, answered in live.coverage.items():
            asked = [GLOBAL] if kind == REGION_TYPE else own.asked.get(kind, ())
            if not asked and not answered.missing:
                continue
            before = own.data.resources.get(kind, ())
            coverage[kind], rows[kind] = merged(
                coverage[kind], before, answered, live.resources.get(kind, ()), asked, regions
            )
            number += len(rows[kind]) - len(before)
            if there := sorted({*asked} & {*answered.read}):
                used = own.used.get(kind)
                filled[kind] = {"in": there, **({"recorded": sorted(used)} if used else {})}
        known = own.data.regions if isinstance(live.regions, Unknown) else live.regions
        self._writer.add(
            AccountData(
                id=live.id,
                name=live.name,
                regions=known,
                coverage=coverage,
                resources=ChainMap(rows, own.data.resources),  # type: ignore[arg-type]
                filled=filled,
            )
        )
        with self._lock:
            self.resources += number
            del self._recorded[live.id]

    def settle(self, written: Written) -> None:
        self._writer.settle(written)

    def finish(self, scope: Mapping[str, Any]) -> remote.Place:
        """Write the manifest, which says when AWS was asked; of what, each account's file."""
        asked = {name: scope[name] for name in ("types", "skipped") if name in scope}
        filled = {"at": timestamp(self.captured_at)}
        return self._writer.finish({**scope_of(self._places, ()), **asked, "filled": filled})

    def pause(self) -> None:
        self._writer.pause()

    def discard(self) -> None:
        self._writer.discard()


def _fresh(places: Mapping[str, Place], now: datetime) -> dict[str, Place]:
    """The regions whose whole files are of these days. Items alone make nothing fresh, and none may be of a future."""
    return {region: place for region, place in places.items() if not _unfit(place, now)}


def _unfit(place: Place, now: datetime) -> str | None:
    """Why the state of a region is asked as a whole."""
    if place.ahead is not None:
        return f"what AWS Config recorded is of {timestamp(place.ahead.replace(microsecond=0))}, a time to come"
    if place.moment is None:
        return "AWS Config gave no whole snapshot that is sound"
    if now - place.moment > FRESH:
        return f"AWS Config's snapshot of {timestamp(place.moment)} is more than {FRESH.days} days old"
    return None


def _key(spec: ResourceType, region: str, identity: str) -> tuple[str, str]:
    return ("" if spec.scope == "account" else region), identity


def _known(spec: ResourceType, resource: Resource, counts: Collection[Steps], spare: Collection[str]) -> _Known:
    """What of a resource need not be asked: what counts of it is known, or nothing would be asked for it."""
    there = {name: resource.config[name] for name in spec.attach if name in resource.config}
    values = {
        name: value
        for name, value in there.items()
        if not isinstance(value, Unknown)
        and not (spec.attach[name].asked and any(_lost(there, path) for path in _of(name, counts)))
    }
    return _Known(region=resource.region, values=values, spare={name: there[name] for name in spare if name in there})


def _of_region(spec: ResourceType, counts: Collection[Steps]) -> list[str]:
    """The answers that say the region of a resource, and nothing else that counts."""
    calls = (call for call in spec.attach.values() if call.asked)
    others = (spec.id, spec.name, *(each for call in calls for each in (call.when, *call.arguments.values())))
    read = {name for expression in others if expression for name in names_in(expression)}
    named = names_in(spec.region) if spec.region else ()
    return [name for name in spec.attach if name in named and name not in read and not [*_of(name, counts)]]


def _of(name: str, counts: Collection[Steps]) -> Iterator[Steps]:
    """The paths that begin at a field; where all counts, all of the field."""
    yield from ((name, *path[1:]) for path in counts if path[:1] in ((), (name,)))


def _is_unknown(resource: Resource, path: Steps) -> bool:
    match path[:1]:
        case ("$tags",):
            return _lost(resource.tags, ())
        case (name,) if name.startswith("$"):
            return False
        case _:
            return _lost(resource.config, path)


def _lost(value: Json, path: Steps) -> bool:
    """Whether something at a path, or in what is there, is not known."""
    step, rest = (path[0], path[1:]) if path else ("*", path)
    match value:
        case Unknown():
            return value != REDACTED
        case dict():
            return any(_lost(each, rest) for each in (value.values() if step == "*" else [value.get(step)]))
        case list():
            return any(_lost(each, rest if step == "[]" else path) for each in value)
        case _:
            return False
