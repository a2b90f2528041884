"""A whole comparison: evaluate twice, write the files, print what became of findings, give the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from ...snapshot.model import Snapshot
from ..assess import assess, choose, notes
from ..diff.diff import Difference, Unchanged, diff, difference_lines, newly_failing
from ..diff.replay import Side, same_snapshot
from ..execution.judge import Method
from ..exit_codes import exit_code
from ..findings.gate import Limits
from ..findings.selection import Selection
from ..model.change import Change
from ..model.finding import Status
from ..model.policy import Policy
from ..model.ruleset import Ruleset
from ..packs.report import spoken
from ..reports.formats import Target
from ..reports.report import Context, Totals
from ..reports.write import reports
from ..terminal.findings import print_diff_summary, print_differences, print_notes
from .run_pack_diff import print_changes

PRINTED = frozenset({Change.NEW, Change.RESOLVED, Change.UNKNOWN, Change.KNOWN})


def run_diff(
    old: Snapshot,
    new: Snapshot,
    ruleset: Ruleset,
    out: Console,
    err: Console,
    *,
    old_ruleset: Ruleset | None = None,
    targets: Sequence[Target] = (),
    printing: bool = True,
    verbose: bool = False,
    limits: Limits = Limits(),
    chosen: Selection = Selection(),
    method: Method = Method(),
) -> int:
    """Compare two snapshots: every difference to the targets, what became of findings to `out` as it comes.

    Where `old_ruleset` are given, the old snapshot is evaluated with them.
    """
    given, ruleset = choose(chosen, old_ruleset or ruleset, ruleset)
    earlier = assess(old, given, chosen, method, tagged=(new, old))
    later = assess(new, ruleset, chosen, method, tagged=(new, old))
    changes = diff(Side(old, given.policies), Side(new, ruleset.policies), earlier, later)
    counts: Counter[tuple[str, Change]] = Counter()
    failures, shown = 0, list[Difference]()
    policies = _spoken(given, ruleset)
    context = Context(snapshot=new, policies=policies, packs=ruleset.packs, named=ruleset.named, before=old)
    with reports(targets, context) as written:
        for changed in changes:
            written.add(difference_lines(changed))
            if isinstance(changed, Unchanged):
                if failing := changed.batch.count(Status.FAIL):
                    counts[changed.batch.policy, Change.PERSISTING] += failing
                continue
            found = changed.finding
            counts[found.policy, changed.change] += 1
            if changed.change is Change.UNKNOWN and found.account not in new.accounts:
                later.tally.counts[found.policy][Status.UNKNOWN] += 1  # of which the new snapshot has nothing to say
            failures += newly_failing(changed, limits.fail_on)
            if printing and (changed.change in PRINTED or changed.why):
                if shown and (shown[0].finding.account, shown[0].finding.policy) != (found.account, found.policy):
                    print_differences(out, shown, verbose=verbose)
                    shown.clear()
                shown.append(changed)
        print_differences(out, shown, verbose=verbose)
        was, now, packs = earlier.rows(), later.rows(), later.packs()
        said, accounts = [*notes(given, ruleset, chosen=chosen), *later.lapses()], later.tally.accounts
        written.end(Totals(rows=now, accounts=accounts, before=was, changes=counts, packs=packs, notes=said))
    print_diff_summary(err, _title(old, new, policies=old_ruleset is not None), was, now, counts)
    if given.named and ruleset.named:
        print_changes(err, earlier.packs(), packs)
    print_notes(err, said)
    unknown = sum(row.unknown for row in now)
    return exit_code(
        findings=sum(row.population for row in was + now),
        failures=failures,
        unknown=unknown,
        allow_unknown=limits.allows(unknown, sum(row.population for row in now)),
    )


def _spoken(*sides: Ruleset) -> Sequence[Policy]:
    """The policies of both sides of a comparison, as reports speak of them; of one that both have, the later side's."""
    return list({policy.id: policy for side in sides for policy in spoken(side)}.values())


def _title(old: Snapshot, new: Snapshot, *, policies: bool) -> str:
    if same_snapshot(old, new):
        return f"Snapshot {new.id}, by old and by new policies"
    return f"From {old.id} to {new.id}{', and from old to new policies' if policies else ''}"
