"""Take one moment of an archive for a snapshot, and no other: when others recorded something is not ours to choose."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..chain import is_finished
from ..errors import CollectError
from ..files import PLAN, folder_at, hold_folder
from ..remote import Place


def take(path: Path) -> int | None:
    """Make the folder of a snapshot, or empty that of an import that was stopped; gives what holds it, if that can be.

    Raises CollectError where it is finished, a collection's, or somebody may be at work on it; OSError where it cannot
    be made.
    """
    try:
        path.mkdir(mode=0o700)
        new = True
    except FileExistsError:
        new = False
    held = hold_folder(path)
    refuse(path)
    if held is None and not new:
        raise at_work(path)
    for each in () if new else path.iterdir():
        shutil.rmtree(each) if folder_at(each) else each.unlink()
    return held


def refuse(path: Place) -> None:
    """Raise CollectError where a moment is a finished snapshot's, or that of a collection that can be completed."""
    if is_finished(path):
        raise CollectError(
            f"{path}: there is a snapshot of that moment already, or was before it was pruned",
            "name another moment with --as-of, or another archive with --into",
        )
    if (path / PLAN).is_file():
        raise CollectError(
            f"{path}: an unfinished collection of that moment", "complete it with `collect --resume`, or remove it"
        )


def at_work(path: Place) -> CollectError:
    """That a snapshot was begun, and may be under way."""
    return CollectError(
        f"{path}: another import of that moment is at work on it", "wait for it to end; if there is none, remove it"
    )
