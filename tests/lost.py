"""What becomes of verdicts where a row that a policy looks up is gone: nothing may pass that did not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Policy
from stillframe.engine.testing.lost_rows import lost_rows
from stillframe.snapshot.model import Snapshot

FINE = (Status.PASS, Status.NOT_APPLICABLE)


@dataclass(slots=True)
class Tried:
    """How many rows were lost, how many of them were named, and what passed for it."""

    lost: int = 0
    named: int = 0
    faults: list[str] = field(default_factory=list)
    unnamed: set[tuple[str, str]] = field(default_factory=set)  # policies that pass for a row that nobody names


def sweep(snapshot: Snapshot, policies: Iterable[Policy], tried: Tried, step: int = 1) -> None:
    """Lose each row in turn, or one in so many."""
    for policy in [each for each in policies if each.lookups]:
        whole = {found.identity: found.status for found in evaluate(snapshot, [policy])}
        for lost in islice(lost_rows(policy, snapshot), 0, None, step):
            tried.lost += 1
            tried.named += lost.named
            for found in evaluate(lost.rest, [policy]):
                if found.status in FINE and whole.get(found.identity) not in FINE:
                    if lost.named:
                        identity = " ".join(found.identity)
                        tried.faults.append(f"without {lost.row.type} {lost.row.id}: {identity}: {found.status}")
                    else:
                        tried.unnamed.add((policy.id, lost.row.type))
