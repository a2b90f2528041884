"""What is written for people: files that are there whole or not at all; and devices, which are written into."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...snapshot.errors import StillframeError
from ...snapshot.files import folder_at, replacing
from ...snapshot.outputs import forget, intend
from ..printable import standard_output

STDOUT = "-"
_DEVICES = "/dev/"  # its links, such as /dev/stdout, are the system's own


class OutputError(StillframeError):
    """A file that cannot be written, or whose format is unknown."""


Write = Callable[[Any], object]


def distinct(names: Iterable[str]) -> None:
    """Raise OutputError where two targets are one file, before any work is done; none may be what is read then."""
    seen: dict[str, str] = {}
    for name in names:
        place = name if name == STDOUT else os.path.realpath(name)
        if place in seen:
            raise OutputError(f"{name}: named twice, as {seen[place]} is the same", "give each its own name")
        seen[place] = name
    intend(name for name in seen.values() if name != STDOUT)


@contextmanager
def whole(target: str) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is complete; what is no file, such as a pipe, is written into."""
    if target == STDOUT:
        file = standard_output()
        yield file
        file.flush()
        return
    path = Path(target)
    try:
        with path.open("wb") if _is_device(path) else replacing(path) as file:
            yield file
        forget(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "name a file in a folder that exists"
        ) from None


def _is_device(path: Path) -> bool:
    """Whether a target is neither a file nor new. Raises OutputError for a link: others may have put it there."""
    try:
        found = path.stat()
    except OSError:
        found = None
    if found is not None and not stat.S_ISREG(found.st_mode):
        return not stat.S_ISDIR(found.st_mode)
    if path.is_symlink() and not str(path).startswith(_DEVICES):
        raise OutputError(f"{path}: a link", "name the file itself")
    return path.is_symlink()


@contextmanager
def whole_folder(target: str) -> Iterator[Write]:
    """A folder that takes its name when it is complete, in place of an earlier one; gives what writes (name, bytes)."""
    path = Path(target)
    if os.path.lexists(path) and not _ours(path):
        raise OutputError(f"{path}: is there, and holds other things", "name a folder that is new, or of such a report")
    partial: Path | None = None
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name[:32]}.", dir=path.parent))
        made = partial
        yield lambda piece: _write(made / piece[0], piece[1])
        if folder_at(path):
            for each in _files(path):
                each.unlink()
            path.rmdir()
        partial.replace(path)
        forget(target)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})", "name a folder in one that exists") from None
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _ours(path: Path) -> bool:
    """Whether a folder holds nothing but the files of such a report."""
    return folder_at(path) and len(_files(path)) == sum(1 for _ in path.iterdir())


def _files(path: Path) -> list[Path]:
    named = (each for each in path.iterdir() if re.fullmatch(r"[0-9]{12}-[a-z0-9_-]+-[0-9]+\.json", each.name))
    return [each for each in named if stat.S_ISREG(each.lstat().st_mode)]
