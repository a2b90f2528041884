"""The command that shows an archive in a browser."""

import signal
from typing import Annotated

import typer
from stillframe.engine.commands.groups import By, grouped
from stillframe.engine.commands.options import ARCHIVE, Archive, Untrusted


@grouped
def serve(
    archive: Archive = ARCHIVE,
    by: By = By(),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of 127.0.0.1; 0 for any that is free.", metavar="NUMBER")
    ] = 8400,
    untrusted: Untrusted = False,
) -> None:
    """Show an archive in a browser of this machine: its snapshots, their pages, what changed and how it went."""
    from stillframe.engine.commands.run_serve import serve as serving
    from stillframe.snapshot import list_snapshots
    from stillframe.snapshot.errors import ArgumentError

    list_snapshots(archive)  # what is wrong is said before a browser is opened
    given = [("-p", map(str, by.policies or ())), ("--pack", by.packs or ()), ("--set", by.settings or ())]
    options = [part for name, values in given for value in values for part in (name, value)]
    options += ["--shipped"] * by.shipped + ["--untrusted"] * untrusted + (["-c", str(by.config)] if by.config else [])
    try:
        server, folder = serving(archive, options, port)
    except OSError as error:
        raise ArgumentError(f"port {port} cannot be used ({error.strerror})", "name another with --port") from None
    with folder, server:
        # For any other command Ctrl-C is an end before the end; this one has no other.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            typer.echo(f"{archive} is at {server.address} until Ctrl-C")
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("", err=True)
        finally:
            signal.signal(signal.SIGINT, before)
