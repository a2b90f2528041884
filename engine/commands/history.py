"""The commands about time: what drifted, what became of findings, what other policies would have said."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.groups import By, Choice, Work, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Archive,
    Budget,
    Config,
    Earlier,
    Types,
    Untrusted,
    Verbose,
    names,
    rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stillframe.snapshot.model import Snapshot

Records = Annotated[
    list[str] | None,
    typer.Option(
        "--output", "-o", help="Write to FILE.jsonl, .json or .csv; - for standard output; repeatable.", metavar="FILE"
    ),
]

TrendOutputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Write to FILE.jsonl, .json or .csv, or a page to FILE.html; - for standard output; repeatable.",
        metavar="FILE",
    ),
]


def drift(
    old: Earlier,
    new: Annotated[str, typer.Argument(help="The later snapshot.", metavar="NEW")],
    types: Annotated[
        str, typer.Option(help="Resource types to compare, with commas; all if not given.", metavar="TYPES")
    ] = "",
    output: Records = None,
) -> None:
    """Compare the configurations of two snapshots, by field, whatever any policy says of them."""
    from collections import Counter

    from stillframe.engine.console import console
    from stillframe.engine.history import drift as drifting
    from stillframe.engine.reports.records import check_names, records
    from stillframe.engine.reports.targets import STDOUT
    from stillframe.engine.terminal.history import print_drift, print_drift_summary
    from stillframe.snapshot import open_snapshot

    check_names(output or ())
    before, after, out = open_snapshot(old), open_snapshot(new), console()
    Types.of(before, after).use()
    counts: Counter[tuple[str, drifting.Change]] = Counter()
    with records(output or (), drifting.FIELDS) as write:
        for each in drifting.drift(before, after, types=_types(types)):
            counts[each.type, each.change] += 1
            write(each.record())
            if STDOUT not in (output or ()):
                print_drift(out, each)
    print_drift_summary(console(stderr=True), f"From {before.id} to {after.id}", counts)


def _types(text: str) -> list[str]:
    from stillframe.engine.suggest import suggest
    from stillframe.snapshot.catalog import load_catalog

    found = names(text)
    for name in found:
        if name not in load_catalog():
            raise typer.BadParameter(
                f"unknown resource type {name}{suggest(name, load_catalog())}", param_hint="--types"
            )
    return found


@grouped
def trend(
    archive: Archive = ARCHIVE,
    by: By = By(),
    choice: Choice = Choice(),
    output: TrendOutputs = None,
    series: Annotated[
        list[str] | None,
        typer.Option(help="Write the numbers of each policy in each snapshot to FILE; repeatable.", metavar="FILE"),
    ] = None,
    budget: Budget = None,
    untrusted: Untrusted = False,
    work: Work = Work(),
) -> None:
    """Follow today's policies through every snapshot of an archive."""
    from stillframe.engine.assess import choose, notes
    from stillframe.engine.commands.run_trend import write_trend
    from stillframe.engine.console import console
    from stillframe.engine.history.trend import LIFE_FIELDS, POINT_FIELDS, History
    from stillframe.engine.reports.formats import targets
    from stillframe.engine.reports.records import check_names, records
    from stillframe.engine.reports.targets import STDOUT, distinct
    from stillframe.engine.terminal.findings import print_notes
    from stillframe.engine.terminal.history import print_pack_trend, print_trend

    distinct([*(output or ()), *(series or ())])
    pages = targets((name for name in output or () if name.endswith(".html")), compares=True)
    output = [name for name in output or () if not name.endswith(".html")]
    check_names(output, ".html")
    check_names(series or ())
    chosen, types = choice.selection(), _types_of(archive)
    ruleset = by.rules(types, budget=budget, untrusted=untrusted)
    [ruleset] = choose(chosen, ruleset, of=types.snapshots)
    history, method = History(ruleset), work.method()
    try:
        for snapshot in _each(archive):
            history.add(snapshot, chosen, method)
        if pages:
            write_trend(pages, snapshot, ruleset, chosen, history.points, method)
        with records(series or (), POINT_FIELDS) as write:
            for point in history.points:
                for record in point.records():
                    write(record)
        with records(output, LIFE_FIELDS) as write:
            for life in history.lives() if output else ():
                write(life.record())
    finally:
        history.close()
    out = console(stderr=STDOUT in [*output, *(series or ())])
    print_trend(out, history.points)
    print_pack_trend(out, history.points)
    print_notes(console(stderr=True), notes(ruleset, chosen=chosen))
    raise typer.Exit(_nothing(row.population for point in history.points for row in point.rows))


@grouped
def backtest(
    policies: Annotated[
        list[Path], typer.Option("--policies", "-p", help="The new policies; repeatable.", metavar="PATH")
    ],
    archive: Archive = ARCHIVE,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="The old policies; those of the same ids that are in force, if not given; repeatable.", metavar="PATH"
        ),
    ] = None,
    config: Config = None,
    choice: Choice = Choice(),
    output: Records = None,
    verbose: Verbose = False,
    budget: Budget = None,
    untrusted: Untrusted = False,
    work: Work = Work(),
) -> None:
    """Show what a change of policies would have flagged and cleared in every snapshot of an archive."""
    from msgspec.structs import replace
    from stillframe.engine.assess import choose, notes
    from stillframe.engine.console import console
    from stillframe.engine.history.backtest import FIELDS, Backtest
    from stillframe.engine.reports.records import check_names, records
    from stillframe.engine.reports.targets import STDOUT
    from stillframe.engine.terminal.findings import print_notes
    from stillframe.engine.terminal.history import print_backtest, print_case

    check_names(output or ())
    types = _types_of(archive)
    sided = partial(rules, config, budget=budget, untrusted=untrusted, types=types)
    chosen, new = choice.selection(), sided(policies)
    old = sided(against, every=not against)
    if not against:
        ids = {policy.id for policy in new.policies}
        old = replace(old, policies=[policy for policy in old.policies if policy.id in ids])
    old, new = choose(chosen, old, new, of=types.snapshots)
    test, method = Backtest(old, new), work.method()
    for snapshot in _each(archive):
        test.add(snapshot, chosen, method)
    printed = STDOUT in (output or ())
    with records(output or (), FIELDS) as write:
        for case in test.cases():
            write(case.record())
            if verbose and not printed:
                print_case(console(), case)
    err = console(stderr=True)
    print_backtest(err, test.trials)
    print_notes(err, notes(old, new, chosen=chosen))
    raise typer.Exit(_nothing(row.population for trial in test.trials for row in (*trial.before, *trial.after)))


def _types_of(archive: str) -> Types:
    """The types that any snapshot of an archive carries."""
    from stillframe.snapshot import list_snapshots, open_snapshot

    return Types(snapshots=[open_snapshot(each.path) for each in list_snapshots(archive) if each.accounts is not None])


def _each(archive: str) -> "Iterator[Snapshot]":
    """Every finished snapshot of an archive, oldest first."""
    from stillframe.engine.console import console
    from stillframe.snapshot import SnapshotError, list_snapshots, open_snapshot

    finished = [entry for entry in list_snapshots(archive) if entry.accounts is not None]
    if not finished:
        raise SnapshotError(f"{archive}: no finished snapshot here", "name an archive; `stillframe collect` makes one")
    err = console(stderr=True)
    for number, entry in enumerate(finished, 1):
        if err.is_terminal:  # no progress bar: its thread would be there when workers begin
            err.print(f"evaluating {entry.id}, {number} of {len(finished)}", style="dim")
        yield open_snapshot(entry.path)


def _nothing(populations: "Iterable[int]") -> int:
    from stillframe.engine import exit_codes

    return exit_codes.OK if any(populations) else exit_codes.NOTHING
