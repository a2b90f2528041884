"""The commands that make snapshots of what others recorded."""

from typing import Annotated

import typer
from stillframe.engine.commands.options import ARCHIVE, names

import_app = typer.Typer(help="Make snapshots of what others recorded.", no_args_is_help=True)


@import_app.command("aws-config")
def import_config(
    paths: Annotated[list[str], typer.Argument(help="Files of AWS Config, or folders of them, such as AWSLogs.")],
    into: Annotated[str, typer.Option(help="The archive to add a snapshot to: a folder.")] = ARCHIVE,
    regions: Annotated[str, typer.Option(help="The regions that are enabled, with commas, where you know them.")] = "",
    as_of: Annotated[
        str, typer.Option(help="The moment whose state counts; the latest if not given.", metavar="TIME")
    ] = "",
    every: Annotated[
        tuple[str, str] | None,
        typer.Option(help="One snapshot per day or week, of the days FROM..TO.", metavar="day|week FROM..TO"),
    ] = None,
) -> None:
    """Import what AWS Config recorded: snapshot and history files, and answers of its API."""
    from stillframe.engine.console import console
    from stillframe.engine.terminal.importing import print_imported
    from stillframe.snapshot.importing.aws_config import import_aws_config, import_days
    from stillframe.snapshot.importing.moments import moment, moments

    if every and as_of:
        raise typer.BadParameter("--every and --as-of exclude each other")
    err, enabled = console(stderr=True), names(regions)
    if every:
        for done in import_days(paths, into, moments(*every), regions=enabled):
            print_imported(err, done)
    else:
        print_imported(err, import_aws_config(paths, into, regions=enabled, as_of=moment(as_of) if as_of else None))
