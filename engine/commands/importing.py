"""The commands that make snapshots of what others recorded."""

from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from stillframe.engine.commands.collecting import Way
from stillframe.engine.commands.groups import grouped
from stillframe.engine.commands.options import ARCHIVE, Catalogue, Config, Types, names
from stillframe.engine.commands.purpose import Purpose

Into = Annotated[
    str,
    typer.Option(
        help="The archive to add a snapshot to: a folder, or a URL such as s3://BUCKET/PREFIX.", metavar="ARCHIVE"
    ),
]
import_app = typer.Typer(help="Make snapshots of what others recorded.", no_args_is_help=True)


@import_app.command("aws-config")
@grouped
def import_config(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files of AWS Config, or folders of them, such as AWSLogs or s3://BUCKET/AWSLogs.", metavar="FILE"
        ),
    ],
    into: Into = ARCHIVE,
    regions: Annotated[
        str, typer.Option(help="The regions that are enabled, with commas, where you know them.", metavar="REGIONS")
    ] = "",
    as_of: Annotated[
        str, typer.Option(help="The moment whose state counts; the latest if not given.", metavar="TIME")
    ] = "",
    every: Annotated[
        tuple[str, str] | None,
        typer.Option(help="One snapshot per day or week, of the days FROM..TO.", metavar="day|week FROM..TO"),
    ] = None,
    fill: Annotated[
        bool,
        typer.Option(
            "--fill",
            help="Ask AWS now for what AWS Config lacks, and for nothing else. The options below go with this one: for "
            "which policies, those of `evaluate` if not given, and how.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Complete the latest --fill that was stopped: with the same command.")
    ] = False,
    purpose: Purpose = Purpose(),
    way: Way = Way(),
) -> None:
    """Import what AWS Config recorded: snapshot and history files, and answers of its API."""
    from stillframe.engine.console import console, progress
    from stillframe.engine.terminal.importing import print_imported
    from stillframe.snapshot.importing.aws_config import import_aws_config, import_days
    from stillframe.snapshot.importing.moments import moment, moments

    if every and as_of:
        raise typer.BadParameter("--every and --as-of exclude each other")
    _fits(fill=fill, past=bool(every or as_of), regions=regions, groups=[(purpose, Purpose()), (way, Way())])
    if resume and not fill:
        raise typer.BadParameter("--resume completes what --fill began: add --fill, or leave it out")
    _apart(paths, into)
    if fill:
        _fill(paths, into, purpose, way, resume=resume)
        return
    err, enabled = console(stderr=True), names(regions)
    with progress(err, "importing", "files") as told:
        if every:
            for done in import_days(paths, into, moments(*every), regions=enabled, on_file=told):
                print_imported(err, done)
        else:
            until = moment(as_of) if as_of else None
            print_imported(err, import_aws_config(paths, into, regions=enabled, as_of=until, on_file=told))


def _apart(paths: list[str], into: str) -> None:
    """Raise ArgumentError where the archive is in a folder that is read: its own files are none of AWS Config.

    Of a bucket only the folders of AWS Config are read.
    """
    from stillframe.snapshot.errors import ArgumentError
    from stillframe.snapshot.given import place_of

    folders = {name: place_of(name) for name in (*paths, into)}
    real = {name: found.resolve() for name, found in folders.items() if isinstance(found, Path)}
    for path in paths:
        if path in real and into in real and real[into].is_relative_to(real[path]):
            raise ArgumentError(f"--into {into}: inside {path}, which is read", "name an archive elsewhere")


def _fits(*, fill: bool, past: bool, regions: str, groups: list[tuple[Any, Any]]) -> None:
    """Raise BadParameter for options that do not go with --fill, or without it."""
    if fill and past:
        raise typer.BadParameter(
            "--fill asks AWS what is so now, which is not what was so on a day past: leave out --as-of and --every"
        )
    if fill and regions:
        raise typer.BadParameter("with --fill AWS says which regions are enabled: leave out --regions")
    given = [field.name for group, usual in groups for field in fields(group) if _differ(field.name, group, usual)]
    if given and not fill:
        option = "pack" if given[0] == "packs" else given[0].replace("_", "-")
        raise typer.BadParameter(f"--{option} is about asking AWS: add --fill, or leave it out")


def _differ(name: str, group: object, usual: object) -> bool:
    return bool(getattr(group, name) != getattr(usual, name))


def _fill(paths: list[str], into: str, purpose: Purpose, way: Way, *, resume: bool) -> None:
    from stillframe.engine.console import console, progress
    from stillframe.engine.terminal.collecting import collecting
    from stillframe.engine.terminal.importing import print_filled
    from stillframe.snapshot.collector.collect import Watch
    from stillframe.snapshot.collector.fill import fill
    from stillframe.snapshot.collector.unfinished import unfinished
    from stillframe.snapshot.given import place_of
    from stillframe.snapshot.importing.filling import filling
    from stillframe.snapshot.names import moment_of

    chosen = purpose.types or purpose.packs or purpose.policies or purpose.shipped or purpose.needed
    types, reads, counts = (purpose if chosen else replace(purpose, needed=True)).counts()
    err, session = console(stderr=True), way.session()
    place = unfinished(place_of(into)) if resume else place_of(into)
    with ExitStack() as stack:
        with progress(err, "importing", "files") as told:
            begun = moment_of(place.name) if resume else None
            whole = stack.enter_context(filling(paths, counts, begun=begun, on_file=told))
        with collecting(err) as progress_of:
            watch = Watch(
                accounts=progress_of.expect,
                account=progress_of.account,
                call=progress_of.call,
                error=progress_of.error,
            )
            asked = {"accounts": whole.accounts, "types": types, "reads": reads, **way.means()}
            try:
                done = fill(whole, place, resume=resume, session=session, watch=watch, **asked)
            except (KeyboardInterrupt, SystemExit):
                typer.echo("complete the snapshot with the same command, and --resume", err=True)
                raise
        print_filled(err, whole, done, progress_of.calls)


@import_app.command("recorded")
def import_answers(
    folder: Annotated[
        str, typer.Argument(help="The folder, as `collect --record` wrote it, or written by hand.", metavar="FOLDER")
    ],
    into: Into = ARCHIVE,
    regions: Annotated[
        str, typer.Option(help="Only these regions, with commas; those recorded if not given.", metavar="REGIONS")
    ] = "",
    types: Annotated[
        str, typer.Option(help="Only these types, with commas; those recorded if not given.", metavar="TYPES")
    ] = "",
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
    from stillframe.engine.terminal.importing import print_problems, print_there
    from stillframe.snapshot.collector.recorded import import_recorded
    from stillframe.snapshot.given import place_of
    from stillframe.snapshot.importing.moments import moment
    from stillframe.snapshot.outputs import refuse_inside

    distinct([script] if script else [])
    for place in map(place_of, (folder, into)):
        if isinstance(place, Path):
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
    if done.written:
        print_collected(err, done.collected)
    else:
        print_there(err, done.collected.path)
