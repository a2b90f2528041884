"""What a piece of the program does to the machine, by Python's audit events: files, processes and connections."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_CHANGES = frozenset({"os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate"})
_NEVER = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.", "urllib.")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_seen: list[tuple[str, str]] | None = None
_hooked = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event == "open":
        path, _, flags = arguments
        flags = flags if isinstance(flags, int) else 0
        if isinstance(path, str | bytes | os.PathLike) and not os.path.isdir(path):  # noqa: PTH112
            # A folder is opened for a temporary file without a name.
            writes = flags & _WRITING
            _seen.append(("write" if writes else "read", os.fsdecode(path)))
    elif event in _CHANGES:
        paths = [os.fsdecode(each) for each in arguments if isinstance(each, str | bytes)]
        folders = [each for each in arguments if isinstance(each, int)][-len(paths) :]  # -1 where none is open
        _seen.extend(("write", _below(path, folder)) for path, folder in zip(paths, folders, strict=False))
    elif event.startswith(_NEVER):
        _seen.append((event, str(arguments)))


def _below(path: str, folder: int) -> str:
    """A path that may be relative to an open folder, as it is for whoever removes a tree."""
    return path if folder < 0 or path.startswith("/") else os.path.join(os.readlink(f"/dev/fd/{folder}"), path)  # noqa: PTH115, PTH118


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """What happens in a block: ("read", path), ("write", path), or the name of another event and what it was about."""
    global _seen, _hooked  # noqa: PLW0603 - an audit hook is for as long as the process is
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    _seen = found = []
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the bytecode of an import is none of its deeds
    try:
        yield found
    finally:
        _seen, sys.dont_write_bytecode = None, kept


def outside(seen: Sequence[tuple[str, str]], written: Sequence[Path], read: Sequence[Path] | None = None) -> set[Any]:
    """What was done outside the places that were named; with `read`, also what was read."""
    places = {"write": [*written, Path(os.devnull)], "read": [*read, *written] if read is not None else None}
    return {(event, path) for event, path in seen if not _within(path, places.get(event, ()))}


def _within(path: str, places: Sequence[Path] | None) -> bool:
    return places is None or any(Path(os.path.abspath(path)).is_relative_to(place) for place in places)  # noqa: PTH100
