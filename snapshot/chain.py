"""The chain of an archive: each snapshot's manifest names the one before it, with its digest.

Whoever changes, removes or slips in a snapshot must change all that came after it, up to the last, whose digest can be
kept elsewhere. Snapshots stand in the order in which they were finished. Of one that was pruned the manifest stays, in
`pruned/`, so the chain holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from .errors import SnapshotError
from .files import DAMAGED, lock, open_own
from .format import Previous, digest, parse
from .layout import ID, MANIFEST
from .names import moment_of
from .remote import OvertakenError, Place, Remote, entries, find, put_if, read

PRUNED = "pruned"
LOCK = ".lock"
# Of an archive in object storage, where nothing can be locked:
LAST = "last.json"  # a copy of the last manifest, which changes only on condition
CLAIM = ".claim.json"  # of an unfinished snapshot
PRUNING = ".pruning"  # there while somebody prunes


class _Link(msgspec.Struct, frozen=True):
    """What the chain needs of a manifest: of a fleet's, all else would take long to read."""

    id: str
    previous: Previous | None = None


class Link(Struct, frozen=True, kw_only=True):
    """A finished snapshot, or one that was pruned, with the digest of its manifest."""

    id: str
    path: Place
    digest: str
    previous: Previous | None
    pruned: bool


def links(archive: Place, faults: list[str] | None = None) -> dict[str, Link]:
    """Every link of an archive, by id. What cannot be read is none, and is told to `faults`."""
    found = {}
    for path, pruned in _manifests(archive):
        try:
            data = read(path)
            link: _Link = parse(data, _Link, path)
        except SnapshotError as error:
            if faults is not None:
                faults.append(str(error))
            continue
        name = path.stem if pruned else path.parent.name
        if moment_of(name) is None:
            if faults is not None:
                faults.append(f"{path}: there is no such time")
            continue
        found[name] = Link(id=name, path=path, digest=digest(data), previous=link.previous, pruned=pruned)
    return found


def heads(chain: Mapping[str, Link]) -> list[Link]:
    """The links that no other names: one, where nobody meddled, or where all is from before there were chains."""
    named = {link.previous.id for link in chain.values() if link.previous}
    return [link for name, link in sorted(chain.items()) if name not in named]


def latest(archive: Place) -> Place | None:
    """The folder of the finished snapshot of the latest capture time."""
    folders = [path for path in reversed(entries(archive)) if ID.match(path.name)]
    return next((path for path in folders if (path / MANIFEST).is_file()), None)


class Last(Struct, frozen=True):
    """The last manifest of an archive in object storage, and the tag of its copy."""

    id: str
    digest: str
    tag: str


def settle(archive: Remote) -> Last | None:
    """The last manifest, by its copy. It is put in its place if whoever took that was stopped in between."""
    found = find(archive / LAST)
    if found is None:
        return None
    data, tag = found
    link: _Link = parse(data, _Link, archive / LAST)
    if moment_of(link.id) is None:
        raise SnapshotError(f"{archive / LAST}: there is no such time", DAMAGED)
    if not is_finished(archive / link.id):
        with suppress(OvertakenError):  # somebody else did
            put_if(archive / link.id / MANIFEST, data, None)
    return Last(link.id, digest(data), tag)


def manifest_at(snapshot: Place) -> Place | None:
    """The manifest of a snapshot that is finished, or was and is pruned."""
    both: tuple[Place, Place] = (snapshot / MANIFEST, snapshot.parent / PRUNED / f"{snapshot.name}.json")
    return next((path for path in both if path.is_file()), None)


def is_finished(snapshot: Place) -> bool:
    """Whether a snapshot is finished, or was and is pruned."""
    return manifest_at(snapshot) is not None


def last_link(archive: Place) -> Link | None:
    """The last of the heads of an archive."""
    last = heads(links(archive))
    return last[-1] if last else None


@contextmanager
def hold(archive: Path) -> Iterator[None]:
    """Nobody else adds to the chain of an archive, or prunes it, while the block runs."""
    with open_own(archive / LOCK) as file:
        lock(file, wait=True)
        yield


@contextmanager
def append(archive: Path) -> Iterator[Previous | None]:
    """What the next manifest of an archive names as the one before it. No other is written meanwhile."""
    with hold(archive):
        last = last_link(archive)
        yield Previous(id=last.id, sha256=last.digest) if last else None


def verify_chain(archive: Place) -> Iterator[str]:
    """Every fault of an archive's chain, as text."""
    faults: list[str] = []
    chain = links(archive, faults)
    yield from faults
    followers: dict[str, str] = {}
    for name, link in sorted(chain.items()):
        before = link.previous
        if before is None:
            continue
        if before.id not in chain:
            yield f"{link.path}: it follows {before.id}, which is neither here nor among the pruned"
        elif chain[before.id].digest != before.sha256:
            yield f"{chain[before.id].path}: changed since {name} was written after it"
        if before.id in followers:
            yield f"{link.path}: it follows {before.id}, as {followers[before.id]} does"
        followers[before.id] = name
    begun = [link for _, link in sorted(chain.items()) if link.previous is None]
    for link in begun[1:]:
        if any(each.previous for each in chain.values() if each.id < link.id):
            yield f"{link.path}: it follows none, although there were snapshots before it"


def _manifests(archive: Place) -> Iterator[tuple[Place, bool]]:
    for path in entries(archive):
        if ID.match(path.name) and (path / MANIFEST).is_file():
            yield path / MANIFEST, False
    pruned = archive / PRUNED
    for path in entries(pruned) if pruned.is_dir() else ():
        if path.name.endswith(".json") and ID.match(path.stem) and not (archive / path.stem / MANIFEST).is_file():
            yield path, True
