"""Waivers: failures that somebody answers for until a day. A waiver marks a failure, and changes nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..model.finding import Finding, Status, Waived
from ..model.waiver import Gap, Waiver, is_over, named, wild
from .batch import Batch, read_finding, replaced

_Key = tuple[str, str | None, str | None]  # policy, account, resource; None where any will do
Sums = tuple[list[tuple[int, int, int, int]], set[Gap]]  # failing, applied, drifted and unknown of each waiver; gaps


class State(StrEnum):
    """What became of a waiver in one evaluation."""

    APPLIED = "applied"
    EXPIRED = "expired"
    DRIFTED = "drifted"
    UNUSED = "unused"


@dataclass(slots=True, kw_only=True)
class Use:
    """How often a waiver met a finding: failures it covers, those it waives, those it no longer fits."""

    waiver: Waiver
    expired: bool
    failing: int = 0
    applied: int = 0
    drifted: int = 0
    unknown: int = 0

    @property
    def state(self) -> State:
        if self.expired:
            return State.EXPIRED
        if self.drifted:
            return State.DRIFTED
        return State.APPLIED if self.failing else State.UNUSED


@dataclass(slots=True)
class Waivers:
    """The waivers of one evaluation. `captured_at` is the only time: the snapshot's."""

    waivers: Sequence[Waiver]
    captured_at: str
    accounts: Collection[str]
    uses: list[Use] = field(init=False)
    _found: dict[_Key, list[int]] = field(init=False)
    _gaps: set[Gap] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.uses = [
            Use(waiver=waiver, expired=is_over(waiver.waived.expires, self.captured_at)) for waiver in self.waivers
        ]
        self._found = defaultdict(list)
        for number, waiver in enumerate(self.waivers):
            exact = waiver.resource if waiver.resource and not wild(waiver.resource) else None
            self._found[waiver.policy, waiver.account, exact].append(number)

    def through(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Mark failures as they pass."""
        return map(self.mark, findings) if self.waivers else iter(findings)

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Mark failures as batches pass. Those of policies without a waiver are not looked at."""
        policies = {waiver.policy for waiver in self.waivers}
        if not policies:
            return iter(batches)
        return (each if policies.isdisjoint(named(each.policy)) else self._batch(each) for each in batches)

    def _batch(self, found: Batch) -> Batch:
        marked = {}
        for line in found.having(Status.FAIL, Status.UNKNOWN, Status.ERROR):
            finding = self.mark(read_finding(line))
            if finding.waived:
                marked[line] = finding
        return replaced(found, marked) if marked else found

    def mark(self, finding: Finding) -> Finding:
        """A finding with its waiver, if it fails and one applies: the first that is written."""
        if finding.status is not Status.FAIL:
            if finding.status in (Status.UNKNOWN, Status.ERROR):
                self._note(finding)
            return finding
        waived: Waived | None = None
        for use in self._covering(finding):
            use.failing += 1
            if use.expired:
                continue
            if not use.waiver.bound(finding.evidence):
                use.drifted += 1
            elif waived is None:
                waived = use.waiver.waived
                use.applied += 1
        return replace(finding, waived=waived) if waived else finding

    def sums(self) -> Sums:
        """What became of each waiver, to be added to another's."""
        return [(use.failing, use.applied, use.drifted, use.unknown) for use in self.uses], self._gaps

    def include(self, sums: Sums) -> None:
        """Add what became of the same waivers among other findings."""
        numbers, gaps = sums
        for use, (failing, applied, drifted, unknown) in zip(self.uses, numbers, strict=True):
            use.failing += failing
            use.applied += applied
            use.drifted += drifted
            use.unknown += unknown
        self._gaps |= gaps

    def reports(self) -> Iterator[str]:
        """A line for each waiver that does not do what it was written for."""
        for use in self.uses:
            if use.state is not State.APPLIED:
                yield f"{use.waiver.place}: waiver of {use.waiver.policy} {self._report(use)}"

    def _covering(self, finding: Finding) -> Iterator[Use]:
        keys = [
            (policy, account, resource)
            for policy in named(finding.policy)
            for account in (finding.account, None)
            for resource in (finding.resource, None)
        ]
        for number in sorted(number for key in keys for number in self._found.get(key, ())):
            if self.waivers[number].covers(finding):
                yield self.uses[number]

    def _note(self, finding: Finding) -> None:
        if finding.resource == finding.type:
            self._gaps.add((finding.policy, finding.account, finding.region))
        for use in self._covering(finding):
            use.unknown += 1

    def _report(self, use: Use) -> str:
        if use.expired:
            return f"expired on {use.waiver.waived.expires}: {_count(use.failing, 'no failing finding')} in its scope"
        if use.drifted:
            return f"has drifted: {_count(use.drifted, '')} in its scope with other evidence"
        if use.waiver.account and use.waiver.account not in self.accounts:
            return f"is unused: account {use.waiver.account} is not in this snapshot"
        if use.unknown or any(use.waiver.meets(gap) for gap in self._gaps):
            return "is unused: nothing fails in its scope, but something there could not be evaluated"
        return "is unused: nothing fails in its scope"


def _count(number: int, none: str) -> str:
    return f"{number:,} failing finding{'s' * (number != 1)}" if number else none
