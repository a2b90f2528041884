"""To assess a snapshot: evaluate, mark what is waived, keep what is chosen, count. Nobody else composes these steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..snapshot.errors import ArgumentError
from ..snapshot.model import Snapshot
from .execution.judge import Method, judge, judge_apart
from .findings import counts, waivers
from .findings.batch import Batch
from .findings.counts import Row, Tally
from .findings.gate import Baseline
from .findings.selection import Selection
from .findings.source import source_notes
from .findings.variants import Variants, variants
from .findings.waivers import Use, Waivers
from .functions.budget import BUDGET
from .judging.dependencies import is_idle, undescribed
from .judging.misspelt import settled
from .model.finding import Status
from .model.policy import Policy, spoken
from .model.ruleset import Ruleset
from .model.setting import Setting, some
from .model.waiver import Waiver
from .packs.report import PackReport, reports
from .packs.report import spoken as framed


class Assessment(Struct):
    """One evaluation. Go through it once for its findings, in order; then it knows what they came to."""

    snapshot: Snapshot
    ruleset: Ruleset
    chosen: Selection
    tally: Tally
    variants: Variants
    _waivers: Waivers
    _batches: Iterator[Batch]

    def __iter__(self) -> Iterator[Batch]:
        return self.tally.through(self._batches)

    def rows(self) -> list[Row]:
        """The counts of each policy."""
        return self.tally.rows()

    def packs(self) -> list[PackReport]:
        """What the counts say of each pack."""
        return self._reports()[0]

    def notes(self) -> list[str]:
        """A line for all that people should see to: what is a part or evaluated otherwise, waivers, attestations."""
        told = [*notes(self.ruleset, chosen=self.chosen), *self.variants.notes]
        return [*source_notes(self.snapshot), *told, *self.lapses()]

    def lapses(self) -> list[str]:
        """A line for each waiver and attestation that does not do what it was written for."""
        return [*self._waivers.reports(partial=self.chosen.partial), *self._reports()[1]]

    def uses(self) -> Sequence[Use]:
        """What became of each waiver."""
        return self._waivers.uses

    def apart(self, method: Method, write: Write) -> Iterator[tuple[Sequence[str], Any]]:
        """Have workers of a cluster write their findings, and take in what these come to; in place of going through.

        Gives accounts in order, some at a time, and what `write` gave for their findings.
        """
        share = Share(
            self._waivers.waivers,
            self.chosen,
            self.variants,
            self.tally.policies,
            self.tally.keep,
            write,
            method.written,
        )
        method = replace(method, written=_wanted(self.variants, method))
        for accounts, told in judge_apart(self.snapshot, self.variants.evaluated, method, share):
            self.tally.include(told.tally)
            self._waivers.include(told.waivers)
            yield accounts, told.written

    def _reports(self) -> tuple[list[PackReport], list[str]]:
        part = self.chosen.by_line
        return reports(self.ruleset, self.snapshot, self.rows(), self.variants.disabled, part=part)


Write = Callable[[int, Iterable[Batch]], Any]  # of the findings of a share, by its number


class Told(Struct, frozen=True):
    """What the findings of a share came to: what writing them gave, and what is to be added up."""

    written: Any
    tally: counts.Sums
    waivers: waivers.Sums


class Share(Struct, frozen=True):
    """What a worker does with the findings of a share of the accounts, where it is to write them itself."""

    waivers: Sequence[Waiver]
    chosen: Selection
    variants: Variants
    policies: Sequence[Policy]
    keep: int
    write: Write
    written: Collection[Status]

    def __call__(self, snapshot: Snapshot, _: Sequence[Policy], number: int, batches: Iterable[Batch]) -> Told:
        """Assess findings in order, all of some accounts."""
        waived = Waivers(self.waivers, snapshot, wide=wide(self.policies))
        severities = self.variants.severities
        tally = Tally(self.policies, keep=self.keep, severities=severities)
        found = self.variants.over(batches, snapshot, self.written)
        chosen = self.chosen.over(found, snapshot, wide=wide(self.policies), severities=severities)
        through = tally.through(waived.over(chosen))
        return Told(self.write(number, through), tally.sums(), waived.sums())


def assess(
    snapshot: Snapshot,
    ruleset: Ruleset,
    chosen: Selection = Selection(),
    method: Method = Method(),
    *,
    keep: int = 0,
    baseline: Baseline | None = None,
    tagged: Sequence[Snapshot] = (),
) -> Assessment:
    """Assess a snapshot by the policies of a ruleset, of which `choose` made the choice before.

    The `keep` worst findings are kept; where there is a baseline, of those that it lacks. The tags of resources are
    those of the first of the snapshots `tagged` that has them; of this one if none is given. Workers begin at once.
    """
    check_described(snapshot, ruleset.policies)
    ruleset = _known(ruleset, snapshot)
    waivers = waivers_for(ruleset, snapshot)
    made = variants(ruleset, snapshot)
    _leave_idle(made)
    names = {spoken(policy.id) for policy in made.evaluated}
    policies = [policy for policy in ruleset.policies if policy.id in names]
    judged = judge(snapshot, made.evaluated, replace(method, written=_wanted(made, method)))
    found = made.over(judged, snapshot, method.written)
    # Waivers are counted in what is chosen alone.
    there = chosen.over(found, *(tagged or (snapshot,)), wide=wide(policies), severities=made.severities)
    batches = waivers.over(there)
    told = baseline.lacks if baseline else None
    return Assessment(
        snapshot=snapshot,
        ruleset=ruleset,
        chosen=chosen,
        tally=Tally(policies, keep=keep, priorities=ruleset.priorities, told=told, severities=made.severities),
        _waivers=waivers,
        variants=made,
        _batches=baseline.through(batches) if baseline else batches,
    )


def _known(ruleset: Ruleset, snapshot: Snapshot) -> Ruleset:
    """A ruleset whose policies are unsure where they read what nobody knows."""
    found = [settled(policy, snapshot) for policy in ruleset.policies]
    layers = {name: replace(each, policy=settled(each.policy, snapshot)) for name, each in ruleset.layers.items()}
    return replace(ruleset, policies=found, layers=layers)


def _leave_idle(made: Variants) -> None:
    """Do not evaluate what asks nothing; and say where a policy does so in some places alone."""
    idle = [policy for policy in made.evaluated if is_idle(policy)]
    ids = {policy.id for policy in idle}
    made.evaluated = [policy for policy in made.evaluated if policy.id not in ids]
    where: dict[str, set[str]] = {}
    for policy in idle:
        if policy.accounts is not None:
            where.setdefault(spoken(policy.id), set()).update(policy.accounts)
    for name, accounts in where.items():
        parts = "parts of " if any(made.sheets[each, name].inside for each in accounts) else ""
        said = f"asks nothing in {parts}{some(sorted(accounts))}, until its parameters are set there"
        made.notes.append(f"{name} {said}")
        made.disabled[name] = "; ".join(filter(None, [made.disabled.get(name), said]))


def _wanted(made: Variants, method: Method) -> Collection[Status]:
    """The findings that are needed: where variants decide by region or tag, each, as of another nothing is kept."""
    return frozenset(Status) if made.by_line else method.written


def check_described(snapshot: Snapshot, policies: Sequence[Policy]) -> None:
    """Raise ArgumentError where a policy reads of a type of somebody's own what a snapshot does not know of."""
    for policy in policies if snapshot.types else ():
        for kind, path in undescribed(policy, snapshot):
            field = ".".join(path).replace(".[]", "[]")
            raise ArgumentError(
                f"{policy.id} reads {field} of {kind}, which snapshot {snapshot.id} was collected without",
                "collect again; or name the entry that has it with --catalogue: then it is unknown here",
            )


def waivers_for(ruleset: Ruleset, snapshot: Snapshot) -> Waivers:
    """The waivers of its policies, at the time of a snapshot."""
    given = [waiver for waiver in ruleset.waivers if any(waiver.means(policy.id) for policy in ruleset.policies)]
    return Waivers(given, snapshot, wide=wide(ruleset.policies))


def wide(policies: Iterable[Policy]) -> frozenset[str]:
    """The ids of those that speak of all accounts: where their findings stand says nothing of what they are about."""
    return frozenset(policy.id for policy in policies if policy.is_wide())


def choose(chosen: Selection, *rulesets: Ruleset, of: Sequence[Snapshot] = ()) -> list[Ruleset]:
    """Rulesets with the policies that are chosen by what any of them says of these.

    Raises ArgumentError for none, and where nothing, also `of` these snapshots, is called what a pattern says.
    """
    if not chosen.partial:
        return list(rulesets)
    chosen.check(of)
    ids = {policy.id for policy in chosen.policies([policy for each in rulesets for policy in _framed(each)])}
    return [replace(each, policies=[policy for policy in each.policies if policy.id in ids]) for each in rulesets]


def _framed(ruleset: Ruleset) -> Iterator[Policy]:
    """Policies with the controls that they say they answer, and those that packs ask them for; with each severity."""
    for policy, said in zip(ruleset.policies, framed(ruleset), strict=True):
        settings = ruleset.layers[policy.id].settings if policy.id in ruleset.layers else ()
        for severity in {policy.severity, *(each.severity for each in settings if each.severity)}:
            yield replace(policy, severity=severity, frameworks={**policy.frameworks, **said.frameworks})


def notes(*rulesets: Ruleset, chosen: Selection = Selection()) -> list[str]:
    """A line for all that is not as if nobody had chosen: what is a part, left out or evaluated otherwise."""
    return list(dict.fromkeys([*chosen.notes(), *(note for each in rulesets for note in _notes(each))]))


def _disabled_in_part(ruleset: Ruleset) -> Iterator[tuple[str, Setting]]:
    for policy in ruleset.policies:
        for setting in ruleset.layers[policy.id].settings if policy.id in ruleset.layers else ():
            if setting.enabled is False:
                yield policy.id, setting


def _notes(ruleset: Ruleset) -> Iterator[str]:
    disabled: dict[tuple[str, str], list[str]] = {}
    for name, setting in [*ruleset.disabled.items(), *_disabled_in_part(ruleset)]:
        where = f" where {words}" if (words := setting.scope.words()) else ""
        disabled.setdefault((setting.place, f"disabled{where}: {setting.reason}"), []).append(name)
    for (place, what), names in disabled.items():
        yield f"{place}: {some(names)} {'are' if len(names) > 1 else 'is'} {what}"
    for budget in sorted({policy.budget for policy in ruleset.policies} - {BUDGET}):
        yield f"a policy may take {budget:,} steps for a resource, not {BUDGET:,}"
    for policy in filter(is_idle, (each for each in ruleset.policies if each.id not in ruleset.layers)):
        yield f"{policy.id} asks nothing, until its parameters are set"
    yield from ruleset.tailored
    yield from ruleset.unheard
