"""What evaluating may cost: steps, counted, never time, so that the same input gives the same findings on any machine.

A step is one node of an expression for one item of a list, one value that a function looks at, or 64 characters of
text. Nothing is counted outside of `spending`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from ...snapshot.errors import StillframeError
from ...snapshot.model import Json
from ..errors import EvaluationError

BUDGET = 100_000_000  # steps of one policy on one resource
ALL = 5  # budgets for all that a policy evaluates in one account,
EACH = 1000  # and such a part of one for each resource
_CHARACTERS = 64


class OverBudget(StillframeError):  # noqa: N818 - what it is called in findings too
    """A policy that takes more steps than it may. No EvaluationError: no part of an expression goes on after it."""


class Recount(Exception):  # noqa: N818 - not an error: the way out where rows alone no longer say what it costs
    """A row is too large not to be counted throughout."""


class Purse(Struct):
    """What is left of the steps that a policy may take for all that it evaluates in one account."""

    left: int

    @classmethod
    def of(cls, budget: int, resources: int) -> Purse:
        return cls(budget * ALL + budget * resources // EACH)


class Work(Struct):
    """What a function tries that may take long, be it the `most` that it may: then it cannot know."""

    most: int
    cause: str
    done: int = 0

    def do(self, steps: int) -> None:
        """Raises EvaluationError."""
        self.done += steps
        if self.done > self.most:
            raise EvaluationError(self.cause)


class _Meter(Struct):
    """What is left of a budget. With a `pace`, only rows that lookups find are counted, so many steps each."""

    budget: int = 0
    left: int = 0
    pace: int = 0
    cause: str = ""

    @property
    def counts(self) -> bool:
        return self.budget > 0 and not self.pace


_meter = _Meter()


@contextmanager
def spending(budget: int, pace: int = 0, purse: Purse | None = None) -> Iterator[None]:
    """Count the steps of what is done within, afresh, and take them from a purse. Raises OverBudget there."""
    before = _meter.budget, _meter.left, _meter.pace, _meter.cause
    most, cause = budget, "one resource"
    if purse is not None and purse.left < budget:
        most, cause = purse.left, "all resources of one account"
        if most <= 0:
            raise OverBudget(_over(budget, cause))
    _meter.budget, _meter.left, _meter.pace, _meter.cause = budget, most - pace, pace, cause
    try:
        yield
    finally:
        if purse is not None:
            purse.left -= most - max(0, _meter.left)
        _meter.budget, _meter.left, _meter.pace, _meter.cause = before


def paced() -> bool:
    """Whether only rows are counted."""
    return _meter.pace > 0


def charge(steps: int) -> None:
    """Take steps from what is left, where all are counted."""
    if _meter.counts:
        _take(steps)


def charge_rows(number: int) -> None:
    """Take what rows cost that a lookup found."""
    if _meter.budget:
        _take(number * max(1, _meter.pace))


def charge_values(*values: Json) -> None:
    """Take what it costs to look at all of some values, where all steps are counted."""
    if _meter.counts:
        _take(weight(values, _meter.left))


def charge_product(steps: int, *values: Json) -> None:
    """Take what it costs to look at all of one value for each part of another, so many steps each."""
    if _meter.counts:
        for value in values:
            steps *= weight(value, _meter.left)
        _take(steps)


def _take(steps: int) -> None:
    _meter.left -= steps
    if _meter.left < 0:
        raise OverBudget(_over(_meter.budget, _meter.cause))


def _over(budget: int, what: str) -> str:
    return f"takes more steps than {what} may, by a budget of {budget}"


def weight(values: Json | Sequence[Json], most: int | None = None) -> int:
    """How many steps it takes to look at all of a value; of one that is larger than `most`, only that it is."""
    found, waiting = 0, [values]
    while waiting and (most is None or found <= most):
        value = waiting.pop()
        found += 1
        if isinstance(value, str):
            found += len(value) // _CHARACTERS
        elif isinstance(value, list | tuple):
            found += len(value)
            waiting += value
        elif isinstance(value, dict):
            found += len(value) + sum(map(len, value)) // _CHARACTERS
            waiting += value.values()
    return found
