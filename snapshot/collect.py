"""Collect: the catalogue × accounts × regions → a snapshot. What fails is recorded, never lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from .call import ask
from .catalog import REGION_TYPE, Call, ResourceType, compiled, id_of, known, name_of, tags_of
from .decode import REDACTED, finish
from .errors import CollectError
from .model import EVERYWHERE, GLOBAL, Collected, Coverage, Json, Resource, Unknown
from .session import Caller, Clients, Target
from .write import AccountData, SnapshotWriter

_NOT_ENABLED, _NOT_ASKED = "RegionNotEnabled", "RegionNotAsked"
ENABLED = frozenset({"opt-in-not-required", "opted-in"})  # ec2:DescribeRegions OptInStatus
ACCOUNTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to ask of each account. `regions` None means every enabled region."""

    types: Mapping[str, ResourceType]
    regions: frozenset[str] | None = None
    endpoint_url: str | None = None
    workers: int = 16
    on_call: Callable[[str], None] = lambda _: None


def collect(
    targets: Sequence[Target],
    into: Path,
    *,
    caller: Caller,
    plan: Plan,
    scope: Mapping[str, Any],
    captured_at: datetime,
    on_account: Callable[[str], None] = lambda _: None,
) -> Collected:
    """Collect every target into a new snapshot of the archive `into`.

    Raises CollectError if the archive cannot be written, or if not one account could be entered.
    """
    if not targets:
        raise CollectError("no accounts to collect", "check --accounts, or the organisation")
    writer = SnapshotWriter(into, captured_at)
    gaps: Counter[str] = Counter()
    resources = entered = 0
    calls = ThreadPoolExecutor(plan.workers)
    accounts = ThreadPoolExecutor(min(ACCOUNTS_AT_ONCE, len(targets)))
    try:
        for one in accounts.map(lambda target: _collect_account(target, caller, plan, calls, writer), targets):
            gaps += one.gaps
            resources += one.resources
            entered += one.resources > 0
            on_account(one.account)
        if not entered:
            raise CollectError(
                f"no account could be entered ({'; '.join(sorted(gaps))})",
                "check the role's name and whom it trusts, and the credentials",
            )
        path = writer.finish(scope)
    except BaseException as error:
        calls.shutdown(wait=False, cancel_futures=True)
        if isinstance(error, CollectError):
            writer.discard()
        raise
    finally:
        accounts.shutdown(cancel_futures=True)
        calls.shutdown()
    return Collected(
        path=path,
        accounts=len(targets),
        entered=entered,
        resources=resources,
        gaps=dict(sorted(gaps.items())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summary:
    account: str
    resources: int
    gaps: Counter[str]


def _collect_account(
    target: Target, caller: Caller, plan: Plan, calls: ThreadPoolExecutor, writer: SnapshotWriter
) -> _Summary:
    data = _visit_account(target, caller, plan, calls)
    writer.add(data)
    return _Summary(account=data.id, resources=sum(map(len, data.resources.values())), gaps=_gaps(data))


def _visit_account(target: Target, caller: Caller, plan: Plan, calls: ThreadPoolExecutor) -> AccountData:
    try:
        clients = Clients(target.enter(), plan.endpoint_url, plan.workers)
    except ClientError as error:
        return _unreadable(target, plan, f"{error.response.get('Error', {}).get('Code', 'Unknown')}: sts:AssumeRole")
    except Exception as error:
        # As for a call: whatever it was, one account must not cost the run, and nothing is known of it.
        return _unreadable(target, plan, f"{type(error).__name__}: sts:AssumeRole")
    visit = _Visit(target=target, home=caller.home, plan=plan, clients=clients)
    by_region = visit.list(plan.types[REGION_TYPE], GLOBAL)
    enabled = _enabled(by_region)
    asked = enabled if isinstance(enabled, Unknown) or plan.regions is None else enabled & plan.regions

    listings = {
        (spec.type, place): calls.submit(visit.list, spec, place)
        for spec in plan.types.values()
        if spec.type != REGION_TYPE
        for place in _places(spec, asked)
    }
    answers = {key: future.result() for key, future in listings.items()}
    answers[REGION_TYPE, GLOBAL] = by_region

    coverage: dict[str, Coverage] = {}
    configs: dict[str, list[tuple[str, dict[str, Json]]]] = {}
    for spec in plan.types.values():
        places = {place: answer for (kind, place), answer in answers.items() if kind == spec.type}
        missing = {place: str(answer) for place, answer in places.items() if isinstance(answer, Unknown)}
        if spec.scope == "region" and isinstance(asked, Unknown):
            missing[EVERYWHERE] = str(asked)
        coverage[spec.type] = Coverage(read=frozenset(places.keys() - missing.keys()), missing=missing)
        configs[spec.type] = _distinct(spec, places)

    pending = {
        kind: [calls.submit(visit.describe, plan.types[kind], place, config, enabled) for place, config in found]
        for kind, found in configs.items()
    }
    return AccountData(
        id=target.account,
        name=target.name,
        regions=enabled,
        coverage=coverage,
        resources={kind: [future.result() for future in futures] for kind, futures in pending.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    target: Target
    home: str
    plan: Plan
    clients: Clients

    def list(self, spec: ResourceType, place: str) -> Json:
        """The items of a listing call in one region, or Unknown."""
        items = self._ask(spec.list, self.home if place == GLOBAL else place, {})
        if items is None:  # nothing there is a list without items
            return []
        if isinstance(items, list) and all(id_of(spec, item) is not None for item in items):
            return items
        return items if isinstance(items, Unknown) else Unknown.because(f"UnexpectedAnswer: {spec.list.action}")

    def describe(
        self, spec: ResourceType, place: str, config: dict[str, Json], enabled: frozenset[str] | Unknown
    ) -> Resource:
        """The resource an item of a listing stands for, with everything attached that the catalogue names."""
        for name, call in spec.attach.items():
            region = self._region(spec, place, config)
            gap = self._out_of_reach(spec, call, region, enabled)
            config[name] = self._ask(call, region, config) if gap is None else gap
        return Resource(
            type=spec.type,
            id=id_of(spec, config) or "",
            account=self.target.account,
            region=GLOBAL if spec.region is None and spec.scope == "account" else self._region(spec, place, config),
            name=name_of(spec, config),
            tags=tags_of(spec, config),
            config=finish(config, spec),
        )

    def _ask(self, call: Call, region: str, config: dict[str, Json]) -> Json:
        self.plan.on_call(self.target.account)
        try:
            client = self.clients(call.service, call.region or region)
        except Exception as error:  # a service that this botocore does not know, say
            return Unknown.because(f"{type(error).__name__}: {call.action}")
        return ask(client, call, {**config, "$account": self.target.account})

    def _out_of_reach(
        self, spec: ResourceType, call: Call, region: str, enabled: frozenset[str] | Unknown
    ) -> Unknown | None:
        """Why a call is not sent to a region: a bucket, say, may be in one that the account has not enabled."""
        if call.region or isinstance(enabled, Unknown):
            return None
        if region not in enabled and (spec.type == REGION_TYPE or region != self.home):
            return Unknown.because(f"{_NOT_ENABLED}: {call.action} in {region}")
        if spec.type == REGION_TYPE and self.plan.regions is not None and region not in self.plan.regions:
            return Unknown.because(f"{_NOT_ASKED}: {call.action} in {region}")
        return None

    def _region(self, spec: ResourceType, place: str, config: dict[str, Json]) -> str:
        fallback = self.home if place == GLOBAL else place
        found = compiled(spec.region).search(known(config)) if spec.region else None
        return found if isinstance(found, str) else fallback


def _enabled(listed: Json) -> frozenset[str] | Unknown:
    if isinstance(listed, Unknown):
        return listed
    enabled = frozenset(item["RegionName"] for item in listed if item.get("OptInStatus") in ENABLED)
    return enabled or Unknown.because("ec2:DescribeRegions named no enabled region")


def _places(spec: ResourceType, asked: frozenset[str] | Unknown) -> Iterable[str]:
    if spec.scope == "account":
        return (GLOBAL,)
    return () if isinstance(asked, Unknown) else sorted(asked)


def _distinct(spec: ResourceType, places: Mapping[str, Json]) -> list[tuple[str, dict[str, Json]]]:
    """Each resource once, by id, as its own region shows it: a multi-region trail is listed in every region."""
    found: dict[tuple[str, str], tuple[str, dict[str, Json]]] = {}
    for place, items in sorted(places.items()):
        for item in items if isinstance(items, list) else ():
            home = compiled(spec.region).search(item) if spec.region else place
            key = (home if isinstance(home, str) else place, id_of(spec, item) or "")
            if key not in found or home == place:
                found[key] = (place, item)
    return list(found.values())


def _unreadable(target: Target, plan: Plan, cause: str) -> AccountData:
    gap = Coverage(read=frozenset(), missing={EVERYWHERE: cause})
    return AccountData(
        id=target.account,
        name=target.name,
        regions=Unknown.because(cause),
        coverage=dict.fromkeys(plan.types, gap),
        resources={},
    )


def _gaps(data: AccountData) -> Counter[str]:
    causes = [cause for coverage in data.coverage.values() for cause in coverage.missing.values()]
    for resources in data.resources.values():
        for resource in resources:
            found = [value for value in resource.config.values() if isinstance(value, Unknown) and value != REDACTED]
            if resource.type == REGION_TYPE:  # every region of AWS is listed: most are not enabled, and that is no gap
                found = [value for value in found if not str(value).startswith((_NOT_ENABLED, _NOT_ASKED))]
            causes += map(str, found)
    return Counter(causes)
