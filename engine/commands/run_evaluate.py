"""A whole evaluation: evaluate, write the files, print the summary, give the exit code."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from rich.console import Console

from ...snapshot.errors import ArgumentError
from ...snapshot.model import Snapshot
from ..assess import Assessment, assess, choose
from ..console import progress
from ..execution.judge import Method
from ..exit_codes import exit_code
from ..findings.counts import SHOWN
from ..findings.gate import Baseline, Limits
from ..findings.selection import Selection
from ..model.finding import Status
from ..model.ruleset import Ruleset
from ..packs.report import spoken
from ..reports.formats import Target
from ..reports.receipt import Receipt
from ..reports.report import Context, Totals
from ..reports.targets import whole
from ..reports.write import reports
from ..terminal.findings import print_findings, print_notes, print_summary, print_totals
from ..terminal.packs import print_reports


def run_evaluate(
    snapshot: Snapshot,
    ruleset: Ruleset,
    out: Console,
    err: Console,
    *,
    targets: Sequence[Target] = (),
    statuses: frozenset[Status] = frozenset(Status),
    receipt: str | None = None,
    keep: int = 0,
    verbose: bool = False,
    limits: Limits = Limits(),
    chosen: Selection = Selection(),
    baseline: Baseline | None = None,
    method: Method = Method(),
) -> int:
    """Evaluate: findings with some `statuses` to the targets, the `keep` worst to `out`, the summary to `err`.

    Where there is a baseline, only what is not in it is printed, and decides the exit code.
    """
    [ruleset] = choose(chosen, ruleset, of=[snapshot])
    proof = Receipt() if receipt or any(target.format.annex for target in targets) else None
    every = proof or chosen.by_line or ruleset.severe_by_line()  # then all of them are read
    wanted = frozenset(Status) if every else {*SHOWN, *(statuses if targets else ())}
    method = replace(method, written=wanted)
    # Workers begin before the progress bar's thread does.
    found = assess(snapshot, ruleset, chosen, method, keep=keep, baseline=baseline)
    context = _context(snapshot, ruleset, chosen)
    with progress(err, "evaluating") as advance, reports(targets, context) as written:
        account, number, here = "", 0, method.cluster is None or proof or baseline
        apart = None if here else written.apart(None if statuses >= wanted else statuses)
        for accounts, part in found.apart(method, apart) if apart else ():
            written.include(part)
            number += len(accounts)
            advance(number, len(snapshot.accounts))
        for batch in () if apart else found:
            written.add(batch.data if statuses >= wanted else b"".join(batch.having(*statuses)))
            if proof:
                proof.add(batch)
            if batch.account != account:
                account, number = batch.account, number + 1
                advance(number, len(snapshot.accounts))
        totals = _totals(found, proof)
        unknown, failures = sum(row.unknown for row in totals.rows), found.tally.failures(limits.fail_on)
        if baseline:
            unknown, failures = baseline.newly_unknown, baseline.failures(limits.fail_on)
            totals = replace(totals, notes=[*totals.notes, baseline.note()])
        written.end(totals)
    if receipt and totals.receipt:
        with whole(receipt) as file:
            file.write(totals.receipt)
    print_findings(out, found.tally, verbose=verbose)
    _print_outcome(err, context, ruleset, totals, hint=not verbose)
    written.check()
    population = sum(row.population for row in totals.rows)
    allowed = limits.allows(unknown, population)
    return exit_code(findings=population, failures=failures, unknown=unknown, allow_unknown=allowed)


def _context(snapshot: Snapshot, ruleset: Ruleset, chosen: Selection) -> Context:
    return Context(
        snapshot=snapshot,
        policies=spoken(ruleset),
        packs=ruleset.packs,
        named=ruleset.named,
        config=ruleset.digest,
        varied=ruleset.layers.keys(),
        chosen=chosen,
    )


def _totals(found: Assessment, proof: Receipt | None) -> Totals:
    """What the findings came to, when they have passed; with the receipt if all of them were seen."""
    rows, packs, uses = found.rows(), found.packs(), found.uses()
    return Totals(
        rows=rows,
        accounts=found.tally.accounts,
        packs=packs,
        notes=found.notes(),
        uses=uses,
        variants=found.variants,
        receipt=proof.data(found.snapshot, found.ruleset, rows, packs, uses, found.variants)
        if proof and not found.chosen.partial
        else None,
    )


def _print_outcome(err: Console, context: Context, ruleset: Ruleset, totals: Totals, *, hint: bool) -> None:
    alone = [row for row in totals.rows if not ruleset.counts(row.policy)]
    print_summary(err, f"Snapshot {context.snapshot.id}, {context.counted('account')}", alone)
    print_reports(err, totals.packs if ruleset.named else ())
    print_totals(err, totals.rows, totals.accounts, hint=hint)
    print_notes(err, [*context.snapshot.passed_over, *totals.notes])


def baseline_of(snapshot: Snapshot, other: Snapshot, ruleset: Ruleset, method: Method = Method()) -> Baseline:
    """What a snapshot's findings are by the same policies, as a baseline for another. Raises ArgumentError."""
    from ..diff.replay import same_snapshot

    if same_snapshot(snapshot, other):
        raise ArgumentError(
            f"the baseline is snapshot {other.id} itself: nothing could be new", "name an earlier snapshot, or a file"
        )
    if snapshot.captured_at > other.captured_at:
        raise ArgumentError(
            f"the baseline {snapshot.id} is later than {other.id}: what was fixed since would be called new",
            "name an earlier snapshot, or a file",
        )
    baseline = Baseline(snapshot.id)
    for batch in assess(snapshot, ruleset, method=method):
        baseline.learn(batch.having(*SHOWN))
    return baseline
