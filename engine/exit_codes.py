"""Exit codes, the same for every command that evaluates: docs/exit-codes.md."""

from __future__ import annotations

OK = 0
FAILURES = 1
INVALID = 2
NOTHING = 3
UNKNOWN = 4
BUG = 70


def exit_code(*, findings: int, failures: int, unknown: int, allow_unknown: bool) -> int:
    """The exit code of an evaluation: failures come first, then nothing to evaluate, then what is unknown."""
    if failures:
        return FAILURES
    if not findings:
        return NOTHING
    return UNKNOWN if unknown and not allow_unknown else OK
