"""Findings in parts: files of a folder which, one after the other, are the very bytes of a single file.

`index.json` is written last, and says what belongs to the folder. Parts are written here as findings come; or by the
workers of a cluster, each those of its accounts, and then the index says which accounts come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct, field

from ...snapshot.format import digest
from ...snapshot.remote import Place
from ..findings.batch import Batch
from ..model.finding import Status
from .report import Context, Lines, Totals
from .targets import INDEX, write_into

FORMAT = 1
MOST = 1 << 24  # bytes, at about which a part ends


class Part(msgspec.Struct, frozen=True):
    """One file, as the index has it."""

    name: str
    findings: int
    bytes: int
    sha256: str


def part_of(number: int, data: bytes) -> Part:
    return Part(f"part-{number:05}.jsonl", data.count(b"\n"), len(data), digest(data))


class Parts(Struct):
    """The files of one folder. It keeps no more than a part."""

    context: Context
    parts: list[Part] = field(default_factory=list)
    _waiting: list[bytes] = field(default_factory=list)
    _size: int = 0

    def begin(self) -> Iterator[tuple[str, bytes]]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[tuple[str, bytes]]:
        self._waiting.append(lines.data)
        self._size += len(lines.data)
        if self._size >= MOST:
            yield self._part()

    def end(self, totals: Totals) -> Iterator[tuple[str, bytes]]:
        if self._waiting:
            yield self._part()
        yield INDEX, self._index(totals)

    def _part(self) -> tuple[str, bytes]:
        data = b"".join(self._waiting)
        self._waiting, self._size = [], 0
        self.parts.append(part_of(len(self.parts), data))
        return self.parts[-1].name, data

    def _index(self, totals: Totals) -> bytes:
        snapshot, before = self.context.snapshot, self.context.before
        counts = {row.policy: {**dict(sorted(row.counts.items())), "waived": row.waived} for row in totals.rows}
        document = {
            "format": FORMAT,
            "snapshot": snapshot.id,
            **({"before": before.id} if before else {}),
            "findings": sum(part.findings for part in self.parts),
            "counts": dict(sorted(counts.items())),
            "parts": self.parts,
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


class WritesParts(Struct, frozen=True):
    """Writes the findings of some accounts as a part of a folder, those with some statuses alone; or all."""

    place: Place
    statuses: frozenset[Status] | None

    def __call__(self, number: int, batches: Iterable[Batch]) -> Part:
        statuses = self.statuses
        data = b"".join(
            [each.data if statuses is None else b"".join(each.having(*statuses)) for each in batches],
        )
        part = part_of(number, data)
        write_into(self.place, part.name, data)
        return part
