"""What a change of policies would have flagged and cleared, had it been made before the snapshots of an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from ...snapshot.model import Snapshot
from ..assess import assess
from ..diff.diff import Difference, Unchanged, diff
from ..diff.replay import Side
from ..execution.judge import Method
from ..findings.counts import Row
from ..findings.selection import Selection
from ..model.cause import Why, why_record
from ..model.change import Change
from ..model.finding import OF_RESOURCE, Finding, Status
from ..model.ruleset import Ruleset

FIELDS = (
    "verdict",
    *("policy", "severity"),
    *OF_RESOURCE,
    "message",
    "why",
    "first",
    "last",
    "snapshots",
)


class Verdict(StrEnum):
    """What the new policies say that the old ones do not. `LOST` is what was known by the old ones."""

    FLAGGED = "flagged"
    CLEARED = "cleared"
    LOST = "lost"


_VERDICTS = {
    Change.NEW: Verdict.FLAGGED,
    Change.RESOLVED: Verdict.CLEARED,
    Change.VANISHED: Verdict.CLEARED,  # its policy is gone, or is about other resources now
    Change.UNKNOWN: Verdict.LOST,
}


class Case(Struct):
    """One finding with the same new verdict in one or more snapshots."""

    verdict: Verdict
    finding: Finding
    why: tuple[Why, ...]
    first: str
    last: str
    snapshots: int = 0

    def record(self) -> dict[str, Any]:
        """As files have it: docs/findings.md."""
        own = {name: getattr(self, name) for name in ("verdict", "first", "last", "snapshots")}
        own["why"] = why_record(self.why)
        return {name: own[name] if name in own else getattr(self.finding, name) for name in FIELDS}


class Trial(Struct, frozen=True, kw_only=True):
    """One snapshot under both sets of policies: rows per policy, and how many findings have which new verdict."""

    captured_at: str
    before: list[Row]
    after: list[Row]
    verdicts: Counter[tuple[str, Verdict]]


class Backtest(Struct):
    """Two sets of policies over snapshots, one after the other."""

    old: Ruleset
    new: Ruleset
    trials: list[Trial] = field(default_factory=list)
    _cases: dict[tuple[str, Verdict], Case] = field(default_factory=dict)

    def add(self, snapshot: Snapshot, chosen: Selection = Selection(), method: Method = Method()) -> None:
        """Evaluate the next snapshot by both."""
        before, after = (assess(snapshot, each, chosen, method) for each in (self.old, self.new))
        verdicts: Counter[tuple[str, Verdict]] = Counter()
        old, new = (Side(snapshot, each.ruleset.policies, each.variants) for each in (before, after))
        for changed in diff(old, new, before, after):
            if not isinstance(changed, Unchanged) and (verdict := _verdict(changed)):
                verdicts[changed.finding.policy, verdict] += 1
                self._note(changed, verdict, snapshot.captured_at)
        rows = {"before": before.rows(), "after": after.rows()}
        self.trials.append(Trial(captured_at=snapshot.captured_at, **rows, verdicts=verdicts))

    def cases(self) -> Iterator[Case]:
        """Every finding that has a new verdict anywhere, in the order of findings."""
        yield from sorted(self._cases.values(), key=lambda case: (case.finding.identity, case.verdict))

    def _note(self, changed: Difference, verdict: Verdict, moment: str) -> None:
        found = changed.finding
        case = self._cases.setdefault(
            (found.fingerprint, verdict), Case(verdict, found, changed.why, first=moment, last=moment)
        )
        case.last = moment
        case.snapshots += 1


def _verdict(changed: Difference) -> Verdict | None:
    before, verdict = changed.before, _VERDICTS.get(changed.change)
    if verdict is Verdict.LOST and before is None:
        return None
    if changed.change is Change.VANISHED and (before is None or before.status is not Status.FAIL):
        return None
    return verdict
