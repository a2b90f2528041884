"""Waivers: failures that somebody answers for until a day. A waiver marks a failure, and changes nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from fnmatch import translate
from functools import cache

from ..snapshot.format import encode
from ..snapshot.model import EVERYWHERE, Json
from .batch import Batch, read_finding, replaced
from .model import Finding, Status, Waived, base

_Gap = tuple[str, str, str]  # policy, account, region: a type that could not be listed there
_Key = tuple[str, str | None, str | None]  # policy, account, resource; None where any will do


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One entry of stillframe.yaml. A scope that is None is any. `place` is its file and line."""

    policy: str
    account: str | None = None
    region: str | None = None
    resource: str | None = None
    waived: Waived
    evidence: Mapping[str, Json] | str | None = None
    place: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is in its scope."""
        return (
            self.policy in named(finding.policy)
            and self.account in (None, finding.account)
            and self.region in (None, finding.region)
            and (self.resource is None or glob(self.resource, finding.resource))
        )

    def meets(self, gap: _Gap) -> bool:
        """Whether what is in its scope may be what could not be listed."""
        policy, account, region = gap
        there = region == EVERYWHERE or self.region in (None, region)
        return self.policy in named(policy) and self.account in (None, account) and there

    def bound(self, evidence: Mapping[str, Json]) -> bool:
        """Whether a finding has the evidence that the waiver was given for."""
        if self.evidence is None:
            return True
        if isinstance(self.evidence, str):
            return self.evidence == evidence_digest(evidence)
        return _canonical(self.evidence) == _canonical(json.loads(encode(evidence)))


class State(StrEnum):
    """What became of a waiver in one judgement."""

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
    """The waivers of one judgement. `captured_at` is the only time: the snapshot's."""

    waivers: Sequence[Waiver]
    captured_at: str
    accounts: Collection[str]
    uses: list[Use] = field(init=False)
    _found: dict[_Key, list[int]] = field(init=False)
    _gaps: set[_Gap] = field(init=False, default_factory=set)

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
            return "is unused: nothing fails in its scope, but something there could not be judged"
        return "is unused: nothing fails in its scope"


def named(policy: str) -> set[str]:
    """The ids that mean a policy: POLICY@PACK is also meant by POLICY."""
    return {policy, base(policy)}


def is_day(text: str) -> bool:
    """Whether text is a day as waivers write it: YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_over(day: str, moment: str) -> bool:
    """Whether a day, in UTC, ended before a moment as snapshots write it."""
    return day < moment[: len(day)]


def wild(pattern: str) -> bool:
    """Whether a pattern stands for more than itself."""
    return "*" in pattern or "?" in pattern


def glob(pattern: str, text: str) -> bool:
    """Whether text is what a pattern says: `*` is any text, `?` one character, all else itself."""
    return _matcher(pattern).match(text) is not None if wild(pattern) else pattern == text


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))


def evidence_digest(evidence: Mapping[str, Json]) -> str:
    """Evidence as one line: the SHA-256 of its canonical JSON."""
    return f"sha256:{hashlib.sha256(encode(evidence)).hexdigest()}"


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _count(number: int, none: str) -> str:
    return f"{number:,} failing finding{'s' * (number != 1)}" if number else none
