"""The commands about snapshots and the archives they are in."""

from pathlib import Path
from typing import Annotated

import typer
from stillframe.engine.commands.options import ARCHIVE, SnapshotPath

snapshot_app = typer.Typer(help="List, show and verify snapshots.", no_args_is_help=True)


@snapshot_app.command("list")
def snapshot_list(archive: Annotated[Path, typer.Argument(help="The archive.")] = ARCHIVE) -> None:
    """List the snapshots of an archive, oldest first."""
    from stillframe.engine.terminal import counted
    from stillframe.snapshot import list_snapshots

    for entry in list_snapshots(archive):
        typer.echo(f"{entry.id}  " + ("unfinished" if entry.accounts is None else counted(entry.accounts, "account")))


@snapshot_app.command("show")
def snapshot_show(snapshot: SnapshotPath = ARCHIVE) -> None:
    """Show what a snapshot holds, and what it could not read."""
    from stillframe.engine.terminal import console, print_contents
    from stillframe.snapshot import open_snapshot

    print_contents(console(), open_snapshot(snapshot))


@snapshot_app.command("verify")
def snapshot_verify(snapshot: SnapshotPath = ARCHIVE) -> None:
    """Check every digest, count and schema of a snapshot: exit 2 if anything is wrong."""
    from stillframe.engine import exit_codes
    from stillframe.engine.terminal import printable
    from stillframe.snapshot.verify import verify

    faults = 0
    for fault in verify(snapshot):
        faults += 1
        typer.echo(printable(fault))
    if faults:
        raise typer.Exit(exit_codes.INVALID)
    typer.secho("the snapshot is whole and unchanged", fg="green", err=True)
