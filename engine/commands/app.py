"""All commands, put together. `cli` runs it.

Heavy modules are imported by the command that needs them, so that `--help` stays quick. So do the annotations here
and beside it: were they texts, typer would compile each of them, several times, at every start.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import stillframe
import typer
from stillframe.engine.commands.help import Command
from stillframe.snapshot.outputs import forget_all

# Commands, and groups of them, in the order of `--help` → where they are: a module beside this one, and its function.
COMMANDS = {
    "collect": "collecting.collect",
    "nightly": "nightly.nightly",
    "query": "authoring.query",
    "evaluate": "evaluating.evaluate",
    "diff": "comparing.diff",
    "drift": "history.drift",
    "trend": "history.trend",
    "backtest": "history.backtest",
    "remediate": "remediating.remediate",
    "serve": "serving.serve",
    "demo": "demo.demo",
}
GROUPS = {
    "snapshot": "archives.snapshot_app",
    "import": "importing.import_app",
    "policy": "policy_group.policy_app",
    "pack": "packs.pack_app",
    "resource": "authoring.resource_app",
    "library": "sharing.library_app",
}


def app_for(arguments: Sequence[str] = ()) -> typer.Typer:
    """The program for what was typed: all of it, or where the first word names a command or a group, no other.

    To read the options of all commands would take a tenth of the time of evaluating a few resources.
    """
    app = typer.Typer(
        help="Policy as code over snapshots of AWS: collect once, evaluate offline, diff over time.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(root)
    known, first = {**COMMANDS, **GROUPS}, arguments[0] if arguments else ""
    for name in [first] if first in known else known:
        found = _found(known[name])
        if name in GROUPS:
            for each in found.registered_commands:
                each.cls = Command
            app.add_typer(found, name=name)
        else:
            app.command(name, cls=Command)(found)
    return app


def _found(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"{__package__}.{module}"), name)


def _version(wanted: bool) -> None:
    # Called before any other option is read: reading them takes typer longer than all the rest.
    if wanted:
        typer.echo(f"stillframe {stillframe.__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Options that stand before a command."""
    del version  # it has its callback
    forget_all()  # of what an earlier command of this process was to write
