"""Accounts of the stand-in that comply, one for each thing that is then broken in it alone, and what fails there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import unasked
from builders import _only, collect_from
from lost import Tried, sweep
from stillframe.engine.judging.dependencies import fields
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.policy import Policy
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType, load_catalog
from stillframe.snapshot.collector.clients import same_host
from stillframe.snapshot.collector.demo import HOME, session
from stillframe.snapshot.collector.session import ORGANIZATION_ROLE, _shared


@dataclass(kw_only=True)
class Place:
    """An account of the stand-in. `made` is what was built there, by name: ids that breaking it needs."""

    url: str
    account: str
    keys: Mapping[str, str]
    made: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        """A client of a service, by the service's name: `place.ec2`."""
        if service.startswith("_"):
            raise AttributeError(service)
        name = service.replace("_", "-")
        client = SESSION.client(name, region_name=HOME, endpoint_url=self.url, **self.keys)
        client.meta.events.register("before-sign.s3-control", same_host(self.url))
        setattr(self, service, client)
        return client


Change = Callable[[Place], object]
Pictures = list[tuple[Path, Sequence[Policy]]]  # snapshots, each with the policies for which it was taken
SESSION = _shared(session())


@dataclass(frozen=True, kw_only=True)
class Break:
    """One thing that is broken in an account of its own, after `build`, and the policies that must fail for it."""

    build: Change
    change: Change
    fails: Collection[str]


def places(url: str, count: int) -> Sequence[Place]:
    """New accounts of one organisation, besides its management account."""
    clients = [SESSION.client(name, region_name=HOME, endpoint_url=url) for name in ("organizations", "sts")]
    organizations, sts = clients
    organizations.create_organization(FeatureSet="ALL")
    made = []
    for number in range(count):
        name = f"place-{number}"
        status = organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        role = f"arn:aws:iam::{status['AccountId']}:role/{ORGANIZATION_ROLE}"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="any")["Credentials"]
        named = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }
        made.append(Place(url=url, account=status["AccountId"], keys=named))
    return made


def lost(pictures: Pictures, step: int = 1) -> Tried:
    """What comes of it that joined rows are gone, each or one in so many."""
    tried = Tried()
    for path, policies in pictures:
        sweep(open_snapshot(path), policies, tried, step)
    return tried


def types_of(policies: Collection[Policy]) -> Mapping[str, ResourceType]:
    """The resource types that some policies read, with no other calls than those whose answers they read."""
    read: dict[str, set[str]] = {ACCOUNT_TYPE: {"Regions"}, REGION_TYPE: set()}
    for policy in policies:
        for lookup in policy.lookups.values():
            # Of which it may read nothing but that it is there; or all, where a function takes such a list.
            read.setdefault(lookup.source, set()).update(() if lookup.one else load_catalog()[lookup.source].attach)
        for kind, paths in fields(policy, texts=True).items():
            read.setdefault(kind, set()).update(path[0] for path in paths)
    return {kind: _only(load_catalog()[kind], named) for kind, named in sorted(read.items())}


def statuses(
    url: str, archive: Path, accounts: Collection[str], policies: Sequence[Policy], pictures: Pictures
) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Collect some accounts and judge them: account → status → policy → the message of one such finding."""
    done = collect_from(url, archive, accounts, types=types_of(policies), workers=8)
    pictures.append((done.path, policies))
    found: dict[str, dict[str, dict[str, str]]] = {account: {} for account in accounts}
    picture = open_snapshot(done.path)
    if unasked.SWEEP:
        print(unasked.sweep(picture, policies))
    for finding in evaluate(picture, policies):
        found[finding.account].setdefault(finding.status.value, {})[finding.policy] = finding.message
    return found


__all__ = ["HOME", "Break", "Change", "Pictures", "Place", "lost", "places", "statuses"]
