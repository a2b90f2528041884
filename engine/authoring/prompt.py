"""Ask for one expression after another, with history and Tab where the terminal has them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ...snapshot.files import user_folder

Complete = Callable[[str], list[str]]  # the text before the cursor → what its last word may be

_BREAKS = " \t\n.,:;()[]{}&|!=<>?*@'\"`+-/"
_KEPT = 1000  # lines of history


def lines(prompt: str, complete: Complete) -> Iterator[str]:
    """Each line that is not empty, until Ctrl-D."""
    with _editing(complete):
        while True:
            try:
                text = input(prompt if sys.stdin.isatty() else "").strip()
            except EOFError:
                if sys.stdin.isatty():
                    print()
                return
            if text:
                yield text


def history_file() -> Path:
    """Where lines are kept from one time to the next."""
    return user_folder("XDG_STATE_HOME", "~/.local/state") / "query_history"


@contextmanager
def _editing(complete: Complete) -> Iterator[None]:
    """History and completion, where there is a person and Python has readline."""
    readline = _readline()
    if readline is None or not sys.stdin.isatty():
        yield
        return
    before = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(_completer(complete, readline.get_line_buffer, readline.get_endidx))
    readline.set_completer_delims(_BREAKS)
    libedit = "libedit" in str(readline.__doc__)
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    file = history_file()
    with suppress(OSError):
        readline.read_history_file(file)
    try:
        yield
    finally:
        readline.set_completer(before[0])
        readline.set_completer_delims(before[1])
        with suppress(OSError):  # a history that cannot be kept is no reason to fail
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            readline.set_history_length(_KEPT)
            readline.write_history_file(file)


def _readline() -> Any:
    try:
        import readline
    except ImportError:  # not every Python has it
        return None
    return readline


def _completer(complete: Complete, line: Callable[[], str], end: Callable[[], int]) -> Callable[[str, int], str | None]:
    found: list[str] = []

    def completer(_: str, state: int) -> str | None:
        nonlocal found
        if state == 0:
            found = complete(line()[: end()])
        return found[state] if state < len(found) else None

    return completer
