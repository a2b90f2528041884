"""Reports of packs: their controls, not their findings, as JSON and as Markdown. Both are written at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ..packs.text import as_data, as_markdown
from .report import Context, Lines, Totals
from .targets import OutputError


@dataclass(frozen=True, slots=True)
class _AtTheEnd:
    context: Context

    def __post_init__(self) -> None:
        if not self.context.packs:
            raise OutputError("this format is of packs, and none is evaluated", "name one with --pack")

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[bytes]:  # noqa: ARG002 - controls are counted, not listed
        return iter(())


class Json(_AtTheEnd):
    """One object: the snapshot, and each pack with its sections and controls."""

    def end(self, totals: Totals) -> Iterator[bytes]:
        found = {
            "snapshot": self.context.snapshot.id,
            "captured_at": self.context.snapshot.captured_at,
            "packs": [as_data(report) for report in totals.packs],
            "notes": list(totals.notes),
        }
        yield json.dumps(found, indent=2, ensure_ascii=False).encode() + b"\n"


class Markdown(_AtTheEnd):
    """A page: a chapter per pack."""

    def end(self, totals: Totals) -> Iterator[bytes]:
        yield f"# Snapshot {self.context.snapshot.id}\n".encode()
        for report in totals.packs:
            yield "\n".join(["", *as_markdown(report), ""]).encode()
        for note in totals.notes:
            yield f"\n> {note}\n".encode()
