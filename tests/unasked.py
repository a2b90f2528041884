"""Snapshots of which less was asked, and what policies may say of them: nothing that is not there may pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from stillframe.engine.evaluate import evaluate
from stillframe.engine.model import Policy, Require, Status
from stillframe.snapshot.catalog import REGION_TYPE, load_catalog
from stillframe.snapshot.model import GLOBAL, Account, Coverage, Resource, Snapshot, Unknown

FINE = (Status.PASS, Status.NOT_APPLICABLE)
_DECIDED = {Require.ALL: Status.FAIL, Require.ANY: Status.PASS}


@dataclass(slots=True)
class Tried:
    """How often less was asked, and the verdicts that this may not give."""

    number: int = 0
    faults: list[str] = field(default_factory=list)


def without(snapshot: Snapshot, region: str, kinds: Collection[str]) -> Snapshot:
    """A snapshot in which some types were not asked for in a region, and have no resources there."""

    def account(identity: str) -> Account:
        whole = snapshot.account(identity)
        coverage = {
            kind: Coverage(
                read=[place for place in each.read if place != region or kind not in kinds], missing=each.missing
            )
            for kind, each in whole.coverage.items()
        }

        def read(kind: str) -> Iterator[Resource]:
            for each in whole.read(kind):
                if kind == REGION_TYPE and kind not in kinds and each.region == region:
                    yield replace(each, config=_unread(each.config))
                elif kind not in kinds or (each.region != region and region != GLOBAL):
                    yield each

        return replace(whole, coverage=coverage, read=read, lines=None, parse=None, stamp=None)

    return replace(snapshot, account=account, path=None, digest=None, digests={})


def _unread(config: dict[str, object]) -> dict[str, object]:
    """A region that is known, and was not asked for what is attached to it."""
    attached = load_catalog()[REGION_TYPE].attach
    return {name: Unknown.because("RegionNotAsked") if name in attached else it for name, it in config.items()}


def sweep(snapshot: Snapshot, policies: Sequence[Policy], tried: Tried) -> None:
    """Ask less in every way: of each region in turn, and of each type in each."""
    whole = {finding.identity: finding.status for finding in evaluate(snapshot, policies)}
    read = {
        (place, kind)
        for account in map(snapshot.account, snapshot.accounts)
        for kind, coverage in account.coverage.items()
        for place in coverage.read
    }
    for region in sorted({place for place, _ in read}):
        kinds = sorted(kind for place, kind in read if place == region)
        for chosen in [kinds, *([kind] for kind in kinds)] if region != GLOBAL else [[kind] for kind in kinds]:
            about = [policy for policy in policies if not {*policy.kinds()}.isdisjoint({*chosen, REGION_TYPE})]
            less = without(snapshot, region, chosen)
            tried.number += 1
            tried.faults += _faults(less, about, region, chosen, whole)


def _faults(
    less: Snapshot,
    policies: Sequence[Policy],
    region: str,
    kinds: Collection[str],
    whole: dict[tuple[str, ...], Status],
) -> Iterator[str]:
    where = f"without {kinds[0] if len(kinds) == 1 else 'any type'} of {region}"
    found = {finding.identity: finding for finding in evaluate(less, policies)}
    for identity, finding in found.items():
        if finding.status in FINE and whole.get(identity) is not finding.status:
            yield f"{where}: {' '.join(identity)} is {finding.status}, was {whole.get(identity)}"
    for account in map(less.account, less.accounts):
        for policy in policies:
            if policy.resource in kinds and not _told(policy, account, region, found.values()):
                yield f"{where}: {policy.id} says nothing of it in {account.id}"


def _told(policy: Policy, account: Account, region: str, findings: Collection[object]) -> bool:
    """Whether a policy says that it could not judge a place; a rollup need not where others decide."""
    mine = [each for each in findings if (each.policy, each.account) == (policy.id, account.id)]
    if policy.rollup:
        return all(each.status in (Status.UNKNOWN, Status.ERROR, _DECIDED[policy.rollup.require]) for each in mine)
    places = account.regions if region == GLOBAL else (region,)
    return all(
        any((each.region, each.resource, each.status) == (place, policy.resource, Status.UNKNOWN) for each in mine)
        for place in places
    )
