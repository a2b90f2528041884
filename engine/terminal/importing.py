"""What came of an import, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..console import counted, safe

if TYPE_CHECKING:
    from ...snapshot.importing.aws_config import Imported


def print_source(console: Console, scope: Mapping[str, Any], captured_at: str) -> None:
    """Of an imported snapshot, from what its regions come, and how old each region's state was at its time."""
    if scope.get("source") != "aws-config":
        return
    console.print(safe("imported from AWS Config", "bold"), soft_wrap=True)
    for account, regions in sorted(scope["accounts"].items()):
        for region, said in sorted(regions.items()):
            file = said["snapshot"]
            age = f"its snapshot of {file}, {_days(file, captured_at)}" if file else "no whole snapshot"
            later = f", and {counted(said['later'], 'item')} after it" if said["later"] else ""
            console.print(safe(f"{account} {region}: {age}{later}"), soft_wrap=True)


def _days(then: str, now: str) -> str:
    days = (datetime.fromisoformat(now) - datetime.fromisoformat(then)).days
    return f"{counted(days, 'day')} old" if days else "of that day"


def print_problems(console: Console, problems: Iterable[str]) -> None:
    """Each file and item that could not be used, and why."""
    for problem in problems:
        console.print(safe(f"not used: {problem}", "yellow"), soft_wrap=True)


def print_imported(console: Console, done: Imported) -> None:
    """What an import brought, and each file and item that could not be used."""
    print_problems(console, done.problems)
    if not done.written:
        console.print(safe(f"{done.path} is there already"), soft_wrap=True)
        return
    what = f"{counted(done.resources, 'resource')} of {counted(done.accounts, 'account')} in {done.path}"
    console.print(safe(f"{what}, from {counted(done.items, 'item')}"), soft_wrap=True)
