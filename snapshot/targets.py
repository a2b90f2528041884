"""Which accounts to collect, and how each is entered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

import boto3

from .errors import ArgumentError
from .session import ORGANIZATION_ROLE, Caller, Target, assume, organization_accounts


def find_targets(
    session: boto3.Session,
    caller: Caller,
    *,
    accounts: Sequence[str] = (),
    organization: bool = False,
    role: str = ORGANIZATION_ROLE,
    endpoint_url: str | None = None,
) -> tuple[list[Target], dict[str, Any]]:
    """The accounts named, those of the organisation, or the caller's own; and the scope for the manifest.

    The caller's own account is entered with the caller's credentials, every other through `role`. Accounts that
    are not active cannot be entered: the scope lists them with their status. Raises CollectError.
    """
    names: dict[str, str | None] = dict.fromkeys(accounts or (caller.account,))
    skipped: dict[str, str] = {}
    if organization:
        listed = organization_accounts(session, caller, endpoint_url)
        names = {entry["Id"]: entry.get("Name") for entry in listed if _status(entry) == "ACTIVE"}
        skipped = {entry["Id"]: _status(entry) for entry in listed if _status(entry) != "ACTIVE"}

    def target(account: str) -> Target:
        enter = partial(assume, session, caller, account, role, endpoint_url)
        return Target(
            account=account,
            name=names[account],
            enter=(lambda: session) if account == caller.account else enter,
        )

    scope = {
        "accounts": "organization" if organization else "listed" if accounts else "caller",
        "partition": caller.partition,
        "role": role if organization or accounts else None,
        "skipped": dict(sorted(skipped.items())),
    }
    return [target(account) for account in sorted(names)], scope


def check_regions(session: boto3.Session, regions: Collection[str]) -> None:
    """Raise ArgumentError for a region name that no partition of AWS has."""
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    }
    for region in sorted(set(regions) - known):
        close = get_close_matches(region, known, 1)
        raise ArgumentError(
            f"unknown region {region}",
            f"did you mean {close[0]}?" if close else "a region newer than this boto3 needs its upgrade",
        )


def _status(entry: dict[str, Any]) -> str:
    return str(entry.get("State") or entry.get("Status") or "UNKNOWN")
