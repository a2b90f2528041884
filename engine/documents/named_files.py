"""Files that somebody named, and what lies below folders that somebody named: of nothing else a line is read.

Policies, packs and stillframe.yaml may come from people who mean harm. What is named is what its name leads to, be it a
link or a pipe. What is found beside it or below it is a regular file, and a link only where it leads no further.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ...snapshot.outputs import refuse_file

MOST = 1 << 24  # bytes of one file
_LINK = "it leads out of {}: copy it below that, or name it on the command line"


def read_named(path: Path) -> bytes:
    """The bytes of a file that was named, a link or a pipe too. Raises OSError."""
    return _read(_open(path))


def read_below(path: Path, folder: Path) -> bytes:
    """The bytes of a regular file below a folder, and of no other. Raises OSError."""
    file = _open(held(path, folder), getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    if stat.S_ISREG(os.fstat(file).st_mode):
        return _read(file)
    os.close(file)
    raise OSError(errno.EINVAL, "not a regular file")


def held(path: Path, folder: Path) -> Path:
    """Where a path leads, which is not out of a folder. Raises OSError."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise OSError(errno.EPERM, _LINK.format(folder))
    return real


def yaml_files(folder: Path) -> list[Path]:
    """Every YAML file below a folder, in order, but what is hidden, or in a hidden folder or a link to a folder."""
    return sorted(Path(place, name) for place, names in _names(folder) for name in names if is_yaml(name))


def _names(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [each for each in folders if not each.startswith(".")]  # such as .git and .venv
        yield place, names


def is_yaml(name: str) -> bool:
    """Whether a file of that name is YAML, and not hidden."""
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")  # such as .pre-commit-config.yaml


def _raise(error: OSError) -> None:
    raise error


def _open(path: Path, flags: int = 0) -> int:
    if str(path).encode(errors="replace") != os.fsencode(path):  # reports could not say where it is
        raise OSError(errno.EILSEQ, "its name is not UTF-8 text")
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | flags)
    try:
        refuse_file(file)
    except BaseException:
        os.close(file)
        raise
    return file


def _read(file: int) -> bytes:
    with os.fdopen(file, "rb") as opened:  # of a pipe nobody knows the size
        size = os.fstat(file).st_size or MOST
        data = opened.read(min(size, MOST) + 1)
    if len(data) > MOST:
        raise OSError(errno.EFBIG, f"larger than {MOST} bytes")
    return data
