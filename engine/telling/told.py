"""What each channel was told: a file of the archive, so that nothing is told twice, from whatever machine.

It has fingerprints and what a channel made of them, such as the number of an issue; and no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ...snapshot.errors import SnapshotError
from ...snapshot.files import read_file, write_file
from ...snapshot.remote import Place, Remote, find, put_if
from ..findings.batch import read_finding
from .news import Current, News

TOLD = ".told.json"


class Known(msgspec.Struct, kw_only=True):
    """A failure that a channel was told of, where, and its own name for it, if it has one."""

    account: str
    policy: str
    name: str = ""
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.policy} {self.account} {self.resource}".rstrip()


class Channel(msgspec.Struct, kw_only=True):
    """What one channel was told, and is not over, by fingerprint; the latest snapshot, and the latest fault."""

    failing: dict[str, Known] = {}
    unknown: list[str] = []
    fault: str = ""
    snapshot: str = ""


class Told(msgspec.Struct, kw_only=True):
    """All channels of an archive, by how they were named."""

    format: int = 1
    channels: dict[str, Channel] = {}


def read_told(archive: Place) -> tuple[dict[str, Channel], str | None]:
    """What is written down, and its tag where it is an object. Raises SnapshotError where it is something else."""
    place = archive / TOLD
    found = find(place) if isinstance(place, Remote) else None
    data = found[0] if found else read_file(place) if isinstance(place, Path) and place.exists() else None
    try:
        return msgspec.json.decode(data, type=Told).channels if data else {}, found[1] if found else None
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{place}: {error}", "remove it: every channel then begins anew") from None


def write_told(archive: Place, channels: dict[str, Channel], tag: str | None) -> None:
    """Write it down; in object storage only if nobody else did meanwhile. Raises OvertakenError."""
    data = msgspec.json.format(msgspec.json.encode(Told(channels=channels), order="sorted"), indent=0)
    if isinstance(archive, Remote):
        put_if(archive / TOLD, data, tag)
    else:
        write_file(archive / TOLD, data)


def news(channel: Channel, now: Current, snapshot: str, first: str) -> News:
    """What a channel has not been told. One that is new is told how much there is, and from then on what changes."""
    if not channel.snapshot:
        return News(snapshot=snapshot, first=first)
    unknown = frozenset(channel.unknown)
    over = {mark: each for mark, each in channel.failing.items() if now.is_over(mark, each.account, each.policy)}
    return News(
        snapshot=snapshot,
        failing=[read_finding(line) for mark, line in now.failing.items() if mark not in channel.failing],
        unknown=[read_finding(line) for mark, line in now.unknown.items() if mark not in unknown],
        over={mark: each.name for mark, each in over.items()},
        resolved=sorted(map(str, over.values())),
        ended=channel.fault,
    )


def after(channel: Channel, now: Current, news: News, names: Mapping[str, str], *, done: bool) -> Channel:
    """What a channel knows when it was told of failures, which it calls so; if not `done`, of these alone."""
    told = [read_finding(line) for line in now.failing.values()] if news.first else news.failing
    new = {
        each.fingerprint: Known(
            account=each.account,
            policy=each.policy,
            name=names.get(each.fingerprint, ""),
            resource=each.name or each.resource,
        )
        for each in told
        if news.first or each.fingerprint in names
    }
    if not done:
        return msgspec.structs.replace(channel, failing={**channel.failing, **new})
    kept = {mark: each for mark, each in channel.failing.items() if mark not in news.over}
    return Channel(failing={**kept, **new}, unknown=sorted(now.unknown), snapshot=news.snapshot)
