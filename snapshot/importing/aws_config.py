"""Import what AWS Config recorded: its snapshot and history files, and answers of its API, as a snapshot of an archive.

    from stillframe.snapshot.importing.aws_config import import_aws_config

    done = import_aws_config(["AWSLogs"], "snapshots", regions=["eu-west-1"])

What AWS Config does not record is not known, and never taken for "there is none".
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from .. import remote
from ..chain import is_finished
from ..collector.anew import begin_anew
from ..errors import ArgumentError, CollectError
from ..format import snapshot_id, timestamp
from ..given import check_names, place_of
from ..model import GLOBAL
from ..names import REGION
from .account import account_of
from .coverage import Place
from .items import Source, sources
from .state import State, chosen, utc

SOURCE = "aws-config"
SKEW = timedelta(minutes=5)  # by which clocks may differ: what is later than that is still to come
OnFile = Callable[[int, int], None]  # hears of each file that was read: its number, of how many


class Imported(Struct, frozen=True, kw_only=True):
    """What an import brought. `problems` are files and items that could not be used, one line each."""

    path: remote.Place
    captured_at: str
    accounts: int
    resources: int
    items: int
    problems: tuple[str, ...]
    written: bool = True


def find(paths: Iterable[Path | str]) -> list[Source]:
    """The files to import, of folders and buckets. Raises ArgumentError or SnapshotError."""
    found = sources([place_of(path) for path in paths])
    if not found:
        raise CollectError("no .json or .json.gz file there", "name the folder AWSLogs of the bucket of AWS Config")
    return found


def import_aws_config(
    paths: Iterable[Path | str],
    into: Path | str,
    *,
    regions: Collection[str] = (),
    as_of: datetime | None = None,
    on_file: OnFile = lambda *_: None,
) -> Imported:
    """Write the state that the files tell of, the latest or that of a moment, to an archive.

    `regions` are those that are enabled, where that is known. Raises ArgumentError, SnapshotError or CollectError.
    """
    return _import(find(paths), place_of(into), _named(regions), utc(as_of) if as_of else None, on_file)


def import_days(
    paths: Iterable[Path | str],
    into: Path | str,
    moments: Iterable[datetime],
    *,
    regions: Collection[str] = (),
    on_file: OnFile = lambda *_: None,
) -> Iterable[Imported]:
    """One snapshot for each moment; files of accounts in which nothing changed are shared. Those there are stay."""
    found = find(paths)
    for moment in moments:
        yield _import(found, place_of(into), _named(regions), utc(moment), on_file)


def _named(regions: Collection[str]) -> frozenset[str]:
    check_names(regions=regions)
    for region in regions:
        if not REGION.match(region) or region == GLOBAL:
            raise ArgumentError(f"{region!r} is no region", "name regions as eu-west-1")
    return frozenset(regions)


def _import(
    found: list[Source], into: remote.Place, regions: frozenset[str], until: datetime | None, on_file: OnFile
) -> Imported:
    if until is not None and until - datetime.now(UTC) > SKEW:
        raise ArgumentError(
            f"{timestamp(until)} is still to come", "name a moment that is past, or days up to yesterday"
        )
    with reading(found, until, regions, on_file) as state:
        moment = until or state.moment()
        if moment is None or not state.places:
            raise CollectError(
                "; ".join(["no item of AWS Config from that time", *state.problems[:3]]),
                "name its snapshot files, and those of its history",
            )
        if is_finished(into / snapshot_id(moment)):
            return _done(into / snapshot_id(moment), moment, state, 0, written=False)
        return _write(state, into, moment, regions)


@contextmanager
def reading(found: list[Source], until: datetime | None, regions: frozenset[str], on_file: OnFile) -> Iterator[State]:
    """What files tell, up to a moment, put together on disk for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="stillframe-") as folder:
        state = State(Path(folder), until, regions, datetime.now(UTC) + SKEW)
        try:
            files = list(chosen(state.sound(found), until))
            for number, source in enumerate(files, 1):
                state.add(source)
                on_file(number, len(files))
            yield state
        finally:
            state.close()


def _write(state: State, into: remote.Place, moment: datetime, regions: frozenset[str]) -> Imported:
    writer, resources = begin_anew(into, moment, len(state.places)), 0
    try:
        for account in sorted(state.places):
            data, number = account_of(state, account, moment, state.regions)
            writer.add(data)
            resources += number
        path = writer.finish(scope_of(state.places, regions))
    except BaseException:
        writer.discard()
        raise
    return _done(path, writer.captured_at, state, resources)


def _done(path: remote.Place, moment: datetime, state: State, resources: int, *, written: bool = True) -> Imported:
    return Imported(
        path=path,
        captured_at=timestamp(moment.replace(microsecond=0)),
        accounts=len(state.places),
        resources=resources,
        items=state.read,
        problems=tuple(state.problems),
        written=written,
    )


def scope_of(found: Mapping[str, Mapping[str, Place]], regions: Collection[str]) -> dict[str, Any]:
    """What a manifest says: from what each region's state comes, and how old it is."""
    return {
        "source": SOURCE,
        "regions": sorted(regions) or None,
        "accounts": {
            account: {region: _said(place) for region, place in sorted(places.items())}
            for account, places in sorted(found.items())
        },
    }


def _said(place: Place) -> dict[str, Any]:
    return {
        "snapshot": timestamp(place.moment) if place.moment else None,
        "file": place.file,
        "latest": timestamp(place.latest.replace(microsecond=0)) if place.latest else None,
        "later": place.later,
    }
