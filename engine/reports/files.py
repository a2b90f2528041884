"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...snapshot.errors import StillframeError

STDOUT = "-"


class OutputError(StillframeError):
    """A file that cannot be written, or whose format is not known."""


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
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "name a file in a folder that exists"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
