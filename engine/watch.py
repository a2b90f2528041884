"""What a run reads, writes and says, so that it can be known again.

It is asked of Python, which tells of every file that is opened and every folder that is listed, so that nothing can be
forgotten. Imported before anything else is, so it imports little.
"""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self, cast

MOST = 1 << 28  # bytes that one run may have said and written, to be kept
FINDINGS = ".findings"
CLOCK = "stillframe.clock"  # what says so has looked at the clock, and may say something else tomorrow
_WRITING = os.O_WRONLY | os.O_RDWR
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - compared as text, as is all below
TREES = tuple(os.path.join(_HERE, name, "") for name in ("engine", "policies", "snapshot"))  # noqa: PTH118


class Other(Exception):  # noqa: N818 - no error: the run is not kept, or not the one that is
    """Something is not what a run can be kept by."""


class Watch:
    """What a run reads, writes and says."""

    def __init__(self) -> None:
        self.begun = time.time()
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.said: list[tuple[int, bytes]] = []
        self.size = 0
        self._streams = sys.stdout, sys.stderr

    def __enter__(self) -> Self:
        for stream in self._streams:
            stream.flush()
        sys.stdout, sys.stderr = (self._heard(number) for number in (0, 1))
        _watching.append(self.events)
        if not _hooked:
            sys.addaudithook(_audit)
            _hooked.append(True)
        return self

    def __exit__(self, *_: object) -> None:
        _watching.remove(self.events)
        sys.stdout, sys.stderr = self._streams  # which the others hold nothing back from

    def _heard(self, number: int) -> io.TextIOWrapper:
        stream = cast("io.TextIOWrapper", self._streams[number])
        ear = _Ear(stream.buffer, lambda data: self._hear(number, data))
        lines = stream.line_buffering
        return io.TextIOWrapper(cast("IO[bytes]", ear), stream.encoding, stream.errors, "", lines, write_through=True)

    def _hear(self, number: int, data: bytes) -> None:
        self.size += len(data)
        if self.size <= MOST:
            self.said.append((number, bytes(data)))


class _Ear(io.BufferedIOBase):
    """A stream of bytes, and somebody who hears what is written to it."""

    def __init__(self, stream: Any, hear: Callable[[bytes], None]) -> None:
        self._stream, self._hear = stream, hear

    def write(self, data: Any) -> int:
        written: int = self._stream.write(data)
        self._hear(data)
        return written

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def isatty(self) -> bool:
        whether: bool = self._stream.isatty()
        return whether


_watching: list[list[tuple[str, tuple[Any, ...]]]] = []
_hooked: list[bool] = []  # a hook cannot be taken away


def _audit(event: str, given: tuple[Any, ...]) -> None:
    if _watching and event in ("open", "os.listdir", "os.scandir", "os.rename", CLOCK):
        for events in _watching:
            events.append((event, given))


def seen(events: list[tuple[str, tuple[Any, ...]]], folder: Path) -> tuple[set[str], set[str], dict[str, None]]:
    """Files that were read, folders that were listed, and files that were written, by what Python told.

    Raises Other where no findings were kept, something was written into, or the clock decided.
    """
    loaded = _loaded()
    reads, lists, written, files = set[str](), set[str](), set[str](), dict[str, None]()
    findings = False
    for event, (given, *more) in events:
        if event == CLOCK:
            raise Other
        path = "" if isinstance(given, int) else os.fsdecode(given)
        if not path or path.startswith(TREES):
            continue
        own = os.path.dirname(path) == str(folder)  # noqa: PTH120 - as it was written
        if event == "os.rename":
            to = os.fsdecode(more[0])
            written.discard(path)
            findings |= own and to.endswith(FINDINGS)
            if not own and not to.endswith(".pyc"):
                files[to] = None
        elif event != "open":
            lists.add(path)
        elif more[1] & _WRITING:
            written.add(path)
        elif own:
            findings |= path.endswith(FINDINGS)
        elif path not in loaded:
            reads.add(path)
    if not findings or any(map(_is_there, written)):
        raise Other
    places = {path: os.path.abspath(path) for path in reads}  # noqa: PTH100
    snapshots = {os.path.dirname(place) for place in places.values() if os.path.basename(place) == "manifest.json"}  # noqa: PTH119, PTH120
    inside = {path for path, place in places.items() if _is_of_account(place, snapshots)}
    return reads - inside, lists - loaded - {str(folder)}, files


def _is_of_account(path: str, snapshots: set[str]) -> bool:
    """Whether a manifest answers for a file: people keep policies and findings beside those of accounts, too."""
    folder, name = os.path.split(path)
    place, account = os.path.split(folder)
    return place in snapshots and account.isdigit() and (name == "account.json" or name.endswith(".jsonl"))


def _is_there(path: str) -> bool:
    """Whether what was written into is still there: a file that was for the run alone is gone, or never had a name."""
    return os.path.lexists(path) and not os.path.isdir(path)  # noqa: PTH112


def _loaded() -> set[str]:
    """The files of modules, and the folders of packages, which `_program` looks at."""
    found = set[str]()
    for module in list(sys.modules.values()):
        found |= {each for name in ("__file__", "__cached__") if (each := getattr(module, name, None))}
        found |= set(map(str, getattr(module, "__path__", ())))
    return found
