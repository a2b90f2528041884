"""The program: runs a command, and ends with an exit code whatever happens. The commands are in `engine.commands`.

What was judged before, and has not changed, is given back before anything else is imported.
"""

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from itertools import pairwise
from typing import Any

from stillframe.engine.again import given_back, kept

_SIGNALLED = 128  # and the number of the signal that ended it
atexit.register(gc.freeze)  # to look for cycles in what ends with the process takes 20 ms


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
    except SystemExit as stop:
        if isinstance(stop.code, int) and stop.code > _SIGNALLED:
            _conclude(stop.code)
        raise
    except Exception as error:
        if isinstance(error, OSError):
            _stop_printing()
        if isinstance(error, BrokenPipeError):  # a reader that went away, as in `| head`, ends it as it ends any tool
            sys.exit(_SIGNALLED + 13)  # SIGPIPE, which Windows has not
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
        if _form(arguments) != "json":
            app()
        else:  # what is wrong with the options is an object, too
            sys.exit(app(standalone_mode=False) or 0)


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
    _tell([("interrupted", ())], "", _SIGNALLED + number)
    sys.exit(_SIGNALLED + number)


def _form(arguments: list[str]) -> str | None:
    """The format of the log that a command keeps: it was asked to, or is a night."""
    forms = [form for option, form in pairwise(arguments) if option == "--log-format"]
    forms += [each.partition("=")[2] for each in arguments if each.startswith("--log-format=")]
    return forms[-1] if forms else "text" if arguments[:1] == ["nightly"] else None


def _explain(error: Exception) -> int:
    code, said, advice = _said(error)
    _tell(said, advice, code)
    _conclude(code)
    return code


def _said(error: Any) -> tuple[int, list[tuple[str, tuple[str, ...]]], str]:
    """The exit code, what is wrong, each with the lines of a file where it is, and what helps."""
    from stillframe.engine import exit_codes
    from stillframe.engine.errors import PolicyError
    from stillframe.snapshot import CollectError, StillframeError

    if isinstance(error, PolicyError):
        problems = [(str(each), tuple(f"    {line}" for line in each.excerpt() or ())) for each in error.problems]
        return exit_codes.INVALID, problems, error.help
    if isinstance(error, StillframeError):
        code = exit_codes.NOTHING if isinstance(error, CollectError) else exit_codes.INVALID
        return code, [(str(error), ())], error.help
    if isinstance(error, OSError):
        fault = f"{error.filename or 'output'}: {error.strerror or error}"
        return exit_codes.INVALID, [(fault, ())], "make room, or check what it may be used for"
    if hasattr(error, "format_message"):  # of the options: only typer has the class, and not each version in one place
        return (
            exit_codes.INVALID,
            [(error.format_message(), ())],
            f"`stillframe {sys.argv[1]} --help` says what there is",
        )
    fault = f"a fault of stillframe itself: {type(error).__name__}: {error}"
    return exit_codes.BUG, [(fault, ())], "please report it, with what STILLFRAME_DEBUG=1 shows"


def _tell(said: list[tuple[str, tuple[str, ...]]], advice: str, code: int) -> None:
    from stillframe.engine.terminal.log import FORMATS, Log

    form = _form(sys.argv[1:])
    if form in FORMATS:
        Log(form).errors(said, advice, code)
    else:
        _print(said, advice)


def _conclude(code: int) -> None:
    """The last line of a night that did not work."""
    from stillframe.engine.terminal.log import FORMATS, Log

    form = _form(sys.argv[1:])
    if sys.argv[1:2] == ["nightly"] and form in FORMATS:
        Log(form)("night", f"it did not work; exit code {code}", code=code)


def _print(said: list[tuple[str, tuple[str, ...]]], advice: str) -> None:
    import typer
    from stillframe.engine.printable import printable

    for text, excerpt in said:
        for line in text.splitlines():
            typer.secho("error: ", nl=False, err=True, bold=True, fg="red")
            typer.echo(printable(line), err=True)
        for line in excerpt:
            typer.secho(printable(line), err=True, dim=True)
    if advice:
        typer.secho("help: ", nl=False, err=True, bold=True, fg="cyan")
        typer.echo(printable(advice), err=True)


if __name__ == "__main__":
    main()
