"""Write a snapshot so that no half of one can be taken for a whole: files, account by account, manifest last."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import stillframe

from .archive import ACCOUNT, MANIFEST
from .catalog import catalog_digest
from .chain import append, latest
from .errors import CollectError
from .files import PLAN, write_file, writing
from .format import (
    FORMAT,
    AccountFile,
    Manifest,
    Marker,
    TypeEntry,
    digest,
    file_name,
    snapshot_id,
    timestamp,
    write_line,
)
from .model import Coverage, Resource, Unknown

Row = tuple[str, str, bytes]  # a resource as it is written: its region, its id, its line


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountData:
    """What was collected from one account: `coverage` says for each type where it was read and where not."""

    id: str
    name: str | None
    regions: Iterable[str] | Unknown
    coverage: Mapping[str, Coverage]
    resources: Mapping[str, Sequence[Row]]


class SnapshotWriter:
    """A snapshot being written: `add` each account, then `finish`. `done` are the accounts that are whole."""

    def __init__(self, archive: Path, captured_at: datetime, *, unfinished: bool = False) -> None:
        """Make the snapshot's folder; or go on with the `unfinished` one of that time, whose accounts stay.

        Raises CollectError where the archive cannot be written.
        """
        self.captured_at = captured_at.replace(microsecond=0)
        self.done: dict[str, str] = {}
        try:
            if unfinished:
                self.path = archive / snapshot_id(self.captured_at)
                self._clear()
            else:
                self._make(archive)
            self._before = latest(archive)
        except OSError as error:
            raise CollectError(
                f"{archive}: cannot write a snapshot here ({error.strerror})",
                "name another folder with --into",
            ) from None

    def _make(self, archive: Path) -> None:
        archive.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            self.path = archive / snapshot_id(self.captured_at)
            try:
                return self.path.mkdir(mode=0o700)
            except FileExistsError:  # another collector took this second
                self.captured_at += timedelta(seconds=1)

    def _clear(self) -> None:
        """Remove what was begun of accounts, and count those that are whole."""
        for path in self.path.iterdir():
            if path.is_dir() and path.name.startswith("."):
                shutil.rmtree(path)
            elif (path / ACCOUNT).is_file():
                self.done[path.name] = digest((path / ACCOUNT).read_bytes())

    def add(self, account: AccountData) -> None:
        """Write one account's folder: beside its final name, then renamed, so that it is there whole or not at all."""
        with writing(self.path):
            partial = Path(tempfile.mkdtemp(prefix=f".{account.id}-", dir=self.path))
            try:
                types = {kind: self._write_type(partial, account, kind) for kind in sorted(account.coverage)}
                file = AccountFile(
                    format=FORMAT, account=account.id, name=account.name, regions=_regions(account), types=types
                )
                data = document(file)
                self._write(partial / ACCOUNT, data, account.id)
                _sync(partial)
                partial.rename(self.path / account.id)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        self.done[account.id] = digest(data)

    def finish(self, scope: Mapping[str, Any]) -> Path:
        """Write the manifest, which makes the snapshot whole. Raises CollectError if no account was added."""
        if not self.done:
            raise CollectError("no account was collected", "check --accounts, --role and the credentials")
        with writing(self.path), append(self.path.parent) as previous:
            manifest = Manifest(
                format=FORMAT,
                id=self.path.name,
                captured_at=timestamp(self.captured_at),
                tool=f"stillframe {stillframe.__version__}",
                catalog=catalog_digest(),
                previous=previous,
                scope=dict(scope),
                accounts=dict(sorted(self.done.items())),
            )
            partial = self.path / f".{MANIFEST}"
            write_file(partial, document(manifest))
            partial.rename(self.path / MANIFEST)
            with suppress(FileNotFoundError):
                (self.path / PLAN).unlink()
            _sync(self.path)
        return self.path

    def discard(self) -> None:
        """Remove a snapshot that reached nothing."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write_type(self, folder: Path, account: AccountData, kind: str) -> TypeEntry:
        rows = sorted(account.resources.get(kind, ()))
        data = b"".join(line for _, _, line in rows)
        if data:
            self._write(folder / file_name(kind), data, account.id)
        coverage = account.coverage[kind]
        return TypeEntry(
            count=len(rows),
            sha256=digest(data) if data else None,
            read=sorted(coverage.read),
            missing=dict(sorted(coverage.missing.items())),
        )

    def _write(self, path: Path, data: bytes, account: str) -> None:
        """Write a file of an account; where the snapshot before has the very same one, name that."""
        if self._before is not None:
            before = self._before / account / path.name
            with suppress(OSError):  # there is none, or the file system knows no links: then it is written
                if before.stat().st_size == len(data) and before.read_bytes() == data:
                    os.link(before, path)
                    return
        write_file(path, data)


def row(resource: Resource) -> Row:
    """A resource as it is written."""
    return resource.region, resource.id, write_line(resource)


def document(file: msgspec.Struct) -> bytes:
    """The bytes of a manifest or an account file."""
    return msgspec.json.format(msgspec.json.encode(file, order="sorted"), indent=1) + b"\n"


def _regions(account: AccountData) -> list[str] | Marker:
    regions = account.regions
    return Marker(cause=str(regions)) if isinstance(regions, Unknown) else sorted(regions)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
