"""One policy under settings of which some hold only somewhere: what they make of it where some hold and others may."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.format import encode
from ...snapshot.model import Json, Unknown
from ..functions.equality import equal
from ..functions.unknowns import Truth
from .policy import VARIANT, Policy, Severity
from .setting import Setting, changed

MOST = 64  # ways in which settings by region or tag may make a policy: in an account it is evaluated in each
_ENABLED = "enabled?"  # beside the names of parameters, of which none is called so


class _State(Struct, frozen=True):
    """What some settings made of a policy, and of what it is unknown whether they did."""

    policy: Policy
    enabled: bool = True
    unsure: Mapping[str, Unknown] = field(default_factory=dict)

    def key(self) -> bytes:
        unsure = sorted((name, str(why)) for name, why in self.unsure.items())
        return encode([dict(self.policy.params), self.enabled, unsure])


class Layers(Struct, frozen=True, kw_only=True):
    """A policy, and its settings, each before those with more weight. `last` are values that none of these changes."""

    policy: Policy
    settings: Sequence[Setting]
    last: Mapping[str, Json] = field(default_factory=dict)

    def where(self, truths: Sequence[Truth]) -> Policy | None:
        """The policy where settings hold, or may; None where it is disabled. It has an id of its own.

        Where it is unknown what its parameters are, or whether it is disabled, it is `unsure`.
        """
        (found,) = self.possible([[each] for each in truths])
        return found

    def possible(self, truths: Sequence[Iterable[Truth]]) -> list[Policy | None]:
        """All that it may be where it is open which of some truths each setting has."""
        states = [_State(self.policy)]
        for setting, each in zip(self.settings, truths, strict=True):
            after = [_step(state, setting, holds) for state in states for holds in each]
            states = list({state.key(): state for state in after}.values()) if len(after) > 1 else after
        return [self._named(state) for state in states]

    def severity(self, truths: Sequence[Truth]) -> Severity:
        """How bad a failure is where settings hold, or may: the worst that it may be."""
        may = {self.policy.severity}
        for setting, holds in zip(self.settings, truths, strict=True):
            if setting.severity and holds is not False:
                may = {setting.severity, *(may if isinstance(holds, Unknown) else ())}
        return min(may, key=lambda each: each.rank)

    def severe(self) -> bool:
        """Whether its severity is not everywhere the same."""
        return any(each.severity for each in self.settings if each.scope.record())

    def _named(self, state: _State) -> Policy | None:
        unsure = {name: why for name, why in state.unsure.items() if name not in self.last}
        if not state.enabled and _ENABLED not in unsure:
            return None
        # Of one that says nothing parameters do not matter: there is one of each cause.
        known = replace(self.policy, params={**state.policy.params, **self.last})
        policy = _unsure(self.policy, Unknown.merge(unsure.values())) if unsure else known
        said = encode([dict(policy.params), str(policy.unsure)])
        return replace(policy, id=f"{policy.id}{VARIANT}{hashlib.sha256(said).hexdigest()[:12]}")


def _step(state: _State, setting: Setting, holds: Truth) -> _State:
    """What comes of it where one more setting holds, or may."""
    if holds is False:
        return state
    after = changed(state.policy, [setting])
    turned = setting.enabled is not None and setting.enabled != state.enabled
    if isinstance(holds, Unknown):
        before = state.policy.params
        differ = [name for name in after.params if not equal(after.params[name], before[name])]
        return replace(
            state, unsure={**state.unsure, **dict.fromkeys([*differ, *([_ENABLED] if turned else [])], holds)}
        )
    said = {*setting.params, *([_ENABLED] if setting.enabled is not None else [])}
    unsure = {name: why for name, why in state.unsure.items() if name not in said}
    return _State(after, state.enabled is not turned, unsure)


def _unsure(policy: Policy, why: Unknown) -> Policy:
    """A policy that says nothing, but that it does not apply where no parameter and no lookup decides that."""
    open_to = {"params", *policy.lookups}
    where = policy.where if policy.where and open_to.isdisjoint(policy.where.variables()) else None
    return replace(policy, where=where, unsure=Unknown.because(f"which settings hold here is unknown: {why}"))
