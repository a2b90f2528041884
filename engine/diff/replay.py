"""One of two snapshots that are compared, with the policies that evaluate it, and the rows that these come by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from ...snapshot.catalog import ACCOUNT_TYPE
from ...snapshot.model import EVERYWHERE, Account, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..execution.remote_join import Far
from ..findings.places import Places
from ..findings.variants import Variants
from ..judging.evaluate import findings, judge, variables
from ..judging.grouping import group_of, is_grouped, unit_of
from ..judging.joins import row
from ..judging.organisation import findings_of_all
from ..judging.recording_joins import Row, RowKey, Spy, is_about, row_key
from ..model.finding import Finding, Status
from ..model.policy import Policy
from .states import Accounts, State


class Side:
    """One snapshot and the policies that evaluate it. Rows are read when they are first asked for."""

    def __init__(self, snapshot: Snapshot, policies: Sequence[Policy], made: Variants | None = None) -> None:
        self.snapshot = snapshot
        self._variants, self._places = made, Places(snapshot)
        self.policies = {policy.id: policy for policy in policies}
        self.accounts = Accounts(snapshot)
        self.joins = Spy(snapshot, Far(snapshot).across if snapshot.path else None)
        self._entered: str | None = None
        self._own: dict[str, dict[tuple[str, str], Resource]] = {}
        self._open: dict[tuple[str, str], bool] = {}

    def policy(self, finding: Finding) -> Policy | None:
        """The policy of a finding as it is for its resource here; None where it is not asked."""
        policy = self.policies.get(finding.policy)
        if policy is None or self._variants is None:
            return policy
        place = finding.account, finding.region, finding.type, finding.resource
        return self._variants.of(finding.policy, self._places, *place)

    def enter(self, identity: str) -> Account | None:
        account = self.accounts.of(identity)
        if account and identity != self._entered:
            self.joins.enter(account)
            self._own.clear()
            self._entered = identity
        return account

    def own(self, policy: Policy, finding: Finding) -> list[Resource]:
        """The resources that a policy evaluates for a finding: one, or with a rollup those that it folds."""
        if policy.rollup:
            return list(self._folded(policy, finding))
        if not self.enter(finding.account):
            return []
        kind = finding.type
        if kind not in policy.subjects():
            return []
        if kind not in self._own:
            self._own[kind] = {(each.region, each.id): each for each in self.joins.resources(kind)}
        found = self._own[kind].get((finding.region, finding.resource))
        return [found] if found else []

    def _folded(self, policy: Policy, finding: Finding) -> Iterator[Resource]:
        for account in self._accounts_of(policy, finding):
            for each in chain.from_iterable(map(self.joins.resources, policy.subjects())):
                if is_about(policy, finding, each, account, self.snapshot.captured_at):
                    yield each

    def _accounts_of(self, policy: Policy, finding: Finding) -> Iterator[Account]:
        """The accounts of which a rollup folds resources for a finding, each entered when it is its turn."""
        for identity in self.snapshot.accounts if policy.is_wide() else (finding.account,):
            if account := self.enter(identity):
                yield account

    def those(self, policy: Policy, finding: Finding, keys: Collection[tuple[str, ...]]) -> list[Resource]:
        """The resources with some types, accounts, regions and ids that the finding's rollup may fold."""
        return [
            each
            for _ in self._accounts_of(policy, finding)
            for each in chain.from_iterable(map(self.joins.resources, policy.subjects()))
            if (each.type, each.account, each.region, each.id) in keys
        ]

    def account_rows(self) -> Iterator[tuple[tuple[str, RowKey], Row]]:
        """What each account is, as rows."""
        for account in map(self.snapshot.account, self.snapshot.accounts):
            for each in map(row, account.read(ACCOUNT_TYPE)):
                yield (ACCOUNT_TYPE, row_key(each)), each

    def says(self, policy: Policy, resource: Resource) -> tuple[Status, Any]:
        """What a policy says of a resource that its rollup folds: the status, and for which group."""
        account, time = self.enter(resource.account), self.snapshot.captured_at
        status = judge(policy, resource, self.joins, time).status
        if not policy.rollup or not is_grouped(policy) or account is None:
            return status, None
        return status, unit_of(account) if policy.rollup.unit else group_of(policy, resource, time)

    def joined(self, policy: Policy, resource: Resource) -> Iterator[tuple[tuple[str, RowKey], Row]]:
        """The rows that a policy's lookups come by here for a resource, be it of this snapshot or not."""
        if not self.enter(resource.account):
            return
        self.joins.rows, self.joins.away = {}, set()
        scope = variables(policy, resource, self.joins, self.snapshot.captured_at)
        for name in policy.lookups:
            with suppress(EvaluationError):
                scope[name]
        for kind, rows in self.joins.rows.items():
            yield from (((kind, key), found) for key, found in rows.items())

    def gap(self, kind: str, account: str, region: str) -> Unknown | None:
        """As an account's, and with `*` for the account that of the whole snapshot."""
        if account != EVERYWHERE:
            return self.accounts.gap(kind, account, region)
        return self.accounts.gap_of_all(kind)

    def without(self, finding: Finding | None) -> State:
        """How a finding stands that is not here. What no policy asks for is absent, whatever was collected."""
        assert finding is not None  # noqa: S101 - of a pair, one is there
        policy = self.policy(finding)
        if policy is None or not is_grouped(policy):
            return self.accounts.without(finding) if policy else State.ABSENT
        account = self.enter(finding.account)
        return State.UNKNOWN if account is None or self._is_open(policy, account) else State.ABSENT

    def _is_open(self, policy: Policy, account: Account) -> bool:
        """Whether an account may have groups that nobody has seen."""
        place = account.id, policy.id
        if place not in self._open:
            if policy.is_wide():
                found: Iterable[Finding] = findings_of_all(policy, self.snapshot, account.id)
            else:
                found = findings(policy, account, self.joins, self.snapshot.captured_at)
            self._open = {place: any(each.resource == each.type for each in found)}
        return self._open[place]


def same_snapshot(old: Snapshot, new: Snapshot) -> bool:
    """Whether two snapshots are one."""
    return old is new or (old.digest is not None and old.digest == new.digest)
