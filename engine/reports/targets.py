"""What is written for people: files that are there whole or not at all; and devices, which are written into."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from msgspec import Struct, field

from ...snapshot.errors import StillframeError
from ...snapshot.files import folder_at, mode_of, replacing
from ...snapshot.outputs import forget, intend
from ...snapshot.remote import URL, Place, Remote, put, remote_of, remove
from ..printable import standard_output

STDOUT = "-"
REPORT, ANNEX = "", ".annex.csv"  # of a report of two files: what is added to the name of each
INDEX = "index.json"  # of a folder of parts
_DEVICES = "/dev/"  # its links, such as /dev/stdout, are the system's own


class OutputError(StillframeError):
    """A file that cannot be written, or whose format is unknown."""


class NotMadeError(OutputError):
    """A report that could not be made, as what makes it failed: others can be."""


Write = Callable[[Any], object]


def distinct(names: Iterable[str]) -> None:
    """Raise OutputError where two targets are one file, or one cannot be made, before any work is done.

    None may be what is read then.
    """
    seen: dict[str, str] = {}
    for name in names:
        place = name if name == STDOUT else os.path.realpath(name)
        if place in seen:
            raise OutputError(f"{name}: named twice, as {seen[place]} is the same", "give each its own name")
        seen[place] = name
        if name != STDOUT and not URL.match(name):
            _check_folder(Path(name))
    intend(name for name in seen.values() if name != STDOUT)


def _check_folder(path: Path) -> None:
    """Raise OutputError where nothing can be made at a path."""
    folder = path.absolute().parent
    if _is_device(path):
        return
    error = errno.ENOENT if not folder.exists() else errno.ENOTDIR if not folder.is_dir() else 0
    if not error and not os.access(folder, os.W_OK | os.X_OK):
        error = errno.EACCES
    if error:
        raise OutputError(f"{path}: cannot be written ({os.strerror(error)})", _THERE)


_THERE = "name a file in a folder that exists"


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
        with path.open("wb") if _is_device(path) else replacing(path, mode_of(path)) as file:
            yield file
        forget(target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", _THERE) from None


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


class Folder(Struct):
    """A folder that is being written. `names` are those of its files, whoever writes them."""

    place: Place
    names: set[str] = field(default_factory=set)

    def write(self, piece: tuple[str, bytes]) -> None:
        self.names.add(piece[0])
        write_into(self.place, *piece)


def write_into(folder: Place, name: str, data: bytes) -> None:
    """Write a file of a folder: whole, or not at all."""
    if isinstance(folder, Remote):
        put(folder / name, data)
        return
    with replacing(folder / name) as file:
        file.write(data)


@contextmanager
def whole_folder(target: str) -> Iterator[Folder]:
    """A folder that is complete at the end, in place of an earlier one. Raises OutputError.

    A local one takes its name then. In an object store its index is gone from the beginning on, and written last.
    """
    remote = remote_of(target)
    with _whole_remote(remote) if remote else _whole_local(target) as folder:
        yield folder


@contextmanager
def _whole_local(target: str) -> Iterator[Folder]:
    path = Path(target)
    if os.path.lexists(path) and not (folder_at(path) and all(map(_ours, path.iterdir()))):
        raise OutputError(f"{path}: is there, and holds other things", _OWN)
    partial: Path | None = None
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name[:32]}.", dir=path.parent.absolute()))
        folder = Folder(partial)
        yield folder
        for each in partial.iterdir():
            if each.name not in folder.names:  # of a worker that ended while it wrote
                each.unlink()
        if folder_at(path):
            for each in filter(_ours, path.iterdir()):
                each.unlink()
            path.rmdir()
        partial.replace(path)
        forget(target)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error})", "name a folder in one that exists"
        ) from None
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _whole_remote(place: Remote) -> Iterator[Folder]:
    there: list[Place] = []
    with suppress(FileNotFoundError):
        there = list(place.iterdir())
    if not all(_NAMES.fullmatch(each.name) for each in there):
        raise OutputError(f"{place}: is there, and holds other things", _OWN)
    remove([place / INDEX])
    folder = Folder(place)
    yield folder
    remove([place / each.name for each in there if each.name not in folder.names])


_OWN = "name a folder that is new, or of such a report"
_NAMES = re.compile(r"[0-9]{12}-[a-z0-9_-]+-[0-9]+\.json|part-[0-9]{5,}\.jsonl|index\.json")


def _ours(path: Path) -> bool:
    """Whether a file is of such a report."""
    named = _NAMES.fullmatch(path.name) is not None and stat.S_ISREG(path.lstat().st_mode)
    return named and (path.name != INDEX or b'"parts": [' in path.read_bytes())  # others call files so, too
