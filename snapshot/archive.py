"""Read snapshots: find them in an archive, open them, and trust no byte whose digest does not match."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import msgspec

from .ahead import ReadingAhead
from .catalog import ResourceType, load_catalog
from .errors import ArgumentError, SnapshotError
from .files import DAMAGED, FILE, LINE, folder_at
from .format import (
    BY_DIGEST,
    AccountFile,
    AccountIndex,
    Manifest,
    Marker,
    TypeEntry,
    digest,
    file_name,
    is_plain,
    parse,
    read_line,
)
from .given import place_of
from .kinds import mark, mark_tags
from .model import Account, Coverage, Json, Lines, Resource, Snapshot, Unknown, lines_of
from .names import moment_of
from .outputs import refuse_inside
from .own_types import fault_of
from .remote import Place, Remote, below, concurrently, entries, read

MANIFEST = "manifest.json"
ACCOUNT = "account.json"
OBJECTS = "objects"  # of an archive: what snapshots of format 2 hold, each file under its digest

ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_SPECIFIED = "docs/snapshot-format.md says what a line holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A snapshot folder as an archive lists it. `accounts` is None where the collector did not finish."""

    id: str
    path: Place
    accounts: int | None


def list_snapshots(archive: Place | str) -> list[Entry]:
    """The snapshots of an archive, oldest first, unfinished ones included."""
    place = place_of(archive)
    _keep_apart(place)
    return concurrently(_entry, _folders(place))


def _entry(path: Place) -> Entry:
    finished = (path / MANIFEST).exists()
    return Entry(id=path.name, path=path, accounts=len(read_manifest(path).accounts) if finished else None)


def _folders(archive: Place) -> list[Place]:
    """The snapshots of an archive, oldest first, unread."""
    try:
        return [path for path in entries(archive) if ID.match(path.name) and _is_snapshot(path)]
    except FileNotFoundError:
        raise SnapshotError(
            f"{archive}: no such archive",
            "`stillframe collect` makes one; `stillframe demo` needs no AWS account",
        ) from None
    except NotADirectoryError:
        raise SnapshotError(f"{archive}: not a folder", "name a snapshot folder, or an archive of snapshots") from None
    except OSError as error:
        raise SnapshotError(f"{archive}: cannot be read ({error.strerror})") from None


def _is_snapshot(path: Place) -> bool:
    if path.is_symlink():
        raise SnapshotError(f"{path}: a link", "an archive holds snapshots, no links to them")
    return path.is_dir()


def find_snapshot(path: Place | str) -> Place:
    """The folder of a snapshot: `path` itself, or the latest finished snapshot of the archive `path`."""
    path = place_of(path)
    _keep_apart(path)
    with suppress(OSError):  # a name that none can have is refused below
        if (path / MANIFEST).is_file():
            return path
    if ID.match(path.name) and path.is_dir():
        raise SnapshotError(
            f"{path}: unfinished snapshot: it has no {MANIFEST}",
            f"the collector was stopped before the end: {completing(path.parent)}",
        )
    folders = _folders(path)
    latest = next((folder for folder in reversed(folders) if (folder / MANIFEST).exists()), None)
    if latest is None and folders:
        raise SnapshotError(f"{path}: no finished snapshot here, but {folders[-1].name}, unfinished", completing(path))
    if latest is None:
        raise SnapshotError(
            f"{path}: no finished snapshot here",
            "`stillframe collect` makes one; `stillframe demo` needs no AWS account",
        )
    return latest


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


def _keep_apart(path: Place) -> None:
    """Nothing is written into an archive or a snapshot that is read, or into what is beside it in its archive."""
    if not isinstance(path, Remote):
        refuse_inside(path)
        if ID.match(path.name):
            refuse_inside(path.parent, lambda name: name == OBJECTS or ID.match(name))


def open_snapshot(path: Place | str) -> Snapshot:
    """Open a snapshot, or the latest one of an archive. Accounts and resources are read when asked for.

    Raises SnapshotError here and while reading: absent, unfinished, newer, malformed, or changed.
    """
    folder = find_snapshot(path)
    data = read(folder / MANIFEST)
    manifest = _manifest(data, folder)
    accounts = tuple(sorted(manifest.accounts))
    opening = partial(_open_account, files_of(folder, manifest), manifest.accounts)
    return Snapshot(
        id=manifest.id,
        captured_at=manifest.captured_at,
        accounts=accounts,
        account=ReadingAhead(opening, accounts) if isinstance(folder, Remote) else opening,
        digest=digest(data),
        path=folder,
        digests=manifest.accounts,
        types=manifest.types or {},
    )


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a snapshot are: in a folder for each account; or, in format 2, by digest, beside snapshots."""

    folder: Place
    by_digest: bool = False

    def account(self, account: str, sha256: str) -> str | Remote:
        return self._file(account, ACCOUNT, sha256)

    def resources(self, account: str, kind: str, sha256: str) -> str | Remote:
        return self._file(account, file_name(kind), sha256)

    def _file(self, account: str, name: str, sha256: str) -> str | Remote:
        parent, folder = (self.folder.parent, OBJECTS) if self.by_digest else (self.folder, account)
        if self.by_digest and not _DIGEST.match(sha256):
            raise SnapshotError(f"{self.folder}/{account}/{name}: {sha256!r} is no digest", DAMAGED)
        if not isinstance(parent, Remote) and not folder_at(f"{parent}/{folder}"):
            raise SnapshotError(f"{parent}/{folder}: no folder of the snapshot", DAMAGED)
        return below(parent, f"{folder}/{sha256 if self.by_digest else name}")


def files_of(folder: Place, manifest: Manifest) -> Files:
    return Files(folder, by_digest=manifest.format >= BY_DIGEST)


def read_manifest(folder: Place) -> Manifest:
    return _manifest(read(folder / MANIFEST), folder)


def _manifest(data: bytes, folder: Place) -> Manifest:
    manifest: Manifest = parse(data, Manifest, folder / MANIFEST)
    if moment_of(manifest.captured_at) is None:
        raise SnapshotError(f"{folder / MANIFEST}: there is no time {manifest.captured_at}", DAMAGED)
    if ID.match(folder.name) and folder.name != manifest.id:
        raise SnapshotError(f"{folder / MANIFEST}: it is the manifest of {manifest.id}", DAMAGED)
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


def read_resources(files: Files, account: str, kind: str, entry: TypeEntry) -> Iterator[Resource]:
    """The resources of one file, in its order. Nothing is yielded unless the digest of the whole file is right."""
    last = ("", "")
    for number, line in enumerate(read_lines(files, account, kind, entry).lines, 1):
        resource = parse_line(files, account, kind, line, number)
        if (resource.region, resource.id) <= last:
            where = _shown(files, account, kind)
            raise SnapshotError(f"{where}:{number}: not in the order of region and id, or there twice", _SPECIFIED)
        last = (resource.region, resource.id)
        yield resource


def read_lines(files: Files, account: str, kind: str, entry: TypeEntry) -> Lines:
    """The lines of one file, whose digest and number are right."""
    if entry.sha256 is None:
        if entry.count:
            where = f"{files.folder / account}/{ACCOUNT}"
            raise SnapshotError(f"{where}: {entry.count} of {kind} without a digest", DAMAGED)
        return lines_of(b"", utf8=True, plain=True)
    path = files.resources(account, kind, entry.sha256)
    data = read(path, min(entry.count * LINE, FILE))
    if digest(data) != entry.sha256:
        raise SnapshotError(f"{path}: its digest is not the one in {ACCOUNT}", DAMAGED)
    utf8 = _is_text(data)
    lines = lines_of(data, utf8=utf8, plain=utf8 and is_plain(data))
    if lines.number != entry.count:
        raise SnapshotError(f"{path}: {lines.number} resources where {ACCOUNT} counts {entry.count}", DAMAGED)
    return lines


def _shown(files: Files, account: str, kind: str) -> str:
    """A resource file as people are told of it, wherever its bytes are."""
    return f"{files.folder}/{account}/{file_name(kind)}"


def _is_text(data: bytes) -> bool:
    """Whether all of it is UTF-8. If not, reading the line says where."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_line(files: Files, account: str, kind: str, line: bytes | memoryview, number: int) -> Resource:
    """The resource of a line. What AWS always sends and is not there is unknown; what AWS never sends is, too."""
    path = _shown(files, account, kind)
    resource = _read_line(bytes(line), f"{path}:{number}")
    if (resource.type, resource.account) != (kind, account):
        described = f"{resource.type} of account {resource.account}"
        raise SnapshotError(f"{path}:{number}: it describes {described}", DAMAGED)
    return resource


def _read_line(line: bytes, where: str) -> Resource:
    try:
        resource = read_line(line)
        if spec := load_catalog().get(resource.type):
            complete(resource.config, spec)
        mark_tags(resource.tags, resource.type)
    except (msgspec.DecodeError, UnicodeDecodeError, SnapshotError) as error:
        raise SnapshotError(f"{where}: {error}", _SPECIFIED) from None
    return resource


def complete(config: dict[str, Json], spec: ResourceType) -> None:
    """Mark as unknown, in place, what is not as AWS sends it: lost, though it is always there, or of another kind.

    Without this a lost field would read as null, and null reads as false: `!Public` would pass. The text "false"
    would read as true.
    """
    mark(config, spec.type)
    for steps in spec.always:
        _mark(config, steps, f"{spec.type} has no {'.'.join(steps).replace('.[]', '[]')}")


def _mark(node: Json, steps: tuple[str, ...], cause: str) -> None:
    step, rest = steps[0], steps[1:]
    if step == "[]":
        for item in node if isinstance(node, list) else ():
            _mark(item, rest, cause)
    elif isinstance(node, dict):
        if rest:
            _mark(node.get(step), rest, cause)
        else:
            node.setdefault(step, Unknown.because(cause))


class _Entries(Mapping[str, Coverage]):
    """The entries of an account file. A fleet has many, of which an evaluation reads few: each when asked for."""

    def __init__(self, path: str, raw: Mapping[str, msgspec.Raw]) -> None:
        self._path, self._raw = path, raw
        self._read: dict[str, TypeEntry] = {}

    def entry(self, kind: str) -> TypeEntry | None:
        if kind not in self._read:
            if kind not in self._raw:
                return None
            self._read[kind] = parse(bytes(self._raw[kind]), TypeEntry, f"{self._path}: {kind}")
        return self._read[kind]

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
    )


def _stamp(file: AccountIndex, kinds: Sequence[str]) -> bytes:
    regions = file.regions.cause if isinstance(file.regions, Marker) else file.regions
    entries = [file.types.get(kind) for kind in kinds]
    return hashlib.sha256(msgspec.json.encode([file.account, file.name, regions, kinds, entries])).digest()
