"""The least that a command line of this kind can be: what start-up is compared with."""

import typer

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def nothing() -> None:
    """Do nothing."""


@app.command()
def it(what: str) -> None:
    """Do that."""


if __name__ == "__main__":
    app()
