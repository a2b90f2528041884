"""Reports of packs: their controls, not their findings, as JSON, CSV and Markdown. All are written at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct, field

from ..model.pack import Section
from ..packs.report import Answer
from ..packs.text import as_data, as_markdown, words
from .jsonl_csv import csv_row
from .report import Context, Lines, Record, Totals
from .targets import OutputError
from .text import one_line


class _AtTheEnd(Struct, frozen=True):
    context: Context

    def __post_init__(self) -> None:
        if not self.context.packs:
            raise OutputError("this format is of packs, and none is evaluated", "name one with --pack")

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[bytes]:  # noqa: ARG002 - controls are counted, not listed
        return iter(())


class Json(_AtTheEnd, frozen=True):
    """One object: the snapshot, and each pack with its sections and controls."""

    def end(self, totals: Totals) -> Iterator[bytes]:
        found = {
            "snapshot": self.context.snapshot.id,
            "captured_at": self.context.snapshot.captured_at,
            "packs": [as_data(report) for report in totals.packs],
            "notes": list(totals.notes),
        }
        yield json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n"


class Markdown(_AtTheEnd, frozen=True):
    """A page: a chapter per pack."""

    def end(self, totals: Totals) -> Iterator[bytes]:
        yield f"# Snapshot {self.context.snapshot.id}\n".encode()
        for report in totals.packs:
            yield "\n".join(["", *as_markdown(report), ""]).encode()
        for note in totals.notes:
            yield f"\n> {note}\n".encode()


_COLUMNS = (
    *("pack", "section", "section_title", "control", "title", "level", "severity", "assessment", "status"),
    *("population", "failures", "waived", "unknown", "policies", "why"),
    *("attested_by", "attested_on", "attested_until", "attested_evidence", "evidence"),
)
_MOST = 20  # findings of a policy that stand as evidence; the others are in the report of findings
_TELLING = frozenset({"fail", "unknown", "error"})


class Csv(_AtTheEnd, frozen=True):
    """A row per control, with the findings that decided it."""

    _kept: dict[str, list[str]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, lines: Lines) -> Iterator[bytes]:
        for record in lines.records:
            if record.status in _TELLING:
                self._counts[record.policy] += 1
                if self._counts[record.policy] <= _MOST:
                    self._kept.setdefault(record.policy, []).append(_evidence(record))
        return iter(())

    def end(self, totals: Totals) -> Iterator[bytes]:
        yield csv_row(_COLUMNS)
        for report in totals.packs:
            for section, answers in report.sections:
                for answer in answers:
                    yield csv_row(self._row(report.pack.name, section, answer))

    def _row(self, pack: str, section: Section, answer: Answer) -> Iterator[object]:
        control, said = answer.control, answer.attestation
        yield from (pack, section.number, section.title, control.number, control.title, control.level)
        yield from (control.severity, control.assessment, words(answer.status))
        yield from (answer.population, answer.failures, answer.waived, answer.unknown) if answer.rows else [None] * 4
        yield from (", ".join(ask.policy for ask in control.asks), answer.why)
        yield from (said.who, said.when, said.expires, said.evidence) if said else [None] * 4
        named = [row.policy for row in answer.rows]
        left = sum(self._counts[name] - len(self._kept.get(name, ())) for name in named)
        found = [text for name in named for text in self._kept.get(name, ())]
        yield "\n".join([*found, *([f"and {left:,} more, in the report of findings"] if left else [])])


def _evidence(record: Record) -> str:
    """A finding in a line: what, where, and the values that decided it."""
    waived = ", waived" if record.waiver else ""
    place = f"{record.account} {record.region} {record.resource}"
    return one_line(f"{record.status}{waived}: {place}: {record.message} {bytes(record.evidence).decode()}")
