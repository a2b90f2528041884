"""What a run will write, so that it is nothing that the run reads: who opens a file or an archive asks here."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import ArgumentError
from .files import packaged

_intended: dict[str, tuple[str, tuple[int, int] | None]] = {}  # where each is; which file it is now, if it is one


def intend(names: Iterable[str]) -> None:
    """What will be written, before anything is read."""
    for name in names:
        try:
            found = os.stat(name)  # noqa: PTH116 - it may be no path at all
            file = (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
        except (OSError, ValueError):
            file = None
        _intended[name] = os.path.realpath(name), file
    refuse_inside(packaged("policies"))


def forget(name: str) -> None:
    """It is written, and may be read now."""
    _intended.pop(name, None)


def forget_all() -> None:
    _intended.clear()


def refuse_file(file: int) -> None:
    """Raise ArgumentError where a file that was opened to be read is to be written over."""
    if _intended:
        opened = os.fstat(file)
        for name, (_, now) in _intended.items():
            if now == (opened.st_dev, opened.st_ino):
                raise ArgumentError(f"{name}: it is read, and would be written over", "name another file to write")


def refuse_inside(folder: Path, among: Callable[[str], object] = bool) -> None:
    """Raise ArgumentError where something is to be written below a folder that is read, in what has `among` names."""
    real = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 - text beside text
    for name, (place, _) in _intended.items():
        if place.startswith(real) and among(place[len(real) :].partition(os.sep)[0]):
            raise ArgumentError(f"{name}: inside {folder}, which is read", "name a file elsewhere to write")
