"""What changed between two snapshots, or two sets of policies, and why. A failed read is never a repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from msgspec import Struct

from ...snapshot.format import encode
from ..findings.batch import Batch, finding_record
from ..model.cause import Why, why_record
from ..model.change import Change
from ..model.finding import Finding, Status
from ..model.policy import Severity
from .attribution import Attribution, reopened
from .replay import Side
from .states import STATES, State


class Difference(Struct, frozen=True, kw_only=True):
    """One finding before and after; None where the snapshot has no such finding. `why` is empty where it persists."""

    change: Change
    before: Finding | None
    after: Finding | None
    why: tuple[Why, ...] = ()

    @property
    def finding(self) -> Finding:
        """The finding as it is now, or as it last was."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of them is there
        return found


class Unchanged(Struct, frozen=True):
    """Findings that are the same before and after: those that fail persist."""

    batch: Batch

    def differences(self) -> Iterator[Difference]:
        for found in self.batch.findings(Status.FAIL):
            yield Difference(change=Change.PERSISTING, before=found, after=found)


Changed = Difference | Unchanged
T = TypeVar("T")

_CHANGES = {
    (State.FAIL, State.FAIL): Change.PERSISTING,
    (State.FAIL, State.FINE): Change.RESOLVED,
    (State.FAIL, State.UNKNOWN): Change.UNKNOWN,
    (State.FAIL, State.ABSENT): Change.VANISHED,
    (State.FINE, State.FAIL): Change.NEW,
    (State.FINE, State.UNKNOWN): Change.UNKNOWN,
    (State.FINE, State.ABSENT): Change.VANISHED,
    (State.UNKNOWN, State.FAIL): Change.NEW,
    (State.UNKNOWN, State.FINE): Change.KNOWN,
    (State.UNKNOWN, State.ABSENT): Change.VANISHED,
    (State.ABSENT, State.FAIL): Change.NEW,
    (State.ABSENT, State.FINE): Change.APPEARED,
    (State.ABSENT, State.UNKNOWN): Change.UNKNOWN,
}


def diff(old: Side, new: Side, before: Iterable[Batch], after: Iterable[Batch]) -> Iterator[Changed]:
    """Compare the findings of two snapshots, both in canonical order. Findings without a change are left out."""
    attribution = Attribution(old, new)
    for one, other in _pairs(iter(before), iter(after), lambda batch: (batch.account, batch.policy)):
        if one and other and one.data == other.data:
            yield Unchanged(one)
        else:
            yield from _differences(old, new, attribution, one, other)


def _differences(
    old: Side, new: Side, attribution: Attribution, one: Batch | None, other: Batch | None
) -> Iterator[Difference]:
    before, after = (batch.findings() if batch else iter(()) for batch in (one, other))
    for earlier, later in _pairs(before, after, lambda finding: finding.identity):
        left = STATES[earlier.status] if earlier else old.without(later)
        right = STATES[later.status] if later else new.without(earlier)
        change = _CHANGES.get((left, right))
        if earlier and not later and (left, right) == _CLOSED and earlier.resource == earlier.type:
            change = Change.KNOWN  # the gap itself is closed
        if earlier and later and change is Change.PERSISTING:
            yield Difference(change=change, before=earlier, after=later, why=tuple(reopened(earlier, later)))
        elif change and (finding := later or earlier):
            yield Difference(change=change, before=earlier, after=later, why=attribution.why(finding, right))


_CLOSED = State.UNKNOWN, State.ABSENT


def difference_record(difference: Difference) -> dict[str, Any]:
    """A difference as files have it: a finding, what became of it, and its status before and after."""
    before, after = difference.before, difference.after
    return {
        "change": difference.change.value,
        "before": before.status.value if before else None,
        "after": after.status.value if after else None,
        "why": why_record(difference.why),
        **finding_record(difference.finding),
    }


def difference_lines(changed: Changed) -> bytes:
    """The same as lines of a file."""
    if isinstance(changed, Unchanged):
        return b"".join(_PERSISTING + line[1:] for line in changed.batch.having(Status.FAIL))
    return encode(difference_record(changed), ordered=False) + b"\n"


_PERSISTING = b'{"change":"persisting","before":"fail","after":"fail","why":[],'


def newly_failing(difference: Difference, fail_on: Severity | None) -> bool:
    """Whether a difference is a failure that counts now, and did not before: of a severity, and not waived."""
    return counts(difference.after, fail_on) and not counts(difference.before, fail_on)


def counts(finding: Finding | None, fail_on: Severity | None) -> bool:
    """Whether a finding is a failure at or above a severity that is not waived; with None none is."""
    if finding is None or fail_on is None:
        return False
    return finding.status is Status.FAIL and not finding.waived and finding.severity.rank <= fail_on.rank


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
