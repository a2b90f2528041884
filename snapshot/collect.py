"""Collect: ask AWS for what the catalogue names, in accounts and regions, and write it to an archive.

    from stillframe.snapshot.collect import collect

    done = collect("snapshots", session=boto3.Session(profile_name="audit"), regions=["eu-west-1"])
    print(done.path, done.gaps)

What fails is recorded with its cause, never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

import boto3

from .archive import ID, MANIFEST
from .catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, catalog_digest, load_catalog
from .clients import DEADLINE, Clients
from .errors import ArgumentError, CollectError
from .format import timestamp
from .model import Collected
from .plan import Kept, Plan, keep, pick_up, targets_of
from .run import run
from .session import ORGANIZATION_ROLE, Caller, identify, open_session
from .targets import check_regions, entered, find_targets
from .write import SnapshotWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who wants to hear how it goes: of the number of accounts, of each that is done, of each call and each error."""

    accounts: Callable[[int], None] = lambda _: None
    account: Callable[[str], None] = lambda _: None
    call: Callable[[], None] = lambda: None
    error: Callable[[], None] = lambda: None


def collect(
    into: Path | str,
    *,
    session: boto3.Session | None = None,
    accounts: Sequence[str] = (),
    organization: bool = False,
    exclude: Collection[str] = (),
    roles: Sequence[str] = (ORGANIZATION_ROLE,),
    external_id: str | None = None,
    regions: Collection[str] = (),
    types: Collection[str] = (),
    endpoint_url: str | None = None,
    workers: int = 16,
    deadline: float = DEADLINE,
    watch: Watch = Watch(),
    catalog: Mapping[str, ResourceType] | None = None,
) -> Collected:
    """Take a snapshot of the accounts named, of the organisation, or of the session's own account.

    Other accounts are entered through `roles`: the last is in each of them, those before it lead there. Without
    `regions` it is every enabled one, without `types` all of the catalogue.

    Raises ArgumentError, or CollectError where nothing could be collected or it had to stop before the end. Then
    `resume` completes the snapshot, as after an interruption.
    """
    plan = _plan(types, regions, organization, workers, watch, catalog)
    clients = _clients(session, endpoint_url, workers, deadline)
    check_regions(clients.session, regions)
    caller = identify(clients)
    found = find_targets(clients, caller, accounts=accounts, organization=organization, exclude=exclude)
    scope = {
        "accounts": "organization" if organization else "listed" if accounts else "caller",
        "partition": caller.partition,
        "regions": sorted(regions) or None,
        "roles": list(roles) if organization or accounts else [],
        "skipped": dict(sorted(found.skipped.items())),
        "types": sorted(plan.types),
    }
    now = datetime.now(UTC)
    writer = SnapshotWriter(Path(into), now)
    kept = Kept(
        catalog=catalog_digest(),
        captured_at=timestamp(writer.captured_at),
        caller=caller.account,
        accounts={target.account: target.name for target in found.accounts},
        facts={target.account: target.facts for target in found.accounts if target.facts},
        types=sorted(plan.types),
        regions=sorted(regions) or None,
        roles=list(roles),
        external_id=external_id,
        scope=scope,
    )
    with keep(writer.path, kept):
        return _run(kept, writer, clients, caller, plan, watch)


def resume(
    into: Path | str,
    *,
    session: boto3.Session | None = None,
    endpoint_url: str | None = None,
    workers: int = 16,
    deadline: float = DEADLINE,
    watch: Watch = Watch(),
    catalog: Mapping[str, ResourceType] | None = None,
) -> Collected:
    """Complete the latest snapshot of an archive that was not finished: with the accounts that it has not."""
    folder = _unfinished(Path(into))
    kept, file = pick_up(folder)
    with file:
        clients = _clients(session, endpoint_url, workers, deadline)
        caller = identify(clients)
        if caller.account != kept.caller:
            raise CollectError(
                f"{folder}: it was begun with credentials of account {kept.caller}, not {caller.account}",
                "use credentials of that account",
            )
        plan = _plan(kept.types, kept.regions or (), kept.scope["accounts"] == "organization", workers, watch, catalog)
        writer = SnapshotWriter(folder.parent, datetime.fromisoformat(kept.captured_at), unfinished=True)
        return _run(kept, writer, clients, caller, plan, watch)


def _run(kept: Kept, writer: SnapshotWriter, clients: Clients, caller: Caller, plan: Plan, watch: Watch) -> Collected:
    targets = entered(clients, caller, targets_of(kept), kept.roles, kept.external_id)
    watch.accounts(len(targets))
    return run(targets, writer, clients=clients, caller=caller, plan=plan, scope=kept.scope, on_account=watch.account)


def _clients(session: boto3.Session | None, endpoint_url: str | None, workers: int, deadline: float) -> Clients:
    return Clients(open_session(session=session), endpoint_url, workers, deadline)


def _plan(
    types: Collection[str],
    regions: Collection[str],
    organization: bool,
    workers: int,
    watch: Watch,
    catalog: Mapping[str, ResourceType] | None = None,
) -> Plan:
    return Plan(
        types=chosen_types(types, catalog),
        regions=frozenset(regions) or None,
        organization=organization,
        workers=workers,
        on_call=watch.call,
        on_error=watch.error,
    )


def chosen_types(
    names: Collection[str], catalog: Mapping[str, ResourceType] | None = None
) -> Mapping[str, ResourceType]:
    """The resource types of these names, and those that are always collected; all of them if none is named."""
    whole = catalog or load_catalog()
    for name in names:
        if name not in whole:
            close = get_close_matches(name, whole, 1)
            hint = f"did you mean {close[0]}?" if close else "`stillframe resource list` lists them"
            raise ArgumentError(f"unknown resource type {name}", hint)
    chosen = {ACCOUNT_TYPE, REGION_TYPE, *names} if names else whole.keys()
    return {name: spec for name, spec in whole.items() if name in chosen}


def _unfinished(into: Path) -> Path:
    """The latest snapshot without a manifest, of an archive or named itself."""
    folders = [into] if ID.match(into.name) else sorted(into.glob("*"), reverse=True) if into.is_dir() else []
    for folder in folders:
        if ID.match(folder.name) and folder.is_dir() and not (folder / MANIFEST).exists():
            return folder
    raise CollectError(f"{into}: no unfinished snapshot here", "there is nothing to complete: collect without --resume")
