"""Cut an example out of a real snapshot: one finding, with no more of it than it takes to come to it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from ...snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE
from ...snapshot.errors import ArgumentError, StillframeError
from ...snapshot.format import MISSING, encode
from ...snapshot.model import EVERYWHERE, Json, Snapshot, Unknown
from ..judging.dependencies import fields
from ..judging.evaluate import evaluate, judge
from ..judging.joins import row
from ..judging.recording_joins import Row, RowKey, Spy, is_about, row_key
from ..language.paths import Path
from ..model.finding import Finding, Status
from ..model.policy import Policy
from .coverage import watch
from .example_yaml import as_yaml
from .examples import TIME, Case, faults_of, fixture, named
from .shrink import shrink

Given = Mapping[str, Any]


def record(policies: Sequence[Policy], snapshot: Snapshot, wanted: str) -> str:
    """A YAML example of one finding, named by its fingerprint or its resource. Raises ArgumentError."""
    finding = _find(policies, snapshot, wanted)
    (policy,) = (policy for policy in policies if policy.id == finding.policy)
    example = cut(policy, snapshot, finding)
    case = Case(test=example, snapshot=fixture(example["given"], example.get("time", TIME)))
    if fault := next(faults_of(example, case.judge(policy)), None):
        raise ArgumentError(f"the example does not come out as the finding: {fault}", "write it by hand")
    return as_yaml(example)


def cut(policy: Policy, snapshot: Snapshot, finding: Finding) -> dict[str, Any]:
    """The smallest example by which a policy comes to a finding in the same way."""
    target = _Target(policy, finding, snapshot.captured_at)
    start = next((given for given in _estates(policy, snapshot, finding) if target.reached(given)), None)
    if start is None:
        raise ArgumentError(
            f"no example can say how {finding.policy} comes to {finding.status} for {finding.resource}",
            "it rests on a list that was read in part, and an example gives a list whole or not at all",
        )
    target.way, target.most = target.walk(start), len(target.judge(start))
    read = fields(policy, texts=True)
    narrow = {kind: _narrowed(rows, read.get(kind, ())) for kind, rows in start.items()}
    given = shrink(narrow if target.holds(narrow) else start, target.holds)
    now, target.time = target.time, TIME
    timed = {} if target.holds(given) else {"time": now}
    target.time = timed.get("time", TIME)
    found = target.judge(given)
    statuses = {finding.status.value for finding in found}
    example: dict[str, Any] = {"name": f"{finding.resource}, as in {snapshot.id}", **timed, "given": given}
    example["expect"] = (
        statuses.pop() if len(statuses) == 1 else {name: each.status.value for name, each in named(found).items()}
    )
    if finding.message and finding.status not in (Status.PASS, Status.NOT_APPLICABLE):
        example["message"] = finding.message
    return example


class _Target:
    """What an example must come to. `way` is what each of the policy's conditions then comes to.

    There are to be no more findings than `most`: a resource that loses its account would bring another.
    """

    def __init__(self, policy: Policy, finding: Finding, time: str) -> None:
        self.policy, self.finding, self.time = policy, finding, time
        self.watched, self.conditions = watch(policy)
        self.way: list[frozenset[bool | None]] = []
        self.most = 0

    def judge(self, given: Given) -> tuple[Finding, ...]:
        return Case(test={}, snapshot=fixture(given, self.time)).judge(self.watched)

    def reached(self, given: Given) -> bool:
        """Whether the finding comes out, with its message."""
        wanted = self.finding
        return any(
            (found.status, found.message) == (wanted.status, wanted.message)
            # A list that could not be read has no place of its own in an example.
            and (found.identity == wanted.identity or (found.resource == wanted.resource and self._is_anywhere(found)))
            for found in self.judge(given)
        )

    def _is_anywhere(self, found: Finding) -> bool:
        """Whether a finding may be in another account or region of an example: of a list, or of the organisation."""
        return found.resource == self.finding.type or self.policy.is_wide()

    def walk(self, given: Given) -> list[frozenset[bool | None]]:
        for condition in self.conditions:
            condition.seen.clear()
        self.judge(given)
        return [frozenset(condition.seen) for condition in self.conditions]

    def holds(self, given: Given) -> bool:
        """Whether the finding comes out in the same way."""
        try:
            return self.reached(given) and self.walk(given) == self.way and len(self.judge(given)) <= self.most
        except (KeyError, TypeError, ValueError, AttributeError, StillframeError):
            return False  # a resource cut to what no collector writes, such as a tag without its key


def _find(policies: Sequence[Policy], snapshot: Snapshot, wanted: str) -> Finding:
    found = [each for each in evaluate(snapshot, policies) if wanted in (each.fingerprint, each.resource)]
    if not found:
        raise ArgumentError(
            f"no finding has the fingerprint or the resource {wanted}",
            "`stillframe evaluate -o findings.jsonl` writes them all",
        )
    if len(found) > 1:
        several = "; ".join(f"{each.fingerprint} is {each.policy} in {each.account} {each.region}" for each in found)
        raise ArgumentError(f"{wanted} has {len(found)} findings: {several}", "name a policy, or a fingerprint")
    return found[0]


def _estates(policy: Policy, snapshot: Snapshot, finding: Finding) -> Iterator[Given]:
    """What an example may give, likelier things first: all that the policy came by, then with lists not read."""
    joins, time = Spy(snapshot), snapshot.captured_at
    kinds = policy.subjects() if policy.rollup else (finding.type,)
    rows: dict[str, dict[RowKey, Row]] = {kind: {} for kind in kinds}
    lost: dict[str, list[Unknown]] = {kind: [] for kind in kinds}
    for account in map(snapshot.account, snapshot.accounts if policy.is_wide() else (finding.account,)):
        joins.enter(account)
        for each in policy.by_type():
            for resource in joins.resources(each.resource):
                if is_about(policy, finding, resource, account, time):
                    judge(each, resource, joins, time)
                    found = row(resource)
                    rows[each.resource][row_key(found)] = found
        if policy.rollup and policy.rollup.unit:
            rows.setdefault(ACCOUNT_TYPE, {}).update(
                (row_key(found), found) for found in map(row, account.read(ACCOUNT_TYPE))
            )
        for kind in kinds:
            lost[kind] += account.gaps(kind).values()
    rows = {kind: rows.get(kind, {}) | joins.rows.get(kind, {}) for kind in (*rows, *(joins.rows.keys() - rows.keys()))}
    gaps = {kind: [*found] for kind, found in joins.gaps.items()}
    for kind in kinds:
        gaps.setdefault(kind, []).extend(lost[kind])
    choices = [list(_choices(kind, list(found.values()), gaps.get(kind, []))) for kind, found in rows.items()]
    for anchor in ({}, *_anchors(finding)):
        for chosen in product(*choices):
            yield {**anchor, **{kind: given for part in chosen for kind, given in part.items()}}


def _choices(kind: str, rows: Sequence[Row], gaps: Sequence[Unknown]) -> Iterator[Given]:
    """What may be given of one type: its rows, why they are unknown, or nothing."""
    if rows:
        yield {kind: [json.loads(encode(_entry(each))) for each in rows]}
    if gaps:
        yield {kind: {MISSING: str(Unknown.merge(gaps))}}
    yield {kind: []}
    yield {}


def _entry(found: Row) -> dict[str, Json]:
    """A row with what it is before how it is configured."""
    first = ("$account", "$region", "$id", "$name", "$tags")
    known = {name: found[name] for name in first if not isinstance(found[name], Unknown)}
    return known | {name: item for name, item in found.items() if name not in first}


def _anchors(finding: Finding) -> Iterator[Given]:
    """An account or region in which nothing is left is there by itself."""
    yield {ACCOUNT_TYPE: [{"$account": finding.account, "AccountId": finding.account}]}
    if finding.region != EVERYWHERE:
        yield {REGION_TYPE: [{"$account": finding.account, "RegionName": finding.region}]}


def _narrowed(rows: Any, read: Sequence[Path]) -> Any:
    """Resources with only the fields that the policy reads, and what they are."""
    if not isinstance(rows, list):
        return rows
    own = tuple((name,) for each in rows for name in each if name.startswith("$"))
    return [_project(each, (*own, *read)) for each in rows]


def _project(node: Any, paths: Sequence[Path]) -> Any:
    if () in paths or (isinstance(node, dict) and MISSING in node):
        return node
    if isinstance(node, list):
        return [_project(item, [path[1:] for path in paths if path[0] == "[]"]) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _project(item, below)
        for key, item in node.items()
        if (below := [path[1:] for path in paths if path[0] in (key, "*")])
    }
