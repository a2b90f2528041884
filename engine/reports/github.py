"""GitHub workflow commands: printed by a step, they become annotations of its run.

GitHub shows ten errors and ten warnings of a step. So there is one per policy, with the first resources it is about.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from ..findings.counts import Row
from ..model.change import Change
from ..model.policy import Severity
from .report import Context, Lines, Record, Totals
from .text import one_line

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
_SHOWN = 3


class Annotations(Struct):
    """The annotations of one run. It keeps three failures of each policy."""

    context: Context
    _kept: dict[str, list[Record]] = field(default_factory=dict)

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[bytes]:
        for record in lines.records:
            if record.status == "fail" and not record.waiver and record.change in (None, "new"):
                kept = self._kept.setdefault(record.policy, [])
                if len(kept) < _SHOWN:
                    kept.append(record)
        return iter(())

    def end(self, totals: Totals) -> Iterator[bytes]:
        for row in totals.rows:
            kept = self._kept.get(row.policy, [])
            new = totals.changes[row.policy, Change.NEW] if self.context.before else row.failures
            if new:
                yield _command(_LEVELS.get(row.severity, "notice"), row, _failures(self.context, row, new, kept))
            if row.unknown:
                yield _command("warning", row, f"{row.unknown:,} unknown")


def _failures(context: Context, row: Row, number: int, kept: list[Record]) -> str:
    said = "newly fail" if context.before else "fail"
    lines = [f"{number:,} of {row.population:,} {said} ({', '.join(row.severities)})"]
    lines += [f"{record.account} {record.region} {record.message or record.resource}" for record in kept]
    more = [f"… and {number - len(kept):,} more"] if number > len(kept) else []
    return "\n".join([*map(one_line, lines), *more])


def _command(level: str, row: Row, text: str) -> bytes:
    title = _escaped(f"{row.policy}: {row.title}").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(text)}\n".encode("utf-8", "replace")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
