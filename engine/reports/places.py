"""What people call the places of a report: names of accounts, the organisational units above them, tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ...snapshot.format import MISSING, encode
from ...snapshot.model import Account, Snapshot, Unknown
from ..findings.names import units_above
from ..findings.tags import Tags
from .report import Context, Record


def snapshots(context: Context) -> Sequence[Snapshot]:
    """Those that a report is of, the one that counts first."""
    return [each for each in (context.snapshot, context.before) if each]


def accounts(context: Context, named: Iterable[str]) -> Iterator[tuple[str, Account]]:
    """The accounts of some names, each of the first snapshot that has it."""
    for account in named:
        for snapshot in snapshots(context):
            if account in snapshot.accounts:
                yield account, snapshot.account(account)
                break


def units(account: Account) -> list[str]:
    """The names of the organisational units above an account, from the root down; none where they are unknown."""
    return [unit["Name"] for unit in units_above(account) or ()]


def tags(known: Tags, record: Record) -> str:
    """A resource's tags as JSON, or the marker of why they are unknown; empty where there is no such resource."""
    found = known.of(record.account, record.region, record.type, record.resource)
    if found is None:
        return ""
    plain = not isinstance(found, Unknown) and all(value.__class__ is str for value in found.values())
    text = msgspec.json.encode(found, order="sorted") if plain else b""  # a fleet has hundreds of thousands
    return (text if plain and MISSING.encode() not in text else encode(found)).decode()
