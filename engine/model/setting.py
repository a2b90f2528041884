"""What differs from how policies are written: which settings a policy has, and what they make of it together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .glob import glob, wild
from .policy import Effort, Exposure, Policy, Severity
from .policy import base as written
from .scope import ANYWHERE, Scope


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


def settings_of(policy: Policy, settings: Iterable[Setting]) -> list[Setting]:
    """The settings of a policy, each before those that have more weight.

    What is set for the policy that it extends comes first, but for what it says itself; then patterns, and at last its
    ids. Of equal ones the later has more weight.
    """
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
        return policy.says(key) or any(key in base.keys for base in nearer)

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


def by_place(policy: Policy, settings: Sequence[Setting]) -> bool:
    """Whether some of a policy's settings hold somewhere alone. What counts over accounts is in no place."""
    return not policy.is_wide() and len(everywhere(settings)) < len(settings)


def disabling(settings: Sequence[Setting]) -> Setting | None:
    """Which of a policy's settings disables it, if it is disabled everywhere."""
    said = [each for each in settings if each.enabled is not None]
    here = everywhere(said)
    somewhere = any(each.enabled for each in said if each not in here)
    return here[-1] if here and not here[-1].enabled and not somewhere else None
