"""A console for people: colour and width as its terminal has them, progress, and text that cannot act on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from .printable import printable


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # Rich would end the program with 1, which says that something fails


def console(*, stderr: bool = False) -> Console:
    """A console. Colour follows the terminal and NO_COLOR; a file or pipe is as wide as its longest table."""
    wide = None if (sys.stderr if stderr else sys.stdout).isatty() or "COLUMNS" in os.environ else 120
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=wide)


@contextmanager
def progress(console: Console, what: str, unit: str = "accounts") -> Iterator[Callable[[int, int], None]]:
    """A bar while the block runs, nothing where the console is not a terminal.

    Gives a function to call with how many are done, and of how many.
    """
    if not console.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def safe(text: str, style: str = "") -> Text:
    """Text from a snapshot for a table: no escapes, no markup."""
    return Text(printable(text), style=style)


def counted(number: int, noun: str) -> str:
    """`1 account`, `2 accounts`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def kept_out(accounts: Sequence[str]) -> str:
    """Which accounts could not be entered."""
    return f"{counted(len(accounts), 'account')} could not be entered: {', '.join(accounts)}"
