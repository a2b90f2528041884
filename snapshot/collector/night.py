"""One night of an archive: nobody else is at work on it, and what is there already is not collected again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from msgspec import Struct, field

from ..errors import CollectError, StillframeError
from ..files import PLAN, lock, open_own, writing
from ..format import Edge, Timestamp, encode, parse, timestamp
from ..layout import ID, MANIFEST
from ..names import moment_of
from ..remote import OvertakenError, Place, Remote, concurrently, entries, find, put_if

LOCK = ".nightly"
LEASE = timedelta(minutes=3)  # of an object store, where nothing tells that a holder is gone
_RENEWED = 45.0  # seconds
_AHEAD = timedelta(hours=1)  # of this clock may another be; a snapshot of later would be of every night to come


class Lease(Edge, frozen=True, kw_only=True):
    """`.nightly` of an archive in object storage: who is at work, and until when at least."""

    holder: str
    until: Timestamp


class Tonight(Struct, frozen=True, kw_only=True):
    """What an archive has of this night: a finished snapshot or one to complete; and what is left of other nights."""

    finished: Place | None = None
    unfinished: Place | None = None
    left: list[str] = field(default_factory=list)


def tonight(archive: Place, fresh: timedelta) -> Tonight:
    """What there is, where a snapshot that was begun within the time `fresh` is of this night."""
    found = []
    with suppress(FileNotFoundError):
        found = [path for path in entries(archive) if ID.match(path.name) and path.is_dir()]
    now = datetime.now(UTC)
    since, until = now - fresh, now + _AHEAD
    whole = concurrently(lambda path: (path / MANIFEST).exists(), found)
    done = [path for path, finished in zip(found, whole, strict=True) if finished]
    begun = [path for path, finished in zip(found, whole, strict=True) if not finished]
    of_now = [path for path in done if _between(path, since, until)]
    to_complete = [path for path in begun if _between(path, since, until)]
    planned = [path for path in to_complete if (path / PLAN).is_file()]  # others are of imports
    return Tonight(
        finished=of_now[-1] if of_now else None,
        unfinished=planned[-1] if planned else None,
        left=[path.name for path in begun if path not in to_complete],
    )


def _between(path: Place, since: datetime, until: datetime) -> bool:
    moment = moment_of(path.name)
    return moment is not None and since < moment < until


@contextmanager
def alone(archive: Place) -> Iterator[None]:
    """Nobody else does the night of an archive while the block runs. Raises CollectError where somebody does."""
    if isinstance(archive, Remote):
        with _leased(archive / LOCK):
            yield
        return
    with writing(archive):
        archive.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open_own(archive / LOCK)
    with file:
        if not lock(file, wait=False):
            raise _at_work(archive)
        yield


def _at_work(archive: Place, until: datetime | None = None) -> CollectError:
    text = f"{archive}: another night is at work on it"
    if until is None:
        return CollectError(text, "wait for it to end; nothing was done here")
    over = timestamp(until)
    return CollectError(f"{text}, until {over} at least", f"wait for it to end; if it was killed, try after {over}")


@contextmanager
def _leased(place: Remote) -> Iterator[None]:
    holder, tag = f"{os.getpid()}-{secrets.token_hex(8)}", None
    if found := find(place):
        data, tag = found
        lease: Lease = parse(data, Lease, place)
        until = moment_of(lease.until)
        if until and until > datetime.now(UTC):
            raise _at_work(place.parent, until)

    def write(tag: str | None, until: datetime) -> str:
        return put_if(place, encode({"holder": holder, "until": timestamp(until)}), tag)

    try:
        tags = [write(tag, datetime.now(UTC) + LEASE)]
    except OvertakenError:
        raise _at_work(place.parent, datetime.now(UTC) + LEASE) from None
    done = Event()

    def renew() -> None:
        while not done.wait(_RENEWED):
            with suppress(StillframeError):  # what is at work is safe by itself; this keeps others from joining
                tags.append(write(tags[-1], datetime.now(UTC) + LEASE))

    renewer = Thread(target=renew, daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        with suppress(StillframeError):
            write(tags[-1], datetime.now(UTC))
