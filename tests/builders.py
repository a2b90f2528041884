"""Snapshots for tests: written by the real writer, or in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from stillframe.engine.diff.diff import Difference, Unchanged, diff
from stillframe.engine.diff.replay import Side
from stillframe.engine.findings.batch import batches
from stillframe.engine.judging.dependencies import fields
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.policy import Policy
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, load_catalog
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.demo import MANAGEMENT, session
from stillframe.snapshot.collector.plan import Plan
from stillframe.snapshot.collector.run import run
from stillframe.snapshot.collector.session import Caller
from stillframe.snapshot.collector.targets import Target, entered
from stillframe.snapshot.collector.write import AccountData, SnapshotWriter, row
from stillframe.snapshot.model import Collected, Snapshot
from stillframe.snapshot.resource import names_in

TIME = datetime(2026, 1, 1, tzinfo=UTC)
CALLER = Caller(account=MANAGEMENT, partition="aws")


def write_snapshot(archive: Path, given: Mapping[str, Any] | Snapshot, captured_at: datetime = TIME) -> Path:
    """Write what a policy's example gives, or a snapshot in memory, to an archive."""
    snapshot = given if isinstance(given, Snapshot) else fixture(given)
    writer = SnapshotWriter(archive, captured_at)
    for identity in snapshot.accounts:
        account = snapshot.account(identity)
        writer.add(
            AccountData(
                id=account.id,
                name=account.name,
                regions=account.regions,
                coverage=account.coverage,
                resources={kind: [row(each) for each in account.read(kind)] for kind in account.coverage},
            )
        )
    return writer.finish({})


def shipped(*ids: str) -> list:
    """Shipped policies by id; all of them if none is named."""
    return list(_shipped(ids))


def recipes() -> list:
    """The policies of docs/recipes."""
    return load_policies([Path(__file__).parent.parent / "docs/recipes"], shipped=False)


def narrowed(policy: Policy, kinds: Collection[str]) -> Policy:
    """A policy, if it is on every type that there is, on those of `kinds` alone: by far most of the compiler's time
    goes to saying the same of each of two hundred types."""
    types = tuple(kind for kind in policy.types if kind in kinds)
    return replace(policy, types=types, resource=types[0]) if policy.types else policy


def nine() -> list:
    """The policies of the pack `logging`, which are judged by where nothing else is asked for."""
    return list(_nine())


@cache
def _shipped(ids: tuple[str, ...]) -> list:
    if not ids:
        return load_policies()
    by_id = {policy.id: policy for policy in _shipped(())}
    return [by_id[each] for each in sorted(ids)]


@cache
def _nine() -> tuple:
    return load_rules().policies


def verdicts(snapshot: Snapshot | Path, *ids: str) -> dict[tuple[str, str, str, str], str]:
    """(policy, account, region, resource) → status, of shipped policies; of the nine if none is named."""
    picture = open_snapshot(snapshot) if isinstance(snapshot, Path) else snapshot
    return {
        (found.policy, found.account, found.region, found.resource): found.status.value
        for found in evaluate(picture, shipped(*ids) if ids else nine())
    }


def read_types() -> dict[str, ResourceType]:
    """The resource types that the nine read, with no other calls than those whose answers they read."""
    read: dict[str, set[str]] = {ACCOUNT_TYPE: set(), REGION_TYPE: set()}  # always collected
    for policy in nine():
        for kind, paths in fields(policy, texts=True).items():
            read.setdefault(kind, set()).update(path[0] for path in paths)
    return {kind: _only(load_catalog()[kind], named) for kind, named in sorted(read.items())}


def _only(spec: ResourceType, named: set[str]) -> ResourceType:
    """A resource type with no more attached than is named, or tells its region."""
    kept = named | names_in(spec.region or "@")
    attach = {name: call for name, call in spec.attach.items() if name in kept}
    left_out = spec.attach.keys() - attach.keys()
    return replace(spec, attach=attach, tags=None if spec.tags and names_in(spec.tags) & left_out else spec.tags)


def compared(before: Snapshot, after: Snapshot, policies: list, old: list | None = None) -> list[Difference]:
    """Every difference between two snapshots, by the exact path; `old` policies judge the first, if they are given."""
    sides = Side(before, policies if old is None else old), Side(after, policies)
    judged = [batches(evaluate(side.snapshot, list(side.policies.values()))) for side in sides]
    found = diff(*sides, *judged)
    return [each for one in found for each in (one.differences() if isinstance(one, Unchanged) else [one])]


def clients_of(url: str, each=lambda s: s) -> Clients:
    """Clients of a stand-in. `each` may change their session, to make calls fail for example."""
    return Clients(each(aws._shared(session())), url, 16)


def collect_from(
    url: str | Clients, archive: Path, accounts: Iterable[str] = (MANAGEMENT,), *, each=lambda s: s, **plan: Any
) -> Collected:
    """Collect accounts of a stand-in: what the nine policies read, if `types` does not say otherwise.

    It may be given by its clients, which several collections then share. It is asked as fast as it answers.
    """
    clients = clients_of(url, each) if isinstance(url, str) else url
    named = [Target(account=account) for account in accounts]
    return run(
        entered(clients, CALLER, named),
        SnapshotWriter(archive, TIME),
        clients=clients,
        caller=CALLER,
        plan=Plan(**{"types": read_types(), "paced": False, **plan}),
        scope={},
    )


def furnish(url: str, accounts: Iterable[str]) -> None:
    """Two buckets and two keys in each of some accounts of a stand-in."""
    from stillframe.snapshot.collector.demo import MANAGEMENT, enter, session  # boto3 takes long to import

    for account in accounts:
        there = session() if account == MANAGEMENT else enter(session(), account, url)
        for number in range(2):
            there.client("s3", endpoint_url=url).create_bucket(Bucket=f"bucket-{account}-{number}")
            there.client("kms", endpoint_url=url).create_key(Description=f"key {number}")
