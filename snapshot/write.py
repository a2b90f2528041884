"""Write a snapshot so that no half of one can be taken for a whole: files, account by account, manifest last."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import stillframe

from .archive import ACCOUNT, MANIFEST
from .catalog import catalog_digest
from .errors import CollectError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountData:
    """What was collected from one account: `coverage` says for each type where it was read and where not."""

    id: str
    name: str | None
    regions: Iterable[str] | Unknown
    coverage: Mapping[str, Coverage]
    resources: Mapping[str, Sequence[Resource]]


class SnapshotWriter:
    """A snapshot being written: `add` each account, then `finish`."""

    def __init__(self, archive: Path, captured_at: datetime) -> None:
        """Make the snapshot's folder. Raises CollectError where the archive cannot be written."""
        self._digests: dict[str, str] = {}
        moment = captured_at.replace(microsecond=0)
        try:
            archive.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                self.path = archive / snapshot_id(moment)
                try:
                    self.path.mkdir(mode=0o700)
                    break
                except FileExistsError:  # another collector took this second
                    moment += timedelta(seconds=1)
        except OSError as error:
            raise CollectError(
                f"{archive}: cannot write a snapshot here ({error.strerror})",
                "name another folder with --into",
            ) from None
        self.captured_at = moment

    def add(self, account: AccountData) -> None:
        """Write one account's folder: beside its final name, then renamed, so that it is there whole or not at all."""
        partial = Path(tempfile.mkdtemp(prefix=f".{account.id}-", dir=self.path))
        try:
            types = {kind: _write_type(partial, account, kind) for kind in sorted(account.coverage)}
            data = _document(
                AccountFile(
                    format=FORMAT, account=account.id, name=account.name, regions=_regions(account), types=types
                )
            )
            _write(partial / ACCOUNT, data)
            _sync(partial)
            partial.rename(self.path / account.id)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        self._digests[account.id] = digest(data)

    def finish(self, scope: Mapping[str, Any]) -> Path:
        """Write the manifest, which makes the snapshot whole. Raises CollectError if no account was added."""
        if not self._digests:
            raise CollectError("no account was collected", "check --accounts, --role and the credentials")
        manifest = Manifest(
            format=FORMAT,
            id=self.path.name,
            captured_at=timestamp(self.captured_at),
            tool=f"stillframe {stillframe.__version__}",
            catalog=catalog_digest(),
            scope=dict(scope),
            accounts=dict(sorted(self._digests.items())),
        )
        partial = self.path / f".{MANIFEST}"
        _write(partial, _document(manifest))
        partial.rename(self.path / MANIFEST)
        _sync(self.path)
        return self.path

    def discard(self) -> None:
        """Remove a snapshot that reached nothing."""
        shutil.rmtree(self.path, ignore_errors=True)


def _regions(account: AccountData) -> list[str] | Marker:
    regions = account.regions
    return Marker(cause=str(regions)) if isinstance(regions, Unknown) else sorted(regions)


def _write_type(folder: Path, account: AccountData, kind: str) -> TypeEntry:
    resources = sorted(account.resources.get(kind, ()), key=lambda resource: (resource.region, resource.id))
    data = b"".join(map(write_line, resources))
    if data:
        _write(folder / file_name(kind), data)
    coverage = account.coverage[kind]
    return TypeEntry(
        count=len(resources),
        sha256=digest(data) if data else None,
        read=sorted(coverage.read),
        missing=dict(sorted(coverage.missing.items())),
    )


def _document(document: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
