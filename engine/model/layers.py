"""One policy under settings of which some hold only somewhere: what they make of it where some hold and others may."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.format import encode
from ...snapshot.model import Json, Unknown
from ..functions.equality import equal
from ..functions.unknowns import Truth
from .policy import VARIANT, Policy
from .setting import Setting, changed

MOST = 4  # settings by region or tag of one policy: each may double what is evaluated
_ENABLED = object()  # beside the names of parameters


class Layers(Struct, frozen=True, kw_only=True):
    """A policy, and its settings, each before those with more weight. `last` are values that none of these changes."""

    policy: Policy
    settings: Sequence[Setting]
    last: Mapping[str, Json] = field(default_factory=dict)

    def where(self, truths: Sequence[Truth]) -> Policy | None:
        """The policy where settings hold, or may; None where it is disabled. It has an id of its own.

        Where it is unknown what its parameters are, or whether it is disabled, it is `unsure`.
        """
        policy, enabled, unsure = self.policy, True, dict[object, Unknown]()
        for setting, holds in zip(self.settings, truths, strict=True):
            if holds is False:
                continue
            after = changed(policy, [setting])
            turned = setting.enabled is not None and setting.enabled != enabled
            if isinstance(holds, Unknown):
                differ = [name for name in after.params if not equal(after.params[name], policy.params[name])]
                unsure |= dict.fromkeys([*differ, *([_ENABLED] if turned else [])], holds)
                continue
            policy, enabled = after, enabled is not turned
            for said in (*setting.params, *([_ENABLED] if setting.enabled is not None else [])):
                unsure.pop(said, None)
        for name in self.last:
            unsure.pop(name, None)
        if not enabled and _ENABLED not in unsure:
            return None
        if unsure:
            return _named(_unsure(policy, Unknown.merge(unsure.values())))
        return _named(replace(policy, params={**policy.params, **self.last}))


def _unsure(policy: Policy, why: Unknown) -> Policy:
    """A policy that says nothing, but that it does not apply where no parameter and no lookup decides that."""
    open_to = {"params", *policy.lookups}
    where = policy.where if policy.where and open_to.isdisjoint(policy.where.variables()) else None
    return replace(policy, where=where, unsure=Unknown.because(f"which settings hold here is unknown: {why}"))


def _named(policy: Policy) -> Policy:
    said = encode([dict(policy.params), str(policy.unsure)])
    return replace(policy, id=f"{policy.id}{VARIANT}{hashlib.sha256(said).hexdigest()[:12]}")
