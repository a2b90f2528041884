"""Verify a snapshot as far as it can be: digests, counts, order, and every document against its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from .archive import ACCOUNT, ID, MANIFEST, find_snapshot, read_account_file, read_manifest, read_resources
from .catalog import load_catalog
from .chain import verify_chain
from .errors import SnapshotError
from .format import AccountFile, file_name, read_line, too_deep
from .given import path_of
from .kinds import MALFORMED, malformed
from .model import GLOBAL
from .validation import validator

SHOWN = 20  # malformed values of one file


def verify(path: Path | str) -> Iterator[str]:
    """Every fault of a snapshot, as text with the file it is in. Raises SnapshotError if there is no snapshot."""
    folder = find_snapshot(path)
    try:
        manifest = read_manifest(folder)
    except SnapshotError as error:
        yield str(error)
        return
    yield from _against("manifest", folder / MANIFEST, (folder / MANIFEST).read_bytes())
    if manifest.id != folder.name:
        yield f"{folder / MANIFEST}: it is the manifest of {manifest.id}"
    for stray in sorted(set(_folders(folder)) - manifest.accounts.keys()):
        yield f"{folder / stray}: not in {MANIFEST}"
    for account, digest in sorted(manifest.accounts.items()):
        try:
            file = read_account_file(folder, account, digest)
        except SnapshotError as error:
            yield str(error)
            continue
        yield from _against("account", folder / account / ACCOUNT, (folder / account / ACCOUNT).read_bytes())
        yield from _account(folder, account, file)


def verify_archive(archive: Path | str) -> Iterator[str]:
    """Every fault of the finished snapshots of an archive, and of the chain that they form.

    Raises SnapshotError if there is no archive, or nothing in it that is finished.
    """
    archive = path_of(archive)
    manifests: list[Path] = []
    with suppress(OSError):
        manifests = sorted(archive.glob(f"*/{MANIFEST}"))
    if not manifests:
        find_snapshot(archive)  # which says what is wrong with it
    faults = [fault for path in manifests if ID.match(path.parent.name) for fault in verify(path.parent)]
    yield from dict.fromkeys([*faults, *verify_chain(archive)])


def schema(name: str) -> Any:
    """The JSON Schema of `manifest`, `account` or `resource`."""
    return json.loads((files("stillframe.snapshot") / "schemas" / f"{name}.json").read_text())


def _account(folder: Path, account: str, file: AccountFile) -> Iterator[str]:
    expected = {ACCOUNT, *(file_name(kind) for kind, entry in file.types.items() if entry.sha256)}
    for stray in sorted({path.name for path in (folder / account).iterdir()} - expected):
        yield f"{folder / account / stray}: not in {ACCOUNT}"
    for kind, entry in sorted(file.types.items()):
        path = folder / account / file_name(kind)
        spec = load_catalog().get(kind)
        here = spec is not None and spec.scope == "region" and spec.region is None and GLOBAL not in entry.read
        try:
            for number, resource in enumerate(read_resources(folder, account, kind, entry), 1):
                if here and resource.region not in entry.read:
                    yield f"{path}:{number}: it is in {resource.region}, which was not read"
        except SnapshotError as error:
            yield str(error)
            continue
        if entry.sha256:
            lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
            for number, line in enumerate(lines, 1):
                yield from _against("resource", f"{path}:{number}", line)
            yield from _misfits(path, kind, lines)


def _misfits(path: Path, kind: str, lines: Sequence[bytes]) -> Iterator[str]:
    """Values of another kind than AWS sends. What is wrong with one line is often wrong with all."""
    read = ((number, read_line(line)) for number, line in enumerate(lines, 1) if not too_deep(line))
    found = (f"{path}:{number}: {cause}" for number, line in read for cause in malformed(line.config, kind))
    yield from islice(found, SHOWN)
    if more := sum(1 for _ in found):
        yield f"{path}: {more} more {MALFORMED}"


def _against(name: str, where: object, data: bytes) -> Iterator[str]:
    if too_deep(data):  # more than AWS sends; a reader may manage, and need not
        yield f"{where}: nested too deeply"
        return
    for error in _validator(name).iter_errors(msgspec.json.decode(data)):
        yield f"{where}: {error.json_path}: {error.message}"


@cache
def _validator(name: str) -> Any:
    return validator(schema(name))


def _folders(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.is_dir())
