"""The one way to open a file of an archive, and to write one: nothing that somebody planted there is followed.

An archive may come from people who mean harm. So a file of it is a regular file, no link, and no larger than it may be;
and a file is written under a name that nobody can guess, and takes its own when it is complete.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from .errors import SnapshotError, UnfinishedError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
msvcrt: Any = import_module("msvcrt") if os.name == "nt" else None

PLAN = ".plan.json"  # what an unfinished snapshot was to become
DAMAGED = "the snapshot changed after it was written: restore it, or collect again"
# What docs/snapshot-format.md allows, in bytes: a line, a resource file, a manifest or account file.
LINE = 1 << 24
FILE = 1 << 31
DOCUMENT = 1 << 28
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
HOLDS_FOLDERS = hasattr(os, "O_DIRECTORY")  # Windows opens no folders
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def read_file(path: Path | str, most: int = DOCUMENT) -> bytes:
    """The bytes of a file. Raises SnapshotError: missing, a link, no regular file, larger than `most`.

    Of a file with more than one line's bytes, lines that are longer than one may be are refused before all is read.
    """
    # A fleet has tens of thousands of small files: what `open` does beside reading takes as long as reading.
    try:
        file = os.open(path, _FLAGS)
        try:
            size = _size(file, path)
            if size > most:
                raise SnapshotError(f"{path}: {size} bytes, where {most} are the most that it may have", DAMAGED)
            return os.read(file, size) if size <= LINE else _read_large(file, size, path)
        finally:
            os.close(file)
    except FileNotFoundError:
        raise SnapshotError(f"{path}: missing", DAMAGED) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SnapshotError(f"{path}: a link", "an archive holds files and folders, no links") from None
        raise SnapshotError(f"{path}: cannot be read ({error.strerror})") from None


def _size(file: int, path: Path | str) -> int:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise SnapshotError(f"{path}: not a regular file", "an archive holds files and folders, nothing else")
    return found.st_size


def _read_large(file: int, size: int, path: Path | str) -> bytes:
    data = bytearray(size)  # a sparse file costs memory only as far as it is read
    view, end = memoryview(data), 0
    with os.fdopen(file, "rb", 0, closefd=False) as pieces:
        while end < size and (more := pieces.readinto(view[end : end + LINE])):
            if more == LINE and data.find(b"\n", end, end + more) < 0:
                raise SnapshotError(f"{path}: a line of more than {LINE} bytes", DAMAGED)
            end += more
    return data if end == size else data[:end]  # type: ignore[return-value]  # it is bytes to all who read it


def folder_at(path: Path | str) -> bool:
    """Whether there is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def is_own(folder: Path) -> bool:
    """Whether a folder is there, is no link, and nobody but this user may write to it."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    own = not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and own


def user_folder(variable: str, default: str) -> Path:
    """A folder of this user's for Stillframe, by the XDG base directory specification; on Windows, below LOCALAPPDATA.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else variable) or ""
    try:
        folder = Path(base) if Path(base).is_absolute() else Path(default).expanduser()
    except RuntimeError:  # a user without a home, as in a container: there is nowhere to keep anything
        folder = Path(os.devnull)
    return folder / "stillframe"


def packaged(*names: str) -> Path:
    """A file or folder that comes with Stillframe; importlib.resources takes as long to import as YAML."""
    return Path(__file__).parents[1].joinpath(*names)


def mode_of(path: Path) -> int:
    """The mode of a file for people: of one of this user's that is there its own, or else for the user alone.

    Metrics are read by another user, such as that of an exporter, and hold names of policies and numbers alone.
    """
    try:
        found = os.lstat(path)
    except OSError:
        return 0o644 if path.suffix in (".prom", ".om") else 0o600
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return stat.S_IMODE(found.st_mode) & 0o777 | 0o600 if own and stat.S_ISREG(found.st_mode) else 0o600


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file that takes its name when the block ends well, and that is gone where it does not. Raises OSError."""
    partial = path.parent / f".{path.name[:32]}.{os.urandom(8).hex()}"  # importing tempfile takes longer than writing
    descriptor = os.open(partial, _NEW, 0o600)
    try:
        with os.fdopen(descriptor, "wb", 1 << 18) as file:
            if mode != 0o600:
                os.chmod(partial, mode)  # noqa: PTH101 - whatever the umask
            yield file
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write a file that is on the disk before it has its name."""
    with replacing(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def open_file(path: Path) -> IO[bytes]:
    """Open a file that somebody else may have written. Raises OSError, also for a link; SnapshotError for a pipe."""
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    try:
        _size(file.fileno(), path)
    except BaseException:
        file.close()
        raise
    return file


def open_held(path: Path) -> IO[bytes] | None:
    """Open a file of an archive and lock it; None where another process has it. Raises OSError or SnapshotError."""
    file = open_file(path)
    try:
        if lock(file, wait=False):
            return file
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def open_own(path: Path) -> IO[bytes]:
    """Open a file to lock it, or make it, for its owner alone. Raises OSError, also for a link."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "rb+")


def hold_folder(path: Path) -> int | None:
    """The descriptor of a folder, locked while it is open; None where another has it, or nobody can know.

    Whoever ends, however it ends, holds it no longer. Raises OSError, also for a link.
    """
    if not HOLDS_FOLDERS:
        return None
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if lock(folder, wait=False) and _is_at(folder, path):  # it may have been removed since
        return folder
    os.close(folder)
    return None


def _is_at(folder: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(folder), os.lstat(path))
    except OSError:
        return False


def lock(file: IO[bytes] | int, *, wait: bool) -> bool:
    """Lock an open file for as long as it is open; False where another process has it."""
    if fcntl is None:
        return msvcrt is None or _lock_a_byte(file if isinstance(file, int) else file.fileno(), wait=wait)
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks, on which nobody can be kept out
    return True


def _lock_a_byte(file: int, *, wait: bool) -> bool:
    """The same on Windows, which locks bytes, and lets nobody else read them: so one that no file has."""
    at = os.lseek(file, 0, os.SEEK_CUR)
    os.lseek(file, FILE, os.SEEK_SET)
    try:
        while True:  # it waits for ten seconds at a time
            try:
                msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLK):
                    return True
                if not wait:
                    return False
            else:
                return True
    finally:
        os.lseek(file, at, os.SEEK_SET)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say of a disk that is full, or may not be written, what people can do. Raises UnfinishedError."""
    try:
        yield
    except OSError as error:
        raise UnfinishedError(
            f"{folder}: cannot be written ({error.strerror or error})",
            "nothing that was written is lost: fix that, and complete the snapshot with --resume",
        ) from error
