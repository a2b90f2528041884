"""What a collection would ask, without asking it: how many calls, as far as that can be known beforehand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from ..archive import open_snapshot
from ..catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType
from ..chain import latest
from ..errors import SnapshotError
from ..remote import Place
from .shared_calls import repeated, token


class Forecast(Struct, frozen=True, kw_only=True):
    """`sure` calls list the types; `likely` ones are about each resource, if there are as many as in `before`."""

    accounts: tuple[str, ...]
    skipped: Mapping[str, str]
    types: int
    regions: tuple[str, ...]
    sure: int
    likely: int
    before: str | None


def forecast(
    archive: Place,
    *,
    accounts: tuple[str, ...],
    skipped: Mapping[str, str],
    types: Mapping[str, ResourceType],
    regions: tuple[str, ...],
    organization: bool,
) -> Forecast:
    """Count the calls. `regions` are those of the caller's account, for want of knowing those of all."""
    before, counts = _before(archive, accounts)
    counts |= {ACCOUNT_TYPE: len(accounts), REGION_TYPE: len(accounts) * len(regions)}  # so many there are
    sure = likely = 0
    shared = repeated(types.values())
    begun: set[str] = set()
    for kind, spec in types.items():
        places = 1 if spec.scope == "account" else len(regions)
        again = (first := token(spec.first)) in begun
        begun |= shared & {first}
        sure += len(accounts) * places * ((2 if spec.list.after or spec.list.of else 1) - again)
        attached = [call for call in spec.attach.values() if call.asked and not call.found]
        calls = [call for call in attached if organization or not call.caller]
        if kind in (ACCOUNT_TYPE, REGION_TYPE):
            sure += counts[kind] * len(calls)
        else:
            likely += counts[kind] * len(calls)
    return Forecast(
        accounts=accounts,
        skipped=skipped,
        types=len(types),
        regions=regions,
        sure=sure,
        likely=likely,
        before=before,
    )


def _before(archive: Place, accounts: tuple[str, ...]) -> tuple[str | None, Counter[str]]:
    """How many resources of each type these accounts had in the archive's latest snapshot."""
    counts: Counter[str] = Counter()
    folder = latest(archive) if archive.is_dir() else None
    if folder is None:
        return None, counts
    try:
        snapshot = open_snapshot(folder)
        for account in sorted({*accounts} & {*snapshot.accounts}):
            for kind, coverage in snapshot.account(account).coverage.items():
                counts[kind] += coverage.count
    except SnapshotError:  # which is no reason not to collect
        return None, Counter()
    return snapshot.id, counts
