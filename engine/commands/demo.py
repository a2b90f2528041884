"""The whole story on a local AWS stand-in."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.collecting import show

if TYPE_CHECKING:
    from rich.console import Console


def demo(
    into: Annotated[Path, typer.Option(help="The folder for its snapshots and findings.", metavar="FOLDER")] = Path(
        "demo"
    ),
    past: Annotated[
        bool, typer.Option("--import", help="Only the last step: import what AWS Config recorded, without a stand-in.")
    ] = False,
) -> None:
    """Play the whole story on a local AWS stand-in: collect, evaluate, change things, collect, diff, look back."""
    if past:
        _look_back(into, 1)
        return
    from stillframe.engine.commands.run_diff import run_diff
    from stillframe.engine.commands.run_evaluate import run_evaluate
    from stillframe.engine.loading.ruleset import load_rules
    from stillframe.engine.reports.formats import targets
    from stillframe.snapshot import open_snapshot
    from stillframe.snapshot.collector.demo import Organisation, session, stand_in, types

    archive, ruleset, out, err = into / "snapshots", load_rules(), _out(), _err()
    with stand_in() as url:
        _say("1. A local AWS stand-in, and in it a small organisation: some of it wrong on purpose")
        organisation = Organisation(url)
        organisation.build()
        _say("2. stillframe collect --org")
        first = show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
        _say("3. stillframe evaluate")
        run_evaluate(open_snapshot(first.path), ruleset, out, err, targets=targets([f"{into}/before.jsonl"]), keep=8)
        _say("4. Two things are fixed, two are broken, one is removed; then collect and evaluate again")
        organisation.fix_and_break()
        second = show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
        run_evaluate(open_snapshot(second.path), ruleset, out, err, targets=targets([f"{into}/after.jsonl"]))
    _say("5. stillframe diff")
    run_diff(
        open_snapshot(first.path),
        open_snapshot(second.path),
        ruleset,
        out,
        err,
        targets=targets([f"{into}/diff.jsonl", f"{into}/report.html"]),
    )
    _look_back(into, 6)
    _say(f"Snapshots and findings are in {into}. Try:")
    for command in (
        f"diff {first.path} {second.path}",
        f"evaluate {archive} -o findings.html",
        f"snapshot verify {archive}",
        f"trend {into}/past -o past.html",
        "policy show vpc-flow-logs",
    ):
        typer.secho(f"   {_program()} {command}", fg="cyan", err=True)
    _say(f"Open both snapshots and what changed between them in a browser: {(into / 'report.html').absolute()}")


def _look_back(into: Path, number: int) -> None:
    """A fortnight from before anybody collected, as AWS Config recorded it, and on which days something failed."""
    from stillframe.engine.assess import choose
    from stillframe.engine.findings.selection import selection
    from stillframe.engine.history.trend import History
    from stillframe.engine.loading.ruleset import load_rules
    from stillframe.engine.terminal.history import print_trend
    from stillframe.snapshot import open_snapshot
    from stillframe.snapshot.importing.aws_config import import_days
    from stillframe.snapshot.importing.demo import ASKED, REGION, SPAN, deliver
    from stillframe.snapshot.importing.moments import moments

    files, archive = deliver(into / "config"), into / "past"
    _say(f"{number}. stillframe import aws-config {files} --regions {REGION} --every day {SPAN} --into {archive}")
    only = selection([f"policy={name}" for name in ASKED])
    [ruleset] = choose(only, load_rules())
    history = History(ruleset)
    for done in import_days([files], archive, moments("day", SPAN), regions=[REGION]):
        history.add(open_snapshot(done.path), only)
    print_trend(_out(), history.points)
    for life in history.lives():
        until = "and still does" if life.failing_since else f"and last on {(life.last_failed or '')[:10]}"
        typer.echo(f"{life.policy}: {life.place[2]} first failed on {(life.first_failed or '')[:10]}, {until}")
    history.close()


def _program() -> str:
    """What to type to run this program again: it need not be on the PATH."""
    if shutil.which("stillframe"):
        return "stillframe"
    return sys.argv[0] if Path(sys.argv[0]).name == "stillframe" else f"{sys.executable} -m stillframe"


def _say(text: str) -> None:
    typer.secho(f"\n{text}", bold=True, err=True)


def _out() -> "Console":
    from stillframe.engine.console import console

    return console()


def _err() -> "Console":
    from stillframe.engine.console import console

    return console(stderr=True)
