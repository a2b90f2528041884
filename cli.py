"""The program: runs a command, and ends with an exit code whatever happens. The commands are in `engine.commands`.

What was judged before, and has not changed, is given back before anything else is imported.
"""

import gc
import os
import signal
import sys
from contextlib import suppress

from stillframe.engine.again import given_back, kept


def main() -> None:
    """The error boundary: what a person can act on, and no traceback."""
    _prepare_streams()
    # Typer would end an interrupted run with 1, which says that something fails; and one that was told to end by
    # another signal would leave its unfinished files.
    before = {number: signal.signal(number, _interrupted) for number in _ENDING}
    try:
        try:
            _run(sys.argv[1:])
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


def _run(arguments: list[str]) -> None:
    code = given_back(arguments)
    if code is not None:
        sys.exit(code)
    from stillframe.engine.commands.app import app_for

    app = app_for(arguments)
    gc.freeze()  # what is imported stays: looking for cycles in it, time and again, takes 2 % of a short run
    gc.set_threshold(100_000)  # and in what is made, such as AWS's models to collect by, a tenth
    with kept(arguments):
        app()


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
    import typer
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
    import typer
    from stillframe.engine.printable import printable

    for line in message.splitlines():
        typer.secho("error: ", nl=False, err=True, bold=True, fg="red")
        typer.echo(printable(line), err=True)
    if help:
        typer.secho("help: ", nl=False, err=True, bold=True, fg="cyan")
        typer.echo(printable(help), err=True)


if __name__ == "__main__":
    main()
