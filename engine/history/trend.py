"""Findings through time: today's policies over every snapshot of an archive, oldest first.

Each snapshot is evaluated after the one before it, so that what has not changed is remembered. What is then needed of
its findings goes to a file without a name, a few bytes each; and these files are read side by side, an account and
policy at a time. So memory grows neither with the fleet nor with the archive.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec
from msgspec import Struct, field

from ...snapshot.model import Snapshot
from ..assess import assess
from ..diff.states import Accounts
from ..execution.judge import Method
from ..findings.batch import Batch
from ..findings.counts import Row
from ..findings.selection import Selection
from ..judging.grouping import is_grouped
from ..model.finding import OF_RESOURCE, Status
from ..model.ruleset import Ruleset
from ..packs.report import PackReport

LIFE_FIELDS = (
    *("policy", "severity"),
    *OF_RESOURCE,
    "status",
    "waived",
    "first_failed",
    "last_failed",
    "failing_since",
    "last_passed",
)
POINT_FIELDS = (
    "snapshot",
    "captured_at",
    "policy",
    "severity",
    "population",
    "violations",
    "waived",
    "unknown",
    "per_cent",
)


_PLACE = ("region", "type", "resource", "name")
_Placed = tuple[str, str, str, str | None]


class _Line(msgspec.Struct, array_like=True):
    """What a trend needs of a finding. It says where it is only where it fails."""

    fingerprint: str
    status: str
    severity: str
    waived: bool
    place: _Placed | None


class _Group(msgspec.Struct, array_like=True):
    """The findings of one policy in one account of one snapshot."""

    account: str
    policy: str
    lines: list[_Line]


class _Written(msgspec.Struct):
    fingerprint: str
    status: str
    severity: str
    region: str
    type: str
    resource: str
    name: str | None
    waiver: Any


_read = msgspec.json.Decoder(_Written).decode
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Group).decode


class Point(Struct, frozen=True, kw_only=True):
    """What one snapshot came to: a row per policy, and what these say of each pack."""

    snapshot: str
    captured_at: str
    rows: Sequence[Row]
    packs: Sequence[PackReport] = ()

    def records(self) -> Iterator[dict[str, Any]]:
        """As files have it: docs/findings.md."""
        for row in (part for each in self.rows for part in each.by_severity()):
            counts = (row.population, row.failures, row.waived, row.unknown, row.share)
            values = (self.snapshot, self.captured_at, row.policy, row.severity.value, *counts)
            yield dict(zip(POINT_FIELDS, values, strict=True))


class Life(Struct, kw_only=True):
    """A finding that failed in some snapshot, and when. `status` is that of the latest, None where it is not there;
    `severity` of the latest that has it."""

    policy: str
    account: str
    fingerprint: str
    place: _Placed
    severity: str = ""
    status: str | None = None
    waived: bool = False
    first_failed: str | None = None
    last_failed: str | None = None
    failing_since: str | None = None
    last_passed: str | None = None

    def see(self, line: _Line | None, moment: str, *, hidden: bool) -> None:
        """Take in the next snapshot, if it has it. What is `hidden` is not gone: its list was not read."""
        self.status, self.waived = (line.status, line.waived) if line else (Status.UNKNOWN if hidden else None, False)
        if self.status in (Status.PASS, Status.NOT_APPLICABLE, None):  # what is unknown ends no failure
            self.failing_since = None
        if self.status == Status.PASS:
            self.last_passed = moment
        self.severity = line.severity if line else self.severity
        if line and line.status == Status.FAIL:
            self.first_failed = self.first_failed or moment
            self.failing_since = self.failing_since or moment
            self.last_failed = moment

    def record(self) -> dict[str, Any]:
        """As files have it: docs/findings.md."""
        known = dict(zip(_PLACE, self.place, strict=True))
        return {name: known[name] if name in known else getattr(self, name) for name in LIFE_FIELDS}


class History(Struct):
    """The snapshots of an archive, evaluated one after the other."""

    ruleset: Ruleset
    points: list[Point] = field(default_factory=list)
    _accounts: list[Accounts] = field(default_factory=list)
    _files: list[IO[bytes]] = field(default_factory=list)

    def add(self, snapshot: Snapshot, chosen: Selection = Selection(), method: Method = Method()) -> None:
        """Evaluate the next snapshot."""
        found = assess(snapshot, self.ruleset, chosen, method)
        file = TemporaryFile()  # noqa: SIM115 - `close` ends it
        self._files.append(file)
        self._accounts.append(Accounts(snapshot))
        for batch in found:
            data = _encode(_Group(batch.account, batch.policy, list(_lines(batch))))
            file.write(len(data).to_bytes(8, "big") + data)
        packs = found.packs() if self.ruleset.named else ()
        self.points.append(
            Point(snapshot=snapshot.id, captured_at=snapshot.captured_at, rows=found.rows(), packs=packs)
        )

    def lives(self) -> Iterator[Life]:
        """The findings that failed in any of them, in order of account and policy."""
        numbered = [_groups(number, file) for number, file in enumerate(self._files)]
        merged = heapq.merge(*numbered, key=lambda each: (each[1].account, each[1].policy))
        for (account, policy), groups in groupby(merged, key=lambda each: (each[1].account, each[1].policy)):
            told = {number: {line.fingerprint: line for line in group.lines} for number, group in groups}
            places = {each.fingerprint: each.place for lines in told.values() for each in lines.values() if each.place}
            for mark, place in sorted(places.items()):
                life = Life(policy=policy, account=account, fingerprint=mark, place=place)
                for number, point in enumerate(self.points):
                    lines = told.get(number, {})
                    hidden = mark not in lines and self._is_hidden(number, policy, account, place, lines)
                    life.see(lines.get(mark), point.captured_at, hidden=hidden)
                yield life

    def _is_hidden(self, number: int, policy: str, account: str, place: _Placed, lines: Mapping[str, _Line]) -> bool:
        """Whether what a snapshot has no finding of may be there: its list was not read, or nobody knows its group."""
        grouped = any(is_grouped(each) for each in self.ruleset.policies if each.id == policy)
        open_ = grouped and any(line.status == Status.UNKNOWN for line in lines.values())
        return open_ or self._accounts[number].gap(place[1], account, place[0]) is not None

    def close(self) -> None:
        for file in self._files:
            file.close()


def _lines(batch: Batch) -> Iterator[_Line]:
    for line in map(_read, batch.lines()):
        place = (line.region, line.type, line.resource, line.name) if line.status == Status.FAIL else None
        yield _Line(line.fingerprint, line.status, line.severity, line.waiver is not None, place)


def _groups(number: int, file: IO[bytes]) -> Iterator[tuple[int, _Group]]:
    file.seek(0)
    while length := int.from_bytes(file.read(8), "big"):
        yield number, _decode(file.read(length))
