"""Policies that settings make different in some accounts, regions or for some tags: which one decides of what.

Each difference makes a variant, a policy with an id of its own, which is evaluated like any other in the accounts where
it may decide. Of its findings those are kept of which it decides, in the name of the policy that it is a variant of,
and with the severity of their place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.model import EVERYWHERE, Snapshot, Unknown
from ..console import counted
from ..functions.unknowns import Truth, kleene_all
from ..model.finding import Status
from ..model.policy import Policy, Severity, spoken
from .batch import Batch, batch, renamed, severe

if TYPE_CHECKING:
    from ..model.layers import Layers
    from ..model.ruleset import Ruleset
    from ..model.scope import Scope
    from .places import Places

_TAGS = Unknown.because("the tags of the resource are unknown")
_REGION = Unknown.because("what stands for all regions is in none of them alone")
_EITHER = Unknown.because("the tags of the resource are unknown, or it stands for all regions")
_Case = tuple[bool | None, ...]  # whether what holds by region and tag does; None where that is unknown
_OPEN: tuple[bool | None, ...] = (True, False, None)
# How bad the failures of a policy are in an account, where that is not everywhere the same; None where only its lines
# say it, which then all have to be written.
Severities = dict[tuple[str, str], Severity | None]


class _Line(Struct):
    region: str
    type: str
    resource: str
    status: str


_read = msgspec.json.Decoder(_Line).decode


class Sheet(Struct):
    """Which variant of a policy decides in an account, and how bad a failure is, in each case of what holds by region
    and tag. `truths` are what is settled by account: for a finding those that are `inside` may be otherwise."""

    layers: Layers
    truths: Sequence[Truth]
    inside: Sequence[int]
    _found: dict[_Case, tuple[str | None, Severity]] = field(default_factory=dict)

    def of(self, case: _Case) -> tuple[str | None, Severity]:
        """The variant's id, None where the policy is disabled; and the severity."""
        if case not in self._found:
            held = dict(zip(self.inside, case, strict=True))
            truths = [
                kleene_all([truth, _truth(held[number], self.scope(number))]) if number in held else truth
                for number, truth in enumerate(self.truths)
            ]
            policy = self.layers.where(truths)
            self._found[case] = policy.id if policy else None, self.layers.severity(truths)
        return self._found[case]

    def possible(self) -> list[Policy | None]:
        """All that decide in some case."""
        truths = [
            [kleene_all([truth, _truth(held, self.scope(number))]) for held in _OPEN]
            if number in self.inside
            else [truth]
            for number, truth in enumerate(self.truths)
        ]
        return self.layers.possible(truths)

    def severity(self) -> Severity | None:
        """How bad every failure in these accounts is; None where that is by region or tag."""
        settings = self.layers.settings
        return None if any(settings[number].severity for number in self.inside) else self.layers.severity(self.truths)

    def scope(self, number: int) -> Scope:
        return self.layers.settings[number].scope


class Variants(Struct):
    """The policies to `evaluate`, and those that they are `spoken` of as. `disabled` says which of these are not asked
    everywhere, and why. `notes` are of settings that hold nowhere, and of what asks nothing somewhere."""

    evaluated: list[Policy]
    spoken: Sequence[Policy]
    sheets: dict[tuple[str, str], Sheet] = field(default_factory=dict)  # by account and policy
    severities: Severities = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _named: dict[str, Policy] = field(default_factory=dict)

    @property
    def by_line(self) -> bool:
        """Whether findings of one account are told apart, which takes all of them."""
        return any(sheet.inside for sheet in self.sheets.values())

    def where(self, name: str) -> list[tuple[Sequence[str], Policy]]:
        """Of a policy that is not the same everywhere: each that was evaluated for it, and in which accounts."""
        found = [each for each in self.evaluated if spoken(each.id) == name and each.accounts is not None]
        return [(sorted(each.accounts or ()), each) for each in found]

    def over(self, batches: Iterable[Batch], snapshot: Snapshot, written: Collection[Status]) -> Iterator[Batch]:
        """The findings of those that decide; others than those with a status that is `written` are only counted."""
        if not self.sheets:
            yield from batches
            return
        from .places import Places

        places = Places(snapshot)
        for (account, name), group in groupby(batches, key=lambda each: (each.account, spoken(each.policy))):
            sheet = self.sheets.get((account, name))
            if sheet is None:
                yield from group
            elif not sheet.inside:
                yield from (renamed(each, name, sheet.of(())[1]) for each in group)
            elif found := self._chosen(sheet, name, list(group), places, written):
                yield found

    def _chosen(
        self, sheet: Sheet, name: str, found: Sequence[Batch], places: Places, written: Collection[Status]
    ) -> Batch | None:
        account, kept, counted = found[0].account, list[tuple[tuple[str, str, str], bytes]](), dict[str, int]()
        for each in found:
            for was, line in zip(each.lines(), renamed(each, name).lines(), strict=True):
                of = _read(was)
                at = of.region, of.type, of.resource
                variant, severity = sheet.of(_case(sheet, places, account, *at))
                if variant != each.policy:
                    continue
                if of.status in written:
                    kept.append((at, severe(line, severity)))
                else:
                    counted[of.status] = counted.get(of.status, 0) + 1
        return batch(account, name, [line for _, line in sorted(kept)], counted)

    def of(self, name: str, places: Places, account: str, region: str, kind: str, resource: str) -> Policy | None:
        """The policy of that id as it is for a finding; None where it is disabled, or there is none."""
        sheet = self.sheets.get((account, name))
        if sheet is None:
            return next((policy for policy in self.spoken if policy.id == name), None)
        wanted, _ = sheet.of(_case(sheet, places, account, region, kind, resource))
        if not self._named:
            self._named = {policy.id: replace(policy, id=spoken(policy.id)) for policy in self.evaluated}
        return self._named.get(wanted) if wanted else None  # one that asks nothing there is not evaluated


def variants(ruleset: Ruleset, snapshot: Snapshot) -> Variants:
    """What becomes of the policies of a ruleset in a snapshot."""
    varied = [policy for policy in ruleset.policies if policy.id in ruleset.layers]
    made = Variants([policy for policy in ruleset.policies if policy.id not in ruleset.layers], ruleset.policies)
    if not varied:
        return made
    from .places import Places

    places, known = Places(snapshot), dict[tuple[str, str], tuple[Sheet, list[str | None]]]()
    found, there = dict[str, Policy](), dict[str, set[str]]()
    for account in snapshot.accounts:
        for policy in varied:
            layers = ruleset.layers[policy.id]
            truths = [places.account(each.scope, account) for each in layers.settings]
            key = policy.id, repr(truths)
            if key not in known:
                sheet = _sheet(layers, truths)
                possible = {each.id if each else None: each for each in sheet.possible()}
                found |= {name: each for name, each in possible.items() if name and each}
                known[key] = sheet, list(possible)
            sheet, names = known[key]
            made.sheets[account, policy.id] = sheet
            if layers.severe():
                made.severities[account, policy.id] = sheet.severity()
            for name in filter(None, names):
                there.setdefault(name, set()).add(account)
            if None in names:
                made.disabled[policy.id] = f"is disabled {_reason(layers)}"
    made.evaluated += [replace(found[name], accounts=frozenset(accounts)) for name, accounts in there.items()]
    scoped = {(each.place, each.scope): each for policy in varied for each in ruleset.layers[policy.id].settings}
    for (place, _), each in scoped.items():
        if nowhere := places.nowhere(each.scope):
            made.notes.append(f"{place}: the setting of {each.policy} holds nowhere: {nowhere}")
        truths = [places.account(each.scope, account) for account in snapshot.accounts] if each.severity else []
        if unsure := [truth for truth in truths if isinstance(truth, Unknown)]:
            worst = f"has the worst severity that may hold in {counted(len(unsure), 'account')}"
            made.notes.append(f"{place}: {each.policy} {worst}, as it is unknown whether this does: {unsure[0]}")
    return made


def _sheet(layers: Layers, truths: Sequence[Truth]) -> Sheet:
    """What decides in accounts where settings hold so, if not by region and tag they do not."""
    settings = enumerate(layers.settings)
    inside = [number for number, each in settings if each.scope.by_line and truths[number] is not False]
    return Sheet(layers, truths, inside)


def _truth(held: bool | None, scope: Scope) -> Truth:
    if held is not None:
        return held
    return _EITHER if scope.region and scope.tag else _REGION if scope.region else _TAGS


def _case(sheet: Sheet, places: Places, account: str, region: str, kind: str, resource: str) -> _Case:
    """Which case a finding is; of one that stands for all regions it is open what holds by region."""

    def holds(scope: Scope) -> bool | None:
        truth = places.of(scope, account, region, kind, resource)
        return None if isinstance(truth, Unknown) or (region == EVERYWHERE and scope.region) else truth

    return tuple(holds(sheet.scope(number)) for number in sheet.inside)


def _reason(layers: Layers) -> str:
    each = next(each for each in reversed(layers.settings) if each.enabled is False)
    where = each.scope.words()
    return f"where {where}: {each.reason}" if where else each.reason
