"""A whole comparison: judge twice, write the files, print what became of findings, give the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from ...snapshot.model import Snapshot
from ..exit_codes import judged
from ..fast.run import Method, judge
from ..gate import Limits
from ..model import Policy, Status
from ..packs.changes import print_changes
from ..reports.formats import Target
from ..reports.report import Context, Totals
from ..reports.write import reports
from ..rules import Rules
from ..selection import Selection
from ..selection import notes as notes_of
from ..tally import Tally
from ..terminal import print_diff_summary, print_differences, print_notes
from .change import Change
from .diff import Difference, Unchanged, diff, difference_lines, newly_failing
from .sides import Side, same_snapshot

PRINTED = frozenset({Change.NEW, Change.RESOLVED, Change.UNKNOWN, Change.KNOWN})


def run_diff(
    old: Snapshot,
    new: Snapshot,
    rules: Rules,
    out: Console,
    err: Console,
    *,
    old_rules: Rules | None = None,
    targets: Sequence[Target] = (),
    printing: bool = True,
    verbose: bool = False,
    limits: Limits = Limits(),
    chosen: Selection = Selection(),
    method: Method = Method(),
) -> int:
    """Compare two snapshots: every difference to the targets, what became of findings to `out` as it comes.

    Where `old_rules` are given, the old snapshot is judged by them.
    """
    given, rules = both(old_rules or rules, rules, chosen)
    before, after = (Tally(each.policies, priorities=each.priorities) for each in (given, rules))
    earlier, later = given.waivers_for(old), rules.waivers_for(new)
    changes = diff(
        Side(old, given.policies),
        Side(new, rules.policies),
        before.through(chosen.over(earlier.over(judge(old, given.policies, method)), new, old)),
        after.through(chosen.over(later.over(judge(new, rules.policies, method)), new, old)),
    )
    counts: Counter[tuple[str, Change]] = Counter()
    failures, shown = 0, list[Difference]()
    context = Context(snapshot=new, policies=_spoken(given, rules), packs=rules.packs, named=rules.named, before=old)
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
                after.counts[found.policy][Status.UNKNOWN] += 1  # of which the new snapshot has nothing to say
            failures += newly_failing(changed, limits.fail_on)
            if printing and (changed.change in PRINTED or changed.why):
                if shown and (shown[0].finding.account, shown[0].finding.policy) != (found.account, found.policy):
                    print_differences(out, shown, verbose=verbose)
                    shown.clear()
                shown.append(changed)
        print_differences(out, shown, verbose=verbose)
        was, now = before.rows(), after.rows()
        packs, unsaid = rules.pack_reports(new, now)
        notes = [*notes_of(chosen, given, rules), *later.reports(), *unsaid]
        written.end(Totals(rows=now, accounts=after.accounts, before=was, changes=counts, packs=packs, notes=notes))
    print_diff_summary(err, _title(old, new, policies=old_rules is not None), was, now, counts)
    if given.named and rules.named:
        print_changes(err, given.pack_reports(old, was)[0], packs)
    print_notes(err, notes)
    unknown = sum(row.unknown for row in now)
    return judged(
        findings=sum(row.population for row in was + now),
        failures=failures,
        unknown=unknown,
        allow_unknown=limits.allows(unknown, sum(row.population for row in now)),
    )


def both(old: Rules, new: Rules, chosen: Selection) -> tuple[Rules, Rules]:
    """Two sets of rules with the policies that are chosen by what either says of them."""
    ids = {policy.id for policy in chosen.policies([*old.policies, *new.policies])}
    old, new = (
        replace(rules, policies=[policy for policy in rules.policies if policy.id in ids]) for rules in (old, new)
    )
    return old, new


def _spoken(*sides: Rules) -> Sequence[Policy]:
    """The policies of both sides of a comparison, as reports speak of them; of one that both have, the later side's."""
    return list({policy.id: policy for side in sides for policy in side.spoken()}.values())


def _title(old: Snapshot, new: Snapshot, *, policies: bool) -> str:
    if same_snapshot(old, new):
        return f"Snapshot {new.id}, by old and by new policies"
    return f"From {old.id} to {new.id}{', and from old to new policies' if policies else ''}"
