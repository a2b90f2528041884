"""Whole judgements: evaluate or diff, write the files, print the summary, give the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from ..snapshot.model import Snapshot
from .diff import Change, diff, new_failures
from .evaluate import evaluate
from .exit_codes import judged
from .model import Severity
from .output import DIFFERENCE_FIELDS, FINDING_FIELDS, difference_record, finding_record, writers
from .receipt import Receipt
from .rules import Rules
from .tally import Tally
from .terminal import (
    counted,
    print_diff_summary,
    print_difference,
    print_findings,
    print_notes,
    print_summary,
    progress,
)

PRINTED = frozenset({Change.NEW, Change.RESOLVED, Change.UNKNOWN, Change.KNOWN})


def run_evaluate(
    snapshot: Snapshot,
    rules: Rules,
    out: Console,
    err: Console,
    *,
    targets: Sequence[str] = (),
    receipt: str | None = None,
    keep: int = 0,
    verbose: bool = False,
    fail_on: Severity | None = None,
    allow_unknown: bool = False,
) -> int:
    """Judge a snapshot: every finding to the targets, the `keep` worst to `out`, the summary to `err`."""
    tally, waivers, proof = Tally(rules.policies, keep=keep), rules.waivers_for(snapshot), Receipt()
    with progress(err, "evaluating", len(snapshot.accounts)) as advance, writers(targets, FINDING_FIELDS) as write:
        account = ""
        for finding in tally.through(waivers.through(evaluate(snapshot, rules.policies))):
            record = finding_record(finding)
            write(record)
            if receipt:
                proof.add(record)
            if finding.account != account:
                account = finding.account
                advance(accounts=1)
    rows = tally.rows()
    if receipt:
        proof.write(receipt, snapshot, rules, rows, waivers.uses)
    print_findings(out, tally, verbose=verbose)
    print_summary(err, f"Snapshot {snapshot.id}, {counted(len(snapshot.accounts), 'account')}", rows)
    print_notes(err, [*rules.notes(), *waivers.reports()])
    return judged(
        findings=sum(row.population for row in rows),
        failures=tally.failures(fail_on),
        unknown=sum(row.unknown for row in rows),
        allow_unknown=allow_unknown,
    )


def run_diff(
    old: Snapshot,
    new: Snapshot,
    rules: Rules,
    out: Console,
    err: Console,
    *,
    targets: Sequence[str] = (),
    printing: bool = True,
    verbose: bool = False,
    fail_on: Severity | None = None,
    allow_unknown: bool = False,
) -> int:
    """Compare two snapshots: every difference to the targets, what became of findings to `out` as it comes."""
    before, after = Tally(rules.policies), Tally(rules.policies)
    earlier, later = rules.waivers_for(old), rules.waivers_for(new)
    counts: Counter[tuple[str, Change]] = Counter()
    failures = 0
    differences = diff(
        old,
        new,
        before.through(earlier.through(evaluate(old, rules.policies))),
        after.through(later.through(evaluate(new, rules.policies))),
    )
    with writers(targets, DIFFERENCE_FIELDS) as write:
        for difference in differences:
            counts[difference.finding.policy, difference.change] += 1
            failures += new_failures(difference, fail_on)
            write(difference_record(difference))
            if printing and difference.change in PRINTED:
                print_difference(out, difference, verbose=verbose)
    print_diff_summary(err, f"From {old.id} to {new.id}", before.rows(), after.rows(), counts)
    print_notes(err, [*rules.notes(), *later.reports()])
    return judged(
        findings=sum(row.population for row in before.rows() + after.rows()),
        failures=failures,
        unknown=sum(count for (_, change), count in counts.items() if change is Change.UNKNOWN),
        allow_unknown=allow_unknown,
    )
