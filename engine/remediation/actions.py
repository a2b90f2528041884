"""What to fix first: failures by the one action that fixes them, and actions by what they are worth.

An action is one command in one account; or where a policy has none, one thing to change. So thirty trails that share
a bucket are one action, and so are policies whose failures one command fixes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from msgspec import Struct, field

from ...snapshot.model import Snapshot
from ..diff.replay import Side
from ..errors import EvaluationError
from ..findings.batch import Batch
from ..findings.variants import Variants
from ..judging.evaluate import variables
from ..model.cause import Place
from ..model.finding import Finding, Kind, Status
from ..model.policy import Effort, Policy, Severity
from ..model.priorities import DEFAULTS, Priorities

FIELDS = (
    "score",
    "fixes",
    "severity",
    "effort",
    "policies",
    "account",
    "region",
    "type",
    "resource",
    "message",
    "command",
    "text",
    "fingerprints",
)


class Action(Struct, kw_only=True):
    """One thing to do. `weight` is what all that it fixes weighs; `first` is the worst of it."""

    at: Place
    command: str | None
    text: str
    first: Finding
    effort: Effort
    weight: float = 0
    policies: dict[str, None] = field(default_factory=dict)
    fingerprints: list[str] = field(default_factory=list)

    def score(self, priorities: Priorities) -> float:
        """What the action is worth: severity × number × exposure ÷ effort."""
        return self.weight / priorities.effort[self.effort]

    @property
    def severity(self) -> Severity:
        return self.first.severity

    def record(self, priorities: Priorities) -> dict[str, Any]:
        """As files have it: docs/findings.md."""
        values = (
            round(self.score(priorities), 3),
            len(self.fingerprints),
            self.severity.value,
            self.effort.value,
            list(self.policies),
            self.at.account,
            self.at.region,
            self.at.type,
            self.at.resource,
            self.first.message,
            self.command,
            self.text,
            self.fingerprints,
        )
        return dict(zip(FIELDS, values, strict=True))


class Remediation(Struct):
    """What there is to do in a snapshot. Failures that are waived need nothing: they are kept by kind of waiver.

    What is `unknown` may be failures, too.
    """

    snapshot: Snapshot
    policies: Iterable[Policy]
    priorities: Priorities = DEFAULTS
    waived: dict[Kind, list[Finding]] = field(default_factory=dict)
    failures: int = 0
    unknown: int = 0
    _actions: dict[tuple[str, ...], Action] = field(default_factory=dict)

    def take(self, batches: Iterable[Batch], made: Variants | None = None) -> None:
        """Take in the failures of an evaluation, which made these variants of the policies."""
        side = Side(self.snapshot, list(self.policies), made)
        for batch in batches:
            self.unknown += batch.count(Status.UNKNOWN, Status.ERROR)
            for finding in batch.findings(Status.FAIL):
                if finding.waived:
                    self.waived.setdefault(finding.waived.kind, []).append(finding)
                else:
                    self.failures += 1
                    self._add(finding, side.policies[finding.policy], _thing(finding, side))

    def actions(self) -> list[Action]:
        """What to do, best first."""

        def order(action: Action) -> tuple[Any, ...]:
            return -action.score(self.priorities), action.severity.rank, action.first.identity

        return sorted(self._actions.values(), key=order)

    def _add(self, finding: Finding, policy: Policy, at: Place) -> None:
        command = finding.remediation
        key = (at.account, command) if command else (at.account, at.region, at.type, at.resource or "", policy.id)
        action = self._actions.get(key)
        if action is None:
            action = self._actions[key] = Action(
                at=at, command=command, text=policy.remediation, first=finding, effort=policy.effort
            )
        action.weight += self.priorities.weight(finding.severity, policy.exposure, finding.account)
        action.policies[policy.id] = None
        action.fingerprints.append(finding.fingerprint)
        action.effort = max(action.effort, policy.effort, key=self.priorities.effort.__getitem__)
        action.first = min(action.first, finding, key=lambda each: each.severity.rank)


def _thing(finding: Finding, side: Side) -> Place:
    """What is to be changed: the row of the lookup that the policy names, or else the resource of the finding."""
    policy = side.policy(finding) or side.policies[finding.policy]
    own = side.own(policy, finding) if policy.fixes and not policy.rollup else []
    for resource in own:
        scope = variables(policy, resource, side.joins, side.snapshot.captured_at)
        with suppress(EvaluationError):
            row = scope[policy.fixes or ""]
            if isinstance(row, dict):
                kind = policy.lookups[policy.fixes or ""].source
                return Place(type=kind, account=row["$account"], region=row["$region"], resource=row["$id"])
    return Place(type=finding.type, account=finding.account, region=finding.region, resource=finding.resource)


def grouped(actions: Iterable[Action], priorities: Priorities) -> Iterator[list[Action]]:
    """Actions that are worth the same, for the same policies, as one: in the order of their first."""
    groups: dict[tuple[Any, ...], list[Action]] = {}
    for action in actions:
        groups.setdefault((action.score(priorities), tuple(action.policies)), []).append(action)
    yield from groups.values()
