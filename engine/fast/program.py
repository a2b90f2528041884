"""All policies on one resource type as one function: it reads lines, judges them, and writes findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...snapshot.format import encode
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

    Findings with a status that is not `written` are only counted: `run` gives their numbers as `heads` are ordered.
    """

    kind: str
    policies: Sequence[Policy]
    needs: Mapping[str, LineNeed]
    written: Collection[Status]
    joins: list[Join] = field(default_factory=list)
    exact: set[str] = field(default_factory=set)
    run: Callable[..., Any] = lambda *_: None
    begins: Sequence[bytes] = ()

    def heads(self, account: str) -> list[bytes]:
        """How findings begin, by policy and then by status."""
        end = encode(account) + b',"region":'
        return [begin + end for begin in self.begins]
