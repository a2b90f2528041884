"""A whole comparison: evaluate twice, write the files, print what became of findings, give the exit code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from ...snapshot.model import Snapshot
from ..assess import assess, choose, notes
from ..diff.diff import Difference, Unchanged, diff, difference_lines, newly_failing
from ..diff.replay import Side, same_snapshot
from ..execution.judge import Method
from ..exit_codes import exit_code
from ..findings.counts import Row
from ..findings.gate import Limits
from ..findings.selection import Selection
from ..findings.source import source_notes
from ..model.change import Change
from ..model.finding import Status
from ..model.policy import Policy
from ..model.ruleset import Ruleset
from ..packs.report import spoken
from ..reports.formats import Target
from ..reports.report import Context, Totals
from ..reports.write import reports
from ..terminal.differences import Worst
from ..terminal.findings import print_diff_summary, print_notes
from .run_pack_diff import print_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison came to: the exit code, the policies' counts now, what changed, failures that are new.

    Of what is newly unknown, `unseen` are findings that are no more, as what they were about could not be listed.
    """

    code: int
    rows: Sequence[Row]
    changes: Counter[tuple[str, Change]]
    failures: int
    unseen: int

    def number(self, change: Change) -> int:
        return sum(number for (_, what), number in self.changes.items() if what is change)


def run_diff(
    old: Snapshot,
    new: Snapshot,
    ruleset: Ruleset,
    out: Console,
    err: Console,
    *,
    old_ruleset: Ruleset | None = None,
    targets: Sequence[Target] = (),
    keep: int = sys.maxsize,
    verbose: bool = False,
    limits: Limits = Limits(),
    chosen: Selection = Selection(),
    method: Method = Method(),
    heard: Callable[[Difference], object] = lambda _: None,
) -> Compared:
    """Compare two snapshots: every difference to the targets, the `keep` worst of what changed to `out`.

    Where `old_ruleset` are given, the old snapshot is evaluated with them. What changed is `heard`, too.
    """
    given, ruleset = choose(chosen, old_ruleset or ruleset, ruleset, of=[old, new])
    earlier = assess(old, given, chosen, method, tagged=(new, old))
    later = assess(new, ruleset, chosen, method, tagged=(new, old))
    changes = diff(
        Side(old, given.policies, earlier.variants), Side(new, ruleset.policies, later.variants), earlier, later
    )
    counts: Counter[tuple[str, Change]] = Counter()
    failures, unseen, worst = 0, 0, Worst(keep)
    with reports(targets, _context(old, new, given, ruleset, chosen)) as written:
        for changed in changes:
            written.add(difference_lines(changed))
            if isinstance(changed, Unchanged):
                if failing := changed.batch.count(Status.FAIL):
                    counts[changed.batch.policy, Change.PERSISTING] += failing
                continue
            heard(changed)
            found = changed.finding
            counts[found.policy, changed.change] += 1
            if changed.change is Change.UNKNOWN and found.account not in new.accounts:
                later.tally.lose(found)  # of which the new snapshot has nothing to say
            elif changed.change is Change.UNKNOWN:
                unseen += changed.after is None
            failures += newly_failing(changed, limits.fail_on)
            worst.add(changed)
        was, now, packs, accounts = earlier.rows(), later.rows(), later.packs(), later.tally.accounts
        said = [*source_notes(old, new), *notes(given, ruleset, chosen=chosen), *later.lapses()]
        written.end(Totals(rows=now, accounts=accounts, before=was, changes=counts, packs=packs, notes=said))
    worst.print(out, verbose=verbose)
    print_diff_summary(err, _title(old, new, policies=old_ruleset is not None), was, now, counts)
    if given.named and ruleset.named:
        print_changes(err, earlier.packs(), packs)
    print_notes(err, [*dict.fromkeys([*old.passed_over, *new.passed_over]), *said])
    written.check()
    return Compared(code=_code(was, now, failures, limits), rows=now, changes=counts, failures=failures, unseen=unseen)


def _context(old: Snapshot, new: Snapshot, given: Ruleset, ruleset: Ruleset, chosen: Selection) -> Context:
    return Context(
        snapshot=new,
        policies=_spoken(given, ruleset),
        packs=ruleset.packs,
        named=ruleset.named,
        before=old,
        varied=given.layers.keys() | ruleset.layers.keys(),
        chosen=chosen,
    )


def _code(was: Sequence[Row], now: Sequence[Row], failures: int, limits: Limits) -> int:
    unknown, population = sum(row.unknown for row in now), sum(row.population for row in now)
    return exit_code(
        findings=population + sum(row.population for row in was),
        failures=failures,
        unknown=unknown,
        allow_unknown=limits.allows(unknown, population),
    )


def _spoken(*sides: Ruleset) -> Sequence[Policy]:
    """The policies of both sides of a comparison, as reports speak of them; of one that both have, the later side's."""
    return list({policy.id: policy for side in sides for policy in spoken(side)}.values())


def _title(old: Snapshot, new: Snapshot, *, policies: bool) -> str:
    if same_snapshot(old, new):
        return f"Snapshot {new.id}, " + ("by old and by new policies" if policies else "compared with itself")
    return f"From {old.id} to {new.id}{', and from old to new policies' if policies else ''}"
