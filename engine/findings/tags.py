"""The tags of resources that findings name, read of one account at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ...snapshot.format import MISSING, not_collected
from ...snapshot.model import Account, Snapshot, Unknown

Known = Mapping[str, str] | Unknown
_LIKE_A_MARKER = MISSING[1:]


class _Row(msgspec.Struct, gc=False):
    region: str
    id: str
    tags: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


_read = msgspec.json.Decoder(_Row).decode


class Tags:
    """Tags of resources, by the first snapshot that has them. Ask account by account: only one is kept."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots = snapshots
        self._account = ""
        self._rows: dict[str, dict[tuple[str, str], Known]] = {}

    def of(self, account: str, region: str, kind: str, resource: str) -> Known | None:
        """A resource's tags, Unknown where they could not be read; None where there is no such resource."""
        if account != self._account:
            self._account, self._rows = account, {}
        if kind not in self._rows:
            self._rows[kind] = {}
            for snapshot in self._snapshots:
                if account in snapshot.accounts:
                    self._rows[kind] = _tags(snapshot.account(account), kind) | self._rows[kind]
        return self._rows[kind].get((region, resource))


def texts(tags: Mapping[str, str]) -> set[str]:
    """What patterns of tags are held against: NAME and NAME=VALUE of each."""
    return {*tags, *(f"{name}={value}" for name, value in tags.items())}


def _tags(account: Account, kind: str) -> dict[tuple[str, str], Known]:
    """(region, id) → tags, of all resources of a type. Of a line nothing else is decoded, where they are plain."""
    if not (account.lines and account.parse):
        return {(each.region, each.id): each.tags for each in account.read(kind)}
    found: dict[tuple[str, str], Known] = {}
    for number, line in enumerate(account.lines(kind).lines, 1):
        row = _row(line) or account.parse(kind, line, number)
        found[row.region, row.id] = not_collected(kind) if isinstance(row.tags, msgspec.UnsetType) else row.tags
    return found


def _row(line: memoryview) -> _Row | None:
    """A line whose tags are texts, of which none is spelled like a marker."""
    try:
        row = _read(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    plain = isinstance(row.tags, msgspec.UnsetType) or not any(_LIKE_A_MARKER in name for name in row.tags)
    return row if plain else None
