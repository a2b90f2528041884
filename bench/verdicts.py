"""What a contender found, in a form in which two can be compared."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import msgspec

from .rounds import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Counts by (policy, status); a sum over every single verdict, and over those that fail; a digest of the file."""

    counts: Counter[tuple[str, str]]
    total: int
    failing: int
    digest: str

    def failures(self) -> Verdicts:
        """Those that fail alone."""
        counts = Counter({key: count for key, count in self.counts.items() if key[1] == "fail"})
        return Verdicts(counts=counts, total=self.failing, failing=self.failing, digest="")


class Row(msgspec.Struct):
    """What is compared of a finding."""

    policy: str
    status: str
    account: str
    region: str
    type: str
    resource: str


def read(path: Path) -> Verdicts:
    """The verdicts of a file of findings, one JSON object a line."""
    counts: Counter[tuple[str, str]] = Counter()
    total = failing = 0
    decode = msgspec.json.Decoder(Row).decode
    data = hashlib.sha256()
    with path.open("rb") as file:
        for line in file:
            data.update(line)
            row = decode(line)
            counts[row.policy, row.status] += 1
            mark = crc32("\0".join(msgspec.structs.astuple(row)).encode())  # whatever their order
            total += mark
            failing += mark if row.status == "fail" else 0
    return Verdicts(counts=counts, total=total, failing=failing, digest=data.hexdigest())


def agree(name: str, found: Verdicts, expected: Verdicts, *, to_the_byte: bool) -> None:
    """Raise BenchError where a contender does not say of each resource what is expected."""
    if to_the_byte and found.digest != expected.digest:
        raise BenchError(f"{name} does not write the same bytes")
    if (found.counts, found.total) == (expected.counts, expected.total):
        return
    keys = sorted(found.counts.keys() | expected.counts.keys())
    differing = [key for key in keys if found.counts[key] != expected.counts[key]]
    shown = [
        f"{policy} {status}: {found.counts[policy, status]} for {expected.counts[policy, status]}"
        for policy, status in differing
    ]
    raise BenchError(f"{name} is wrong: " + ("; ".join(shown) or "the counts are right, the resources are not"))
