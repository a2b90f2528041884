"""Collect: ask AWS for what the catalogue names, in accounts and regions, and write it to an archive.

    from stillframe.snapshot.collector.collect import collect

    done = collect("snapshots", session=boto3.Session(profile_name="audit"), regions=["eu-west-1"])
    print(done.path, done.gaps)

What fails is recorded with its cause, never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import boto3
from msgspec import Struct

from ..archive import open_snapshot
from ..catalog import REGION_TYPE, ResourceType, catalog_digest, load_catalog
from ..choice import Reads, asked_in_part, choose
from ..cluster import Cluster
from ..errors import ArgumentError, CollectError, OtherPlanError
from ..format import timestamp
from ..given import check_names, check_numbers, path_of, place_of
from ..model import Collected, Unknown
from ..remote import Place
from .call import ask
from .clients import DEADLINE, Clients
from .errand import Errand
from .forecast import Forecast, forecast
from .found import enabled
from .kept import Kept
from .plan import Plan, ask_aws, targets_of
from .record import Recorder
from .run import Tally, run
from .run_on_cluster import run_on_cluster
from .session import ORGANIZATION_ROLE, Caller, identify, open_session
from .targets import check_regions, entered, find_targets
from .unfinished import Left, agree, begin, take_up, unfinished
from .write import Writer

WORKERS = 16  # calls under way at once


class Watch(Struct, frozen=True, kw_only=True):
    """Who wants to hear how it goes: of how many accounts, each that is done, each call, the kind of each error."""

    accounts: Callable[[int], None] = lambda _: None
    account: Callable[[str], None] = lambda _: None
    call: Callable[[], None] = lambda: None
    error: Callable[[str], None] = lambda _: None


class Order(Struct, frozen=True, kw_only=True):
    """All that is known before the first account is asked."""

    clients: Clients
    caller: Caller
    plan: Plan
    kept: Kept
    watch: Watch
    recorder: Recorder | None = None
    cluster: Cluster | None = None

    def take(self, writer: Writer) -> Collected:
        kept, caller = self.kept, self.caller
        if self.cluster:
            return self._take_on(self.cluster, writer)
        targets = entered(self.clients, caller, targets_of(kept), kept.roles, kept.external_id)
        self.watch.accounts(len(targets))
        return run(
            targets,
            writer,
            clients=self.clients,
            caller=caller,
            plan=self.plan,
            scope=kept.scope,
            on_account=self.watch.account,
        )

    def _take_on(self, cluster: Cluster, writer: Writer) -> Collected:
        """The same by the workers of a cluster."""
        kept, plan, watch, targets = self.kept, self.plan, self.watch, targets_of(self.kept)
        errand = Errand(
            types=plan.types,
            regions=plan.regions,
            organization=plan.organization,
            workers=plan.workers,
            caller=self.caller,
            roles=kept.roles,
            external_id=kept.external_id,
            endpoint_url=self.clients.endpoint_url,
            deadline=self.clients.deadline,
            pen=writer.pen,
        )
        watch.accounts(len(targets))
        return run_on_cluster(
            cluster,
            errand,
            targets,
            writer,
            scope=kept.scope,
            tally=Tally(watch.account),
            on_call=watch.call,
            on_error=watch.error,
        )


def prepare(
    *,
    session: boto3.Session | None = None,
    accounts: Sequence[str] = (),
    organization: bool = False,
    exclude: Collection[str] = (),
    roles: Sequence[str] = (ORGANIZATION_ROLE,),
    external_id: str | None = None,
    regions: Collection[str] = (),
    types: Collection[str] = (),
    reads: Reads | None = None,
    endpoint_url: str | None = None,
    workers: int = WORKERS,
    deadline: float = DEADLINE,
    watch: Watch = Watch(),
    catalog: Mapping[str, ResourceType] | None = None,
    record: Path | str | None = None,
    cluster: Cluster | None = None,
) -> Order:
    """Find out whom to ask what: the accounts named, those of the organisation, or the session's own.

    Other accounts are entered through `roles`: the last is in each of them, those before it lead there. Without
    `regions` it is every enabled one, without `types` and `reads` all of the catalogue. Of the types in `reads`, each
    with the fields that count, nothing else is attached. What AWS answers is written to the folder `record` as well, if
    one is named. On a `cluster` its workers ask, by credentials of their own. Raises ArgumentError or CollectError.
    """
    recorder = _recorder(record, cluster)
    check_names(accounts=accounts, exclude=exclude, roles=roles, regions=regions, types=types)
    check_names(**{f"reads of {kind}": fields for kind, fields in (reads or {}).items()})
    check_numbers(workers=workers, deadline=deadline)
    chosen = choose(types, reads, catalog)
    plan, attached = _plan(chosen, regions, organization, workers, watch, recorder), asked_in_part(chosen)
    clients = Clients(open_session(session=session), endpoint_url, workers, deadline)
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
        **({"attached": attached} if attached else {}),
    }
    kept = Kept(
        catalog=catalog_digest(),
        captured_at=timestamp(datetime.now(UTC)),
        caller=caller.account,
        accounts={target.account: target.name for target in found.accounts},
        facts={target.account: target.facts for target in found.accounts if target.facts},
        types=sorted(plan.types),
        attached=attached,
        regions=sorted(regions) or None,
        roles=list(roles),
        external_id=external_id,
        scope=scope,
    )
    return Order(clients=clients, caller=caller, plan=plan, kept=kept, watch=watch, recorder=recorder, cluster=cluster)


def collect(into: Place | str, **options: Any) -> Collected:
    """Take a snapshot: `options` are those of `prepare`.

    Raises CollectError where nothing could be collected, or it had to stop before the end. Then `resume` completes
    the snapshot, as after an interruption.
    """
    archive, order = place_of(into), prepare(**options)
    _record(order, order.kept)
    with begin(archive, order.kept) as writer:
        return order.take(writer)


def resume(into: Place | str, **options: Any) -> Collected:
    """Complete the latest snapshot of an archive that was not finished: with the accounts that it has not.

    `options` are those of `prepare`. Those that say what to ask, and whom, may be left out if this user began the
    snapshot here. If not, they must say the same as its plan: whose roles to assume is nothing to take from an archive.
    """
    signature(prepare).bind(**options)  # a TypeError for what is none of its options
    with take_up(unfinished(place_of(into))) as left:
        order = _order(left, options)
        _record(order, left.kept)
        return order.take(left.go_on())


def _recorder(record: Path | str | None, cluster: Cluster | None) -> Recorder | None:
    if cluster and record:
        raise ArgumentError("answers are not recorded on a cluster", "collect without --cluster to record them")
    return Recorder(path_of(record)) if record else None


def is_of(finished: Place, **options: Any) -> bool:
    """Whether a finished snapshot is what `prepare` would order by these options. Raises what it raises."""
    there, asked = open_snapshot(finished), prepare(**options).kept
    return there.scope == asked.scope and set(there.accounts) == asked.accounts.keys()


def _record(order: Order, kept: Kept) -> None:
    if order.recorder:
        order.recorder.begin(kept)


def _order(left: Left, options: Mapping[str, Any]) -> Order:
    """What to ask to complete a snapshot."""
    if left.kept.filling is not None:
        raise OtherPlanError(
            f"{left.folder}: it is an import that is being filled",
            "complete it with `import aws-config --fill --resume`, or collect again without --resume",
        )
    if left.known and not any(options.get(name) for name in ASKING):
        return _known(left.folder, left.kept, options)
    order = prepare(**options)
    agree(left, order.kept)
    return order


ASKING = ("accounts", "organization", "exclude", "roles", "external_id", "regions", "types", "reads")  # what, and whom


def _known(folder: Place, kept: Kept, options: Mapping[str, Any]) -> Order:
    """The order of a plan that this user made here."""
    recorder = _recorder(options.get("record"), options.get("cluster"))
    clients = _clients(options)
    caller = identify(clients)
    if caller.account != kept.caller:
        raise CollectError(
            f"{folder}: it was begun with credentials of account {kept.caller}, not {caller.account}",
            "use credentials of that account",
        )
    organization = kept.scope["accounts"] == "organization"
    workers, watch = options.get("workers", WORKERS), options.get("watch", Watch())
    types = choose([name for name in kept.types if name not in kept.attached], kept.attached, options.get("catalog"))
    plan = _plan(types, kept.regions or (), organization, workers, watch, recorder)
    return Order(
        clients=clients,
        caller=caller,
        plan=plan,
        kept=kept,
        watch=watch,
        recorder=recorder,
        cluster=options.get("cluster"),
    )


def _clients(options: Mapping[str, Any]) -> Clients:
    session = open_session(session=options.get("session"))
    workers, deadline = options.get("workers", WORKERS), options.get("deadline", DEADLINE)
    check_numbers(workers=workers, deadline=deadline)
    return Clients(session, options.get("endpoint_url"), workers, deadline)


def foresee(order: Order, archive: Place | str) -> Forecast:
    """What an order would ask, and how often, without asking it."""
    listing = load_catalog()[REGION_TYPE].list
    regions = enabled(ask(order.clients(listing.service, order.caller.home), listing))
    if isinstance(regions, Unknown):
        raise CollectError(f"the regions are unknown ({regions})", "the number of calls depends on them")
    return forecast(
        place_of(archive),
        accounts=tuple(order.kept.accounts),
        skipped=order.kept.scope["skipped"],
        types=order.plan.types,
        regions=tuple(sorted(regions & order.plan.regions if order.plan.regions else regions)),
        organization=order.plan.organization,
    )


def _plan(
    types: Mapping[str, ResourceType],
    regions: Collection[str],
    organization: bool,
    workers: int,
    watch: Watch,
    recorder: Recorder | None,
) -> Plan:
    return Plan(
        types=types,
        regions=frozenset(regions) or None,
        organization=organization,
        workers=workers,
        on_call=watch.call,
        on_error=watch.error,
        answers=recorder.answers if recorder else ask_aws,
    )
