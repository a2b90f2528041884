"""Remove old snapshots from an archive in object storage, and the files that no other refers to.

A file that nothing refers to may be one of a snapshot that is being written. So nobody collects meanwhile: a collector
claims its snapshot and then looks whether somebody prunes, and whoever prunes says so and then looks for claims.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from .abandoned import abandoned
from .archive import list_snapshots, read_account_file, read_manifest
from .chain import PRUNED, PRUNING, settle
from .errors import CollectError
from .layout import MANIFEST, OBJECTS, Files, files_of
from .remote import AT_ONCE, OvertakenError, Place, Remote, every, put, put_if, read, remove


def prune_objects(archive: Remote, going: list[str], idle: timedelta) -> list[str]:
    """Remove these snapshots, whose manifests stay, in `pruned/`, and those that are abandoned; gives the latter.

    Raises CollectError where somebody may be collecting.
    """
    with _alone(archive):
        settle(archive)
        left = abandoned(archive, idle)
        there = [entry for entry in list_snapshots(archive) if entry.id not in left]
        if unfinished := [entry.id for entry in there if entry.accounts is None]:
            raise CollectError(
                f"{archive / unfinished[0]}: unfinished: its files cannot be told from those that nothing needs",
                "complete it with `stillframe collect --resume`; or remove it with `stillframe snapshot prune "
                "--unfinished`, which pruning does by itself a day after it was last written",
            )
        needed = _needed([entry.path for entry in there if entry.id not in going])
        for name in going:
            _remove(archive / name)
        for name in left:
            remove(every(archive / name))
        remove(each for each in every(archive / OBJECTS) if each.name not in needed)
    return left


@contextmanager
def _alone(archive: Remote) -> Iterator[None]:
    flag = archive / PRUNING
    try:
        put_if(flag, secrets.token_hex(16).encode(), None)
    except OvertakenError:
        raise CollectError(
            f"{archive}: somebody else prunes it, or was stopped when pruning", f"wait; or remove {flag}"
        ) from None
    try:
        yield
    finally:
        remove([flag])


def _needed(snapshots: list[Place]) -> set[str]:
    """The digests of all files that snapshots refer to. Raises SnapshotError where one cannot be read."""
    accounts: dict[str, tuple[Files, str]] = {}  # by digest: most are the same in most snapshots
    for folder in snapshots:
        manifest = read_manifest(folder)
        files = files_of(folder, manifest)
        if files.by_digest:
            accounts |= {digest: (files, account) for account, digest in manifest.accounts.items()}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda item: read_account_file(item[1][0], item[1][1], item[0]), accounts.items())
        return {*accounts, *(entry.sha256 for file in found for entry in file.types.values() if entry.sha256)}


def _remove(snapshot: Remote) -> None:
    """The manifest goes last, so that a snapshot is never unfinished on its way."""
    own = snapshot / MANIFEST
    beside = [each for each in every(snapshot) if each != own]
    for each in (*beside, own):
        if each.parent == snapshot and each.name.startswith(MANIFEST):
            put(snapshot.parent / PRUNED / f"{snapshot.name}.json{each.name.removeprefix(MANIFEST)}", read(each))
    remove(each for each in beside)
    remove([own])
