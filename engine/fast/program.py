"""All policies on one resource type as one function: it reads lines, judges them, and writes findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Lookup, Policy, Status
from .needs import LineNeed

STATUSES = (Status.PASS, Status.NOT_APPLICABLE, Status.FAIL)  # what compiled code decides


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Join:
    """A lookup of a program. `theirs` gives the key of a row, `keep` whether it satisfies a `where` that is fixed."""

    lookup: Lookup
    theirs: Callable[[Any, str], Any]
    keep: Callable[[Any, str], Any] | None


@dataclass(slots=True, kw_only=True)
class Program:
    """The policies on one type. `joins` are the lookups that `run` calls by number; `exact` what it leaves alone.

    Findings with a status that is not `written` are only counted: `run` gives their numbers, by policy and then by
    status. `touched` are the places that decide what comes of a policy.
    """

    kind: str
    policies: Sequence[Policy]
    needs: Mapping[str, LineNeed]
    written: Collection[Status]
    joins: list[Join] = field(default_factory=list)
    exact: set[str] = field(default_factory=set)
    touched: dict[str, set[Hashable]] = field(default_factory=dict)
    run: Callable[..., Any] = lambda *_: None
