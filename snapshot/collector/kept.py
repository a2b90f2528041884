"""The file that an unfinished snapshot keeps of what was asked for, so that it can be completed."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import msgspec

from ..catalog import catalog_digest
from ..errors import CollectError, OtherPlanError
from ..files import DOCUMENT, PLAN, open_held, write_file, writing
from ..format import AccountId, Edge, Timestamp, digest, encode, parse
from ..names import moment_of
from ..remote import Place
from .journal import Journal, begin, find

_AGAIN = "collect again, without --resume"


class Kept(Edge, frozen=True, kw_only=True):
    """`.plan.json`: what was asked for. It is removed when the snapshot is finished."""

    format: int = 1
    catalog: str
    captured_at: Timestamp
    caller: str
    accounts: dict[AccountId, str | None]  # with their names
    facts: dict[str, Any]
    types: list[str]
    attached: dict[str, list[str]] = msgspec.field(default_factory=dict)  # of types asked in part
    regions: list[str] | None
    roles: list[str]
    external_id: str | None
    scope: dict[str, Any]
    filling: str | None = None  # of an import that is filled: the digest of what is known, and of what counts


def keep(folder: Path, kept: Kept) -> tuple[IO[bytes], Journal]:
    """Write the plan into an unfinished snapshot, and hold the snapshot for as long as the file is open."""
    partial, data = folder / f"{PLAN}.new", kept_bytes(kept)
    journal = begin(digest(data))  # before others see the plan: who is interrupted now can go on
    with writing(folder):
        write_file(partial, data)
        file = _held(folder, partial)
        partial.rename(folder / PLAN)  # from now on others see it, and that it is held
    return file, journal


def kept_bytes(kept: Kept) -> bytes:
    return encode({name: getattr(kept, name) for name in kept.__struct_fields__})


def read_plan(data: bytes, folder: Place) -> Kept:
    """The plan of an unfinished snapshot. Raises CollectError where it cannot be completed."""
    kept: Kept = parse(data, Kept, folder / PLAN)
    if kept.catalog != catalog_digest():
        raise OtherPlanError(f"{folder}: it was begun with another catalogue of resource types", _AGAIN)
    if moment_of(kept.captured_at) is None or folder.name != kept.captured_at.replace(":", "-"):
        raise OtherPlanError(f"{folder / PLAN}: it is of another time, {kept.captured_at}", _AGAIN)
    return kept


def pick_up(folder: Path) -> tuple[Kept, IO[bytes], Journal | None]:
    """The plan of an unfinished snapshot, which is held. Raises CollectError where it cannot be completed.

    There is no journal of a plan that this user did not make here: then nothing that it says may be done.
    """
    try:
        file = _held(folder, folder / PLAN)
    except FileNotFoundError:
        raise OtherPlanError(f"{folder}: it keeps no plan by which to complete it", _AGAIN) from None
    except OSError as error:
        raise CollectError(f"{folder / PLAN}: cannot be opened ({error.strerror})", _AGAIN) from None
    try:
        data = file.read(DOCUMENT)
        kept = read_plan(data, folder)
    except BaseException:
        file.close()
        raise
    return kept, file, find(digest(data))


def _held(folder: Path, path: Path) -> IO[bytes]:
    file = open_held(path)
    if file is None:
        raise CollectError(f"{folder}: another collector is at work on it", "wait for it to end")
    return file
