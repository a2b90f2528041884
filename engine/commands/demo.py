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
    into: Annotated[Path, typer.Option(help="The folder for its snapshots and findings.")] = Path("demo"),
) -> None:
    """Play the whole story on a local AWS stand-in: collect, evaluate, change things, collect again, diff."""
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
    _say(f"Snapshots and findings are in {into}. Try:")
    for command in (
        f"diff {first.path} {second.path}",
        f"evaluate {archive} -o findings.html",
        f"snapshot verify {archive}",
        "policy show vpc-flow-logs",
    ):
        typer.secho(f"   {_program()} {command}", fg="cyan", err=True)
    _say(f"Open both snapshots and what changed between them in a browser: {(into / 'report.html').absolute()}")


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
