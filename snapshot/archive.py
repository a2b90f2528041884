"""Read snapshots: find them in an archive, open them, and trust no byte whose digest does not match."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import msgspec
from msgspec import Struct

from .errors import ArgumentError, SnapshotError
from .files import DAMAGED
from .format import AccountFile, AccountIndex, Manifest, Marker, TypeEntry, digest, parse
from .given import place_of
from .layout import ACCOUNT, ID, MANIFEST, OBJECTS, Files, files_of
from .model import Account, Coverage, Lines, Resource, Snapshot, Unknown, lines_of
from .names import id_at, moment_of
from .outputs import refuse_inside
from .own_types import fault_of
from .remote import Place, Remote, concurrently, entries, read
from .resource_file import parse_line, read_lines, read_resources

_MAKE = "`stillframe collect` makes one; `stillframe demo` needs no AWS account"


class Entry(Struct, frozen=True, kw_only=True):
    """A snapshot folder as an archive lists it. `accounts` is None where the collector did not finish."""

    id: str
    path: Place
    accounts: int | None


def list_snapshots(archive: Place | str) -> list[Entry]:
    """The snapshots of an archive, oldest first, unfinished ones included."""
    place = place_of(archive)
    keep_apart(place)
    return concurrently(_entry, _folders(place))


def _entry(path: Place) -> Entry:
    finished = (path / MANIFEST).exists()
    return Entry(id=path.name, path=path, accounts=len(read_manifest(path).accounts) if finished else None)


def _folders(archive: Place) -> list[Place]:
    """The snapshots of an archive, oldest first, unread."""
    try:
        return [path for path in entries(archive) if ID.match(path.name) and _is_snapshot(path)]
    except FileNotFoundError:
        from .nearest import near_path

        near = "" if isinstance(archive, Remote) else near_path(archive)
        raise SnapshotError(f"{archive}: no such archive{near}", _MAKE) from None
    except NotADirectoryError:
        policy = "; policy files are named by -p" if archive.name.endswith((".yaml", ".yml")) else ""
        advice = f"name a snapshot folder, or an archive of snapshots{policy}"
        raise SnapshotError(f"{archive}: not a folder", advice) from None
    except OSError as error:
        raise SnapshotError(f"{archive}: cannot be read ({error.strerror})") from None


def _is_snapshot(path: Place) -> bool:
    if path.is_symlink():
        raise SnapshotError(f"{path}: a link", "an archive holds snapshots, no links to them")
    return path.is_dir()


def find_snapshot(path: Place | str) -> Place:
    """The folder of a snapshot: `path` itself, or the latest finished snapshot of the archive `path`."""
    return _find(path)[0]


def _find(path: Place | str) -> tuple[Place, list[str]]:
    """The same, with a line for each later snapshot of the archive, which is unfinished, and for one in the future."""
    path = place_of(path)
    keep_apart(path)
    with suppress(OSError):  # a name that none can have is refused below
        if (path / MANIFEST).is_file():
            return path, []
    if ID.match(path.name) and path.is_dir():
        raise SnapshotError(
            f"{path}: unfinished snapshot: it has no {MANIFEST}",
            f"the collector was stopped before the end: {completing(path.parent)}",
        )
    folders, later = _folders(path), list[str]()
    for folder in reversed(folders):
        if (folder / MANIFEST).exists():
            return folder, [*later, *_ahead(folder)]
        later.append(_unfinished(folder))
    if folders:
        raise SnapshotError(f"{path}: no finished snapshot here, but {folders[-1].name}, unfinished", completing(path))
    below = path / "snapshots"  # what an archive is called if nobody says otherwise
    there = below.is_dir() and _folders(below)
    raise SnapshotError(f"{path}: no finished snapshot here", f"`{below}` is an archive: name that" if there else _MAKE)


def passed_over(path: Place | str, *, every: bool = False) -> list[str]:
    """A line for each unfinished snapshot of an archive: for those later than what `find_snapshot` finds, or every."""
    if not every:
        return _find(path)[1]
    return [_unfinished(folder) for folder in _folders(place_of(path)) if not (folder / MANIFEST).exists()]


def _ahead(folder: Place) -> list[str]:
    """A line for a snapshot that is in the future, and so is called the latest whatever is collected until then."""
    moment, now = moment_of(folder.name), datetime.now(UTC)
    if moment is None or moment - now <= _SKEW:
        return []
    sys.audit("stillframe.clock", folder.name)  # to `engine/watch.py`: a run that says this is not kept
    hours = (moment - now).total_seconds() / 3600
    return [
        f"snapshot {folder.name} is {hours:,.1f} hours in the future: a clock is wrong, here or where it was collected"
    ]


_SKEW = timedelta(minutes=5)  # as clocks may differ that are right


def _unfinished(folder: Place) -> str:
    return f"snapshot {folder.name} is unfinished, and passed over: {completing(folder.parent)}"


def completing(archive: Place) -> str:
    """What to do about an unfinished snapshot."""
    return f"complete it with `stillframe collect --resume --into {archive}`"


def snapshot_before(path: Place | str) -> Place | None:
    """The folder of the latest finished snapshot of an archive that is earlier than this one; None for its first."""
    folder = find_snapshot(path)
    if not ID.match(folder.name):
        raise ArgumentError(f"{folder}: in no archive, so none is before it", "name both snapshots")
    before = (each for each in reversed(_folders(folder.parent)) if each.name < folder.name)
    return next((each for each in before if (each / MANIFEST).exists()), None)


def keep_apart(path: Place) -> None:
    """Nothing is written into an archive or a snapshot that is read, or into what is beside it in its archive."""
    if not isinstance(path, Remote):
        refuse_inside(path)
        if ID.match(path.name):
            refuse_inside(path.parent, lambda name: name == OBJECTS or ID.match(name))


def open_snapshot(path: Place | str) -> Snapshot:
    """Open a snapshot, or the latest one of an archive. Accounts and resources are read when asked for.

    Raises SnapshotError here and while reading: absent, unfinished, newer, malformed, or changed.
    """
    folder, later = _find(path)
    data = read(folder / MANIFEST)
    manifest = _manifest(data, folder)
    accounts = tuple(sorted(manifest.accounts))
    opening: Callable[[str], Account] = partial(_open_account, files_of(folder, manifest), manifest.accounts)
    if isinstance(folder, Remote):
        from .ahead import ReadingAhead

        opening = ReadingAhead(opening, accounts)
    return Snapshot(
        id=manifest.id,
        captured_at=manifest.captured_at,
        accounts=accounts,
        account=opening,
        digest=digest(data),
        path=folder,
        digests=manifest.accounts,
        types=manifest.types or {},
        scope=manifest.scope,
        passed_over=tuple(later),
    )


def read_manifest(folder: Place) -> Manifest:
    return _manifest(read(folder / MANIFEST), folder)


def _manifest(data: bytes, folder: Place) -> Manifest:
    manifest: Manifest = parse(data, Manifest, folder / MANIFEST)
    if moment_of(manifest.captured_at) is None:
        raise SnapshotError(f"{folder / MANIFEST}: there is no time {manifest.captured_at}", DAMAGED)
    if ID.match(folder.name) and folder.name != manifest.id:
        raise SnapshotError(f"{folder / MANIFEST}: it is the manifest of {manifest.id}", DAMAGED)
    if manifest.id != id_at(manifest.captured_at):  # or a waiver that is over would be in force again
        differ = f"the id {manifest.id} is not the time {manifest.captured_at}"
        raise SnapshotError(f"{folder / MANIFEST}: {differ}", DAMAGED)
    for name, carried in (manifest.types or {}).items():
        if fault := fault_of(name, carried):
            raise SnapshotError(f"{folder / MANIFEST}: {name}: {fault}", DAMAGED)
    if not manifest.accounts:
        raise SnapshotError(f"{folder / MANIFEST}: no accounts", "an empty snapshot says nothing: collect again")
    return manifest


def read_account_file(files: Files, account: str, expected: str) -> AccountFile:
    file: AccountFile = _account_file(files, account, expected, AccountFile)
    return file


def _account_file(files: Files, account: str, expected: str, shape: type[AccountFile | AccountIndex]) -> Any:
    path = files.account(account, expected)
    data = read(path)
    if digest(data) != expected:
        raise SnapshotError(f"{path}: its digest is not the one in {MANIFEST}", DAMAGED)
    file = parse(data, shape, path)
    if file.account != account:
        raise SnapshotError(f"{path}: it describes account {file.account}", DAMAGED)
    return file


_read_entry = msgspec.json.Decoder(TypeEntry).decode


class _Entries(Mapping[str, Coverage]):
    """The entries of an account file. A fleet has many, of which an evaluation reads few: each when asked for."""

    def __init__(self, path: str, raw: Mapping[str, msgspec.Raw]) -> None:
        self._path, self._raw = path, raw
        self._read: dict[str, TypeEntry] = {}

    def entry(self, kind: str) -> TypeEntry | None:
        if kind not in self._read:
            if kind not in self._raw:
                return None
            self._read[kind] = self._parsed(kind, self._raw[kind])
        return self._read[kind]

    def _parsed(self, kind: str, raw: msgspec.Raw) -> TypeEntry:
        try:
            return _read_entry(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # `parse` says of what
            found: TypeEntry = parse(bytes(raw), TypeEntry, f"{self._path}: {kind}")
            return found

    def __getitem__(self, kind: str) -> Coverage:
        found = self.entry(kind)
        if found is None:
            raise KeyError(kind)
        return cast("Coverage", found)  # it has all that coverage has

    def get(self, kind: str, default: Any = None) -> Any:
        return self.entry(kind) or default

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def _open_account(files: Files, digests: Mapping[str, str], account: str) -> Account:
    if account not in digests:
        manifest = files.folder / MANIFEST
        raise ArgumentError(f"account {account} is not in this snapshot", f"{manifest} names those that are")
    file: AccountIndex = _account_file(files, account, digests[account], AccountIndex)
    regions, entries = file.regions, _Entries(f"{files.folder}/{account}/{ACCOUNT}", file.types)

    def read(kind: str) -> Iterator[Resource]:
        entry = entries.entry(kind)
        return read_resources(files, account, kind, entry) if entry else iter(())

    def lines(kind: str) -> Lines:
        entry = entries.entry(kind)
        return read_lines(files, account, kind, entry) if entry else lines_of(b"", utf8=True, plain=True)

    return Account(
        id=account,
        name=file.name,
        regions=Unknown.because(regions.cause) if isinstance(regions, Marker) else tuple(regions),
        coverage=entries,
        read=read,
        lines=lines,
        parse=partial(parse_line, files, account),
        stamp=partial(_stamp, file),
        filled=None if isinstance(file.filled, msgspec.UnsetType) else file.filled,
    )


def _stamp(file: AccountIndex, kinds: Sequence[str]) -> bytes:
    regions = file.regions.cause if isinstance(file.regions, Marker) else file.regions
    entries = [file.types.get(kind) for kind in kinds]
    return hashlib.sha256(msgspec.json.encode([file.account, file.name, regions, kinds, entries])).digest()
