"""All policies on one resource type, compiled: each is a rule that decides on a record, and words what failed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ..model.finding import Status
from ..model.policy import Lookup, Policy
from .record_type import LineNeed
from .spending import Toll

COUNTED = {Status.PASS: 0, Status.NOT_APPLICABLE: 1}  # the outcomes of which nobody wants to read more
ODD = (None, None)  # the outcome of a record that is not plain


class Join(Struct, frozen=True, kw_only=True, eq=False):
    """A lookup of a program. `theirs` gives the key of a row, `keep` whether it satisfies a `where` that is fixed."""

    lookup: Lookup
    theirs: Callable[[Any, str], Any]
    keep: Callable[[Any, str], Any] | None


class Rule(Struct, kw_only=True, eq=False):
    """One policy as functions of a record, the account, the snapshot's time, and what finds the rows of each join.

    What `decide` gives is two pieces of a line, before and after what all findings on a record share. Of a failure it
    is None and what `word` needs to make the second; of what nobody wants to read, a number of COUNTED. With a rollup
    it is what is folded, if anything. Both raise an exception where a record is not plain; so does `word` for ODD.

    Outcomes are in `memo` by the values that they came from, which the `columns` have; None where values hardly come
    again: of `met` records, so many were `new`.
    """

    decide: Callable[..., Any]
    word: Callable[..., bytes] | None
    front: bytes  # the first piece of a failure
    aside: bytes  # or of what a policy is not about
    columns: Sequence[int] | None
    memo: dict[Hashable, Any] = field(default_factory=dict)
    met: int = 0
    new: int = 0


class Program(Struct, kw_only=True):
    """The policies on one type, each with its rule; None where the exact path judges.

    A column gives one value of each of some records of an account. Findings with a status that is not `written` are
    only counted. `joins` are lookups, by policy and name; `touched` the places that decide what comes of a policy;
    `tolls` what policies with lookups spend, by their ids.
    """

    kind: str
    policies: Sequence[Policy]
    needs: Mapping[str, LineNeed]
    written: frozenset[Status]
    joins: dict[tuple[str, str], Join] = field(default_factory=dict)
    touched: dict[str, set[Hashable]] = field(default_factory=dict)
    tolls: dict[str, Toll] = field(default_factory=dict)
    rules: Sequence[Rule | None] = ()
    counts: bool = False  # whether some findings are only counted
    columns: Sequence[Callable[[Sequence[Any], str], list[Hashable]]] = ()

    def __post_init__(self) -> None:
        self.counts = not self.written >= frozenset(COUNTED)

    def toll(self, policy: Policy) -> Toll:
        """What a policy spends, in whatever function."""
        if policy.id not in self.tolls:
            self.tolls[policy.id] = Toll.of(policy)
        return self.tolls[policy.id]
