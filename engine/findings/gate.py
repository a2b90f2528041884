"""What an evaluation may hold before a pipeline stops: failures from a severity, failures of before, unknowns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from ...snapshot.errors import ArgumentError
from ...snapshot.outputs import refuse_file
from ..model.finding import Finding, Status
from ..model.policy import Severity
from .batch import Batch

_UNKNOWN = (Status.UNKNOWN, Status.ERROR)


class Limits(Struct, frozen=True, kw_only=True):
    """Failures count from the severity `fail_on`, None counts none. At most `unknown` may be, or `per_cent`."""

    fail_on: Severity | None = None
    unknown: int | None = 0
    per_cent: float | None = None

    def allows(self, unknown: int, population: int) -> bool:
        """Whether so many may be unknown, out of so many."""
        if self.per_cent is not None:
            return 100 * unknown <= self.per_cent * population
        return self.unknown is None or unknown <= self.unknown


def most_unknown(text: str, fail_on: Severity | None) -> Limits:
    """The limits where `text` says how many may be unknown: N or N%. Raises ArgumentError."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?%|[0-9]+", text):
        raise ArgumentError(f"{text!r} is no number of unknowns", "write a number, or a share such as 2%")
    if text.endswith("%"):
        return Limits(fail_on=fail_on, unknown=None, per_cent=float(text[:-1]))
    return Limits(fail_on=fail_on, unknown=int(text))


class _Line(msgspec.Struct):
    status: str
    fingerprint: str
    severity: str
    waiver: Any
    change: msgspec.UnsetType = msgspec.UNSET  # a difference may be of what is gone


_read = msgspec.json.Decoder(_Line).decode


class Baseline(Struct):
    """What failed before and was not waived, and what was unknown. What passes through and is neither is counted."""

    name: str
    failing: set[bytes] = field(default_factory=set)
    unknown: set[bytes] = field(default_factory=set)
    new: dict[Severity, int] = field(default_factory=dict)
    newly_unknown: int = 0

    def learn(self, lines: Iterable[bytes]) -> None:
        """Take findings as those of before."""
        for line in lines:
            each = _read(line)
            if each.status in _UNKNOWN:
                self.unknown.add(bytes.fromhex(each.fingerprint))
            elif each.status == Status.FAIL and not each.waiver:
                self.failing.add(bytes.fromhex(each.fingerprint))

    def through(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Count what is new as it passes."""
        for batch in batches:
            for line in batch.having(Status.FAIL, *_UNKNOWN):
                each = _read(line)
                mark = bytes.fromhex(each.fingerprint)
                if each.status == Status.FAIL:
                    if not each.waiver and mark not in self.failing:
                        severity = Severity(each.severity)
                        self.new[severity] = self.new.get(severity, 0) + 1
                elif mark not in self.unknown:
                    self.newly_unknown += 1
            yield batch

    def lacks(self, finding: Finding) -> bool:
        """Whether a finding is not of before."""
        known = self.failing if finding.status is Status.FAIL else self.unknown
        return bytes.fromhex(finding.fingerprint) not in known

    def note(self) -> str:
        """A line for people."""
        return (
            f"against {self.name}: {sum(self.new.values()):,} failing and {self.newly_unknown:,} unknown are new, "
            "and count; the others do not"
        )

    def failures(self, fail_on: Severity | None) -> int:
        """New failures at or above a severity; None counts none."""
        least = -1 if fail_on is None else fail_on.rank
        return sum(number for severity, number in self.new.items() if severity.rank <= least)


def read_baseline(path: Path) -> Baseline:
    """The findings of a file that `evaluate -o` wrote. Raises ArgumentError with the line that is none."""
    baseline = Baseline(path.name)
    number = 0
    try:
        with path.open("rb") as file:
            refuse_file(file.fileno())
            for line in file:
                number += 1
                baseline.learn([line])
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ArgumentError(
            f"{path}:{number}: no finding ({error})", "a baseline is a snapshot, or what `evaluate -o FILE.jsonl` wrote"
        ) from None
    return baseline
