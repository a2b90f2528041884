"""Explain a finding: the resources it rests on, each with its verdict, its traces and its place in the snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE
from ...snapshot.format import file_name
from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Json, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..functions.budget import Purse, spending
from ..functions.unknowns import Truth
from ..judging.evaluate import Verdict, judge, variables
from ..judging.joins import Joins
from ..judging.recording_joins import is_about
from ..judging.scope import Variables
from ..language.trace import Step, mark, trace
from ..model.finding import Finding, Status
from ..model.policy import Lookup, Policy

ROWS = 5  # of a lookup


class Candidate(Struct, frozen=True, kw_only=True):
    """A row that a lookup's keys found: its place, whether it counts, and why."""

    id: str
    account: str
    region: str
    place: str
    kept: Truth
    where: Step | None


class LookupTrace(Struct, frozen=True, kw_only=True):
    """A lookup that was made: what it asked for, what it found, and what may be missing."""

    name: str
    lookup: Lookup
    keys: tuple[tuple[str, str, Json], ...]
    rows: tuple[Candidate, ...]
    more: int
    gap: Unknown | None
    error: str


class Explained(Struct, frozen=True, kw_only=True):
    """One resource, and why a policy says of it what it says."""

    resource: Resource
    place: str
    verdict: Verdict
    where: Step | None
    assertions: tuple[Step, ...]
    lookups: tuple[LookupTrace, ...]


class Places:
    """Where resources stand: `ACCOUNT/AWS-….jsonl:LINE` below the snapshot's folder."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._lines: dict[tuple[str, str], dict[tuple[str, str], int]] = {}

    def of(self, kind: str, account: str, region: str, identity: str) -> str:
        key = (account, kind)
        if key not in self._lines:
            listed = self._snapshot.account(account).read(kind)
            self._lines[key] = {(found.region, found.id): number for number, found in enumerate(listed, 1)}
        return f"{account}/{file_name(kind)}:{self._lines[key][region, identity]}"


def explain(snapshot: Snapshot, policy: Policy, finding: Finding, only: Resource | None = None) -> list[Explained]:
    """Every resource that a finding rests on, or `only` one; those that decide it first.

    Raises OverBudget where evaluating all that is shown takes more steps than the policy may.
    """
    joins, places, time = Joins(snapshot), Places(snapshot), snapshot.captured_at
    accounts = snapshot.accounts if policy.is_wide() else (finding.account,)
    chosen = []
    for account in map(snapshot.account, accounts):
        joins.enter(account)
        chosen += [
            (account, each, resource)
            for each in policy.by_type()
            for resource in joins.resources(each.resource)
            if (resource == only if only else is_about(policy, finding, resource, account, time))
        ]
    purse, found, entered = Purse.of(policy.budget, len(chosen)), list[Explained](), ""
    for account, each, resource in chosen:
        if account.id != entered:
            joins.enter(account)
            entered = account.id
        found.append(_explained(each, resource, joins, places, time, purse))
    return sorted(found, key=lambda each: (not decides(finding, each), each.verdict.status is Status.NOT_APPLICABLE))


def decides(finding: Finding, each: Explained) -> bool:
    """Whether a finding has its status from a resource's."""
    unsure = {Status.UNKNOWN, Status.ERROR}
    return each.verdict.status is finding.status or {each.verdict.status, finding.status} <= unsure


def gap_of(snapshot: Snapshot, policy: Policy, finding: Finding) -> Unknown | None:
    """Why resources that the finding should rest on may be missing from the snapshot."""
    accounts = snapshot.accounts if policy.is_wide() else (finding.account,)
    found = [gap for each in accounts for gap in _gaps_of(snapshot.account(each), policy, finding)]
    return Unknown.merge(found) if found else None


def _gaps_of(account: Account, policy: Policy, finding: Finding) -> Iterator[Unknown]:
    if isinstance(account.regions, Unknown) and finding.type == REGION_TYPE and policy.rollup:
        yield account.regions
        return
    whole = finding.type == ACCOUNT_TYPE and policy.rollup
    for kind in policy.subjects() if policy.rollup else (finding.type,):
        everywhere = finding.region in (EVERYWHERE, GLOBAL) or whole
        gap = account.gap_anywhere(kind) if everywhere else account.gap(kind, finding.region)
        if gap is not None:
            yield gap


def _explained(policy: Policy, resource: Resource, joins: Joins, places: Places, time: str, purse: Purse) -> Explained:
    with spending(policy.budget, purse=purse):
        return _traced(policy, resource, joins, places, time)


def _traced(policy: Policy, resource: Resource, joins: Joins, places: Places, time: str) -> Explained:
    scope = variables(policy, resource, joins, time)
    verdict = judge(policy, resource, joins, time)
    where = trace(policy.where, resource.config, scope) if policy.where else None
    applies = where is None or where.held is True
    asserted = tuple(trace(each.that, resource.config, scope) for each in policy.assertions if applies)
    made = [(name, lookup) for name, lookup in policy.lookups.items() if name in scope]
    return Explained(
        resource=resource,
        place=places.of(resource.type, resource.account, resource.region, resource.id),
        verdict=verdict,
        where=where if where is None or applies else mark(where),
        assertions=tuple(mark(step) if _decides(step, verdict.status) else step for step in asserted),
        lookups=tuple(_lookup(name, lookup, resource, joins, places, scope) for name, lookup in made),
    )


def _decides(step: Step, status: Status) -> bool:
    """Whether the verdict rests on an assertion: all of them make a pass, any that is false a failure."""
    match status:
        case Status.FAIL:
            return step.held is False
        case Status.UNKNOWN | Status.ERROR:
            return bool(step.error) or isinstance(step.held, Unknown)
        case _:
            return True


def _lookup(
    name: str, lookup: Lookup, resource: Resource, joins: Joins, places: Places, scope: Variables
) -> LookupTrace:
    """What a lookup asked for and found, by the joins' own `find` without its `where`, then that on each row."""
    keys = tuple(
        (theirs.text.removeprefix("@."), step.text, step.found)
        for theirs, step in (
            (theirs, trace(ours, resource.config, scope))
            for theirs, ours in zip(lookup.theirs, lookup.ours, strict=True)
        )
    )
    try:
        matched = joins.find(replace(lookup, where=None, one=False), resource, scope)
    except EvaluationError as error:
        return LookupTrace(name=name, lookup=lookup, keys=keys, rows=(), more=0, gap=None, error=str(error))
    gaps = [found for found in matched if isinstance(found, Unknown)]
    rows = [_candidate(lookup, found, places, scope) for found in matched if not isinstance(found, Unknown)]
    rows.sort(key=lambda each: each.kept is False)
    return LookupTrace(
        name=name,
        lookup=lookup,
        keys=keys,
        rows=tuple(rows[:ROWS]),
        more=max(len(rows) - ROWS, 0),
        gap=Unknown.merge(gaps) if gaps else None,
        error="",
    )


def _candidate(lookup: Lookup, found: dict[str, Json], places: Places, scope: Variables) -> Candidate:
    step = mark(trace(lookup.where, found, scope)) if lookup.where else None
    account, region, identity = (found[f"${name}"] for name in ("account", "region", "id"))
    kept: Truth = True if step is None else Unknown.because(step.error) if step.held is None else step.held
    return Candidate(
        id=identity,
        account=account,
        region=region,
        place=places.of(lookup.source, account, region, identity),
        kept=kept,
        where=step,
    )
