"""Whole judgements: evaluate or diff, write the files, print the summary, give the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from ..snapshot.model import Snapshot
from .diff import Change, diff, new_failures
from .evaluate import evaluate
from .exit_codes import judged
from .model import Policy, Severity
from .output import DIFFERENCE_FIELDS, FINDING_FIELDS, difference_record, finding_record, writers
from .tally import Tally
from .terminal import counted, print_diff_summary, print_difference, print_findings, print_summary, progress

PRINTED = frozenset({Change.NEW, Change.RESOLVED, Change.UNKNOWN, Change.KNOWN})


def run_evaluate(
    snapshot: Snapshot,
    policies: Sequence[Policy],
    out: Console,
    err: Console,
    *,
    targets: Sequence[str] = (),
    keep: int = 0,
    verbose: bool = False,
    fail_on: Severity | None = None,
    allow_unknown: bool = False,
) -> int:
    """Judge a snapshot: every finding to the targets, the `keep` worst to `out`, the summary to `err`."""
    tally = Tally(policies, keep=keep)
    with progress(err, "evaluating", len(snapshot.accounts)) as advance, writers(targets, FINDING_FIELDS) as write:
        account = ""
        for finding in tally.through(evaluate(snapshot, policies)):
            write(finding_record(finding))
            if finding.account != account:
                account = finding.account
                advance(accounts=1)
    print_findings(out, tally, verbose=verbose)
    rows = tally.rows()
    print_summary(err, f"Snapshot {snapshot.id}, {counted(len(snapshot.accounts), 'account')}", rows)
    return judged(
        findings=sum(row.population for row in rows),
        failures=tally.failures(fail_on),
        unknown=sum(row.unknown for row in rows),
        allow_unknown=allow_unknown,
    )


def run_diff(
    old: Snapshot,
    new: Snapshot,
    policies: Sequence[Policy],
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
    before, after = Tally(policies), Tally(policies)
    counts: Counter[tuple[str, Change]] = Counter()
    failures = 0
    differences = diff(old, new, before.through(evaluate(old, policies)), after.through(evaluate(new, policies)))
    with writers(targets, DIFFERENCE_FIELDS) as write:
        for difference in differences:
            counts[difference.finding.policy, difference.change] += 1
            failures += new_failures(difference, fail_on)
            write(difference_record(difference))
            if printing and difference.change in PRINTED:
                print_difference(out, difference, verbose=verbose)
    print_diff_summary(err, f"From {old.id} to {new.id}", before.rows(), after.rows(), counts)
    return judged(
        findings=sum(row.population for row in before.rows() + after.rows()),
        failures=failures,
        unknown=sum(count for (_, change), count in counts.items() if change is Change.UNKNOWN),
        allow_unknown=allow_unknown,
    )
