"""One of two snapshots that are compared, with the policies that evaluate it, and the rows that these come by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain

from ...snapshot.model import EVERYWHERE, Account, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..execution.remote_join import Far
from ..judging.evaluate import variables
from ..judging.recording_joins import Row, RowKey, Spy, is_about
from ..model.finding import Finding
from ..model.policy import Policy
from .states import Accounts, State


class Side:
    """One snapshot and the policies that evaluate it. Rows are read when they are first asked for."""

    def __init__(self, snapshot: Snapshot, policies: Sequence[Policy]) -> None:
        self.snapshot = snapshot
        self.policies = {policy.id: policy for policy in policies}
        self.accounts = Accounts(snapshot)
        self.joins = Spy(snapshot, Far(snapshot).across if snapshot.path else None)
        self._entered: str | None = None
        self._own: dict[str, dict[tuple[str, str], Resource]] = {}

    def enter(self, identity: str) -> Account | None:
        account = self.accounts.of(identity)
        if account and identity != self._entered:
            self.joins.enter(account)
            self._own.clear()
            self._entered = identity
        return account

    def own(self, policy: Policy, finding: Finding) -> list[Resource]:
        """The resources that a policy evaluates for a finding: one, or with a rollup those that it folds."""
        if not self.enter(finding.account):
            return []
        if policy.rollup:
            every = chain.from_iterable(map(self.joins.resources, policy.subjects()))
            return [each for each in every if is_about(policy, finding, each)]
        kind = finding.type
        if kind not in policy.subjects():
            return []
        if kind not in self._own:
            self._own[kind] = {(each.region, each.id): each for each in self.joins.resources(kind)}
        found = self._own[kind].get((finding.region, finding.resource))
        return [found] if found else []

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
        return self.accounts.without(finding) if finding.policy in self.policies else State.ABSENT


def same_snapshot(old: Snapshot, new: Snapshot) -> bool:
    """Whether two snapshots are one."""
    return old is new or (old.digest is not None and old.digest == new.digest)
