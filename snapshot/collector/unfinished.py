"""A snapshot by a plan: begun, found where it was left, and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct, structs

from ..chain import settle
from ..errors import CollectError, OtherPlanError
from ..files import PLAN, folder_at
from ..format import timestamp
from ..layout import ID, MANIFEST
from ..remote import Place, Remote, entries
from .kept import Kept, keep, pick_up
from .write import SnapshotWriter, Writer
from .write_objects import begin_objects, pick_up_objects, resume_objects

_SAME = ("caller", "accounts", "roles", "external_id", "regions", "types", "attached", "filling")  # of two plans


class Left(Struct, frozen=True, kw_only=True):
    """An unfinished snapshot: its plan, whether this user made that here, and what goes on with it."""

    folder: Place
    kept: Kept
    known: bool
    go_on: Callable[[], Writer]


@contextmanager
def begin(archive: Place, kept: Kept) -> Iterator[Writer]:
    """What writes a new snapshot, by a plan that it keeps; in a folder nobody else does while the block runs."""
    if isinstance(archive, Remote):
        yield begin_objects(archive, kept)
        return
    writer = SnapshotWriter(archive, datetime.fromisoformat(kept.captured_at))
    file, writer.journal = keep(writer.path, structs.replace(kept, captured_at=timestamp(writer.captured_at)))
    with file:
        yield writer


@contextmanager
def take_up(folder: Place) -> Iterator[Left]:
    """An unfinished snapshot, held as above. Raises CollectError where it cannot be completed."""
    if isinstance(folder, Remote):
        kept, journal = pick_up_objects(folder)
        yield Left(
            folder=folder,
            kept=kept,
            known=journal is not None,
            go_on=lambda: resume_objects(folder, kept, journal),
        )
        return
    kept, file, journal = pick_up(folder)
    moment = datetime.fromisoformat(kept.captured_at)
    with file:
        yield Left(
            folder=folder,
            kept=kept,
            known=journal is not None,
            go_on=lambda: SnapshotWriter(folder.parent, moment, unfinished=kept.accounts, journal=journal),
        )


def agree(left: Left, asked: Kept) -> None:
    """Raise OtherPlanError where the plan of an unfinished snapshot is not what is asked for now."""
    differ = [name for name in _SAME if _of(asked, name) != _of(left.kept, name)]
    if differ:
        why = "asks for something else" if left.known else "was not made by this user here, and asks for something else"
        raise OtherPlanError(
            f"{left.folder}: its plan {why}: {', '.join(differ).replace('_', ' ')}",
            "give the options with which it was begun, or begin again without --resume",
        )


def _of(plan: Kept, name: str) -> object:
    found = getattr(plan, name)
    return sorted(found) if name == "accounts" else found


def unfinished(into: Place) -> Place:
    """The latest snapshot without a manifest, of an archive or named itself; one with a plan, if there is any."""
    itself = ID.match(into.name)
    if isinstance(into, Remote):
        settle(into.parent if itself else into)
    planless = None  # that of an import
    for folder in [into] if itself else reversed(entries(into) if into.is_dir() else []):
        there = folder.is_dir() if isinstance(folder, Remote) else folder_at(folder)
        if ID.match(folder.name) and there and not (folder / MANIFEST).exists():
            if (folder / PLAN).is_file():
                return folder
            planless = planless or folder
    if planless:
        return planless
    raise CollectError(f"{into}: no unfinished snapshot here", "there is nothing to complete: collect without --resume")
