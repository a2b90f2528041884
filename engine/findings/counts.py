"""Count findings: per policy, and for the exit code. A tally does not grow with the number of findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from msgspec import Struct, field

from ..model.finding import Finding, Status
from ..model.policy import Policy, Severity
from ..model.priorities import DEFAULTS, Priorities
from .batch import Batch

SHOWN = (Status.FAIL, Status.UNKNOWN, Status.ERROR)
_ORDER = {status: number for number, status in enumerate((Status.FAIL, Status.ERROR, Status.UNKNOWN))}
_WAIVED = len(_ORDER)
_STATUSES = {status.value: status for status in Status}
_SHOWN = frozenset(status.value for status in SHOWN)


class Row(Struct, frozen=True, kw_only=True):
    """One policy's line in a summary. `population` is every resource it applies to, evaluated or not.

    `worth` is what it is worth to fix one failure: docs/remediation.md.
    """

    policy: str
    title: str
    severity: Severity
    counts: Mapping[Status, int]
    waived: int
    worth: float

    @property
    def population(self) -> int:
        return sum(count for status, count in self.counts.items() if status is not Status.NOT_APPLICABLE)

    @property
    def failures(self) -> int:
        """Failures that are not waived."""
        return self.counts.get(Status.FAIL, 0) - self.waived

    @property
    def unknown(self) -> int:
        return self.counts.get(Status.UNKNOWN, 0) + self.counts.get(Status.ERROR, 0)

    @property
    def share(self) -> float | None:
        """Failures in per cent of the population; None where there is nothing, or nothing is known of it."""
        return 100 * self.failures / self.population if self.population > self.unknown else None


# Of a tally: the counts and waived of each policy, the failures of each account, and the worst.
Sums = tuple[
    Mapping[str, Counter[Status]],
    Counter[str],
    Mapping[str, Counter[Severity]],
    Mapping[tuple[int, int], list[Finding]],
]


class Tally(Struct):
    """Counts of what passed through, and the `keep` worst findings. `accounts` has the failures of each account.

    Where only some findings are to be `told`, no others are kept.
    """

    policies: Sequence[Policy]
    keep: int = 0
    priorities: Priorities = DEFAULTS
    told: Callable[[Finding], bool] | None = None
    counts: dict[str, Counter[Status]] = field(default_factory=lambda: defaultdict(Counter))
    waived: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Counter[Severity]] = field(default_factory=lambda: defaultdict(Counter))
    _worst: dict[tuple[int, int], list[Finding]] = field(default_factory=dict)
    _severities: dict[str, Severity] = field(default_factory=dict)
    _ranks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._severities = {policy.id: policy.severity for policy in self.policies}
        self._ranks = {policy.id: policy.severity.rank for policy in self.policies}

    def through(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Count findings as they pass."""
        for batch in batches:
            self.add(batch)
            yield batch

    def add(self, batch: Batch) -> None:
        counts, there = self.counts[batch.policy], batch.counts  # a fleet adds tens of thousands of times
        for name, number in there.items():
            counts[_STATUSES[name]] += number
        if batch.waived:
            self.waived[batch.policy] += batch.waived
        if failures := there.get(Status.FAIL.value, 0) - batch.waived:
            self.accounts[batch.account][self._severities[batch.policy]] += failures
        if self.keep and not _SHOWN.isdisjoint(there):
            self._keep(batch, [status for status in SHOWN if status.value in there and self._wanted(batch, status)])

    def sums(self) -> Sums:
        """What it came to, to be added to another's."""
        return dict(self.counts), self.waived, dict(self.accounts), self._worst

    def include(self, sums: Sums) -> None:
        """Add what another came to, of findings that come after."""
        counts, waived, accounts, worst = sums
        self.waived.update(waived)
        for policy, found in counts.items():
            self.counts[policy].update(found)
        for account, failures in accounts.items():
            self.accounts[account].update(failures)
        for place, findings in worst.items():
            kept = self._worst.setdefault(place, [])
            kept += findings[: self.keep - len(kept)]

    def _keep(self, batch: Batch, wanted: Sequence[Status]) -> None:
        for finding in batch.findings(*wanted) if wanted else ():
            if self.told and not self.told(finding):
                continue
            kept = self._kept(_WAIVED if finding.waived else _ORDER[finding.status], batch)
            if len(kept) < self.keep:
                kept.append(finding)

    def _wanted(self, batch: Batch, status: Status) -> bool:
        # Findings come in their own order, so of equally bad ones the first are the ones to keep.
        orders = [_ORDER[status], *([_WAIVED] if status is Status.FAIL and batch.waived else [])]
        return batch.count(status) > 0 and any(len(self._kept(order, batch)) < self.keep for order in orders)

    def _kept(self, order: int, batch: Batch) -> list[Finding]:
        return self._worst.setdefault((order, self._ranks[batch.policy]), [])

    def worst(self) -> list[Finding]:
        """The worst findings kept: failures, gaps, what is waived; severe before mild, then in their own order."""
        return list(islice(chain.from_iterable(found for _, found in sorted(self._worst.items())), self.keep))

    def rows(self) -> list[Row]:
        return [
            Row(
                policy=policy.id,
                title=policy.title,
                severity=policy.severity,
                counts=self.counts.get(policy.id, {}),
                waived=self.waived[policy.id],
                worth=self.priorities.worth(policy),
            )
            for policy in sorted(self.policies, key=lambda policy: (policy.severity.rank, policy.id))
        ]

    def total(self, *statuses: Status) -> int:
        return sum(counts[status] for counts in self.counts.values() for status in statuses)

    def failures(self, fail_on: Severity | None) -> int:
        """Failures at or above a severity that are not waived; None counts none."""
        if fail_on is None:
            return 0
        return sum(row.failures for row in self.rows() if row.severity.rank <= fail_on.rank)


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows with failures, those first whose failures are worth most: severity × number × exposure ÷ effort."""
    return sorted((row for row in rows if row.failures), key=lambda row: -row.worth * row.failures)
