"""Snapshots of which less was asked, and what policies may say of them: nothing that is not there may pass."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.finding import Finding, Status
from stillframe.engine.model.policy import Policy, Require
from stillframe.snapshot.catalog import REGION_TYPE, load_catalog
from stillframe.snapshot.model import EVERYWHERE, GLOBAL, Account, Coverage, Resource, Snapshot, Unknown

FINE = (Status.PASS, Status.NOT_APPLICABLE)
_DECIDED = {Require.ALL: Status.FAIL, Require.ANY: Status.PASS}


SWEEP = "STILLFRAME_SWEEP" in os.environ  # also the estates of the stand-in, of which each is judged thousands of times


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


def sweep(snapshot: Snapshot, policies: Sequence[Policy]) -> int:
    """Ask less in every way: of each region in turn, and of each type in each. Gives in how many ways.

    Raises AssertionError where a verdict passes for want of it, or a policy says nothing of it.
    """
    whole = {finding.identity: finding.status for finding in evaluate(snapshot, policies)}
    read = {
        (place, kind)
        for account in map(snapshot.account, snapshot.accounts)
        for kind, coverage in account.coverage.items()
        for place in coverage.read
    }
    ways = 0
    for region in sorted({place for place, _ in read}):
        kinds = sorted(kind for place, kind in read if place == region)
        for chosen in [kinds, *([kind] for kind in kinds)] if region != GLOBAL else [[kind] for kind in kinds]:
            about = [policy for policy in policies if not {*policy.kinds()}.isdisjoint({*chosen, REGION_TYPE})]
            assert list(_faults(without(snapshot, region, chosen), about, region, chosen, whole)) == []
            ways += 1
    return ways


def _faults(
    less: Snapshot,
    policies: Sequence[Policy],
    region: str,
    kinds: Collection[str],
    whole: Mapping[tuple[str, ...], Status],
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


def _told(policy: Policy, account: Account, region: str, findings: Collection[Finding]) -> bool:
    """Whether a policy says that it could not judge a place; a rollup need not where others decide."""
    mine = [each for each in findings if (each.policy, each.account) == (policy.id, account.id)]
    if policy.rollup:
        return all(each.status in (Status.UNKNOWN, Status.ERROR, _DECIDED[policy.rollup.require]) for each in mine)
    unknown = {each.region for each in mine if (each.resource, each.status) == (policy.resource, Status.UNKNOWN)}
    places = account.regions if region == GLOBAL and not isinstance(account.regions, Unknown) else (region,)
    return EVERYWHERE in unknown or unknown.issuperset(places)
