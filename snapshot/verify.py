"""Verify a snapshot as far as it can be: digests, counts, order, and every document against its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

import msgspec

from .archive import find_snapshot, read_account_file, read_manifest
from .catalog import load_catalog
from .chain import CLAIM, verify_chain
from .errors import SnapshotError
from .files import FILE, PLAN, packaged
from .format import TOO_DEEP, AccountFile, Marker, file_name, read_line, too_deep
from .given import place_of
from .kinds import MALFORMED, malformed
from .layout import ACCOUNT, ID, MANIFEST, Files, files_of
from .model import EVERYWHERE, GLOBAL
from .names import REGION
from .remote import Place, entries, read
from .resource_file import read_resources
from .validation import validator

SHOWN = 20  # malformed values of one file


def verify(path: Place | str) -> Iterator[str]:
    """Every fault of a snapshot, as text with the file it is in. Raises SnapshotError if there is no snapshot."""
    folder = find_snapshot(path)
    try:
        manifest = read_manifest(folder)
    except SnapshotError as error:
        yield str(error)
        return
    yield from _document("manifest", folder / MANIFEST)
    if manifest.id != folder.name:
        yield f"{folder / MANIFEST}: it is the manifest of {manifest.id}"
    files = files_of(folder, manifest)
    known = {MANIFEST, PLAN, CLAIM} | (set() if files.by_digest else {*manifest.accounts})
    for stray in sorted({path.name for path in folder.iterdir()} - known):
        if stray.startswith(f"{MANIFEST}."):  # such as a signature
            continue
        yield f"{folder / stray}: not in {MANIFEST}"
    for account, digest in sorted(manifest.accounts.items()):
        try:
            file = read_account_file(files, account, digest)
        except SnapshotError as error:
            yield str(error)
            continue
        path = files.account(account, digest)
        yield from _document("account", path)
        yield from _places(path, file)
        yield from _account(files, account, file)


def verify_archive(archive: Place | str) -> Iterator[str]:
    """Every fault of the finished snapshots of an archive, and of the chain that they form.

    Raises SnapshotError if there is no archive, or nothing in it that is finished.
    """
    archive = place_of(archive)
    finished: list[Place] = []
    with suppress(OSError):
        finished = [path for path in entries(archive) if ID.match(path.name) and (path / MANIFEST).exists()]
    if not finished:
        folder = find_snapshot(archive)  # which says what is wrong with it
        raise SnapshotError(f"{folder}: a snapshot, and no archive", "name the folder that it is in")
    faults = [fault for path in finished for fault in verify(path)]
    yield from dict.fromkeys([*faults, *verify_chain(archive)])


def schema(name: str) -> Any:
    """The JSON Schema of `manifest`, `account` or `resource`."""
    return json.loads(packaged("snapshot", "schemas", f"{name}.json").read_text("utf-8"))


def _account(files: Files, account: str, file: AccountFile) -> Iterator[str]:
    if not files.by_digest:
        expected = {ACCOUNT, *(file_name(kind) for kind, entry in file.types.items() if entry.sha256)}
        for stray in sorted({path.name for path in (files.folder / account).iterdir()} - expected):
            yield f"{files.folder / account / stray}: not in {ACCOUNT}"
    for kind, entry in sorted(file.types.items()):
        path = files.folder / account / file_name(kind)
        spec = load_catalog().get(kind)
        here = spec is not None and spec.scope == "region" and spec.region is None and GLOBAL not in entry.read
        try:
            for number, resource in enumerate(read_resources(files, account, kind, entry), 1):
                if here and resource.region not in entry.read:
                    yield f"{path}:{number}: it is in {resource.region}, which was not read"
        except SnapshotError as error:
            yield str(error)
            continue
        if entry.sha256:
            *lines, rest = read(files.resources(account, kind, entry.sha256), FILE).split(b"\n")
            if rest:
                yield f"{path}: it does not end with a newline"
            for number, line in enumerate(lines, 1):
                yield from _against("resource", f"{path}:{number}", line)
                yield from _not_canonical(f"{path}:{number}", line)
            yield from _misfits(path, kind, lines)


def _document(name: str, path: Place | str) -> Iterator[str]:
    data = read(path)
    yield from _against(name, path, data)
    yield from _not_canonical(path, data.removesuffix(b"\n"), indent=1)
    if not data.endswith(b"\n"):
        yield f"{path}: it does not end with a newline"


def _not_canonical(where: object, data: bytes, *, indent: int = 0) -> Iterator[str]:
    """Where bytes begin to differ from those that the same data must have: blanks, order, doubles, escapes."""
    if too_deep(data) or (expected := _canonical(data, indent)) == data:
        return
    same = next((at for at, (one, other) in enumerate(zip(data, expected, strict=False)) if one != other), None)
    at = min(len(data), len(expected)) if same is None else same
    yield f"{where}: not in the one form that it must have, from byte {at + 1} on"


def _canonical(data: bytes, indent: int) -> bytes:
    compact = msgspec.json.encode(msgspec.json.decode(data), order="sorted")
    return msgspec.json.format(compact, indent=indent) if indent else compact


def _places(path: object, file: AccountFile) -> Iterator[str]:
    """Faults of the places in an account file: their names, their order, what was read where nothing is."""
    enabled = [] if isinstance(file.regions, Marker) else file.regions
    named = {"regions": enabled, **{kind: entry.read for kind, entry in file.types.items()}}
    for name, places in named.items():
        if places != sorted(set(places)):
            yield f"{path}: {name}: not sorted, or one twice"
        for place in places:
            if not REGION.match(place):
                yield f"{path}: {name}: {place!r} is no place"
            elif enabled and place not in enabled and place != GLOBAL:
                yield f"{path}: {name}: {place} was read, and is not enabled"
    for kind, entry in file.types.items():
        for place in entry.missing:
            if place != EVERYWHERE and not REGION.match(place):
                yield f"{path}: {kind}: {place!r} is no place"


def _misfits(path: object, kind: str, lines: Sequence[bytes]) -> Iterator[str]:
    """Values of another kind than AWS sends. What is wrong with one line is often wrong with all."""
    read = ((number, read_line(line)) for number, line in enumerate(lines, 1) if not too_deep(line))
    found = (f"{path}:{number}: {cause}" for number, line in read for cause in malformed(line.config, kind))
    yield from islice(found, SHOWN)
    if more := sum(1 for _ in found):
        yield f"{path}: {more} more {MALFORMED}"


def _against(name: str, where: object, data: bytes) -> Iterator[str]:
    if too_deep(data):
        yield f"{where}: {TOO_DEEP}"
        return
    for error in _validator(name).iter_errors(msgspec.json.decode(data)):
        yield f"{where}: {error.json_path}: {error.message}"


@cache
def _validator(name: str) -> Any:
    return validator(schema(name))
