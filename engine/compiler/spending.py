"""What compiled policies spend, never less than the exact path would: so as long as it suffices, both say the same.

A resource may always take its part of what all those of an account share; only what is more has to be counted.
"""

from __future__ import annotations

from msgspec import Struct

from ..functions.budget import EACH
from ..judging.growth import steady
from ..model.policy import Policy
from .runtime import NotPlain

_ALL = 2  # budgets: fewer than there are, so that little is done twice


class Toll(Struct):
    """What is left for one policy in one account: `pace` steps for each row, where a lookup finds more than `few`."""

    budget: int
    pace: int
    few: int
    most: int
    left: int = 0

    @classmethod
    def of(cls, policy: Policy) -> Toll:
        pace, lookups = steady(policy) or policy.budget, max(1, len(policy.lookups))
        few = max(0, policy.budget // EACH // pace - 1) // lookups
        most = policy.budget // (2 * pace * lookups) - 1  # all of the lookups share half of what a resource may take
        return cls(policy.budget, pace, few, most)

    def enter(self) -> None:
        """Begin an account."""
        self.left = self.budget * _ALL

    def take(self, rows: int) -> None:
        """Take what rows cost. Raises NotPlain where there are more than may be, or nothing is left."""
        self.left -= rows * self.pace
        if rows > self.most or self.left < 0:
            raise NotPlain

    def add(self, steps: int) -> None:
        """Take what the exact path spent on a resource."""
        self.left -= max(0, steps - self.budget // EACH)
