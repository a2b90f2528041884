"""The commands about snapshots and the archives they are in."""

from typing import Annotated

import typer
from stillframe.engine.commands.options import ARCHIVE, Archive, SnapshotPath

snapshot_app = typer.Typer(help="List, show, verify and prune snapshots.", no_args_is_help=True)


@snapshot_app.command("list")
def snapshot_list(archive: Archive = ARCHIVE) -> None:
    """List the snapshots of an archive, oldest first."""
    from stillframe.engine.console import counted
    from stillframe.snapshot import list_snapshots

    for entry in list_snapshots(archive):
        typer.echo(f"{entry.id}  " + ("unfinished" if entry.accounts is None else counted(entry.accounts, "account")))


@snapshot_app.command("show")
def snapshot_show(snapshot: SnapshotPath = ARCHIVE) -> None:
    """Show what a snapshot holds, and what it could not read."""
    from stillframe.engine.console import console
    from stillframe.engine.terminal.contents import print_contents
    from stillframe.snapshot import open_snapshot

    print_contents(console(), open_snapshot(snapshot))


@snapshot_app.command("verify")
def snapshot_verify(
    snapshot: SnapshotPath = ARCHIVE,
    archive: Annotated[
        bool, typer.Option("--archive", help="Check every snapshot of the archive, and the chain that they form.")
    ] = False,
) -> None:
    """Check a snapshot against its manifest, every digest, count and schema: exit 2 if anything is wrong."""
    from stillframe.engine import exit_codes
    from stillframe.engine.console import console
    from stillframe.engine.printable import printable
    from stillframe.engine.terminal.findings import print_notes
    from stillframe.snapshot.archive import passed_over
    from stillframe.snapshot.verify import verify, verify_archive

    faults = 0
    for fault in (verify_archive if archive else verify)(snapshot):
        faults += 1
        typer.echo(printable(fault))
    print_notes(console(stderr=True), passed_over(snapshot, every=archive))
    if faults:
        raise typer.Exit(exit_codes.INVALID)
    for text in (_chained if archive else _agreeing)(snapshot):
        typer.secho(printable(text), fg="green", err=True)


@snapshot_app.command("prune")
def snapshot_prune(
    keep: Annotated[
        str,
        typer.Option(
            help="How many to keep: a number, or last, daily, weekly, monthly and yearly=NUMBER, with commas.",
            metavar="RULES",
        ),
    ],
    archive: Archive = ARCHIVE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Remove what is unfinished at once, not a day after it was last written."),
    ] = False,
) -> None:
    """Remove old snapshots from an archive, and unfinished ones that nobody completes.

    Manifests stay, so that it is still a chain.
    """
    from datetime import timedelta

    from stillframe.engine.console import counted
    from stillframe.snapshot import list_snapshots
    from stillframe.snapshot.abandoned import DAY
    from stillframe.snapshot.prune import parse_keep, prune

    rules = parse_keep(keep)
    list_snapshots(archive)  # which says what is wrong with what is no archive
    staying, going = prune(archive, rules, dry_run=dry_run, idle=timedelta(0) if unfinished else DAY)
    for name in going:
        typer.echo(name)
    did = "would remove" if dry_run else "removed"
    typer.echo(f"{did} {counted(len(going), 'snapshot')}, {counted(len(staying), 'snapshot')} kept", err=True)


@snapshot_app.command("iam")
def snapshot_iam(
    archive: Annotated[str, typer.Argument(help="The archive, by its URL: s3://BUCKET/PREFIX.", metavar="ARCHIVE")],
    role: Annotated[
        str, typer.Option("--for", help="Who it is for: reader, writer or pruner.", metavar="ROLE")
    ] = "reader",
    kms_key: Annotated[
        str | None, typer.Option(help="The ARN of the key by which the bucket encrypts.", metavar="ARN")
    ] = None,
) -> None:
    """Print the least that reading an archive in S3 needs, or collecting into it, or pruning it."""
    from stillframe.snapshot.given import place_of
    from stillframe.snapshot.permissions import ROLES, archive_policy
    from stillframe.snapshot.remote import Remote

    place = place_of(archive)
    if not isinstance(place, Remote) or not place.root.startswith("s3:"):
        raise typer.BadParameter(f"{archive} is not in S3", param_hint="ARCHIVE")
    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is none of {', '.join(ROLES)}", param_hint="--for")
    typer.echo(archive_policy(place, role, kms_key))


def _agreeing(snapshot: str) -> tuple[str, ...]:
    """What is known of a snapshot without a fault: whoever changed it could have changed its manifest, too."""
    from stillframe.snapshot.archive import find_snapshot
    from stillframe.snapshot.format import digest
    from stillframe.snapshot.layout import MANIFEST
    from stillframe.snapshot.remote import read

    folder = find_snapshot(snapshot)
    manifest = folder / MANIFEST
    return f"snapshot {folder.name} agrees with its manifest:", f"{digest(read(manifest))}  {manifest}"


def _chained(archive: str) -> tuple[str, ...]:
    from stillframe.engine.console import counted
    from stillframe.snapshot.chain import heads, links
    from stillframe.snapshot.given import place_of

    chain = links(place_of(archive))
    pruned = sum(link.pruned for link in chain.values())
    beside = f", and {pruned:,} manifests of pruned ones" if pruned else ""
    last = heads(chain)[-1]
    found = f"{counted(len(chain) - pruned, 'snapshot')}{beside}"
    return (
        f"{found}: all agree, with their manifests and as a chain, of which the last is",
        f"{last.digest}  {last.path}",
    )
