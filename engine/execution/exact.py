"""The exact path for single records of an account, and for all of them where a policy spends too much to be sure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from ...snapshot.format import encode
from ...snapshot.model import Account, Lines, Resource, Snapshot
from ..compiler.spending import Toll
from ..findings.batch import finding_line
from ..functions.budget import Purse
from ..judging.evaluate import Verdict, finding, judge
from ..judging.joins import Joins
from ..model.finding import Status
from ..model.policy import Policy
from .batched import Found
from .records import exact_row
from .remote_join import Far


class Exact(Struct):
    """The exact path for an account."""

    account: Account
    snapshot: Snapshot
    far: Far
    joins: Joins | None = None
    _gaps: dict[str, bool] = field(default_factory=dict)

    def has_gaps(self, kind: str) -> bool:
        """Whether resources of a type may be missing: looked at once for all policies on it."""
        if kind not in self._gaps:
            self._gaps[kind] = bool(self.account.gaps(kind))
        return self._gaps[kind]

    def judge(self, policy: Policy, resource: Resource, purse: Purse) -> Verdict:
        if self.joins is None:
            self.joins = Joins(self.snapshot, self.far.across)
            self.joins.enter(self.account)
        return judge(policy, resource, self.joins, self.snapshot.captured_at, purse)


class Part(Struct):
    """One policy in one account: what it finds, and what it spends; by its toll, where it is compiled."""

    policy: Policy
    exact: Exact
    text: Lines
    written: Collection[Status]
    toll: Toll | None
    found: Found = field(default_factory=Found)
    _purse: Purse | None = None

    def __post_init__(self) -> None:
        if self.toll:
            self.toll.enter()

    @property
    def purse(self) -> Purse:
        """What is left where all is evaluated exactly."""
        if self._purse is None:
            self._purse = Purse.of(self.policy.budget, self.text.number)
        return self._purse

    def is_spent(self) -> bool:
        """Whether the exact path has to say of which records it is an error."""
        return self.toll is not None and self.toll.left <= 0

    def judge(self, number: int, resource: Resource | None = None) -> None:
        """Evaluate a line exactly."""
        if self.is_spent():
            return
        policy, account = self.policy, self.exact.account
        resource = resource or exact_row(account, policy.resource, self.text, number)
        purse = Purse.of(policy.budget, 0) if self.toll else self.purse
        before = purse.left
        verdict = self.exact.judge(policy, resource, purse)
        if self.toll:
            self.toll.add(before - purse.left)
        if policy.rollup:
            seen = encode(verdict.evidence, ordered=False)
            outcome = verdict.status.value, verdict.message, seen
            self.found.items.append((self.text, number, resource.region, resource.id, outcome))
            return
        self.found.count(verdict.status.value)
        if verdict.status in self.written:
            self.found.pieces += (finding_line(finding(policy, resource, verdict)), b"", b"")

    def fold(self) -> Purse:
        """The purse for what is folded."""
        return Purse(self.toll.left) if self.toll else self.purse

    def again(self) -> None:
        """Evaluate all of it exactly, in order, by what the account has for it."""
        self.toll, self.found = None, Found()
        for number in range(self.text.number):
            self.judge(number)
