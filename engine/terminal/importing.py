"""What came of an import, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace
from rich.console import Console

from ...snapshot.layout import MANIFEST
from ...snapshot.model import Collected
from ..console import counted, safe
from .collecting import print_collected

if TYPE_CHECKING:
    from ...snapshot.importing.aws_config import Imported
    from ...snapshot.importing.filling import Filling
    from ...snapshot.remote import Place


def print_problems(console: Console, problems: Iterable[str]) -> None:
    """Each file and item that could not be used, and why."""
    for problem in problems:
        console.print(safe(f"not used: {problem}", "yellow"), soft_wrap=True)


def print_imported(console: Console, done: Imported) -> None:
    """What an import brought, and each file and item that could not be used."""
    print_problems(console, done.problems)
    if not done.written:
        print_there(console, done.path)
        return
    what = f"{counted(done.resources, 'resource')} of {counted(done.accounts, 'account')} in {done.path}"
    console.print(safe(f"{what}, from {counted(done.items, 'item')}"), soft_wrap=True)


def print_there(console: Console, path: Place) -> None:
    """That an import wrote nothing."""
    what = "is there already" if (path / MANIFEST).is_file() else "was there, and is pruned"
    console.print(safe(f"{path} {what}"), soft_wrap=True)


def print_filled(console: Console, whole: Filling, done: Collected, calls: int) -> None:
    """The same of an import that was filled, with what AWS was asked and could not be read."""
    print_problems(console, whole.problems())
    lost = {cause: places for cause, places in done.gaps.items() if not cause.startswith("NotRecorded: ")}
    print_collected(console, replace(done, resources=whole.resources, gaps=lost))
    console.print(safe(f"from {counted(whole.items, 'item')} of AWS Config, and {counted(calls, 'call')} of AWS"))
