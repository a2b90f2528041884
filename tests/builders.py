"""Snapshots for tests: written by the real writer, or in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from stillframe.engine.evaluate import evaluate
from stillframe.engine.policies import load_policies
from stillframe.engine.policy_tests import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot import session as aws
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collect import Plan, collect
from stillframe.snapshot.demo import MANAGEMENT, session
from stillframe.snapshot.model import Collected, Snapshot
from stillframe.snapshot.session import ORGANIZATION_ROLE, Caller, Target, assume
from stillframe.snapshot.write import AccountData, SnapshotWriter

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
                resources={kind: list(account.read(kind)) for kind in account.coverage},
            )
        )
    return writer.finish({})


def shipped(*ids: str) -> list:
    """Shipped policies by id; all of them if none is named."""
    return [policy for policy in load_policies() if not ids or policy.id in ids]


def verdicts(snapshot: Snapshot | Path, *ids: str) -> dict[tuple[str, str, str, str], str]:
    """(policy, account, region, resource) → status, of shipped policies."""
    picture = open_snapshot(snapshot) if isinstance(snapshot, Path) else snapshot
    return {
        (found.policy, found.account, found.region, found.resource): found.status.value
        for found in evaluate(picture, shipped(*ids))
    }


def collect_from(
    url: str, archive: Path, accounts: Iterable[str] = (MANAGEMENT,), *, each=lambda s: s, **plan: Any
) -> Collected:
    """Collect accounts of a stand-in. `each` may change every session, to make calls fail for example."""
    home = aws._shared(session())

    def enter(account: str):
        return each(home if account == MANAGEMENT else assume(home, CALLER, account, ORGANIZATION_ROLE, url))

    return collect(
        [Target(account=account, name=None, enter=partial(enter, account)) for account in accounts],
        archive,
        caller=CALLER,
        plan=Plan(types=load_catalog(), endpoint_url=url, **plan),
        scope={},
        captured_at=TIME,
    )
