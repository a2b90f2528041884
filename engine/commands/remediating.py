"""The command about what to fix first."""

from typing import Annotated

import typer
from stillframe.engine.commands.groups import By, Choice, Work, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Budget,
    Show,
    SnapshotPath,
    Types,
    Untrusted,
)


@grouped
def remediate(
    snapshot: SnapshotPath = ARCHIVE,
    plan: Annotated[
        bool, typer.Option("--plan", help="Write the commands as a shell script, for a person to review.")
    ] = False,
    by: By = By(),
    choice: Choice = Choice(),
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to FILE.jsonl, .json or .csv, the plan to any FILE; - for standard output.",
            metavar="FILE",
        ),
    ] = None,
    show: Show = 20,
    budget: Budget = None,
    untrusted: Untrusted = False,
    work: Work = Work(),
) -> None:
    """Say what to fix first, by the actions that fix most. It fixes nothing."""
    from stillframe.engine.assess import assess, choose, notes
    from stillframe.engine.console import console
    from stillframe.engine.model.finding import Status
    from stillframe.engine.remediation.actions import FIELDS, Remediation
    from stillframe.engine.remediation.script import script
    from stillframe.engine.reports.records import check_names, records
    from stillframe.engine.reports.targets import STDOUT, distinct, whole
    from stillframe.engine.terminal.findings import print_notes
    from stillframe.engine.terminal.remediation import print_remediation, print_rest
    from stillframe.snapshot import open_snapshot

    targets = output or ([STDOUT] if plan else [])
    distinct(targets)
    check_names(() if plan else targets)
    chosen, opened = choice.selection(), open_snapshot(snapshot)
    ruleset = by.rules(Types.of(opened), budget=budget, untrusted=untrusted)
    [ruleset] = choose(chosen, ruleset, of=[opened])
    remediation = Remediation(opened, ruleset.policies, ruleset.priorities)
    written = frozenset(Status) if chosen.by_line else frozenset({Status.FAIL, Status.UNKNOWN, Status.ERROR})
    method = work.method(written=written)
    found = assess(opened, ruleset, chosen, method)
    remediation.take(found, found.variants)
    said = notes(ruleset, chosen=chosen)
    if plan:
        text = "".join(f"{line}\n" for line in script(remediation, ruleset.policies, said)).encode("utf-8", "replace")
        for target in targets:
            with whole(target) as file:
                file.write(text)
    else:
        with records(targets, FIELDS) as write:
            for action in remediation.actions():
                write(action.record(remediation.priorities))
    print_remediation(console(stderr=STDOUT in targets), remediation, show)
    print_rest(console(stderr=True), remediation)
    print_notes(console(stderr=True), said)
