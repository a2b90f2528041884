"""Write a snapshot so that no half of one can be taken for a whole: files, account by account, manifest last."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
import stillframe
from msgspec import Struct

from ..archive import read_account_file
from ..catalog import catalog_digest
from ..chain import append, is_finished, latest
from ..errors import CollectError, SnapshotError
from ..files import HOLDS_FOLDERS, PLAN, folder_at, hold_folder, read_file, write_file, writing
from ..format import (
    FORMAT,
    AccountFile,
    Manifest,
    Marker,
    Previous,
    TypeEntry,
    digest,
    file_name,
    snapshot_id,
    timestamp,
    write_line,
)
from ..layout import ACCOUNT, MANIFEST, Files
from ..model import Coverage, Filled, Resource, Unknown
from ..names import ACCOUNT_ID, REGIONS
from ..own_types import carried
from ..remote import Place
from ..resource_file import read_resources
from .journal import Journal
from .taking import take

Row = tuple[str, str, bytes]  # a resource as it is written: its region, its id, its line


class AccountData(Struct, frozen=True, kw_only=True):
    """What was collected from one account: `coverage` says for each type where it was read and where not."""

    id: str
    name: str | None
    regions: Iterable[str] | Unknown
    coverage: Mapping[str, Coverage]
    resources: Mapping[str, Sequence[Row]]
    filled: Filled | None = None


class Written(Struct, frozen=True, kw_only=True):
    """An account whose files are written: the digest of its file, and where they are until they are settled."""

    account: str
    digest: str
    partial: str = ""


class Pen(Protocol):
    """What writes the files of an account, wherever it is. It can be sent there."""

    def write(self, account: AccountData) -> Written: ...


class Writer(Protocol):
    """What writes a snapshot: its `pen` the files of accounts; and which of them are in it is settled here.

    `pause` is for when it stops before the end.
    """

    files: Files
    done: dict[str, str]
    captured_at: datetime

    @property
    def pen(self) -> Pen: ...

    def add(self, account: AccountData) -> None: ...

    def settle(self, written: Written) -> None: ...

    def finish(self, scope: Mapping[str, Any]) -> Place: ...

    def pause(self) -> None: ...

    def discard(self) -> None: ...


class SnapshotWriter:
    """A snapshot being written: `add` each account, then `finish`. `done` are the accounts that are whole.

    A `journal` is told of each.
    """

    def __init__(
        self,
        archive: Path,
        captured_at: datetime,
        *,
        unfinished: Collection[str] | None = None,
        journal: Journal | None = None,
        exact: bool = False,
    ) -> None:
        """Make the snapshot's folder; or go on with the `unfinished` one of that time, of these accounts.

        Where somebody has that second, it is of a later one, unless that must be `exact`: then what an import left
        there is begun anew. What is complete in an unfinished one stays, if the journal says so as well. Raises
        CollectError where the archive cannot be written, and where there is an account that was not asked for.
        """
        self.captured_at = captured_at.replace(microsecond=0)
        self.done: dict[str, str] = {}
        self.journal = journal
        try:
            if unfinished is not None:
                self.path = archive / snapshot_id(self.captured_at)
                self._clear(unfinished)
            elif exact:
                self.path = archive / snapshot_id(self.captured_at)
                archive.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._hold(take(self.path))
            else:
                self._make(archive)
            self.files, self._before = Files(self.path), cast("Path | None", latest(archive))
        except OSError as error:
            raise CollectError(
                f"{archive}: cannot write a snapshot here ({error.strerror})",
                "name another folder with --into",
            ) from None

    def _hold(self, folder: int | None) -> None:
        """Hold the folder for as long as this writes: without a plan nothing else tells that somebody is at work."""
        if folder is not None:
            weakref.finalize(self, os.close, folder)

    def _make(self, archive: Path) -> None:
        archive.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            self.path = archive / snapshot_id(self.captured_at)
            if not is_finished(self.path) and self._took():
                return
            self.captured_at += timedelta(seconds=1)  # another took this second, or it was pruned

    def _took(self) -> bool:
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            return False
        folder = hold_folder(self.path)
        self._hold(folder)
        return folder is not None or not HOLDS_FOLDERS

    def _clear(self, accounts: Collection[str]) -> None:
        """Count the accounts that are whole, and remove what was begun of others, or is damaged."""
        for path in self.path.iterdir():
            if not folder_at(path):
                if path.name.startswith(".") and path.name != PLAN:  # a file that had not got its name
                    path.unlink()
                continue
            if not path.name.startswith(".") and path.name not in accounts:
                raise CollectError(f"{path}: no account that was asked for", "remove it, and try again")
            found = None if path.name.startswith(".") else self._complete(path.name)
            if found is None:
                shutil.rmtree(path)
            else:
                self.done[path.name] = found

    def _complete(self, account: str) -> str | None:
        """The digest of an account's file, where all of it is there and undamaged, and the journal says the same."""
        try:
            files, found = Files(self.path), digest(read_file(self.path / account / ACCOUNT))
            for kind, entry in read_account_file(files, account, found).types.items():
                for _ in read_resources(files, account, kind, entry):
                    pass
        except SnapshotError:
            return None
        return found if self.journal is None or self.journal.done.get(account) == found else None

    @property
    def pen(self) -> FolderPen:
        return FolderPen(self.path.absolute(), self._before and self._before.absolute())

    def add(self, account: AccountData) -> None:
        """Write one account's folder, and take it in."""
        self.settle(self.pen.write(account))

    def settle(self, written: Written) -> None:
        """Give a folder its final name, so that it is there whole or not at all."""
        partial = self.path / written.partial
        with writing(self.path):
            try:
                if self.journal:  # before it is there: what is there and not in the journal is not believed
                    self.journal.note(written.account, written.digest)
                partial.rename(self.path / written.account)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        self.done[written.account] = written.digest

    def finish(self, scope: Mapping[str, Any]) -> Path:
        """Write the manifest, which makes the snapshot whole. Raises CollectError if no account was added."""
        if not self.done:
            raise CollectError("no account was collected", "check --accounts, --role and the credentials")
        for partial in self.path.glob(".*-*"):  # of workers that ended, or were taken to have
            shutil.rmtree(partial, ignore_errors=True)
        with writing(self.path), append(self.path.parent) as previous:
            partial = self.path / f".{MANIFEST}"
            write_file(partial, manifest_of(self.path.name, self.captured_at, previous, scope, self.done))
            partial.rename(self.path / MANIFEST)
            with suppress(FileNotFoundError):
                (self.path / PLAN).unlink()
            _sync(self.path)
        if self.journal:
            self.journal.end()
        return self.path

    def pause(self) -> None:
        """What is complete is written down already."""

    def discard(self) -> None:
        """Remove a snapshot that reached nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.journal:
            self.journal.end()


class FolderPen(Struct, frozen=True):
    """Writes accounts into a snapshot's folder, beside their final names; `before` is the snapshot before."""

    path: Path
    before: Path | None

    def write(self, account: AccountData) -> Written:
        check_account(account)
        with writing(self.path):
            partial = Path(tempfile.mkdtemp(prefix=f".{account.id}-", dir=self.path))
            try:
                data = compose(account, lambda name, data: self._write(partial / name, data, account.id))
                self._write(partial / ACCOUNT, data, account.id)
                _sync(partial)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        return Written(account=account.id, digest=digest(data), partial=partial.name)

    def _write(self, path: Path, data: bytes, account: str) -> None:
        """Write a file of an account; where the snapshot before has the very same one, name that."""
        if self.before is not None:
            there = self.before / account / path.name
            with suppress(OSError, SnapshotError):  # there is none, or no links here: then it is written
                if there.lstat().st_size == len(data) and read_file(there) == data:
                    os.link(there, path)
                    return
        write_file(path, data)


def row(resource: Resource) -> Row:
    """A resource as it is written."""
    return resource.region, resource.id, write_line(resource)


def check_account(account: AccountData) -> None:
    if not ACCOUNT_ID.match(account.id):
        raise CollectError(f"{account.id!r} is no account id", "what answers there is not AWS")


def compose(account: AccountData, write: Callable[[str, bytes], object]) -> bytes:
    """The bytes of the account file. Each resource file is given to `write` first, by its name."""
    types = {kind: _compose_type(account, kind, write) for kind in sorted(account.coverage)}
    regions = _regions(account)
    places = [[] if isinstance(regions, Marker) else regions]
    if any(len(each) > REGIONS for each in (*places, *((*found.read, *found.missing) for found in types.values()))):
        raise CollectError(f"account {account.id}: more than {REGIONS} regions", "no account has so many: name some")
    filled: Any = msgspec.UNSET if account.filled is None else account.filled
    return document(
        AccountFile(format=FORMAT, account=account.id, name=account.name, regions=regions, types=types, filled=filled)
    )


def _compose_type(account: AccountData, kind: str, write: Callable[[str, bytes], object]) -> TypeEntry:
    rows = sorted(account.resources.get(kind, ()))
    data = b"".join(line for _, _, line in rows)
    if data:
        write(file_name(kind), data)
    coverage = account.coverage[kind]
    return TypeEntry(
        count=len(rows),
        sha256=digest(data) if data else None,
        read=sorted(coverage.read),
        missing=dict(sorted(coverage.missing.items())),
    )


def manifest_of(
    name: str,
    captured_at: datetime,
    previous: Previous | None,
    scope: Mapping[str, Any],
    accounts: Mapping[str, str],
    form: int = FORMAT,
) -> bytes:
    """The bytes of a manifest."""
    return document(
        Manifest(
            format=form,
            id=name,
            captured_at=timestamp(captured_at),
            tool=f"stillframe {stillframe.__version__}",
            catalog=catalog_digest(),
            previous=previous,
            scope=dict(scope),
            types=carried(scope.get("types", ())) or msgspec.UNSET,
            accounts=dict(sorted(accounts.items())),
        )
    )


def document(file: msgspec.Struct) -> bytes:
    """The bytes of a manifest or an account file."""
    return msgspec.json.format(msgspec.json.encode(file, order="sorted"), indent=1) + b"\n"


def _regions(account: AccountData) -> list[str] | Marker:
    regions = account.regions
    return Marker(cause=str(regions)) if isinstance(regions, Unknown) else sorted(regions)


def _sync(folder: Path) -> None:
    if not HOLDS_FOLDERS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
