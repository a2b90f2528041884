"""Many accounts, a few of them at once, into one snapshot."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ..archive import read_account_file
from ..errors import CollectError, StillframeError, UnfinishedError
from ..format import read_line
from ..gaps import gaps_in, keeps_out
from ..layout import Files
from ..model import Collected
from ..remote import Place
from ..resource_file import read_lines
from .account import Visit
from .clients import Clients
from .plan import Plan
from .rate_limit import Lanes
from .scheduler import Work
from .session import Caller
from .targets import Target
from .write import Writer

Finish = Callable[[Writer, Mapping[str, Any]], Place]
LEAST_AT_ONCE = 4  # accounts: so many that one that has little left to ask does not leave the queue empty


def run(
    targets: Iterable[Target],
    writer: Writer,
    *,
    clients: Clients,
    caller: Caller,
    plan: Plan,
    scope: Mapping[str, Any],
    on_account: Callable[[str], None] = lambda _: None,
    finish: Finish | None = None,
) -> Collected:
    """Collect every target that the snapshot does not have yet, and finish it; otherwise than the writer does, if said.

    Raises CollectError where the archive cannot be written, where not one account could be entered, and where
    credentials expired; then the snapshot can be completed.
    """
    todo = {target.account: target for target in targets}
    tally = Tally(on_account)
    begun(writer, tally)
    left = deque(target for account, target in todo.items() if account not in writer.done)
    lock, callers, work = threading.Lock(), Lanes(-1), Work(plan.workers)

    def begin() -> None:
        with lock:
            if not left:
                return
            target = left.popleft()
            rank = len(todo) - len(left)
        Visit(target, caller.home, plan, clients, work, rank=rank, callers=callers, done=end).begin()

    def end(visit: Visit) -> None:
        if visit.expired:
            tally.expired.add(visit.expired)
            if visit.with_callers_credentials:  # so will all that follow
                left.clear()
        else:
            data = visit.data()
            writer.add(data)
            tally.add(data.id, sum(map(len, data.resources.values())), visit.gaps)
        begin()

    try:
        for _ in range(max(LEAST_AT_ONCE, plan.workers // LEAST_AT_ONCE)):
            begin()
        work.wait()
    except BaseException:
        with suppress(StillframeError):  # what stopped it is what people should hear of
            writer.pause()
        raise
    finally:
        work.stop()
    return ended(tally, writer, len(todo), scope, finish)


def begun(writer: Writer, tally: Tally) -> None:
    """Count what a snapshot has already."""
    for account, digest in writer.done.items():
        tally.add(account, *_written(writer.files, account, digest))


def ended(
    tally: Tally, writer: Writer, accounts: int, scope: Mapping[str, Any], finish: Finish | None = None
) -> Collected:
    """Finish a snapshot, and say how it went. Raises CollectError where what was collected is none."""
    tally.check(writer, accounts)
    return Collected(
        path=finish(writer, scope) if finish else writer.finish(scope),
        accounts=accounts,
        entered=tally.entered,
        resources=tally.resources,
        gaps=dict(sorted(tally.gaps.items())),
        skipped=scope.get("skipped", {}),
        not_entered=sorted(tally.not_entered),
    )


class NoneEnteredError(CollectError):
    """Nothing was read of any account."""


class Tally:
    """What came of the accounts so far. Safe to share between threads."""

    def __init__(self, on_account: Callable[[str], None]) -> None:
        self._lock, self._on_account = threading.Lock(), on_account
        self.entered = self.resources = 0
        self.gaps: Counter[str] = Counter()
        self.not_entered: set[str] = set()
        self.expired: set[str] = set()

    def add(self, account: str, resources: int, gaps: Mapping[str, int]) -> None:
        with self._lock:
            self.entered += resources > 0
            self.resources += resources
            self.gaps.update(gaps)
            if keeps_out(gaps):
                self.not_entered.add(account)
        self._on_account(account)

    def check(self, writer: Writer, accounts: int) -> None:
        """Raise CollectError where what was collected is no snapshot."""
        if self.expired:
            writer.pause()
            missing = f"{accounts - len(writer.done)} of {accounts} accounts are not complete"
            raise UnfinishedError(
                f"the credentials have expired ({'; '.join(sorted(self.expired))}): {missing}",
                "renew them, and complete the snapshot with --resume",
            )
        if not self.entered:
            writer.discard()
            raise NoneEnteredError(
                f"no account could be entered ({'; '.join(sorted(self.gaps))})",
                "check the role's name and whom it trusts, and the credentials",
            )


def _written(files: Files, account: str, digest: str) -> tuple[int, Counter[str]]:
    """How many resources an account has that was collected before, and what could not be read of it."""
    file = read_account_file(files, account, digest)
    gaps = Counter(cause for entry in file.types.values() for cause in entry.missing.values())
    for kind, entry in file.types.items():
        for line in read_lines(files, account, kind, entry).lines:
            gaps.update(gaps_in(read_line(bytes(line))))
    return sum(entry.count for entry in file.types.values()), gaps
