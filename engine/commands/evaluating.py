"""The command that evaluates. `cli` puts it among the others."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.groups import By, Choice, Counted, Work, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Budget,
    Catalogue,
    Exact,
    FormatName,
    Outputs,
    ReceiptFile,
    Show,
    SnapshotPath,
    Statuses,
    Types,
    Untrusted,
    Verbose,
    names,
)

if TYPE_CHECKING:
    from stillframe.engine.execution.judge import Method
    from stillframe.engine.findings.gate import Baseline
    from stillframe.engine.model.finding import Status
    from stillframe.engine.model.ruleset import Ruleset
    from stillframe.snapshot import Snapshot

BaselineFrom = Annotated[
    str | None,
    typer.Option(
        "--baseline", help="Only what is new counts: since this snapshot, or these findings.", metavar="SNAPSHOT|FILE"
    ),
]


@grouped
def evaluate(
    snapshot: SnapshotPath = ARCHIVE,
    by: By = By(),
    catalogue: Catalogue = None,
    output: Outputs = None,
    form: FormatName = None,
    status: Statuses = "",
    counted: Counted = Counted(),
    baseline: BaselineFrom = None,
    choice: Choice = Choice(),
    show: Show = 20,
    verbose: Verbose = False,
    exact: Exact = False,
    budget: Budget = None,
    untrusted: Untrusted = False,
    work: Work = Work(),
    receipt: ReceiptFile = None,
) -> None:
    """Evaluate a snapshot, offline: no credentials, no network, no clock."""
    from stillframe.engine.commands.run_evaluate import run_evaluate
    from stillframe.engine.console import console
    from stillframe.engine.reports.formats import files, printed, targets
    from stillframe.engine.reports.targets import distinct
    from stillframe.snapshot import open_snapshot

    written, chosen = targets(output or (), form), choice.selection()
    distinct([*files(written), *([receipt] if receipt else ())])
    if receipt and chosen.partial:
        raise typer.BadParameter("a receipt is of all findings: not together with --only and --except")
    if status and any(each.format.annex for each in written):
        raise typer.BadParameter("an auditor's report has all that fails or is unknown: not together with --status")
    within = counted.limits()
    method = work.method(exact=exact, remembers=not receipt and not any(each.format.annex for each in written))
    pictures = list(map(open_snapshot, [snapshot, *([baseline] if baseline and not Path(baseline).is_file() else [])]))
    ruleset = by.rules(Types(catalogue, pictures), budget=budget, untrusted=untrusted)
    code = run_evaluate(
        pictures[0],
        ruleset,
        console(),
        console(stderr=True),
        targets=written,
        statuses=_statuses(status),
        receipt=receipt,
        keep=0 if printed(written) else show or sys.maxsize,
        verbose=verbose,
        limits=within,
        chosen=chosen,
        baseline=_baseline(baseline, pictures, ruleset, method) if baseline else None,
        method=method,
    )
    raise typer.Exit(code)


def _baseline(path: str, pictures: "list[Snapshot]", ruleset: "Ruleset", method: "Method") -> "Baseline":
    """What failed before, by a file of findings or a snapshot."""
    from stillframe.engine.commands.run_evaluate import baseline_of
    from stillframe.engine.findings.gate import read_baseline

    if (file := Path(path)).is_file():
        return read_baseline(file)
    return baseline_of(pictures[1], pictures[0], ruleset, method)


def _statuses(text: str) -> "frozenset[Status]":
    from stillframe.engine.model.finding import Status
    from stillframe.engine.suggest import suggest

    wanted = names(text) or list(Status)
    for name in wanted:
        if name not in list(Status):
            raise typer.BadParameter(f"{name!r} is no status{suggest(name, list(Status))}", param_hint="--status")
    return frozenset(map(Status, wanted))
