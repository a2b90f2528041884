"""Lost rows: a snapshot without one of the rows that a policy looks up, as if it were shared no longer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.model import Account, Json, Resource, Snapshot
from ..model.policy import Policy

_Rows = Mapping[tuple[str, str], Sequence[Resource]]  # by account and type


class LostRow(Struct, frozen=True, kw_only=True):
    """A row, and the `rest` of what its policy reads. It is `named` where a record there says its id.

    A row that nobody names, such as the only flow log of a VPC, is found by what it says of others: without it nobody
    can know that it was there.
    """

    row: Resource
    named: bool
    rest: Snapshot


def lost_rows(policy: Policy, snapshot: Snapshot) -> Iterator[LostRow]:
    """Each row of each type that a policy looks up, but for those that its rollup folds: these are evaluated."""
    looked_up = {lookup.source for lookup in policy.lookups.values()} - {*(policy.subjects() if policy.rollup else ())}
    rows = {
        (account, kind): list(snapshot.account(account).read(kind))
        for account in snapshot.accounts
        for kind in {*policy.kinds()}
    }
    records = [each for listed in rows.values() for each in listed]
    for gone in [each for each in records if each.type in looked_up]:
        rest = {key: [each for each in listed if each is not gone] for key, listed in rows.items()}
        names = {gone.id, gone.id.rpartition(":")[2], gone.id.rpartition("/")[2]}  # also the end of an ARN
        named = any(_says(each.config, names) for each in records if each is not gone)
        yield LostRow(row=gone, named=named, rest=_holding(snapshot, rest))


def _holding(snapshot: Snapshot, rows: _Rows) -> Snapshot:
    """A snapshot with these rows, that says of each type where it was read as it did."""

    def account(identity: str) -> Account:
        def read(kind: str) -> Sequence[Resource]:
            return rows.get((identity, kind), ())

        return replace(snapshot.account(identity), read=read, lines=None, parse=None, stamp=None)

    return replace(snapshot, account=account, path=None, digest=None, digests={})


def _says(value: Json, names: Collection[str]) -> bool:
    if isinstance(value, dict | list):
        return any(_says(each, names) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value in names
