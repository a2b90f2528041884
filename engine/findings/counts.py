"""Count findings: per policy, and for the exit code. A tally does not grow with the number of findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, product
from typing import Any

import msgspec
from msgspec import Struct, field

from ..model.finding import Finding, Status
from ..model.policy import Policy, Severity
from ..model.priorities import DEFAULTS, Priorities
from .batch import Batch
from .variants import Severities

SHOWN = (Status.FAIL, Status.UNKNOWN, Status.ERROR)
_ORDER = {status: number for number, status in enumerate((Status.FAIL, Status.ERROR, Status.UNKNOWN))}
_WAIVED = len(_ORDER)
_STATUSES = {status.value: status for status in Status}
_SHOWN = frozenset(status.value for status in SHOWN)
_FAIL = Status.FAIL.value


class Row(Struct, frozen=True, kw_only=True):
    """One policy's line in a summary. `population` is every resource it applies to, evaluated or not.

    `worth` is what it is worth to fix one failure: docs/remediation.md. Where the severity is not everywhere the same,
    `parts` are a row for each, the worst first; `severity` is then the worst of what fails or is unknown.
    """

    policy: str
    title: str
    severity: Severity
    counts: Mapping[Status, int]
    waived: int
    worth: float
    parts: tuple[Row, ...] = ()

    def by_severity(self) -> Sequence[Row]:
        """Rows of one severity each."""
        return self.parts or (self,)

    @property
    def severities(self) -> Sequence[Severity]:
        """Those of what fails or is unknown; of all that is there, where nothing does."""
        return [part.severity for part in _telling(self.by_severity())]

    @property
    def weight(self) -> float:
        """What it is worth to fix all of its failures."""
        return sum(part.worth * part.failures for part in self.by_severity())

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


def _telling(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if row.failures or row.unknown] or rows


# Of findings of some severity those with a status; as None, those that are waived.
Apart = Counter[tuple[Severity, Status | None]]
# Of a tally: the counts and waived of each policy, the failures of each account, and the worst; by severity.
Sums = tuple[
    Mapping[str, Counter[Status]],
    Counter[str],
    Mapping[str, Counter[Severity]],
    Mapping[tuple[int, int], list[Finding]],
    Mapping[str, Apart],
]


class _Line(msgspec.Struct):
    status: Status
    severity: Severity
    waiver: Any


_read = msgspec.json.Decoder(_Line).decode


class Tally(Struct):
    """Counts of what passed through, and the `keep` worst findings. `accounts` has the failures of each account.

    Where only some findings are to be `told`, no others are kept. `severities` are those that are not as policies say.
    """

    policies: Sequence[Policy]
    keep: int = 0
    priorities: Priorities = DEFAULTS
    told: Callable[[Finding], bool] | None = None
    severities: Severities = field(default_factory=dict)
    counts: dict[str, Counter[Status]] = field(default_factory=lambda: defaultdict(Counter))
    waived: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Counter[Severity]] = field(default_factory=lambda: defaultdict(Counter))
    _worst: dict[tuple[int, int], list[Finding]] = field(default_factory=dict)
    _apart: dict[str, Apart] = field(default_factory=lambda: defaultdict(Counter))
    _severities: dict[str, Severity] = field(default_factory=dict)
    _open: dict[Severity, set[str]] = field(default_factory=lambda: defaultdict(lambda: {*_SHOWN}))  # not yet full

    def __post_init__(self) -> None:
        self._severities = {policy.id: policy.severity for policy in self.policies}

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
        severity, apart = self._severities[batch.policy], (batch.account, batch.policy) in self.severities
        if apart:
            self._take_apart(batch)
        elif failures := there.get(_FAIL, 0) - batch.waived:
            self.accounts[batch.account][severity] += failures
        if self.keep and (apart or batch.waived or not self._open[severity].isdisjoint(there)):
            self._keep(batch, [status for status in SHOWN if status.value in there and self._wanted(batch, status)])

    def lose(self, finding: Finding) -> None:
        """Count as unknown what there is no finding of any more."""
        self.counts[finding.policy][Status.UNKNOWN] += 1
        if finding.policy in self._apart:
            self._apart[finding.policy][finding.severity, Status.UNKNOWN] += 1

    def _take_apart(self, batch: Batch) -> None:
        severity, found = self.severities[batch.account, batch.policy], Apart()
        if severity:
            found.update({(severity, _STATUSES[name]): number for name, number in batch.counts.items()})
            found[severity, None] = batch.waived
        for line in map(_read, () if severity else batch.lines()):
            found[line.severity, line.status] += 1
            found[line.severity, None] += line.waiver is not None
        self._apart[batch.policy].update(found)
        for each in Severity:
            if failures := found[each, Status.FAIL] - found[each, None]:
                self.accounts[batch.account][each] += failures

    def sums(self) -> Sums:
        """What it came to, to be added to another's."""
        return dict(self.counts), self.waived, dict(self.accounts), self._worst, dict(self._apart)

    def include(self, sums: Sums) -> None:
        """Add what another came to, of findings that come after."""
        counts, waived, accounts, worst, apart = sums
        self.waived.update(waived)
        for policy, found in counts.items():
            self.counts[policy].update(found)
        for account, failures in accounts.items():
            self.accounts[account].update(failures)
        for policy, parts in apart.items():
            self._apart[policy].update(parts)
        for place, findings in worst.items():
            kept = self._worst.setdefault(place, [])
            kept += findings[: self.keep - len(kept)]

    def _keep(self, batch: Batch, wanted: Sequence[Status]) -> None:
        for finding in batch.findings(*wanted) if wanted else ():
            if self.told and not self.told(finding):
                continue
            kept = self._kept(_WAIVED if finding.waived else _ORDER[finding.status], finding.severity.rank)
            if len(kept) < self.keep:
                kept.append(finding)
            if len(kept) == self.keep and not finding.waived:
                self._open[finding.severity].discard(finding.status.value)

    def _wanted(self, batch: Batch, status: Status) -> bool:
        # Findings come in their own order, so of equally bad ones the first are the ones to keep.
        orders = [_ORDER[status], *([_WAIVED] if status is Status.FAIL and batch.waived else [])]
        apart = (batch.account, batch.policy) in self.severities
        ranks = range(len(Severity)) if apart else (self._severities[batch.policy].rank,)
        there = product(orders, ranks) if batch.count(status) else ()
        return any(len(self._kept(order, rank)) < self.keep for order, rank in there)

    def _kept(self, order: int, rank: int) -> list[Finding]:
        return self._worst.setdefault((order, rank), [])

    def worst(self) -> list[Finding]:
        """The worst findings kept: failures, gaps, what is waived; severe before mild, then in their own order."""
        return list(islice(chain.from_iterable(found for _, found in sorted(self._worst.items())), self.keep))

    def rows(self) -> list[Row]:
        return sorted(map(self._row, self.policies), key=lambda row: (row.severity.rank, row.policy))

    def _row(self, policy: Policy) -> Row:
        def row(severity: Severity, counts: Mapping[Status, int], waived: int, parts: tuple[Row, ...] = ()) -> Row:
            worth = self.priorities.worth(policy, severity)
            return Row(
                policy=policy.id,
                title=policy.title,
                severity=severity,
                counts=counts,
                waived=waived,
                worth=worth,
                parts=parts,
            )

        found, parts = self._apart.get(policy.id, Apart()), list[Row]()
        for severity in Severity:
            if counts := {status: number for status in Status if (number := found[severity, status])}:
                parts.append(row(severity, counts, found[severity, None]))
        worst = _telling(parts)[0].severity if parts else policy.severity
        return row(worst, self.counts.get(policy.id, {}), self.waived[policy.id], tuple(parts))

    def total(self, *statuses: Status) -> int:
        return sum(counts[status] for counts in self.counts.values() for status in statuses)

    def failures(self, fail_on: Severity | None) -> int:
        """Failures at or above a severity that are not waived; None counts none."""
        if fail_on is None:
            return 0
        parts = chain.from_iterable(row.by_severity() for row in self.rows())
        return sum(part.failures for part in parts if part.severity.rank <= fail_on.rank)


def ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows with failures, those first whose failures are worth most: severity × number × exposure ÷ effort."""
    return sorted((row for row in rows if row.failures), key=lambda row: -row.weight)
