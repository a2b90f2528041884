"""The engine's branch of the error tree.

StillframeError (snapshot/errors.py)
├── PolicyError        policies that must not be used; `problems` names every fault of every file
│   ├── PackError      the same for packs
│   ├── ConfigError    the same for stillframe.yaml, and for what it names
│   └── CatalogueError the same for files of resource types
├── OutputError        (reports/files.py) a file that cannot be written, or whose format is unknown
└── EvaluationError    an expression that has no value for a resource; becomes an `error` finding
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..snapshot.errors import StillframeError


class Problem(Struct, frozen=True, kw_only=True, order=True):
    """One fault in a policy file or stillframe.yaml. Lines and columns count from 1; line 0 is the whole file.

    `source` is the text of the line, where there is one to show.
    """

    path: str
    line: int
    column: int
    message: str
    source: str = ""

    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.path}{place}: {self.message}"

    def excerpt(self) -> tuple[str, str] | None:
        """The line and a caret below the column, of a long line what is around it."""
        if not self.source.strip():
            return None
        begin = max(0, self.column - 80) if len(self.source) > 160 else 0
        return self.source[begin : begin + 160], " " * (self.column - 1 - begin) + "^"


class PolicyError(StillframeError):
    """Policies that cannot be loaded. A broken policy stops the run: skipping one would hide its failures."""

    manual = "docs/writing-policies.md says what a policy may contain"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted({*problems})  # what several share is at fault once
        super().__init__("\n".join(map(str, self.problems)), self.manual)


class PackError(PolicyError):
    """Packs that cannot be used. A pack without one of its controls would look better than it is."""

    manual = "docs/packs.md says what a pack may contain"


class ConfigError(PolicyError):
    """A stillframe.yaml that cannot be used. Half of one would evaluate other rules than its owner wrote."""

    manual = "docs/customising.md says what stillframe.yaml may contain"


class CatalogueError(PolicyError):
    """Resource types that cannot be used. What is asked for by half of one would look whole."""

    manual = "docs/own-types.md says what a file of resource types may contain"


class EvaluationError(StillframeError):
    """An expression that cannot be evaluated, such as the length of a number; `at` is the character it is about."""

    at: int = 0

    def moved(self, offset: int) -> EvaluationError:
        """The same error, in a text that the expression is a part of."""
        self.at += offset
        return self
