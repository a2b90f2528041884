"""Unfinished snapshots that nobody completes any more: what `snapshot prune` removes beside what is old.

In a folder a collector holds the plan of its snapshot, and whoever writes one without a plan holds the folder. In a
bucket nobody can know who is at work; but a collector writes down what is complete, and one whose snapshot was removed
is told when it does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .errors import SnapshotError
from .files import HOLDS_FOLDERS, PLAN, hold_folder, open_held
from .layout import ID, MANIFEST
from .remote import Place, Remote, entries, last_written

DAY = timedelta(days=1)


def abandoned(archive: Place, idle: timedelta = DAY) -> list[str]:
    """The unfinished snapshots that nobody holds and into which nothing was written for as long.

    One without a plan, which cannot be completed, is given a day whatever is said.
    """
    begun = [path for path in entries(archive) if ID.match(path.name) and not path.is_symlink() and path.is_dir()]
    return [path.name for path in begun if not (path / MANIFEST).exists() and _is_left(path, idle)]


def _is_left(path: Place, idle: timedelta) -> bool:
    wait = idle if (path / PLAN).is_file() else max(idle, DAY)
    written = last_written(path) if isinstance(path, Remote) else _last_written(path)
    if written is None or written > datetime.now(UTC) - wait:
        return False
    with holding(path) as free:
        return free


@contextmanager
def holding(path: Place) -> Iterator[bool]:
    """Hold an unfinished snapshot of a folder while the block runs; False where another does."""
    with ExitStack() as stack:
        yield isinstance(path, Remote) or _held(path, stack)


def _held(path: Path, stack: ExitStack) -> bool:
    try:
        if (path / PLAN).exists():
            file = open_held(path / PLAN)
            return file is not None and bool(stack.enter_context(file))
        folder = hold_folder(path)
    except (OSError, SnapshotError):  # it cannot be completed either; but who knows what it is
        return False
    if folder is not None:
        stack.callback(os.close, folder)
    return folder is not None or not HOLDS_FOLDERS


def _last_written(folder: Path) -> datetime | None:
    times = []
    with suppress(OSError):
        times = [each.lstat().st_mtime for each in (folder, *folder.iterdir())]
    return datetime.fromtimestamp(max(times), UTC) if times else None
