"""All commands, put together. `cli` runs it.

Heavy modules are imported by the command that needs them, so that `--help` stays quick. So do the annotations here
and beside it: were they texts, typer would compile each of them, several times, at every start.
"""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import stillframe
import typer
from stillframe.engine.commands import (
    archives,
    authoring,
    collecting,
    comparing,
    customising,
    evaluating,
    history,
    importing,
    nightly,
    remediating,
    serving,
)
from stillframe.engine.commands.packs import pack_app
from stillframe.snapshot.outputs import forget_all

if TYPE_CHECKING:
    from rich.console import Console


app = typer.Typer(
    help="Policy as code over snapshots of AWS: collect once, evaluate offline, diff over time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policy_app = typer.Typer(help="List, show and test policies.", no_args_is_help=True)
app.add_typer(archives.snapshot_app, name="snapshot")
app.add_typer(importing.import_app, name="import")
app.add_typer(policy_app, name="policy")
app.add_typer(pack_app, name="pack")
app.add_typer(authoring.resource_app, name="resource")
app.command("collect")(collecting.collect)
app.command("nightly")(nightly.nightly)
app.command("query")(authoring.query)
app.command("evaluate")(evaluating.evaluate)
app.command("diff")(comparing.diff)
app.command("drift")(history.drift)
app.command("trend")(history.trend)
app.command("backtest")(history.backtest)
app.command("remediate")(remediating.remediate)
app.command("serve")(serving.serve)
policy_app.command("explain")(authoring.explain)
policy_app.command("lint")(authoring.lint_policies)
policy_app.command("new")(authoring.new)
policy_app.command("test")(authoring.run_tests)
policy_app.command("docs")(customising.docs)
policy_app.command("list")(customising.policy_list)
policy_app.command("show")(customising.policy_show)
policy_app.command("waive")(customising.waive)
policy_app.command("schema")(customising.schema)


def _version(wanted: bool) -> None:
    # Called before any other option is read: reading them takes typer longer than all the rest.
    if wanted:
        typer.echo(f"stillframe {stillframe.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Options that stand before a command."""
    del version  # it has its callback
    forget_all()  # of what an earlier command of this process was to write


@app.command()
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
        first = collecting.show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
        _say("3. stillframe evaluate")
        run_evaluate(open_snapshot(first.path), ruleset, out, err, targets=targets([f"{into}/before.jsonl"]), keep=8)
        _say("4. Two things are fixed, two are broken, one is removed; then collect and evaluate again")
        organisation.fix_and_break()
        second = collecting.show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
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
