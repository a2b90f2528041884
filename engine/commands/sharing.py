"""The commands about libraries. `app` puts them among the others."""

from pathlib import Path
from typing import Annotated

import typer

library_app = typer.Typer(help="Share policies as Python packages.", no_args_is_help=True)


@library_app.callback()
def root() -> None:
    """Share policies as Python packages."""


@library_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Its name: lower case, digits and hyphens.", metavar="NAME")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder to make; NAME if not given.", metavar="FOLDER")
    ] = None,
) -> None:
    """Start a repository of policies: with tests, a pack, CI, a lock, and what pip needs to install it."""
    from stillframe.engine.authoring.library import start_library

    folder = output or Path(name)
    for path in start_library(name, folder):
        typer.echo(path)
    typer.echo(f"try: cd {folder} && stillframe policy test", err=True)
