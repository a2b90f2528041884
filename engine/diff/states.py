"""How a finding stands in a snapshot, for comparing: as it was evaluated, or why it is not there."""

from __future__ import annotations

from enum import StrEnum

from ...snapshot.model import EVERYWHERE, Account, Snapshot, Unknown
from ..model.finding import Finding, Status


class State(StrEnum):
    """What counts of a status when findings are compared, and of one that is not there."""

    FAIL = "fail"
    FINE = "fine"  # passes, or is not applicable
    UNKNOWN = "unknown"  # could not be evaluated, or was not collected
    ABSENT = "absent"  # collected, and not there


STATES = {
    Status.FAIL: State.FAIL,
    Status.PASS: State.FINE,
    Status.NOT_APPLICABLE: State.FINE,
    Status.UNKNOWN: State.UNKNOWN,
    Status.ERROR: State.UNKNOWN,
}


class Accounts:
    """The accounts of a snapshot, of which one is open at a time. One that is not there is None."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._ids = frozenset(snapshot.accounts)
        self._open: Account | None = None
        self._gaps: dict[str, Unknown | None] = {}

    def has(self, account: str) -> bool:
        return account in self._ids

    def of(self, account: str) -> Account | None:
        if not self.has(account):
            return None
        if self._open is None or self._open.id != account:
            self._open = self.snapshot.account(account)
        return self._open

    def gap(self, kind: str, account: str, region: str) -> Unknown | None:
        """Why resources of a type may be missing from a region, or with `*` from an account; None if none are."""
        found = self.of(account)
        if found is None:
            return Unknown.because(f"account {account} is not in this snapshot")
        return found.gap_anywhere(kind) if region == EVERYWHERE else found.gap(kind, region)

    def gap_of_all(self, kind: str) -> Unknown | None:
        """Why resources of a type may be missing from the snapshot; None if none are."""
        if kind not in self._gaps:
            every = (self.snapshot.account(each).gap_anywhere(kind) for each in self.snapshot.accounts)
            gaps = [gap for gap in every if gap is not None]
            self._gaps[kind] = Unknown.merge(gaps) if gaps else None
        return self._gaps[kind]

    def without(self, finding: Finding) -> State:
        """How a finding stands that this snapshot does not have: not there, or not collected."""
        gap = self.gap(finding.type, finding.account, finding.region)
        return State.ABSENT if gap is None else State.UNKNOWN
