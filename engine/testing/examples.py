"""Run the examples a policy carries: each is a small snapshot, and what the policy must say of it.

A type that an example does not give was not collected. A field that AWS always sends, or that the collector
always attaches, is unknown where an example leaves it out: a fixture says no more than a snapshot would.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jmespath
from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.catalog import ResourceType, load_catalog
from ...snapshot.format import decode
from ...snapshot.kinds import mark_tags
from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Coverage, Resource, Snapshot
from ...snapshot.resource import id_of, known, name_of, tags_of
from ...snapshot.resource_file import complete
from ..judging.evaluate import evaluate
from ..model.finding import Finding
from ..model.policy import Policy

ACCOUNT = "111122223333"
REGION = "us-east-1"
TIME = "2026-01-01T00:00:00Z"
NONE = "none"


class Outcome(Struct, frozen=True, kw_only=True):
    """One example: `faults` says how what was found differs from what was expected; empty where it does not."""

    policy: str
    name: str
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]


class Case(Struct, frozen=True, kw_only=True):
    """One example with its snapshot, ready to be evaluated by its policy, or by one that is almost it.

    Of a policy on several types, it is about those that it gives.
    """

    test: Mapping[str, Any]
    snapshot: Snapshot

    def judge(self, policy: Policy) -> tuple[Finding, ...]:
        """The findings of a policy, with the parameters that the example sets."""
        if policy.types or self.test.get("params"):  # else it stays itself: others remember something of it
            params = {**policy.params, **self.test.get("params", {})}
            given = {kind for account in self.snapshot.accounts for kind in self.snapshot.account(account).coverage}
            types = tuple(kind for kind in policy.types if kind in given) or policy.types
            policy = replace(policy, params=params, types=types)
        return tuple(evaluate(self.snapshot, [policy]))


def cases(policy: Policy) -> tuple[Case, ...]:
    """The examples of a policy. Their snapshots are built once: nothing that evaluates changes them."""
    return tuple(Case(test=test, snapshot=fixture(test["given"], test.get("time", TIME))) for test in policy.tests)


def run_tests(policy: Policy) -> Iterator[Outcome]:
    """Each example of a policy in turn."""
    for case in cases(policy):
        findings = case.judge(policy)
        faults = tuple(faults_of(case.test, findings))
        yield Outcome(policy=policy.id, name=case.test["name"], findings=findings, faults=faults)


def named(findings: Sequence[Finding]) -> dict[str, Finding]:
    """Findings by what `expect` calls them: their resource, with its place where several share an id."""
    shared = Counter(finding.resource for finding in findings)
    return {
        finding.resource
        if shared[finding.resource] == 1
        else f"{finding.account} {finding.region} {finding.resource}": finding
        for finding in findings
    }


def fixture(given: Mapping[str, Any], time: str = TIME) -> Snapshot:
    """A snapshot in memory: resource type → its resources, or {$missing: cause}.

    A resource is its config, with `$account`, `$region`, `$id`, `$name` and `$tags` where they matter.
    """
    resources: list[Resource] = []
    missing: dict[str, str] = {}
    for kind, entries in given.items():
        spec = load_catalog()[kind]
        if isinstance(entries, dict):
            missing[kind] = entries["$missing"]
        else:
            resources += [_resource(spec, copy.deepcopy(entry)) for entry in entries]
    accounts = sorted({resource.account for resource in resources} or {ACCOUNT})
    regions = sorted({resource.region for resource in resources if resource.region != GLOBAL} | {REGION})

    def account(identity: str) -> Account:
        return Account(
            id=identity,
            name=None,
            regions=tuple(regions),
            coverage={
                kind: Coverage(
                    read=frozenset(() if kind in missing else _places(kind, regions)),
                    missing=_missing(kind, missing),
                )
                for kind in given
            },
            read=lambda kind: [found for found in resources if (found.type, found.account) == (kind, identity)],
        )

    return Snapshot(id=time, captured_at=time, accounts=tuple(accounts), account=account)


def _resource(spec: ResourceType, entry: dict[str, Any]) -> Resource:
    envelope = {
        name: entry.pop(f"${name}") for name in ("account", "region", "id", "name", "tags") if f"${name}" in entry
    }
    config = decode(entry)
    region = (jmespath.search(spec.region, known(config)) if spec.region else None) or (
        GLOBAL if spec.scope == "account" else REGION
    )
    complete(config, spec)
    tags = decode(envelope["tags"]) if "tags" in envelope else tags_of(spec, config)
    mark_tags(tags, spec.type)
    nameless = f"{spec.type.rpartition('::')[2].lower()}-without-{spec.id}"
    return Resource(
        type=spec.type,
        id=envelope.get("id") or id_of(spec, known(config)) or nameless,
        account=envelope.get("account", ACCOUNT),
        region=envelope.get("region", region),
        name=envelope["name"] if "name" in envelope else name_of(spec, config),
        tags=tags,
        config=config,
    )


def _places(kind: str, regions: list[str]) -> list[str]:
    return regions if load_catalog()[kind].scope == "region" else [GLOBAL]


def _missing(kind: str, missing: Mapping[str, str]) -> dict[str, str]:
    return {EVERYWHERE: missing[kind]} if kind in missing else {}


def faults_of(test: Mapping[str, Any], findings: tuple[Finding, ...]) -> Iterator[str]:
    """How what was found differs from what an example expects; nothing where it does not."""
    expected = test["expect"]
    if isinstance(expected, str):
        if (expected == NONE and findings) or (expected != NONE and not findings):
            yield f"expected {expected}, found {len(findings)} findings"
        for finding in findings:
            if expected not in (NONE, finding.status):
                yield f"expected {expected}, but {finding.resource} is {finding.status}: {finding.message}"
    else:
        found = named(findings)
        for resource in sorted(expected.keys() | found.keys()):
            actual = found[resource].status if resource in found else NONE
            if actual != expected.get(resource, NONE):
                yield f"expected {expected.get(resource, NONE)} for {resource}, but it is {actual}"
    wanted = test.get("message")
    if wanted and not any(wanted in finding.message for finding in findings):
        yield f"no message has {wanted!r}; there is {'; '.join(finding.message for finding in findings)!r}"
