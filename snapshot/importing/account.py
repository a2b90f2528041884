"""One account of what AWS Config recorded: what counts as read, and the resources of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from ..catalog import ACCOUNT_TYPE, ResourceType, load_catalog
from ..collector.write import AccountData
from ..model import EVERYWHERE, GLOBAL, Coverage, Unknown
from .coverage import Place, gap_of
from .items import Item
from .state import Rows, State

NOWHERE = "NotRecorded: AWS Config recorded it nowhere in full"
NO_REGIONS = "NotRecorded: AWS Config does not say which regions are enabled"


def account_of(
    state: State, account: str, moment: datetime, enabled: Collection[str], places: Mapping[str, Place] | None = None
) -> tuple[AccountData, int]:
    """An account as of a moment, and how many resources it has, by the files of some of its regions, or of all."""
    places = state.places[account] if places is None else places
    coverage: dict[str, Coverage] = {}
    taken: dict[str, list[str]] = {}
    number = 0
    for kind, spec in load_catalog().items():
        coverage[kind], taken[kind] = _covered(state, account, spec, places, enabled)
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


def _covered(
    state: State, account: str, spec: ResourceType, places: Mapping[str, Place], enabled: Collection[str]
) -> tuple[Coverage, list[str]]:
    """What of a type counts as read, and the regions' files from which its resources are taken."""
    rule = spec.config
    if rule is None:
        return Coverage(read=[], missing={EVERYWHERE: f"NotRecorded: {spec.type} is not imported from AWS Config"}), []
    running = [region for region, place in sorted(places.items()) if place.believed(rule.type)]
    if rule.latest:  # of one that may be lacking an earlier one would be taken for the latest
        running = [region for region in running if gap_of(rule, region, places[region]) is None]
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
        return coverage_of({GLOBAL: "; ".join(dict.fromkeys(causes.values()))}, everywhere, there=there), running
    with_rows = [region for region in causes if state.count(account, spec.type, [region] if region in running else [])]
    if with_rows:
        everywhere += [causes[region] for region in with_rows]
        causes = {region: "" if region in with_rows else cause for region, cause in causes.items()}
    return coverage_of({**dict.fromkeys(gaps, ""), **causes}, everywhere, there=there), running


def coverage_of(causes: Mapping[str, str], everywhere: list[str], *, there: bool) -> Coverage:
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
