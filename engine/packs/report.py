"""What an evaluation says of a pack: the status of every control, and the share of each status.

A control passes when all of its policies do, and at least one of them had something to evaluate. Nothing that is not
known, waived, left to people or said by people counts as a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.model import Snapshot
from ..findings.counts import Row
from ..model.attestation import Attestation, Said
from ..model.pack import Control, Pack, Section
from ..model.policy import Policy, base
from ..model.ruleset import Ruleset
from .attestations import Attestations


class Outcome(StrEnum):
    """The status of a control, from what needs work to what does not."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    UNANSWERED = "unanswered"
    LEFT_OUT = "left_out"
    MANUAL = "manual"
    ATTESTED = "attested"
    PASS = "pass"
    NOT_APPLICABLE = "not_applicable"


class Answer(Struct, frozen=True, kw_only=True):
    """What became of one control. `rows` are its policies' counts; `why` says what its status does not."""

    control: Control
    status: Outcome
    rows: tuple[Row, ...] = ()
    why: str = ""
    attestation: Attestation | None = None

    @property
    def population(self) -> int:
        return sum(row.population for row in self.rows)

    @property
    def failures(self) -> int:
        return sum(row.failures for row in self.rows)

    @property
    def waived(self) -> int:
        return sum(row.waived for row in self.rows)

    @property
    def unknown(self) -> int:
        return sum(row.unknown for row in self.rows)


DECIDED = (Outcome.FAIL, Outcome.WAIVED, Outcome.PASS)


def decided(counts: Counter[Outcome]) -> int:
    """How many controls policies decided: not what is unknown, left to people, or had nothing to evaluate."""
    return sum(counts[outcome] for outcome in DECIDED)


def score(counts: Counter[Outcome]) -> float | None:
    """Of the controls that policies decided those that pass, in per cent; None where nothing is decided."""
    return 100 * counts[Outcome.PASS] / decided(counts) if decided(counts) else None


class PackReport(Struct, frozen=True, kw_only=True):
    """The answers to a pack, section by section."""

    pack: Pack
    sections: Sequence[tuple[Section, Sequence[Answer]]]

    def answers(self) -> Iterator[Answer]:
        for _, answers in self.sections:
            yield from answers

    def counts(self) -> Counter[Outcome]:
        return statuses(self.answers())

    def share(self, outcome: Outcome) -> float:
        """The controls with a status, in per cent of all controls of the pack."""
        counts = self.counts()
        return 100 * counts[outcome] / counts.total()


def statuses(answers: Iterable[Answer]) -> Counter[Outcome]:
    """How many controls have which status."""
    return Counter(answer.status for answer in answers)


def reports(
    ruleset: Ruleset, snapshot: Snapshot, rows: Sequence[Row], partly: Mapping[str, str] = {}, *, part: bool = False
) -> tuple[list[PackReport], list[str]]:
    """What the counts of its policies say of each pack; and a line for each attestation that says nothing.

    Policies that are `partly` not asked, each with where and why, answer no control alone. Where only a `part` of what
    they say is counted, those of which there is nothing were left out.
    """
    said = Attestations(ruleset.attestations, snapshot.captured_at)
    disabled = {name: setting.reason for name, setting in ruleset.disabled.items()}
    found = [report(pack, rows, disabled, said, partly, part=part) for pack in ruleset.packs]
    return found, list(said.reports([pack.name for pack in ruleset.packs]))


def spoken(ruleset: Ruleset) -> Sequence[Policy]:
    """The policies as files speak of them: if packs were named, with the controls that these ask them for."""
    return _framed(ruleset.policies, ruleset.packs) if ruleset.named else ruleset.policies


def _framed(policies: Sequence[Policy], packs: Sequence[Pack]) -> Sequence[Policy]:
    """Policies whose `frameworks` are the packs that they were asked by."""
    asked: dict[str, dict[str, tuple[str, ...]]] = {policy.id: {} for policy in policies}
    for pack in packs:
        for control in pack.controls():
            for ask in control.asks:
                controls = asked.setdefault(ask.policy, {})
                controls[pack.name] = (*controls.get(pack.name, ()), control.number)
    return [replace(policy, frameworks=asked[policy.id]) for policy in policies]


def report(
    pack: Pack,
    rows: Sequence[Row],
    disabled: Mapping[str, str],
    attestations: Attestations,
    partly: Mapping[str, str] = {},
    *,
    part: bool = False,
) -> PackReport:
    """A pack's report from the counts of its policies; `disabled` are policies that are not evaluated, and why."""
    by_policy = {row.policy: row for row in rows}

    def answer(control: Control) -> Answer:
        left = {name: f"{name} {why}" for name, why in partly.items()}
        for ask in control.asks:
            if ask.policy not in by_policy and ask.policy not in left:
                left[ask.policy] = _unjudged(ask.policy, disabled)
            elif part and not by_policy[ask.policy].counts:
                left.setdefault(ask.policy, f"Of {ask.policy} nothing is in this part.")
        return _answer(pack.name, control, by_policy, left, attestations)

    sections = [(section, [answer(control) for control in section.controls]) for section in pack.sections]
    return PackReport(pack=pack, sections=sections)


def _answer(
    pack: str, control: Control, rows: Mapping[str, Row], unanswered: Mapping[str, str], attestations: Attestations
) -> Answer:
    found = tuple(rows[ask.policy] for ask in control.asks if ask.policy in rows)
    missing = [unanswered[ask.policy] for ask in control.asks if ask.policy in unanswered]
    judged = _judged(found)
    left = [control.manual, control.unanswered, *missing]
    why = " ".join(filter(None, left))
    if judged in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED) or not why:
        return Answer(control=control, status=judged, rows=found, why=why)
    said = attestations.of(pack, control.number)
    if said is None:
        status = Outcome.LEFT_OUT if missing else Outcome.UNANSWERED if control.unanswered else Outcome.MANUAL
        return Answer(control=control, status=status, rows=found, why=why)
    return Answer(control=control, status=_SAID[said.status], rows=found, why=why, attestation=said)


def _unjudged(policy: str, disabled: Mapping[str, str]) -> str:
    reason = disabled.get(policy) or disabled.get(base(policy))
    return f"{policy} is disabled: {reason}" if reason else f"{policy} was left out."


def _judged(rows: Sequence[Row]) -> Outcome:
    """What policies say together."""
    for outcome, holds in (
        (Outcome.FAIL, any(row.failures for row in rows)),
        (Outcome.UNKNOWN, any(row.unknown for row in rows)),
        (Outcome.WAIVED, any(row.waived for row in rows)),
        (Outcome.PASS, any(row.population for row in rows)),
    ):
        if holds:
            return outcome
    return Outcome.NOT_APPLICABLE


_SAID = {
    Said.PASS: Outcome.ATTESTED,
    Said.FAIL: Outcome.FAIL,
    Said.NOT_APPLICABLE: Outcome.NOT_APPLICABLE,
}
