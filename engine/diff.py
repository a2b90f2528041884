"""What changed between two snapshots under the same policies. A failed read is never a repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from ..snapshot.format import encode
from ..snapshot.model import EVERYWHERE, Account, Snapshot
from .batch import Batch, finding_record
from .model import Finding, Severity, Status


class Change(StrEnum):
    """What became of a finding. `VANISHED` and `APPEARED` are about the resource, which is gone or new."""

    NEW = "new"
    RESOLVED = "resolved"
    PERSISTING = "persisting"
    UNKNOWN = "unknown"
    KNOWN = "known"
    APPEARED = "appeared"
    VANISHED = "vanished"


class _State(StrEnum):
    FAIL = "fail"
    FINE = "fine"  # passes, or is not applicable
    UNKNOWN = "unknown"  # could not be judged, or was not collected
    ABSENT = "absent"  # collected, and not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One finding before and after; None where the snapshot has no such finding."""

    change: Change
    before: Finding | None
    after: Finding | None

    @property
    def finding(self) -> Finding:
        """The finding as it is now, or as it last was."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of them is there
        return found


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Findings that are the same before and after: those that fail persist."""

    batch: Batch

    def differences(self) -> Iterator[Difference]:
        for found in self.batch.findings(Status.FAIL):
            yield Difference(change=Change.PERSISTING, before=found, after=found)


Changed = Difference | Unchanged
T = TypeVar("T")

_CHANGES = {
    (_State.FAIL, _State.FAIL): Change.PERSISTING,
    (_State.FAIL, _State.FINE): Change.RESOLVED,
    (_State.FAIL, _State.UNKNOWN): Change.UNKNOWN,
    (_State.FAIL, _State.ABSENT): Change.VANISHED,
    (_State.FINE, _State.FAIL): Change.NEW,
    (_State.FINE, _State.UNKNOWN): Change.UNKNOWN,
    (_State.FINE, _State.ABSENT): Change.VANISHED,
    (_State.UNKNOWN, _State.FAIL): Change.NEW,
    (_State.UNKNOWN, _State.FINE): Change.KNOWN,
    (_State.UNKNOWN, _State.ABSENT): Change.VANISHED,
    (_State.ABSENT, _State.FAIL): Change.NEW,
    (_State.ABSENT, _State.FINE): Change.APPEARED,
    (_State.ABSENT, _State.UNKNOWN): Change.UNKNOWN,
}
_STATES = {
    Status.FAIL: _State.FAIL,
    Status.PASS: _State.FINE,
    Status.NOT_APPLICABLE: _State.FINE,
    Status.UNKNOWN: _State.UNKNOWN,
    Status.ERROR: _State.UNKNOWN,
}


def diff(old: Snapshot, new: Snapshot, before: Iterable[Batch], after: Iterable[Batch]) -> Iterator[Changed]:
    """Compare the findings of two snapshots, both in canonical order. Findings without a change are left out."""
    was, now = _Reach(old), _Reach(new)
    for one, other in _pairs(iter(before), iter(after), lambda batch: (batch.account, batch.policy)):
        if one and other and one.data == other.data:
            yield Unchanged(one)
        else:
            yield from _differences(was, now, one, other)


def _differences(was: _Reach, now: _Reach, one: Batch | None, other: Batch | None) -> Iterator[Difference]:
    before, after = (batch.findings() if batch else iter(()) for batch in (one, other))
    for earlier, later in _pairs(before, after, lambda finding: finding.identity):
        left = _STATES[earlier.status] if earlier else was.without(later)
        right = _STATES[later.status] if later else now.without(earlier)
        if (
            earlier
            and not later
            and left is _State.UNKNOWN
            and earlier.resource == earlier.type
            and right is _State.ABSENT
        ):
            change: Change | None = Change.KNOWN  # the gap itself is closed
        else:
            change = _CHANGES.get((left, right))
        if change:
            yield Difference(change=change, before=earlier, after=later)


def difference_record(difference: Difference) -> dict[str, Any]:
    """A difference as files have it: a finding, what became of it, and its status before and after."""
    before, after = difference.before, difference.after
    return {
        "change": difference.change.value,
        "before": before.status.value if before else None,
        "after": after.status.value if after else None,
        **finding_record(difference.finding),
    }


def difference_lines(changed: Changed) -> bytes:
    """The same as lines of a file."""
    if isinstance(changed, Unchanged):
        return b"".join(_PERSISTING + line[1:] for line in changed.batch.having(Status.FAIL))
    return encode(difference_record(changed), ordered=False) + b"\n"


_PERSISTING = b'{"change":"persisting","before":"fail","after":"fail",'


def new_failures(difference: Difference, fail_on: Severity | None) -> bool:
    """Whether a difference is a new failure at or above a severity, and not waived."""
    if difference.change is not Change.NEW or difference.finding.waived:
        return False
    return fail_on is not None and difference.finding.severity.rank <= fail_on.rank


class _Reach:
    """Whether a snapshot would hold a resource if there were one."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._account: Account | None = None

    def without(self, finding: Finding | None) -> _State:
        """The state of a finding that this snapshot does not have: not there, or not collected."""
        assert finding is not None  # noqa: S101 - of a pair, one is there
        if finding.account not in self._snapshot.accounts:
            return _State.UNKNOWN
        if self._account is None or self._account.id != finding.account:
            self._account = self._snapshot.account(finding.account)
        if finding.region == EVERYWHERE:
            gap = self._account.gap_anywhere(finding.type)
        else:
            gap = self._account.gap(finding.type, finding.region)
        return _State.ABSENT if gap is None else _State.UNKNOWN


def _pairs(
    left: Iterator[T], right: Iterator[T], key: Callable[[T], tuple[str, ...]]
) -> Iterator[tuple[T | None, T | None]]:
    """Merge two streams that are in the order of a key."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if one is not None and other is not None and key(one) == key(other):
            yield one, other
            one, other = next(left, None), next(right, None)
        elif other is None or (one is not None and key(one) < key(other)):
            yield one, None
            one = next(left, None)
        else:
            yield None, other
            other = next(right, None)
