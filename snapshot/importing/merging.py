"""One type of one account, of what AWS Config recorded and of what AWS answered where it was asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..collector.write import Row
from ..model import EVERYWHERE, GLOBAL, Coverage
from .account import coverage_of


def merged(
    recorded: Coverage,
    before: Sequence[Row],
    answered: Coverage,
    rows: Sequence[Row],
    asked: Collection[str],
    regions: Collection[str],
) -> tuple[Coverage, Sequence[Row]]:
    """What is known of a type, of what was recorded and what AWS answered.

    Where it was asked, its answer counts alone. Where it did not answer, what was recorded stays as it was.
    """
    there = {*asked} & {*answered.read}
    failed = {place: _cause(answered, place) for place in asked if place not in there}
    if not asked or GLOBAL in failed:  # it could not be asked at all
        cause = failed.get(GLOBAL) or answered.missing.get(EVERYWHERE, "")
        told = {place: f"{each}; {cause}" if cause else each for place, each in recorded.missing.items()}
        return Coverage(read=recorded.read, missing=told), before
    if GLOBAL in there:
        return Coverage(read=[GLOBAL], missing={}), rows
    whole = {*recorded.read} if recorded.missing.keys().isdisjoint((EVERYWHERE, GLOBAL)) else set()
    ours = {(region, identity) for region, identity, _ in rows}
    kept = [each for each in before if each[0] in regions and each[0] not in there and each[:2] not in ours]
    causes = {place: "" if place in there or place in whole else failed.get(place, "") for place in regions}
    both, everywhere = [*rows, *kept], list[str]()
    if any(causes.get(region) for region, *_ in both):  # of what is there in part, all of it is missing as well
        everywhere, causes = [cause for cause in causes.values() if cause], dict.fromkeys(causes, "")
    return coverage_of(causes, everywhere, there=bool(both)), both


def _cause(answered: Coverage, place: str) -> str:
    return answered.missing.get(place) or answered.missing.get(EVERYWHERE) or "NotRecorded: AWS Config"
