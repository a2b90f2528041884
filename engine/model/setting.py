"""What differs from how policies are written: which settings a policy has, and what they make of it together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.catalog import ACCOUNT_TYPE
from ...snapshot.model import GLOBAL
from .glob import glob, wild
from .policy import Effort, Exposure, Policy, Severity, Within
from .policy import base as written
from .scope import ANYWHERE, Scope, fits

_NAMED = 4  # of several that one line is about


class Setting(Struct, frozen=True, kw_only=True):
    """What differs for the policies that a name or a pattern means; None is as it is. `place` is its file and line."""

    policy: str
    scope: Scope = ANYWHERE
    params: Mapping[str, Any]
    severity: Severity | None = None
    effort: Effort | None = None
    exposure: Exposure | None = None
    enabled: bool | None = None
    reason: str = ""
    place: str = ""


def means(name: str, policy: str) -> bool:
    """Whether the key of a setting means a policy, by its own id or that which it is written with."""
    ids = (policy, written(policy))
    return name in ids or (wild(name) and any(glob(name, each) for each in ids))


def settings_of(policy: Policy, settings: Iterable[Setting]) -> Sequence[Setting]:
    """The settings of a policy, each before those that have more weight.

    What is set for the policy that it extends comes first, but for what it says itself; then patterns, and at last its
    ids. Of equal ones the later has more weight.

    Of those that hold somewhere alone only those are there that alter it, and none where it counts over accounts.
    """
    found = reaching(policy, settings)
    if policy.is_wide():
        return everywhere(found)
    return [each for each in found if each.scope == ANYWHERE or alters(policy, each)]


def reaching(policy: Policy, settings: Iterable[Setting]) -> list[Setting]:
    """The settings that mean a policy or what it extends, in that order, whether or not it can be set so."""
    found: list[tuple[int, Setting]] = []
    for each in settings:
        if means(each.policy, policy.id):
            weight = 1 if wild(each.policy) else 3 if each.policy == policy.id != written(policy.id) else 2
            found.append((weight, each))
        for distance, base in enumerate(policy.extends.bases if policy.extends else ()):
            if means(each.policy, base.id) and not means(each.policy, policy.id):
                found.append((-distance, _inherited(each, policy, distance)))
                break
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _inherited(setting: Setting, policy: Policy, distance: int) -> Setting:
    """What of a setting reaches from a base to a policy: not what this says itself, nor what a nearer base does."""

    def said(key: str) -> bool:
        nearer = policy.extends.bases[:distance] if policy.extends else ()
        own = policy.extends.own if policy.extends else ()
        return key in own or any(key in base.keys for base in nearer)

    return replace(
        setting,
        enabled=None,
        params={} if said("params") else setting.params,
        severity=None if said("severity") else setting.severity,
        effort=None if said("effort") else setting.effort,
        exposure=None if said("exposure") else setting.exposure,
    )


def changed(policy: Policy, settings: Sequence[Setting]) -> Policy:
    """A policy as its settings make it. Of parameters it takes those that it has."""
    for each in settings:
        params = {name: value for name, value in each.params.items() if name in policy.params}
        policy = replace(
            policy,
            params={**policy.params, **params},
            severity=each.severity or policy.severity,
            effort=each.effort or policy.effort,
            exposure=each.exposure or policy.exposure,
        )
    return policy


def everywhere(settings: Sequence[Setting]) -> Sequence[Setting]:
    """Those of some settings that hold everywhere."""
    return [each for each in settings if each.scope == ANYWHERE]


def by_place(settings: Sequence[Setting]) -> bool:
    """Whether some of a policy's settings hold somewhere alone."""
    return len(everywhere(settings)) < len(settings)


def misplaced(policy: Policy, scope: Scope) -> str:
    """Why what holds in a scope cannot be set for a policy; empty where it can."""
    if scope != ANYWHERE and policy.is_wide():
        return f"{policy.id} counts over accounts: it is set the same everywhere"
    if scope.region and policy.rollup and policy.rollup.by:
        return f"{policy.id} has a finding for each group, and a group is in no region"
    return ""


def unmet(policy: Policy, scope: Scope) -> str:
    """Why no finding of a policy can be in a scope, where that is for its region; empty where one may be."""
    per_account = policy.rollup and policy.rollup.per is Within.ACCOUNT and not policy.rollup.by
    of_accounts = not policy.rollup and set(policy.subjects()) == {ACCOUNT_TYPE}
    if scope.region and (per_account or of_accounts) and not fits(scope.region, [GLOBAL]):
        return f"{policy.id} has its findings in the region {GLOBAL}, and in no other"
    return ""


def alters(policy: Policy, setting: Setting) -> bool:
    """Whether a setting says anything that a policy has."""
    said = setting.enabled is not None or setting.severity is not None
    return said or not setting.params.keys().isdisjoint(policy.params)


def disabling(settings: Sequence[Setting]) -> Setting | None:
    """Which of a policy's settings disables it, if it is disabled everywhere."""
    said = [each for each in settings if each.enabled is not None]
    here = everywhere(said)
    somewhere = any(each.enabled for each in said if each not in here)
    return here[-1] if here and not here[-1].enabled and not somewhere else None


def unheard(settings: Iterable[Setting], policies: Iterable[Policy]) -> Iterator[str]:
    """A line for each setting that holds somewhere, of policies that count over accounts and so do not take it."""
    wide = [policy for policy in policies if policy.is_wide()]
    for each in settings if wide else ():
        names = [policy.id for policy in wide if any(alters(policy, found) for found in reaching(policy, [each]))]
        if names and each.scope != ANYWHERE:
            said = "count over accounts: they are" if len(names) > 1 else "counts over accounts: it is"
            yield f"{each.place}: {some(names)} {said} set the same everywhere, and not where {each.scope.words()}"


def some(names: Sequence[str]) -> str:
    """Names for people, of many the first and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
