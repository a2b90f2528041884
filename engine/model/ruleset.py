"""What to evaluate with, as values: the policies in force, the packs that ask for them, and waivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from .attestation import Attestation
from .layers import Layers
from .pack import Pack
from .policy import Policy
from .priorities import DEFAULTS, Priorities
from .setting import Setting
from .waiver import Waiver


class Ruleset(Struct, frozen=True, kw_only=True):
    """The policies in force, and as they are `written`; `disabled` are those of the latter that are not in force.

    Of policies that are different in some places, `layers` say how: as they are here, they are everywhere else.
    Each policy of the `packs` is in force, or disabled. If they were not `named`, they are the pack `logging`, or none;
    `instead` of it all that ships.
    `tailored` says which policies are evaluated in another way than a pack asks, `unheard` which settings by place hold
    nowhere, as what they mean is in no place. `digest` is of stillframe.yaml; those
    of `files` are of what it has parameters from.
    """

    policies: Sequence[Policy]
    written: Sequence[Policy] = ()
    packs: Sequence[Pack] = ()
    named: bool = True
    instead: bool = False
    layers: Mapping[str, Layers] = field(default_factory=dict)
    disabled: Mapping[str, Setting] = field(default_factory=dict)
    tailored: Sequence[str] = ()
    unheard: Sequence[str] = ()
    waivers: Sequence[Waiver] = ()
    priorities: Priorities = DEFAULTS
    attestations: Sequence[Attestation] = ()
    digest: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def severe_by_line(self) -> bool:
        """Whether of the findings of one account some may have another severity than others of the same policy."""
        settings = (setting for layers in self.layers.values() for setting in layers.settings)
        return any(setting.severity and setting.scope.by_line for setting in settings)

    def counts(self, policy: str) -> bool:
        """Whether a policy is counted under the controls of a pack that was named."""
        return self.named and any(ask.policy == policy for pack in self.packs for ask in pack.asks())
