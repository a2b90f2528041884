"""The very run of before, given back: where nothing that a run read has changed, neither has what it said.

A run is kept in the folder of what was evaluated, beside it, if its findings were: what it printed, the files that it
wrote, its exit code, and the digest of all that it read. Of a snapshot that is the manifest, which has the digests of
the rest: what is given back was found in these very bytes.

Imported before anything else is, so it imports little.
"""

import hashlib
import json
import mmap
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from stillframe.engine.exit_codes import FAILURES, NOTHING, OK, UNKNOWN
from stillframe.engine.watch import MOST, TREES, Other, Watch, seen
from stillframe.snapshot.files import is_own, mode_of, replacing, user_folder

COMMANDS = frozenset({"evaluate", "diff", "trend", "backtest", "remediate"})  # those that evaluate by what is kept
KEPT = 16  # runs
_FORMAT = 2
_ENDING = ".run"
_PIECE = 1 << 18  # bytes of a file that are read at a time
_RECENT = 2.0  # seconds: a file system may give two changes within them the same time
# How the names of variables begin that a run may depend on.
# fmt: off
_SEEN: tuple[str, ...] = (
    "PYTHON", "LANG", "LC_", "TZ", "HOME", "XDG_", "STILLFRAME_",
    "TERM", "TTY_", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "JUPYTER", "DATABRICKS",
    "UNICODE_VERSION",
)
# fmt: on


def given_back(arguments: list[str]) -> int | None:
    """Say and write again what the same command did, and return its exit code; None if it is not known to be so."""
    try:
        head, said = _known(arguments)
    except (OSError, ValueError, Other):
        return None
    for stream, length in head["said"]:
        file = (sys.stdout, sys.stderr)[stream]
        file.buffer.write(said[:length])
        file.flush()
        said = said[length:]
    return int(head["code"])


def _known(arguments: list[str]) -> tuple[dict[str, Any], memoryview]:
    """What is kept of a run, and what it said; its files are written. Raises Other, OSError and ValueError."""
    if not _is_asked(arguments):
        raise Other
    folder, key = _folder(), _key(arguments)
    head, rest = _read(folder / (key + _ENDING), key)
    same = head["program"] == _program(head["modules"]) and all(_state(*each) == of for *each, of in head["inputs"])
    if not same or not all(_replaceable(name) for name, _ in head["files"]):
        raise Other
    with ExitStack() as files:  # all of them take their names at the end, or none does
        for name, length in head["files"]:
            files.enter_context(replacing(Path(name), mode_of(Path(name)))).write(rest[:length])
            rest = rest[length:]
    return head, rest


@contextmanager
def kept(arguments: list[str]) -> Iterator[None]:
    """Keep the run in the block, if it ends with an exit code of an evaluation and can be known again."""
    if not _is_asked(arguments):
        yield
        return
    with Watch() as watch:
        try:
            yield
        except SystemExit as end:
            with suppress(OSError, ValueError, Other):
                _keep(arguments, watch, 0 if end.code is None else end.code)
            raise


def _is_asked(arguments: list[str]) -> bool:
    """Whether it is of a command whose runs are kept, what it says goes out as bytes, and all that it reads is here."""
    streams = (sys.stdout, sys.stderr)
    here = not any("://" in each for each in arguments)  # Python tells of files, and of nothing that is elsewhere
    return bool(arguments) and arguments[0] in COMMANDS and here and all(hasattr(each, "buffer") for each in streams)


def _keep(arguments: list[str], watch: Watch, code: object) -> None:
    """Write a run down. Raises Other, OSError and ValueError where it cannot be."""
    if code not in (OK, FAILURES, NOTHING, UNKNOWN):
        raise Other
    folder, key = _folder(), _key(arguments)
    modules = _modules()
    reads, lists, files = seen(watch.events, folder)
    inputs = [("file", path) for path in reads] + [("folder", path) for path in lists]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    sizes = {name: os.stat(name).st_size for name in files if _replaceable(name)}  # noqa: PTH116
    said = watch.said
    if len(sizes) != len(files) or watch.size + sum(sizes.values()) > MOST or reads & files.keys():
        raise Other
    head = {
        "key": key,
        "code": code,
        "program": _program(modules),
        "modules": modules,
        "inputs": [(*each, _state(*each, before=watch.begun - _RECENT)) for each in inputs],
        "files": list(sizes.items()),
        "said": [(stream, len(data)) for stream, data in said],
    }
    lead, digest = json.dumps(head).encode(), hashlib.sha256()
    texts = chain.from_iterable(_pieces(*each) for each in sizes.items())
    pieces: Iterable[Any] = chain([len(lead).to_bytes(8, "big"), lead], texts, (each for _, each in said))
    with replacing(folder / (key + _ENDING)) as file:
        file.seek(digest.digest_size)
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        file.write(digest.digest())
    for old in sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)


def _state(kind: str, path: str, before: float = float("inf")) -> object:
    """What a file or a folder is now. Raises Other for what may yet be changed without being noticed."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None
    if found.st_mtime > before or found.st_ctime > before:
        raise Other
    where = os.path.realpath(path)  # what a link leads out to is a fault, also where it says the same
    if kind == "folder":
        with os.scandir(path) as entries:
            return [where, sorted(_entry(each, before) for each in entries)]
    if not stat.S_ISREG(found.st_mode):
        raise Other
    return [where, hashlib.sha256(Path(path).read_bytes()).hexdigest()]


def _entry(entry: os.DirEntry[str], before: float) -> list[Any]:
    """What a name in a folder is; of a folder also when its names changed, as a snapshot may have been finished."""
    if not entry.is_dir(follow_symlinks=False):
        return [entry.name, entry.is_symlink()]
    found = entry.stat()
    if found.st_mtime > before:
        raise Other
    return [entry.name, found.st_mtime_ns]


def _modules() -> list[str]:
    """The files of the modules that are not ours, nor Python's own."""
    found = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    python = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
    return sorted(path for path in found if not path.startswith(TREES) and ("-packages" in path or python not in path))


def _program(modules: list[str]) -> str:
    """A digest of when this program, with all that comes with it, and modules that it used were last changed."""
    found, places = [(path, _times(os.stat(path))) for path in modules], list(TREES)  # noqa: PTH116
    while places:
        with os.scandir(places.pop()) as entries:
            for entry in entries:
                if entry.is_file():
                    found.append((entry.path, _times(entry.stat())))
                elif entry.is_dir() and entry.name != "__pycache__":
                    places.append(entry.path)
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _times(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _folder() -> Path:
    folder = user_folder("XDG_CACHE_HOME", "~/.cache")
    if not is_own(folder):
        raise Other
    return folder


def _key(arguments: list[str]) -> str:
    """What a run is known by, before anything is read: what was typed, where, and who is to see it."""
    streams = [(each.encoding, each.errors, each.isatty()) for each in (sys.stdout, sys.stderr)]
    size = os.get_terminal_size(2) if any(terminal for *_, terminal in streams) else ()
    given = sorted((name, value) for name, value in os.environ.items() if name.startswith(_SEEN))
    chosen = os.path.lexists("stillframe.yaml")
    parts = [_FORMAT, sys.version, arguments, os.getcwd(), given, streams, list(size), chosen]  # noqa: PTH109
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _pieces(name: str, size: int) -> Iterator[memoryview]:
    """The bytes of a file, in memory that is used again: that of a large file takes as long to get as to hash."""
    buffer = memoryview(bytearray(min(size, _PIECE)))
    with open(name, "rb", 0) as file:  # noqa: PTH123
        while size:
            length = file.readinto(buffer[:size])
            if not length:  # it is shorter than it was
                raise Other
            yield buffer[:length]
            size -= length


def _read(path: Path, key: str) -> tuple[dict[str, Any], memoryview]:
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    body = data[32:]
    if hashlib.sha256(body).digest() != data[:32]:
        raise Other
    end = 8 + int.from_bytes(body[:8], "big")
    head: dict[str, Any] = json.loads(bytes(body[8:end]))
    if head["key"] != key:
        raise Other
    return head, body[end:]


def _replaceable(name: str) -> bool:
    """Whether a name is of a file, or free."""
    return not os.path.lexists(name) or stat.S_ISREG(os.lstat(name).st_mode)
