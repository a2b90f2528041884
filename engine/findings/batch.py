"""Findings on their way: those of one policy in one account, as the lines that files have.

Between evaluating and writing, findings are text: it can be written, sent between processes and kept as it is. Who
needs more than counts reads the lines that matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from ...snapshot.format import MISSING, decode, encode
from ..model.finding import FIELDS, Finding, Kind, Status, Waived, policy_mark
from ..model.policy import Severity

_LETTERS = {status.value: ord(status.value[0]) for status in Status}
assert len(set(_LETTERS.values())) == len(Status)  # noqa: S101 - a status is told by its first letter


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """The findings of one policy in one account, in order. `data` is JSON Lines; what is only counted is not there."""

    account: str
    policy: str
    counts: Mapping[str, int]
    data: bytes
    waived: int = 0

    def count(self, *statuses: Status) -> int:
        return sum([self.counts.get(status.value, 0) for status in statuses])  # a fleet asks tens of thousands of times

    def lines(self) -> list[bytes]:
        """Each finding with its newline."""
        return self.data.splitlines(keepends=True)

    def having(self, *statuses: Status) -> Iterator[bytes]:
        """The lines of the findings with one of some statuses, in order."""
        if self.count(*statuses):
            at = _status_at(self.policy)
            letters = {_LETTERS[status.value] for status in statuses}
            yield from (line for line in self.lines() if line[at] in letters)

    def findings(self, *statuses: Status) -> Iterator[Finding]:
        """The findings with one of some statuses, or all, in order. No other line is read."""
        return map(read_finding, self.having(*(statuses or Status)))


def batch(account: str, policy: str, lines: Sequence[bytes], unwritten: Mapping[str, int] = {}) -> Batch | None:
    """The batch of some lines, and the numbers of findings that have none; None where nothing was found."""
    if not lines and not unwritten:
        return None
    letters = bytes(map(itemgetter(_status_at(policy)), lines))
    counts = {name: number for name, letter in _LETTERS.items() if (number := letters.count(letter))}
    return Batch(account, policy, {**unwritten, **counts}, b"".join(lines))


def batches(findings: Iterable[Finding], written: Collection[Status] = frozenset(Status)) -> Iterator[Batch]:
    """Findings in order, as batches; those with another status than `written` only counted."""
    for (account, policy), group in groupby(findings, key=lambda each: (each.account, each.policy)):
        found = list(group)
        lines = [finding_line(each) for each in found if each.status in written]
        unwritten = Counter(each.status.value for each in found if each.status not in written)
        made = batch(account, policy, lines, unwritten)
        assert made  # noqa: S101 - groups are never empty
        yield msgspec.structs.replace(made, waived=sum(each.waived is not None for each in found))


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as files have it."""
    return {name: getattr(finding, name) for name in FIELDS}


def finding_line(finding: Finding) -> bytes:
    """A finding as one line of a file."""
    return encode(finding_record(finding), ordered=False) + b"\n"


def replaced(found: Batch, findings: Mapping[bytes, Finding]) -> Batch:
    """A batch with other findings in the place of some lines; all of them are waived."""
    lines = [finding_line(findings[line]) if line in findings else line for line in found.lines()]
    return msgspec.structs.replace(found, data=b"".join(lines), waived=len(findings))


def renamed(found: Batch, name: str, severity: Severity | None = None) -> Batch:
    """A batch as that of a policy with another id, and maybe another severity."""
    begins, ends = (b'{"policy":' + encode(each) for each in (found.policy, name))
    mark, now = (policy_mark(each).encode() for each in (found.policy, name))
    lines = []
    for line in found.lines():
        at = line.index(_MARK) + _OF_RESOURCE  # no text before it has such quotes
        assert line[at : at + len(mark)] == mark  # noqa: S101
        after = ends + line[len(begins) : at] + now + line[at + len(mark) :]
        lines.append(severe(after, severity) if severity else after)
    return msgspec.structs.replace(found, policy=name, data=b"".join(lines))


def severe(line: bytes, severity: Severity) -> bytes:
    """A finding's line with another severity."""
    at = line.index(_SEVERITY) + len(_SEVERITY)  # before it are an id and a status alone
    return line[:at] + severity.value.encode() + line[line.index(b'"', at) :]


_SEVERITY = b'"severity":"'
_MARK = b'"fingerprint":"'
_OF_RESOURCE = len(_MARK) + 28


def read_finding(line: bytes) -> Finding:
    """The finding of a line that we wrote."""
    record = msgspec.json.decode(line)
    record.pop("fingerprint")
    waiver = record.pop("waiver")
    # Only what was unknown, or is spelled like it, needs a second look.
    evidence = decode(record["evidence"]) if MISSING[1:].encode() in line else record["evidence"]
    return Finding(
        **{
            **record,
            "status": Status(record["status"]),
            "severity": Severity(record["severity"]),
            "evidence": evidence,
            "waived": Waived(**{**waiver, "kind": Kind(waiver["kind"])}) if waiver else None,
        }
    )


@cache
def _status_at(policy: str) -> int:
    """Where in a line the first letter of its status stands."""
    return len(b'{"policy":,"status":"') + len(encode(policy))
