"""Waivers: failures that somebody answers for until a day. A waiver marks a failure, and changes nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.model import Snapshot, Unknown
from ..functions.unknowns import Truth
from ..model.finding import Finding, Status, Waived
from ..model.glob import wild
from ..model.scope import Scope
from ..model.waiver import Gap, Waiver, is_over
from .batch import Batch, read_finding, replaced
from .places import Places

_Index = Mapping[tuple[str | None, str | None], Sequence[int]]  # by account and resource; None where any will do


class State(StrEnum):
    """What became of a waiver in one evaluation."""

    APPLIED = "applied"
    EXPIRED = "expired"
    DRIFTED = "drifted"
    UNSURE = "unsure"
    UNUSED = "unused"


class Use(Struct, kw_only=True):
    """How often a waiver met a finding: failures it covers, those it waives, those it no longer fits; those that it
    may cover, of which `why` says what is not known; and what is in its scope and could not be evaluated."""

    waiver: Waiver
    expired: bool
    failing: int = 0
    applied: int = 0
    drifted: int = 0
    unsure: int = 0
    unknown: int = 0
    why: str = ""

    @property
    def state(self) -> State:
        if self.expired:
            return State.EXPIRED
        if self.drifted:
            return State.DRIFTED
        return State.APPLIED if self.failing else State.UNSURE if self.unsure else State.UNUSED


_NUMBERS = ("failing", "applied", "drifted", "unsure", "unknown")
Sums = tuple[list[tuple[int, ...]], list[str], set[Gap]]  # the numbers of each waiver, and why it is unsure; gaps


class Waivers:
    """The waivers of one evaluation. The only time is the snapshot's.

    Findings of policies that are `wide` are of all accounts, though they stand in one: no waiver of some covers them.
    """

    def __init__(self, waivers: Sequence[Waiver], snapshot: Snapshot, *, wide: Collection[str] = ()) -> None:
        self.waivers, self._places, self._wide = waivers, Places(snapshot), wide
        self.uses = [
            Use(waiver=waiver, expired=is_over(waiver.waived.expires, snapshot.captured_at)) for waiver in waivers
        ]
        self._indexes: dict[str, _Index] = {}
        self._gaps: set[Gap] = set()

    def through(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Mark failures as they pass."""
        return map(self.mark, findings) if self.waivers else iter(findings)

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Mark failures as batches pass. Those of policies without a waiver are not looked at."""
        if not self.waivers:
            return iter(batches)
        return (self._batch(each) if self._index(each.policy) else each for each in batches)

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
        for use in self._near(finding):
            covered = self._covers(use, finding)
            if isinstance(covered, Unknown):
                use.unsure, use.why = use.unsure + 1, use.why or str(covered)
            if covered is not True:
                continue
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
        numbers = [tuple(getattr(use, name) for name in _NUMBERS) for use in self.uses]
        return numbers, [use.why for use in self.uses], self._gaps

    def include(self, sums: Sums) -> None:
        """Add what became of the same waivers among other findings."""
        for use, numbers, why in zip(self.uses, *sums[:2], strict=True):
            for name, number in zip(_NUMBERS, numbers, strict=True):
                setattr(use, name, getattr(use, name) + number)
            use.why = use.why or why
        self._gaps |= sums[2]

    def reports(self, *, partial: bool = False) -> Iterator[str]:
        """A line for each waiver that does not do what it was written for; of a part not what is unused there."""
        for use in self.uses:
            if use.unsure or use.state not in (State.APPLIED, *([State.UNUSED] if partial else ())):
                yield f"{use.waiver.place}: waiver of {use.waiver.policy} {self._report(use)}"

    def _index(self, policy: str) -> _Index:
        """The waivers of a policy."""
        if policy not in self._indexes:
            found: dict[tuple[str | None, str | None], list[int]] = {}
            for number, waiver in enumerate(self.waivers):
                resources, named = waiver.scope.resource, waiver.scope.account
                accounts = named if named and all(each.isdigit() for each in named) else (None,)
                exact = resources if resources and not any(map(wild, resources)) else (None,)
                apart = policy in self._wide and waiver.scope.by_account
                for key in product(accounts, exact) if waiver.means(policy) and not apart else ():
                    found.setdefault(key, []).append(number)
            self._indexes[policy] = found
        return self._indexes[policy]

    def _near(self, finding: Finding) -> list[Use]:
        """The waivers that may cover a finding."""
        index = self._index(finding.policy)
        keys = product((finding.account, None), (finding.resource, None))
        return [self.uses[number] for number in sorted({number for key in keys for number in index.get(key, ())})]

    def _covers(self, use: Use, finding: Finding) -> Truth:
        place = finding.account, finding.region, finding.type, finding.resource
        return self._places.of(use.waiver.scope, *place)

    def _note(self, finding: Finding) -> None:
        if finding.resource == finding.type:
            self._gaps.add((finding.policy, finding.account, finding.region))
        for use in self._near(finding):
            if self._covers(use, finding) is not False:
                use.unknown += 1

    def _meets(self, waiver: Waiver, gap: Gap) -> bool:
        """Whether what is in a waiver's scope may be what could not be listed."""
        _, account, _ = gap
        there, anywhere = Scope(account=waiver.scope.account), replace(waiver.scope, account=())
        return self._places.account(there, account) is not False and replace(waiver, scope=anywhere).meets(gap)

    def _report(self, use: Use) -> str:
        if use.expired:
            return f"expired on {use.waiver.waived.expires}: {_count(use.failing, 'no failing finding')} in its scope"
        if use.drifted:
            return f"has drifted: {_count(use.drifted, '')} in its scope with other evidence"
        if use.unsure:
            return f"does not waive {_count(use.unsure, '')} that may be in its scope: {use.why}"
        if nowhere := self._places.nowhere(use.waiver.scope):
            return f"is unused: {nowhere}"
        if use.unknown or any(self._meets(use.waiver, gap) for gap in self._gaps):
            return "is unused: nothing fails in its scope, but something there could not be evaluated"
        return "is unused: nothing fails in its scope"


def _count(number: int, none: str) -> str:
    return f"{number:,} failing finding{'s' * (number != 1)}" if number else none
