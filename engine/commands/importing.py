"""The commands that make snapshots of what others recorded."""

from pathlib import Path
from typing import Annotated

import typer
from stillframe.engine.commands.options import ARCHIVE, Catalogue, Config, Types, names

import_app = typer.Typer(help="Make snapshots of what others recorded.", no_args_is_help=True)


@import_app.command("aws-config")
def import_config(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files of AWS Config, or folders of them, such as AWSLogs or s3://BUCKET/AWSLogs."),
    ],
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
    from stillframe.engine.console import console, progress
    from stillframe.engine.terminal.importing import print_imported
    from stillframe.snapshot.importing.aws_config import import_aws_config, import_days
    from stillframe.snapshot.importing.moments import moment, moments

    if every and as_of:
        raise typer.BadParameter("--every and --as-of exclude each other")
    err, enabled = console(stderr=True), names(regions)
    with progress(err, "importing", "files") as told:
        if every:
            for done in import_days(paths, into, moments(*every), regions=enabled, on_file=told):
                print_imported(err, done)
        else:
            until = moment(as_of) if as_of else None
            print_imported(err, import_aws_config(paths, into, regions=enabled, as_of=until, on_file=told))


@import_app.command("recorded")
def import_answers(
    folder: Annotated[str, typer.Argument(help="The folder, as `collect --record` wrote it, or written by hand.")],
    into: Annotated[str, typer.Option(help="The archive to add a snapshot to: a folder.")] = ARCHIVE,
    regions: Annotated[str, typer.Option(help="Only these regions, with commas; those recorded if not given.")] = "",
    types: Annotated[str, typer.Option(help="Only these types, with commas; those recorded if not given.")] = "",
    as_of: Annotated[
        str, typer.Option(help="When the answers were recorded, where the folder does not say.", metavar="TIME")
    ] = "",
    script: Annotated[
        str, typer.Option(help="A file to write shell commands to that record what is lacking.", metavar="FILE")
    ] = "",
    catalogue: Catalogue = None,
    config: Config = None,
) -> None:
    """Import answers of AWS that were recorded: the collector runs on them, without credentials or a network."""
    from stillframe.engine.console import console
    from stillframe.engine.reports.targets import distinct, whole
    from stillframe.engine.terminal.collecting import print_collected
    from stillframe.engine.terminal.importing import print_problems
    from stillframe.snapshot.collector.recorded import import_recorded
    from stillframe.snapshot.importing.moments import moment
    from stillframe.snapshot.outputs import refuse_inside

    distinct([script] if script else [])
    for place in map(Path, (folder, into)):
        refuse_inside(place)
    Types(catalogue, checked=True).use(config)
    err = console(stderr=True)
    done = import_recorded(
        folder, into, as_of=moment(as_of) if as_of else None, regions=names(regions), types=names(types)
    )
    if script:
        with whole(script) as file:
            file.write(done.script.encode())
    print_problems(err, done.problems)
    print_collected(err, done.collected)
