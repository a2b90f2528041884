"""What the auditor's report is about: controls of packs, or policies where no pack was named, with their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..console import counted
from ..findings.counts import Row
from ..model.finding import Status
from ..model.policy import Policy
from ..packs.report import Answer, Outcome, PackReport
from ..packs.text import words
from .report import Context, Record, Totals

_NAMED = 8  # accounts that are named where not all are meant; the annex has each


@dataclass(slots=True)
class Kept:
    """Of one policy: the first findings that fail, each with its row of the annex, and how many each account has."""

    failing: list[tuple[int, Record]] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record, row: int, most: int) -> None:
        if record.status != Status.FAIL:
            self.unknown[record.account] += 1
            return
        self.failures[record.account] += 1
        if len(self.failing) < most:
            self.failing.append((row, record))


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A control, or a policy that stands for itself."""

    number: str
    title: str
    status: Outcome
    rows: Sequence[Row]
    answer: Answer | None = None
    part: bool = False

    @property
    def said(self) -> str:
        """Its status in words: of a part that has nothing of it nobody knows whether it applies."""
        return "nothing in this part" if self.part and self.status is Outcome.NOT_APPLICABLE else words(self.status)

    @property
    def fails(self) -> bool:
        return self.status in (Outcome.FAIL, Outcome.WAIVED)

    @property
    def unknown(self) -> int:
        return sum(row.unknown for row in self.rows)


class Topics:
    """All topics of an evaluation, and what was kept of their findings."""

    def __init__(self, context: Context, totals: Totals, kept: Mapping[str, Kept]) -> None:
        self.context, self.totals, self._kept = context, totals, kept
        self._part = context.chosen.partial
        self.packs: Sequence[PackReport] = totals.packs if context.named else ()
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in context.policies}
        asked = {row.policy for report in self.packs for answer in report.answers() for row in answer.rows}
        self.alone = [row for row in totals.rows if row.policy not in asked]
        self.names = {each: context.snapshot.account(each).name for each in context.snapshot.accounts}

    def chapters(self) -> Iterator[tuple[str, list[Topic]]]:
        """Each pack's topics in its order; then those of policies that no pack asks for."""
        for report in self.packs:
            yield report.pack.title, [_of_control(answer, part=self._part) for answer in report.answers()]
        if self.alone:
            yield (
                "Policies" if not self.packs else "Policies of no pack",
                [_of_policy(row, part=self._part) for row in self.alone],
            )

    def kept(self, policy: str) -> Kept:
        return self._kept.get(policy) or Kept()

    def account(self, account: str) -> str:
        name = self.names.get(account)
        return f"{account} ({name})" if name else account

    def where(self, counts: Mapping[str, int]) -> str:
        """The accounts of some numbers, most first; in a few words where it is the same of all."""
        if len(self.names) > 1 and counts.keys() >= self.names.keys() and len({*counts.values()}) == 1:
            return f"{min(counts.values()):,} in each of {len(counts):,} accounts"
        ranked = sorted(counts, key=lambda each: (-counts[each], each))
        parts = [f"{self.account(each)}: {counts[each]:,}" for each in ranked[:_NAMED]]
        if left := ranked[_NAMED:]:
            others = counted(len(left), "other account")
            parts.append(f"{others}, each in the annex: {sum(counts[each] for each in left):,}")
        return "; ".join(parts)


def _of_control(answer: Answer, *, part: bool) -> Topic:
    control = answer.control
    return Topic(
        number=control.number, title=control.title, status=answer.status, rows=answer.rows, answer=answer, part=part
    )


def _of_policy(row: Row, *, part: bool) -> Topic:
    statuses = ((Outcome.FAIL, row.failures), (Outcome.UNKNOWN, row.unknown), (Outcome.WAIVED, row.waived))
    status = next((each for each, number in statuses if number), None)
    status = status or (Outcome.PASS if row.population else Outcome.NOT_APPLICABLE)
    return Topic(number=row.policy, title=row.title, status=status, rows=[row], part=part)
