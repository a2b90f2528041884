"""Evaluate policies over a snapshot: offline, without a clock, and in the same order every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct

from ...snapshot.model import Account, Json, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..functions.budget import OverBudget, Purse, Recount, spending
from ..functions.unknowns import Truth, kleene_all
from ..language.interpret import evaluate as value_of
from ..language.interpret import holds
from ..language.paths import evidence
from ..language.template import Template, render
from ..model.finding import Finding, Status, of_policy
from ..model.policy import Assertion, Policy
from .growth import is_light, steady
from .joins import Joins, row
from .rollup import Folded, Item, fold


class Variables(dict[str, Any]):
    """The variables of one resource. A lookup is made, and a name worked out, when it is first read."""

    def __init__(self, fixed: Mapping[str, Json], lookups: Mapping[str, Callable[[Variables], Json]]) -> None:
        super().__init__(fixed)
        self._lookups = lookups

    def __missing__(self, name: str) -> Json:
        found = self[name] = self._lookups[name](self)
        return found


class Verdict(Struct, frozen=True, kw_only=True):
    """What a policy says of one resource, before it becomes a finding."""

    status: Status
    message: str = ""
    remediation: str | None = None
    evidence: Mapping[str, Json]


def evaluate(snapshot: Snapshot, policies: Sequence[Policy]) -> Iterator[Finding]:
    """Every finding of every policy, sorted by (account, policy, region, type, resource).

    Where a type could not be listed there is no resource to evaluate: the policy then gives one unknown finding
    for that account and region, whose subject is the type itself.
    """
    joins = Joins(snapshot)
    ordered = sorted(policies, key=lambda policy: policy.id)
    for account_id in snapshot.accounts:
        account = snapshot.account(account_id)
        joins.enter(account)
        for policy in ordered:
            yield from sorted(findings(policy, account, joins, snapshot.captured_at), key=lambda found: found.identity)


def findings(policy: Policy, account: Account, joins: Joins, snapshot_time: str) -> Iterable[Finding]:
    """Every finding of one policy in one account, which the joins have entered, in no order."""
    purses, judged = list[Purse](), list[tuple[Resource, Verdict]]()
    for each in policy.by_type():
        resources = joins.resources(each.resource)
        purses.append(purse := Purse.of(policy.budget, len(resources)))
        judged += [(resource, judge(each, resource, joins, snapshot_time, purse)) for resource in resources]
    if policy.rollup:
        items = [
            Item(
                resource=partial(_itself, resource),
                type=resource.type,
                region=resource.region,
                id=resource.id,
                status=verdict.status,
                message=verdict.message,
                evidence=verdict.evidence,
            )
            for resource, verdict in judged
        ]
        yield from folded(policy, account, items, snapshot_time, purses[0])
        return
    for resource, verdict in judged:
        yield finding(policy, resource, verdict)
    yield from gaps(policy, account)


def _itself(resource: Resource) -> Resource:
    return resource


def finding(policy: Policy, resource: Resource, verdict: Verdict) -> Finding:
    """A verdict on a resource as a finding."""
    return _finding(policy, resource.account, resource.region, resource.type, resource.id, resource.name, verdict)


def folded(
    policy: Policy, account: Account, items: Sequence[Item], snapshot_time: str, purse: Purse
) -> Iterator[Finding]:
    """What a rollup makes of verdicts on resources."""
    base = _variables(policy, account.id, snapshot_time)
    for found in fold(policy, account, items):
        try:
            with spending(policy.budget, purse=purse):
                verdict = _worded(policy, found, base)
        except OverBudget as error:
            verdict = Verdict(status=Status.ERROR, message=str(error), evidence={})
        yield _finding(policy, account.id, found.region, found.type, found.subject, account.name, verdict)


def gaps(policy: Policy, account: Account) -> Iterator[Finding]:
    """An unknown finding for each place where a type of the policy could not be listed; a rollup has its own way."""
    for kind in () if policy.rollup else policy.subjects():
        for region, gap in account.gaps(kind).items():
            verdict = Verdict(status=Status.UNKNOWN, message=str(gap), evidence={})
            yield _finding(policy, account.id, region, kind, kind, None, verdict)


def variables(policy: Policy, resource: Resource, joins: Joins, snapshot_time: str) -> Variables:
    """What a policy's expressions may name when they evaluate a resource."""
    return Variables(
        {
            **_variables(policy, resource.account, snapshot_time),
            "type": resource.type,
            "region": resource.region,
            "id": resource.id,
            "name": resource.name,
            "tags": resource.tags,
            "self": resource.config,
        },
        {
            **{name: partial(joins.find, lookup, resource) for name, lookup in policy.lookups.items()},
            **{name: partial(value_of, each, resource.config) for name, each in policy.lets.items()},
        },
    )


def judge(policy: Policy, resource: Resource, joins: Joins, snapshot_time: str, purse: Purse | None = None) -> Verdict:
    """One policy on one resource. An expression without a value is an `error` for that resource alone.

    So is a policy that takes more steps than its budget has, or than are left of what it may take in the account.
    """
    pace = steady(policy)
    try:
        if pace and is_light(resource):
            with suppress(Recount), spending(policy.budget, pace, purse):
                return _judged(policy, resource, joins, snapshot_time)
        with spending(policy.budget, purse=purse):
            return _judged(policy, resource, joins, snapshot_time)
    except OverBudget as error:
        return Verdict(status=Status.ERROR, message=str(error), evidence={})
    except RecursionError:
        return Verdict(status=Status.ERROR, message="the data is nested too deeply", evidence={})


def _judged(policy: Policy, resource: Resource, joins: Joins, snapshot_time: str) -> Verdict:
    scope = variables(policy, resource, joins, snapshot_time)
    config = resource.config
    try:
        applies: Truth = holds(policy.where, config, scope) if policy.where else True
    except EvaluationError as error:
        return Verdict(status=Status.ERROR, message=f"where: {error}", evidence={})
    if applies is not True and policy.where:
        seen = evidence((policy.where,), config, scope)
        if applies is False:
            return Verdict(status=Status.NOT_APPLICABLE, evidence=seen)
        return Verdict(status=Status.UNKNOWN, message=str(applies), evidence=seen)

    outcomes = [(assertion, *_outcome(assertion, config, scope)) for assertion in policy.assertions]
    overall = kleene_all([truth for _, truth, _ in outcomes])
    if overall is False:
        return _failure(policy, [assertion for assertion, truth, _ in outcomes if truth is False], config, scope)
    seen = evidence(tuple(assertion.that for assertion in policy.assertions), config, scope)
    if errors := [error for _, _, error in outcomes if error]:
        return Verdict(status=Status.ERROR, message="; ".join(errors), evidence=seen)
    if overall is True:
        return Verdict(status=Status.PASS, message=policy.title, evidence=seen)
    return Verdict(status=Status.UNKNOWN, message=str(overall), evidence=seen)


def _outcome(assertion: Assertion, config: Json, scope: Variables) -> tuple[Truth, str]:
    try:
        return holds(assertion.that, config, scope), ""
    except EvaluationError as error:
        return Unknown.because(str(error)), str(error)


def _failure(policy: Policy, failed: Sequence[Assertion], config: Json, scope: Variables) -> Verdict:
    messages = dict.fromkeys(
        _text(assertion.message or (None if policy.rollup else policy.message), policy, config, scope)
        for assertion in failed
    )
    return Verdict(
        status=Status.FAIL,
        message="; ".join(messages),
        remediation=None if policy.rollup else _command(policy, config, scope),
        evidence=evidence(tuple(assertion.that for assertion in failed), config, scope),
    )


def _worded(policy: Policy, folded: Folded, base: Mapping[str, Json]) -> Verdict:
    """A rollup's verdict with its texts, in which `$failed` and `$unknown` are the resources it folded."""
    if folded.status is not Status.FAIL:
        message = policy.title if folded.status is Status.PASS else folded.message
        return Verdict(status=folded.status, message=message, evidence=folded.evidence)
    named = {"failed": folded.failed, "unknown": folded.unknown, "passed": folded.passed}
    scope = Variables(
        {**base, "region": folded.region, "id": folded.subject},
        {name: partial(_rows, items) for name, items in named.items()},
    )
    return Verdict(
        status=folded.status,
        message=render(policy.message, None, scope) if policy.message else folded.message,
        remediation=_command(policy, None, scope),
        evidence=folded.evidence,
    )


def _rows(items: Sequence[Item], _: Variables) -> Json:
    return [row(item.resource()) for item in items]


def _text(template: Template | None, policy: Policy, config: Json, scope: Variables) -> str:
    return render(template, config, scope) if template else f"not so: {policy.title}"


def _command(policy: Policy, config: Json, scope: Variables) -> str | None:
    return render(policy.remediation_cli, config, scope, shell=True) if policy.remediation_cli else None


def _variables(policy: Policy, account: str, snapshot_time: str) -> dict[str, Json]:
    return {"account": account, "params": policy.params, "snapshot_time": snapshot_time}


def _finding(
    policy: Policy, account: str, region: str, kind: str, subject: str, name: str | None, verdict: Verdict
) -> Finding:
    return Finding(
        **of_policy(policy),
        status=verdict.status,
        account=account,
        region=region,
        type=kind,
        resource=subject,
        name=name,
        message=verdict.message,
        remediation=verdict.remediation,
        evidence=verdict.evidence,
    )
