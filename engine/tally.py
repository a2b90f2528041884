"""Count findings: per policy, and for the exit code. A tally does not grow with the number of findings."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .model import Finding, Policy, Severity, Status

SHOWN = (Status.FAIL, Status.UNKNOWN, Status.ERROR)
_ORDER = {status: number for number, status in enumerate((Status.FAIL, Status.ERROR, Status.UNKNOWN))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy's line in a summary. `population` is every resource it applies to, judged or not."""

    policy: str
    title: str
    severity: Severity
    counts: Mapping[Status, int]
    waived: int = 0

    @property
    def population(self) -> int:
        return sum(count for status, count in self.counts.items() if status is not Status.NOT_APPLICABLE)

    @property
    def violations(self) -> int:
        """Failures that are not waived."""
        return self.counts.get(Status.FAIL, 0) - self.waived

    @property
    def unknown(self) -> int:
        return self.counts.get(Status.UNKNOWN, 0) + self.counts.get(Status.ERROR, 0)

    @property
    def share(self) -> float | None:
        """Violations in per cent of the population; None where there is nothing, or nothing is known of it."""
        return 100 * self.violations / self.population if self.population > self.unknown else None


@dataclass(slots=True)
class Tally:
    """Counts of what passed through, and the `keep` worst findings."""

    policies: Sequence[Policy]
    keep: int = 0
    counts: dict[str, Counter[Status]] = field(default_factory=dict)
    waived: Counter[str] = field(default_factory=Counter)
    failed: Counter[Severity] = field(default_factory=Counter)
    _worst: list[tuple[_Worst, Finding]] = field(default_factory=list)

    def through(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Count findings as they pass."""
        for finding in findings:
            self.add(finding)
            yield finding

    def add(self, finding: Finding) -> None:
        self.counts.setdefault(finding.policy, Counter())[finding.status] += 1
        if finding.waived:
            self.waived[finding.policy] += 1
        elif finding.status is Status.FAIL:
            self.failed[finding.severity] += 1
        if finding.status in SHOWN and self.keep:
            order = len(_ORDER) if finding.waived else _ORDER[finding.status]
            entry = (_Worst((order, finding.severity.rank, finding.identity)), finding)
            (heapq.heappush if len(self._worst) < self.keep else heapq.heappushpop)(self._worst, entry)

    def worst(self) -> list[Finding]:
        """The worst findings kept: failures, gaps, what is waived; severe before mild, then in their own order."""
        return [finding for _, finding in sorted(self._worst, key=lambda entry: entry[0].key)]

    def rows(self) -> list[Row]:
        return [
            Row(
                policy=policy.id,
                title=policy.title,
                severity=policy.severity,
                counts=self.counts.get(policy.id, {}),
                waived=self.waived[policy.id],
            )
            for policy in sorted(self.policies, key=lambda policy: (policy.severity.rank, policy.id))
        ]

    def total(self, *statuses: Status) -> int:
        return sum(counts[status] for counts in self.counts.values() for status in statuses)

    def failures(self, fail_on: Severity | None) -> int:
        """Failures at or above a severity that are not waived; None counts none."""
        if fail_on is None:
            return 0
        return sum(count for severity, count in self.failed.items() if severity.rank <= fail_on.rank)


@dataclass(slots=True)
class _Worst:
    # heapq drops the smallest: the least bad finding.
    key: tuple[object, ...]

    def __lt__(self, other: _Worst) -> bool:
        return self.key > other.key
