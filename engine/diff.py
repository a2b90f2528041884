"""What changed between two snapshots under the same policies. A failed read is never a repair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..snapshot.model import EVERYWHERE, Account, Snapshot
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


def diff(old: Snapshot, new: Snapshot, before: Iterable[Finding], after: Iterable[Finding]) -> Iterator[Difference]:
    """Compare the findings of two snapshots, both in canonical order. Findings without a change are left out."""
    was, now = _Reach(old), _Reach(new)
    for earlier, later in _pairs(iter(before), iter(after)):
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


def _pairs(left: Iterator[Finding], right: Iterator[Finding]) -> Iterator[tuple[Finding | None, Finding | None]]:
    """Merge two streams by identity."""
    one, other = next(left, None), next(right, None)
    while one or other:
        if one and other and one.identity == other.identity:
            yield one, other
            one, other = next(left, None), next(right, None)
        elif other is None or (one and one.identity < other.identity):
            yield one, None
            one = next(left, None)
        else:
            yield None, other
            other = next(right, None)
