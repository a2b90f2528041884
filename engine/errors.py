"""The engine's branch of the error tree.

StillframeError (snapshot/errors.py)
├── PolicyError        policies that must not be used; `problems` names every fault of every file
├── OutputError        (output.py) a file that cannot be written, or whose format is not known
└── EvaluationError    an expression that has no value for a resource; becomes an `error` finding
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..snapshot.errors import StillframeError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One fault in a policy file. Lines and columns count from 1; line 0 is the file as a whole."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.path}{place}: {self.message}"


class PolicyError(StillframeError):
    """Policies that cannot be loaded. A broken policy stops the run: skipping one would hide its failures."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)), "docs/writing-policies.md says what a policy may contain")


class EvaluationError(StillframeError):
    """An expression that cannot be evaluated, such as the length of a number."""
