"""The command line: arguments, calls, printing, exit codes. Everything else is in `engine` and `snapshot`.

Heavy modules are imported by the command that needs them, so that `--help` stays quick. So do the annotations here
and in `engine.commands`: were they texts, typer would compile each of them, several times, at every start.
"""

import gc
import os
import shutil
import signal
import sys
from contextlib import suppress
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
    history,
    judging,
    mending,
)
from stillframe.engine.commands.packs import pack_app

if TYPE_CHECKING:
    from rich.console import Console


app = typer.Typer(
    help="Policy as code over still pictures of an AWS estate: collect once, judge offline, diff over time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
policy_app = typer.Typer(help="List, show and test policies.", no_args_is_help=True)
app.add_typer(archives.snapshot_app, name="snapshot")
app.add_typer(policy_app, name="policy")
app.add_typer(pack_app, name="pack")
app.add_typer(authoring.resource_app, name="resource")
app.command("collect")(collecting.collect)
app.command("query")(authoring.query)
app.command("evaluate")(judging.evaluate)
app.command("diff")(comparing.diff)
app.command("drift")(history.drift)
app.command("trend")(history.trend)
app.command("backtest")(history.backtest)
app.command("remediate")(mending.remediate)
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
    from stillframe.snapshot.collector.demo import Estate, session, stand_in, types

    archive, judged_by, out, err = into / "snapshots", load_rules(), _out(), _err()
    with stand_in() as url:
        _say("1. A local AWS stand-in, and in it a small organisation: some of it wrong on purpose")
        estate = Estate(url)
        estate.build()
        _say("2. stillframe collect --org")
        first = collecting.show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
        _say("3. stillframe evaluate")
        run_evaluate(open_snapshot(first.path), judged_by, out, err, targets=targets([f"{into}/before.jsonl"]), keep=8)
        _say("4. Two things are mended, two are broken, one is removed; then collect and evaluate again")
        estate.mend_and_break()
        second = collecting.show(archive, session=session(), organization=True, endpoint_url=url, catalog=types())
        run_evaluate(open_snapshot(second.path), judged_by, out, err, targets=targets([f"{into}/after.jsonl"]))
    _say("5. stillframe diff")
    run_diff(
        open_snapshot(first.path),
        open_snapshot(second.path),
        judged_by,
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


def main() -> None:
    """The error boundary: what a person can act on, and no traceback."""
    gc.freeze()  # what is imported stays: looking for cycles in it, time and again, takes 2 % of a short run
    _prepare_streams()
    # Typer would end an interrupted run with 1, which says that something fails; and one that was told to end by
    # another signal would leave its unfinished files.
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # or Python does, when it is too late to say why that failed
    except Exception as error:
        if isinstance(error, OSError):
            _stop_printing()
        if isinstance(error, BrokenPipeError):  # a reader that went away, as in `| head`, ends it as it ends any tool
            sys.exit(128 + 13)  # SIGPIPE, which Windows has not
        if os.environ.get("STILLFRAME_DEBUG"):
            raise
        sys.exit(_explain(error))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare_streams() -> None:
    """Spell out what a stream has no letters for, and let nothing take the place of one that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _stop_printing() -> None:
    """What is left to print goes nowhere: where it should go is full, or gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _interrupted(number: int, _: object) -> None:
    _tell("interrupted", "")
    sys.exit(128 + number)


def _explain(error: Exception) -> int:
    from stillframe.engine import exit_codes
    from stillframe.engine.errors import PolicyError
    from stillframe.engine.printable import printable
    from stillframe.snapshot import CollectError, StillframeError

    if isinstance(error, PolicyError):
        for problem in error.problems:
            _tell(str(problem), "")
            for line in problem.excerpt() or ():
                typer.secho(f"    {printable(line)}", err=True, dim=True)
        _tell("", error.help)
        return exit_codes.INVALID
    if isinstance(error, StillframeError):
        _tell(str(error), error.help)
        return exit_codes.NOTHING if isinstance(error, CollectError) else exit_codes.INVALID
    if isinstance(error, OSError):
        _tell(f"{error.filename or 'output'}: {error.strerror or error}", "make room, or check what it may be used for")
        return exit_codes.INVALID
    fault = f"a fault of stillframe itself: {type(error).__name__}: {error}"
    _tell(fault, "please report it, with what STILLFRAME_DEBUG=1 shows")
    return exit_codes.BUG


def _tell(message: str, help: str) -> None:  # noqa: A002 - the word people see
    from stillframe.engine.printable import printable

    for line in message.splitlines():
        typer.secho("error: ", nl=False, err=True, bold=True, fg="red")
        typer.echo(printable(line), err=True)
    if help:
        typer.secho("help: ", nl=False, err=True, bold=True, fg="cyan")
        typer.echo(printable(help), err=True)


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


if __name__ == "__main__":
    main()
