"""Rollups over the whole organisation, and per unit of it: what all accounts say, as findings of one of them.

An organisation has no account of its own, so its findings stand in that which speaks for it. Whoever evaluates that
account evaluates the policy in all of them, by the interpreter: findings then come in the order of accounts as ever,
and no two workers have to be told of each other's.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...snapshot.catalog import ACCOUNT_TYPE
from ...snapshot.model import Account, Snapshot, Unknown
from ..functions.budget import Purse
from ..model.finding import Finding, Status
from ..model.policy import Policy
from .evaluate import as_findings, group_within, items_of
from .grouping import Group, is_grouped, unit_of
from .joins import Joins
from .rollup import ORGANISATION, Item, Place, fold_all


def home(snapshot: Snapshot) -> str:
    """The account that speaks for the organisation: its management account, or else the first that there is."""
    for identity in snapshot.accounts:
        for each in snapshot.account(identity).read(ACCOUNT_TYPE):
            organisation = each.config.get("Organization")
            master = organisation.get("MasterAccountId") if isinstance(organisation, dict) else None
            if master in snapshot.accounts:
                return str(master)
    return snapshot.accounts[0]


def findings_of_all(policy: Policy, snapshot: Snapshot, account: str) -> Iterator[Finding]:
    """What a rollup makes of verdicts in all accounts, as findings of one of them."""
    joins, time, resources = Joins(snapshot), snapshot.captured_at, 0
    placed, places = list[tuple[Item, Group]](), list[Place]()
    for each in map(snapshot.account, snapshot.accounts):
        joins.enter(each)
        items, purse = items_of(policy, joins, time)
        items = [item for item in items if item.status is not Status.NOT_APPLICABLE]
        group = _group_of(policy, each)
        gaps = [gap for kind in policy.subjects() if (gap := each.gap_anywhere(kind)) is not None]
        places.append(Place(group=group, gap=Unknown.merge(gaps) if gaps else None))
        within = group_within(policy, time, purse)
        placed += [(item, within(item) if group is None else group) for item in items]
        resources += len(items)
    names = snapshot.account(account).name
    found = fold_all(policy, placed, places)
    yield from as_findings(policy, (account, names), found, time, Purse.of(policy.budget, resources))


def _group_of(policy: Policy, account: Account) -> Group | None:
    """The group that all of an account is of; None where each resource says it."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    if policy.rollup.unit:
        return unit_of(account)
    return None if is_grouped(policy) else ORGANISATION
