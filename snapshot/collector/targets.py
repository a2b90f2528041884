"""Which accounts to collect, what their organisation says of them, and how each is entered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from msgspec import Struct, field

from ..catalog import Call
from ..error_kinds import code_of
from ..errors import ArgumentError, CollectError
from ..model import Json, Unknown
from ..names import ACCOUNT_ID
from ..nearest import nearest
from .clients import DEADLINE, Clients, Credentials
from .pages import TooManyPages, UnexpectedAnswer, whole_answer
from .session import ORGANIZATION_ROLE, Caller, way_in

EXCLUDED = "EXCLUDED"  # where AWS has a status: ACTIVE, SUSPENDED …
_REFUSED = (BotoCoreError, ClientError, ResponseParserError, KeyError, UnexpectedAnswer, TooManyPages)


class Target(Struct, frozen=True, kw_only=True):
    """An account to collect: `enter()` gives its credentials, or None for the caller's own.

    `facts` are what the organisation says of it, by the names under which the catalogue attaches them.
    """

    account: str
    name: str | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)
    enter: Callable[[], Credentials | None] = lambda: None


class Found(Struct, frozen=True, kw_only=True):
    """The accounts to collect, and those that are left out: account → why."""

    accounts: Sequence[Target]
    skipped: Mapping[str, str] = field(default_factory=dict)


def find_targets(
    clients: Clients,
    caller: Caller,
    *,
    accounts: Collection[str] = (),
    organization: bool = False,
    exclude: Collection[str] = (),
) -> Found:
    """The accounts named, those of the organisation, or the caller's own. Raises ArgumentError or CollectError.

    Accounts that are not active cannot be entered: they are left out with their status.
    """
    found = _members_of(clients, caller, exclude) if organization else _named(accounts or [caller.account], exclude)
    if not found.accounts:
        raise CollectError("no accounts to collect", "check --accounts, --exclude, or the organisation")
    return found


def _named(accounts: Collection[str], exclude: Collection[str]) -> Found:
    return Found(
        accounts=[Target(account=account) for account in sorted({*accounts} - {*exclude})],
        skipped=dict.fromkeys(sorted({*accounts} & {*exclude}), EXCLUDED),
    )


def _members_of(clients: Clients, caller: Caller, exclude: Collection[str]) -> Found:
    listed = _members(clients, caller)
    unheard = sorted({*exclude} - listed.keys())
    if unheard:
        raise ArgumentError(f"not in the organisation: {', '.join(unheard)}", "--exclude names accounts of it")
    status = {account: EXCLUDED if account in exclude else _status(entry) for account, entry in listed.items()}
    active = sorted(account for account, found in status.items() if found == "ACTIVE")
    units = _units(clients("organizations", caller.home))
    return Found(
        accounts=[
            Target(
                account=account,
                name=listed[account].get("Name"),
                facts={"OrganizationalUnits": units if isinstance(units, Unknown) else units.get(account, _NO_UNIT)},
            )
            for account in active
        ],
        skipped={account: found for account, found in sorted(status.items()) if found != "ACTIVE"},
    )


def entered(
    clients: Clients,
    caller: Caller,
    accounts: Iterable[Target],
    roles: Sequence[str] = (ORGANIZATION_ROLE,),
    external_id: str | None = None,
) -> list[Target]:
    """The same accounts with the way into each: the caller's own by the caller's credentials, every other by roles."""
    enter = way_in(clients, caller, roles, external_id)

    def way(account: str) -> Callable[[], Credentials | None]:
        return (lambda: None) if account == caller.account else lambda: enter(account)

    return [
        Target(account=each.account, name=each.name, facts=each.facts, enter=way(each.account)) for each in accounts
    ]


def check_regions(session: boto3.Session, regions: Collection[str]) -> None:
    """Raise ArgumentError for a region name that no partition of AWS has."""
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    }
    for region in sorted(set(regions) - known):
        close = nearest(region, known)
        raise ArgumentError(
            f"unknown region {region}",
            f"did you mean {close}?" if close else "a region newer than this boto3 needs its upgrade",
        )


_NO_UNIT = Unknown.because("UnexpectedAnswer: organizations:ListAccountsForParent")


def _members(clients: Clients, caller: Caller) -> dict[str, dict[str, Any]]:
    """Every account of the organisation, as organizations:ListAccounts describes it, by its id."""
    client = clients("organizations", caller.home)
    try:
        return {_account_id(entry["Id"]): entry for entry in _all(client, "Accounts")}
    except _REFUSED as error:
        raise CollectError(
            f"cannot list the accounts of the organisation: {error or code_of(error)}",
            "use credentials of the management account or a delegated administrator, or name accounts with --accounts",
        ) from error


def _account_id(found: Any) -> str:
    if isinstance(found, str) and ACCOUNT_ID.match(found):
        return found
    raise UnexpectedAnswer(f"UnexpectedAnswer: {found!r} is no account id")


def _units(client: Any) -> dict[str, list[Json]] | Unknown:
    """Account → the organisational units above it, from the root down."""
    found: dict[str, list[Json]] = {}
    try:
        above: list[list[Json]] = [[{"Id": root["Id"], "Name": root["Name"]}] for root in _all(client, "Roots")]
        while above:
            path = above.pop()
            parent = path[-1]["Id"]
            units = _all(client, "OrganizationalUnits", "ForParent", ParentId=parent)
            above += [[*path, {"Id": unit["Id"], "Name": unit["Name"]}] for unit in units]
            found |= dict.fromkeys(
                (account["Id"] for account in _all(client, "Accounts", "ForParent", ParentId=parent)), path
            )
    except _REFUSED as error:
        return Unknown.because(f"{code_of(error)}: organizations:ListOrganizationalUnitsForParent")
    return found


def _all(client: Any, what: str, of: str = "", **params: str) -> list[dict[str, Any]]:
    """Every page of a list, whose one field of the answer is named after it."""
    operation = f"List{what}{of}"
    call = Call(service="organizations", operation=operation, action=f"organizations:{operation}", result=what)
    found = whole_answer(client, call, params, DEADLINE).get(what)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UnexpectedAnswer
    return found


def _status(entry: dict[str, Any]) -> str:
    return str(entry.get("State") or entry.get("Status") or "UNKNOWN")
