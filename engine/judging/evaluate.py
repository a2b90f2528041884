"""Evaluate policies over a snapshot: offline, without a clock, and in the same order every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct

from ...snapshot.model import Account, Json, Resource, Snapshot, Unknown
from ..errors import EvaluationError
from ..functions.budget import OverBudget, Purse, Recount, spending
from ..functions.unknowns import Truth, kleene_all
from ..language.interpret import holds
from ..language.paths import evidence
from ..language.template import Template, render
from ..model.finding import Finding, Status, of_policy
from ..model.policy import Assertion, Policy
from .grouping import Group, group_of
from .growth import is_light, steady
from .joins import Joins, row
from .rollup import Folded, Item, fold
from .scope import Variables, of_account, of_resource


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
    speaks = speaker(ordered, snapshot)
    for account_id in snapshot.accounts:
        account = snapshot.account(account_id)
        joins.enter(account)
        for policy in (each for each in ordered if each.is_of(account_id)):
            if policy.is_wide():
                yield from wide_findings(policy, snapshot, account_id, speaks)
                continue
            yield from sorted(findings(policy, account, joins, snapshot.captured_at), key=lambda found: found.identity)


def speaker(policies: Iterable[Policy], snapshot: Snapshot) -> str:
    """The account that has the findings of the whole organisation; empty where nobody asks for any."""
    from .organisation import home

    return home(snapshot) if any(policy.is_wide() for policy in policies) and snapshot.accounts else ""


def wide_findings(policy: Policy, snapshot: Snapshot, account: str, speaks: str) -> list[Finding]:
    """What a policy says of the whole organisation, sorted, if the account is the one that `speaks` for it."""
    from .organisation import findings_of_all

    found = findings_of_all(policy, snapshot, account) if account == speaks else ()
    return sorted(found, key=lambda each: each.identity)


def findings(policy: Policy, account: Account, joins: Joins, snapshot_time: str) -> Iterable[Finding]:
    """Every finding of one policy in one account, which the joins have entered, in no order."""
    if policy.rollup:
        items, purse = items_of(policy, joins, snapshot_time)
        yield from folded(policy, account, items, snapshot_time, purse)
        return
    for resource, verdict in _judged_all(policy, joins, snapshot_time)[0]:
        yield finding(policy, resource, verdict)
    yield from gaps(policy, account)


def items_of(policy: Policy, joins: Joins, snapshot_time: str) -> tuple[list[Item], Purse]:
    """What a rollup folds of the account that the joins have entered, and what it may take for it."""
    judged, purse = _judged_all(policy, joins, snapshot_time)
    items = [
        Item(
            resource=partial(_itself, resource),
            type=resource.type,
            region=resource.region,
            id=resource.id,
            status=verdict.status,
            message=verdict.message,
            evidence=verdict.evidence,
            account=resource.account if policy.is_wide() else "",
        )
        for resource, verdict in judged
    ]
    return items, purse


def _judged_all(policy: Policy, joins: Joins, snapshot_time: str) -> tuple[list[tuple[Resource, Verdict]], Purse]:
    purses, judged = list[Purse](), list[tuple[Resource, Verdict]]()
    for each in policy.by_type():
        resources = joins.resources(each.resource)
        purses.append(purse := Purse.of(policy.budget, len(resources)))
        judged += [(resource, judge(each, resource, joins, snapshot_time, purse)) for resource in resources]
    return judged, purses[0]


def _itself(resource: Resource) -> Resource:
    return resource


def finding(policy: Policy, resource: Resource, verdict: Verdict) -> Finding:
    """A verdict on a resource as a finding."""
    return _finding(policy, resource.account, resource.region, resource.type, resource.id, resource.name, verdict)


def folded(
    policy: Policy, account: Account, items: Sequence[Item], snapshot_time: str, purse: Purse
) -> Iterator[Finding]:
    """What a rollup makes of verdicts on resources."""
    found = fold(policy, account, items, group_within(policy, snapshot_time, purse))
    return as_findings(policy, (account.id, account.name), found, snapshot_time, purse)


def group_within(policy: Policy, snapshot_time: str, purse: Purse) -> Callable[[Item], Group]:
    """The group of what a rollup folds, for what a purse has left."""

    def group(item: Item) -> Group:
        try:
            with spending(policy.budget, purse=purse):
                return group_of(policy, item.resource(), snapshot_time)
        except OverBudget as error:
            return Unknown.because(str(error))

    return group


def as_findings(
    policy: Policy, account: tuple[str, str | None], folds: Iterable[Folded], snapshot_time: str, purse: Purse
) -> Iterator[Finding]:
    """What a rollup says, as findings of an account, by its id and name."""
    base = of_account(policy, account[0], snapshot_time)
    for found in folds:
        try:
            with spending(policy.budget, purse=purse):
                verdict = _worded(policy, found, base)
        except OverBudget as error:
            verdict = Verdict(status=Status.ERROR, message=str(error), evidence={})
        yield _finding(policy, account[0], found.region, found.type, found.subject, account[1], verdict)


def gaps(policy: Policy, account: Account) -> Iterator[Finding]:
    """An unknown finding for each place where a type of the policy could not be listed; a rollup has its own way."""
    for kind in () if policy.rollup else policy.subjects():
        for region, gap in account.gaps(kind).items():
            verdict = Verdict(status=Status.UNKNOWN, message=str(gap), evidence={})
            yield _finding(policy, account.id, region, kind, kind, None, verdict)


def variables(policy: Policy, resource: Resource, joins: Joins, snapshot_time: str) -> Variables:
    """What a policy's expressions may name when they evaluate a resource."""
    lookups = {name: partial(joins.find, lookup, resource) for name, lookup in policy.lookups.items()}
    return of_resource(policy, resource, snapshot_time, lookups)


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
    if policy.unsure is not None:
        return Verdict(status=Status.UNKNOWN, message=str(policy.unsure), evidence={})

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
