"""How much it matters to fix a failure, and how much work it is: the weights, unless stillframe.yaml has others."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from .glob import glob
from .policy import Effort, Exposure, Policy, Severity

SEVERITIES = {
    Severity.CRITICAL: 100,
    Severity.HIGH: 30,
    Severity.MEDIUM: 10,
    Severity.LOW: 3,
    Severity.INFORMATIONAL: 1,
}
EXPOSURES = {Exposure.INTERNAL: 1, Exposure.PUBLIC: 3}
EFFORTS = {Effort.SMALL: 0.5, Effort.MEDIUM: 1, Effort.LARGE: 3}


class Priorities(Struct, frozen=True, kw_only=True):
    """The weights in force. `accounts` are factors by pattern, of which the first that fits counts."""

    severity: Mapping[Severity, float] = field(default_factory=lambda: SEVERITIES)
    exposure: Mapping[Exposure, float] = field(default_factory=lambda: EXPOSURES)
    effort: Mapping[Effort, float] = field(default_factory=lambda: EFFORTS)
    accounts: Mapping[str, float] = field(default_factory=dict)

    def weight(self, severity: Severity, exposure: Exposure, account: str) -> float:
        """What one failure weighs: severity × exposure, and the account's factor."""
        factor = next((factor for pattern, factor in self.accounts.items() if glob(pattern, account)), 1)
        return self.severity[severity] * self.exposure[exposure] * factor

    def worth(self, policy: Policy, severity: Severity) -> float:
        """What it is worth to fix one failure of a policy that is so bad, in an account like any other."""
        return self.severity[severity] * self.exposure[policy.exposure] / self.effort[policy.effort]


DEFAULTS = Priorities()
