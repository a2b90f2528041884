"""Read snapshots: find them in an archive, open them, and trust no byte whose digest does not match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from .catalog import ResourceType, load_catalog
from .errors import SnapshotError
from .format import AccountFile, Manifest, Marker, TypeEntry, digest, file_name, parse, read_line, too_deep
from .model import Account, Coverage, Json, Resource, Snapshot, Unknown

MANIFEST = "manifest.json"
ACCOUNT = "account.json"

_ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z\Z")
_SPECIFIED = "docs/snapshot-format.md says what a line holds"
_DAMAGED = "the snapshot changed after it was written: restore it, or collect again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A snapshot folder as an archive lists it. `accounts` is None where the collector did not finish."""

    id: str
    path: Path
    accounts: int | None


def list_snapshots(archive: Path) -> list[Entry]:
    """The snapshots of an archive, oldest first, unfinished ones included."""
    try:
        folders = sorted(path for path in archive.iterdir() if _ID.match(path.name) and path.is_dir())
    except FileNotFoundError:
        raise SnapshotError(
            f"{archive}: no such archive",
            "`stillframe collect` makes one; `stillframe demo` needs no AWS account",
        ) from None
    except NotADirectoryError:
        raise SnapshotError(f"{archive}: not a folder", "name a snapshot folder, or an archive of snapshots") from None
    return [
        Entry(
            id=path.name,
            path=path,
            accounts=len(read_manifest(path).accounts) if (path / MANIFEST).exists() else None,
        )
        for path in folders
    ]


def find_snapshot(path: Path) -> Path:
    """The folder of a snapshot: `path` itself, or the latest finished snapshot of the archive `path`."""
    if (path / MANIFEST).is_file():
        return path
    if _ID.match(path.name) and path.is_dir():
        raise SnapshotError(
            f"{path}: unfinished snapshot: it has no {MANIFEST}",
            "the collector was stopped before the end: collect again",
        )
    finished = [entry for entry in list_snapshots(path) if entry.accounts is not None]
    if not finished:
        raise SnapshotError(
            f"{path}: no finished snapshot here",
            "`stillframe collect` makes one; `stillframe demo` needs no AWS account",
        )
    return finished[-1].path


def open_snapshot(path: Path) -> Snapshot:
    """Open a snapshot, or the latest one of an archive. Accounts and resources are read when asked for.

    Raises SnapshotError here and while reading: absent, unfinished, newer, malformed, or changed.
    """
    folder = find_snapshot(path)
    data = _read(folder / MANIFEST)
    manifest = _manifest(data, folder)
    return Snapshot(
        id=manifest.id,
        captured_at=manifest.captured_at,
        accounts=tuple(sorted(manifest.accounts)),
        account=partial(_open_account, folder, manifest.accounts),
        digest=digest(data),
    )


def read_manifest(folder: Path) -> Manifest:
    return _manifest(_read(folder / MANIFEST), folder)


def _manifest(data: bytes, folder: Path) -> Manifest:
    manifest: Manifest = parse(data, Manifest, folder / MANIFEST)
    if not manifest.accounts:
        raise SnapshotError(f"{folder / MANIFEST}: no accounts", "an empty snapshot says nothing: collect again")
    return manifest


def read_account_file(folder: Path, account: str, expected: str) -> AccountFile:
    path = folder / account / ACCOUNT
    data = _read(path)
    if digest(data) != expected:
        raise SnapshotError(f"{path}: its digest is not the one in {MANIFEST}", _DAMAGED)
    file: AccountFile = parse(data, AccountFile, path)
    if file.account != account:
        raise SnapshotError(f"{path}: it describes account {file.account}", _DAMAGED)
    return file


def read_resources(folder: Path, account: str, kind: str, entry: TypeEntry) -> Iterator[Resource]:
    """The resources of one file, in its order. Nothing is yielded unless the digest of the whole file is right."""
    if entry.sha256 is None:
        if entry.count:
            raise SnapshotError(f"{folder / account / ACCOUNT}: {entry.count} of {kind} without a digest", _DAMAGED)
        return
    path = folder / account / file_name(kind)
    data = _read(path)
    if digest(data) != entry.sha256:
        raise SnapshotError(f"{path}: its digest is not the one in {ACCOUNT}", _DAMAGED)
    lines = data.splitlines()
    if len(lines) != entry.count:
        raise SnapshotError(f"{path}: {len(lines)} resources where {ACCOUNT} counts {entry.count}", _DAMAGED)
    spec = load_catalog().get(kind)
    last = ("", "")
    for number, line in enumerate(lines, 1):
        resource = _read_line(line, f"{path}:{number}")
        if (resource.type, resource.account) != (kind, account):
            described = f"{resource.type} of account {resource.account}"
            raise SnapshotError(f"{path}:{number}: it describes {described}", _DAMAGED)
        if (resource.region, resource.id) <= last:
            raise SnapshotError(f"{path}:{number}: not in the order of region and id, or there twice", _SPECIFIED)
        last = (resource.region, resource.id)
        if spec:
            complete(resource.config, spec)
        yield resource


def _read_line(line: bytes, where: str) -> Resource:
    if too_deep(line):
        raise SnapshotError(f"{where}: nested too deeply", _SPECIFIED)
    try:
        return read_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError, SnapshotError) as error:
        raise SnapshotError(f"{where}: {error}", _SPECIFIED) from None


def complete(config: dict[str, Json], spec: ResourceType) -> None:
    """Mark as unknown, in place, what AWS always sends or the collector always attaches, but is not there.

    Without this a lost field would read as null, and null reads as false: `!Public` would pass.
    """
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


def _open_account(folder: Path, digests: Mapping[str, str], account: str) -> Account:
    file = read_account_file(folder, account, digests[account])
    regions = file.regions

    def read(kind: str) -> Iterator[Resource]:
        entry = file.types.get(kind)
        return read_resources(folder, account, kind, entry) if entry else iter(())

    return Account(
        id=account,
        name=file.name,
        regions=Unknown.because(regions.cause) if isinstance(regions, Marker) else tuple(regions),
        coverage={
            kind: Coverage(read=frozenset(entry.read), missing=entry.missing, count=entry.count)
            for kind, entry in file.types.items()
        },
        read=read,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SnapshotError(f"{path}: missing", _DAMAGED) from None
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read ({error.strerror})") from None
