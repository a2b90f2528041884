"""Files that are written once: readable by their owner alone, and on the disk before anything says that they are."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import CollectError

PLAN = ".plan.json"  # what an unfinished snapshot was to become


def write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def lock(file: IO[bytes], *, wait: bool) -> bool:
    """Lock an open file for as long as it is open; False where another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks, on which nobody can be kept out
    return True


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say of a disk that is full, or may not be written, what people can do. Raises CollectError."""
    try:
        yield
    except OSError as error:
        raise CollectError(
            f"{folder}: cannot be written ({error.strerror or error})",
            "nothing that was written is lost: mend that, and complete the snapshot with --resume",
        ) from error
