"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...snapshot.errors import StillframeError

STDOUT = "-"
_BUFFER = 1 << 18  # bytes


class OutputError(StillframeError):
    """A file that cannot be written, or whose format is not known."""


Write = Callable[[Any], object]


@contextmanager
def whole(target: str) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is complete."""
    if target == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", _BUFFER) as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "name a file in a folder that exists"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: str) -> Iterator[Write]:
    """A folder that takes its name when it is complete, in place of an earlier one; gives what writes (name, bytes)."""
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    if path.exists() and not _ours(path):
        raise OutputError(f"{path}: is there, and holds other things", "name a folder that is new, or of such a report")
    try:
        partial.mkdir(mode=0o700)
        yield lambda piece: _write(partial / piece[0], piece[1])
        shutil.rmtree(path, ignore_errors=True)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})", "name a folder in one that exists") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _ours(path: Path) -> bool:
    """Whether a folder holds nothing but the files of such a report."""
    return path.is_dir() and all(
        re.fullmatch(r"[0-9]{12}-[a-z0-9-]+-[0-9]+\.json", each.name) for each in path.iterdir()
    )
