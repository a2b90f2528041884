"""Import what AWS Config recorded: its snapshot and history files, and answers of its API, as a snapshot of an archive.

    from stillframe.snapshot.importing.aws_config import import_aws_config

    done = import_aws_config(["AWSLogs"], "snapshots", regions=["eu-west-1"])

What AWS Config does not record is not known, and never taken for "there is none".
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..catalog import ACCOUNT_TYPE, ResourceType, load_catalog
from ..collector.write import AccountData, SnapshotWriter
from ..errors import ArgumentError, CollectError
from ..format import snapshot_id, timestamp
from ..given import check_names, path_of, place_of
from ..layout import MANIFEST
from ..model import EVERYWHERE, GLOBAL, Coverage, Unknown
from ..names import REGION
from .coverage import Place, gap_of
from .items import Item, Source, sources
from .state import Rows, State, chosen, utc

SOURCE = "aws-config"
OnFile = Callable[[int, int], None]  # hears of each file that was read: its number, of how many
NOWHERE = "NotRecorded: AWS Config recorded it nowhere in full"
NO_REGIONS = "NotRecorded: AWS Config does not say which regions are enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import brought. `problems` are files and items that could not be used, one line each."""

    path: Path
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
    return _import(find(paths), path_of(into), _named(regions), utc(as_of) if as_of else None, on_file)


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
        yield _import(found, path_of(into), _named(regions), utc(moment), on_file)


def _named(regions: Collection[str]) -> frozenset[str]:
    check_names(regions=regions)
    for region in regions:
        if not REGION.match(region) or region == GLOBAL:
            raise ArgumentError(f"{region!r} is no region", "name regions as eu-west-1")
    return frozenset(regions)


def _import(
    found: list[Source], into: Path, regions: frozenset[str], until: datetime | None, on_file: OnFile
) -> Imported:
    with tempfile.TemporaryDirectory(prefix="stillframe-") as folder:
        state = State(Path(folder), until, regions)
        try:
            files = list(chosen(found, until))
            for number, source in enumerate(files, 1):
                state.add(source)
                on_file(number, len(files))
            moment = until or state.moment()
            if moment is None or not state.places:
                raise CollectError(
                    "; ".join(["no item of AWS Config from that time", *state.problems[:3]]),
                    "name its snapshot files, and those of its history",
                )
            if (into / snapshot_id(moment) / MANIFEST).exists():
                return _done(into / snapshot_id(moment), moment, state, 0, written=False)
            return _write(state, into, moment, regions)
        finally:
            state.close()


def _write(state: State, into: Path, moment: datetime, regions: frozenset[str]) -> Imported:
    writer, resources = SnapshotWriter(into, moment), 0
    try:
        for account in sorted(state.places):
            data, number = _account(state, account, moment)
            writer.add(data)
            resources += number
        path = writer.finish(_scope(state, regions))
    except BaseException:
        writer.discard()
        raise
    return _done(path, writer.captured_at, state, resources)


def _done(path: Path, moment: datetime, state: State, resources: int, *, written: bool = True) -> Imported:
    return Imported(
        path=path,
        captured_at=timestamp(moment.replace(microsecond=0)),
        accounts=len(state.places),
        resources=resources,
        items=state.read,
        problems=tuple(state.problems),
        written=written,
    )


def _scope(state: State, regions: frozenset[str]) -> dict[str, Any]:
    """What a manifest says: from what each region's state comes, and how old it is."""
    return {
        "source": SOURCE,
        "regions": sorted(regions) or None,
        "accounts": {
            account: {region: _said(place) for region, place in sorted(places.items())}
            for account, places in sorted(state.places.items())
        },
    }


def _said(place: Place) -> dict[str, Any]:
    return {
        "snapshot": timestamp(place.moment) if place.moment else None,
        "file": place.file,
        "latest": timestamp(place.latest.replace(microsecond=0)) if place.latest else None,
        "later": place.later,
    }


def _account(state: State, account: str, moment: datetime) -> tuple[AccountData, int]:
    enabled = state.regions
    coverage: dict[str, Coverage] = {}
    taken: dict[str, list[str]] = {}
    number = 0
    for kind, spec in load_catalog().items():
        coverage[kind], taken[kind] = _covered(state, account, spec, enabled)
        number += state.count(account, kind, taken[kind]) if taken[kind] else 0
    taken[ACCOUNT_TYPE] = [*taken[ACCOUNT_TYPE], GLOBAL]
    if not state.count(account, ACCOUNT_TYPE, taken[ACCOUNT_TYPE]):  # there is an account, whatever was recorded of it
        item = Item(
            account=account, region=GLOBAL, type="", id=account, moment=None, gone=False, body={"accountId": account}
        )
        state.put(load_catalog()[ACCOUNT_TYPE], item, GLOBAL, moment)
    coverage[ACCOUNT_TYPE] = Coverage(read=[GLOBAL], missing={})
    return (
        AccountData(
            id=account,
            name=None,
            regions=sorted(enabled) if enabled else Unknown.because(NO_REGIONS),
            coverage=coverage,
            resources=Rows(state, account, taken),
        ),
        number,
    )


def _covered(state: State, account: str, spec: ResourceType, enabled: Collection[str]) -> tuple[Coverage, list[str]]:
    """What of a type counts as read, and the regions' files from which its resources are taken."""
    places, rule = state.places[account], spec.config
    if rule is None:
        return Coverage(read=[], missing={EVERYWHERE: f"NotRecorded: {spec.type} is not imported from AWS Config"}), []
    running = [region for region, place in sorted(places.items()) if place.believed(rule.type)]
    gaps = {region: gap_of(rule, region, places.get(region)) for region in sorted({*places, *enabled} - {GLOBAL})}
    if rule.once:
        running = _one_of(places, running, gaps, rule.type)
        gaps = {region: gaps.get(region, NOWHERE) for region in running} or {GLOBAL: NOWHERE}
    causes = {region: cause for region, cause in gaps.items() if cause}
    everywhere = [f"NotRecorded: AWS Config records {rule.type} in part: {rule.part}"] if rule.part else []
    if spec.scope == "account" and not rule.once and not enabled:
        everywhere.append(NO_REGIONS)
    there = state.count(account, spec.type, running) > 0
    if spec.scope == "account":
        return _coverage({GLOBAL: "; ".join(dict.fromkeys(causes.values()))}, everywhere, there=there), running
    with_rows = [region for region in causes if state.count(account, spec.type, [region] if region in running else [])]
    if with_rows:
        everywhere += [causes[region] for region in with_rows]
        causes = {region: "" if region in with_rows else cause for region, cause in causes.items()}
    return _coverage({**dict.fromkeys(gaps, ""), **causes}, everywhere, there=there), running


def _coverage(causes: Mapping[str, str], everywhere: list[str], *, there: bool) -> Coverage:
    """Each place read, or missing with its cause. Of what is there in part, all of the account is missing as well."""
    if there and causes.get(GLOBAL):
        everywhere, causes = [*everywhere, causes[GLOBAL]], {GLOBAL: ""}
    missing = {place: cause for place, cause in causes.items() if cause}
    if everywhere:
        missing[EVERYWHERE] = "; ".join(dict.fromkeys(everywhere))
    return Coverage(read=[place for place, cause in causes.items() if not cause], missing=missing)


def _one_of(places: Mapping[str, Place], running: list[str], gaps: Mapping[str, str | None], kind: str) -> list[str]:
    """Of a type that is recorded in one region for all: that region, by its items, its recorder and its latest file."""
    least = datetime.min.replace(tzinfo=UTC)

    def rank(region: str) -> tuple[bool, bool, datetime, str]:
        whole = gaps.get(region, NOWHERE) is None
        return kind in places[region].seen, whole, places[region].moment or least, region

    ranked = sorted(running, key=rank)
    return ranked[-1:]
