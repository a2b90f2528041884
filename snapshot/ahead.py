"""Read ahead: the files of the accounts that come next are on their way while one is evaluated.

Only from an object store, where each file is a request that takes its time. Accounts are asked for in order, time and
again from the first; of those that come next the types are read that the last ones were read for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from .errors import SnapshotError
from .model import Account, Lines

ACCOUNTS = 16  # that are on their way, and requests that are under way
KEPT = 512  # accounts that stay open: each is asked for more than once
LATELY = 8  # accounts out of turn: the second of two that follow each other begins a new turn
MANY = 20_000  # resources: a file with more is read when it is its turn

_Read = tuple[Account, dict[str, Lines]]


class ReadingAhead:
    """Opens the accounts of a snapshot, as `opening` does, and sees to those that come next."""

    def __init__(self, opening: Callable[[str], Account], accounts: Sequence[str]) -> None:
        self._opening, self._accounts = opening, accounts
        self._numbers = {account: number for number, account in enumerate(accounts)}
        self._reads: dict[str, Future[_Read]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._turn, self._begun_to, self._aside = -1, -1, deque[int](maxlen=LATELY)
        self._asked: set[str] = set()
        self._left: dict[str, Lines] = {}
        self._kinds: frozenset[str] = frozenset()

    def __reduce__(self) -> tuple[type[ReadingAhead], tuple[Callable[[str], Account], Sequence[str]]]:
        return ReadingAhead, (self._opening, self._accounts)

    def __call__(self, identity: str) -> Account:
        number = self._numbers.get(identity)
        if number is None:
            return self._opening(identity)  # which says that there is none
        self._go_on(number)
        account, lines = (self._reads.get(identity) or self._begin(identity)).result()
        if number == self._turn:
            self._left = lines
        return replace(account, lines=partial(self._lines, number, account, lines))

    def _lines(self, number: int, account: Account, read: dict[str, Lines], kind: str) -> Lines:
        if number == self._turn:
            self._asked.add(kind)
        return read.pop(kind) if kind in read else _lines(account, kind)

    def _go_on(self, number: int) -> None:
        """Begin with those that come next, unless one is asked for out of turn: as another's lookups do."""
        if number == self._turn:
            return
        if number != self._turn + 1 or not number:
            if number and number - 1 not in self._aside:
                self._aside.append(number)
                return
            self._begun_to, self._asked = number, set()
        self._kinds, self._asked, self._turn = frozenset(self._asked), set(), number
        self._left.clear()  # what was read, and then not asked for
        last = min(number + ACCOUNTS, len(self._accounts) - 1)
        for following in self._accounts[max(number, self._begun_to) + 1 : last + 1]:
            self._begin(following)
        self._begun_to = max(last, self._begun_to)

    def _begin(self, identity: str) -> Future[_Read]:
        """Open an account, if it is not open, and read of it what is likely to be asked for."""
        before, opening = self._reads.pop(identity, None), self._opening
        if before and before.done() and not before.exception():
            opening = _Known(before.result()[0])
        self._pool = self._pool or ThreadPoolExecutor(ACCOUNTS)
        begun = self._reads[identity] = self._pool.submit(_read, opening, identity, self._kinds)
        while len(self._reads) > KEPT:
            self._reads.pop(next(iter(self._reads))).cancel()
        return begun


class _Known(Struct, frozen=True):
    """Gives an account that is open."""

    account: Account

    def __call__(self, _: str) -> Account:
        return self.account


def _lines(account: Account, kind: str) -> Lines:
    assert account.lines is not None  # noqa: S101 - what is in a store is text
    return account.lines(kind)


def _read(opening: Callable[[str], Account], identity: str, kinds: frozenset[str]) -> _Read:
    account, lines = opening(identity), dict[str, Lines]()
    for kind in kinds:
        if 0 < account.count(kind) <= MANY:
            with suppress(SnapshotError):  # which is raised when it is asked for
                lines[kind] = _lines(account, kind)
    return account, lines
