"""Who does the steps of evaluating: this process, or several beside it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...snapshot.errors import StillframeError
from ...snapshot.own_types import InUse, apply, in_use
from ...snapshot.remote import Remote
from .tasks import STEPS, Desk, board_of, targets_of
from .transfer import NO_SPOOL, read_back, spooled

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# A fork begins with all that is loaded; elsewhere than on Linux it is not safe.
FORKS = sys.platform == "linux"
SPOOLS = FORKS and hasattr(os, "memfd_create")
SHARE = 16  # accounts at a time, or fewer where there are few
AHEAD = 4  # tasks given out before the first result is taken, for each worker


class Workers(Protocol):
    """Those who work. `each` gives the result of a step for each task, in order.

    `meet` gives shares of accounts to evaluate; where policies look across accounts, what each has is known then.
    """

    def each(self, step: str, tasks: Iterable[Any]) -> Iterator[Any]: ...

    def meet(self, accounts: Sequence[str]) -> Sequence[Sequence[str]]: ...

    def close(self) -> None: ...


class Alone:
    """This process. It is `given` what a desk is set up with."""

    def __init__(self, *given: Any) -> None:
        self._given, self._desk = given, Desk.set_up(*given)

    def each(self, step: str, tasks: Iterable[Any]) -> Iterator[Any]:
        return (STEPS[step](self._desk, task) for task in tasks)

    def meet(self, accounts: Sequence[str]) -> Sequence[Sequence[str]]:
        shares = shared(accounts)
        if self._desk.targets:
            surveys = chain.from_iterable(self.each("survey", shares))
            STEPS["share"](self._desk, board_of(surveys, *self._given))
        return shares

    def close(self) -> None:
        pass


class Crew:
    """Processes beside this one. Their results come in the order of the tasks, whoever is first."""

    def __init__(self, size: int, *given: Any) -> None:
        import multiprocessing  # which one process has no use for

        # The client of an object store has threads, which a fork has not.
        forks = FORKS and not isinstance(given[0].path, Remote)
        context: Any = multiprocessing.get_context("fork" if forks else "spawn")
        sys.stdout.flush()  # or each fork would write it again
        sys.stderr.flush()
        self._given, self._lines = given, list["Connection"]()
        self._spools: dict[Any, int] = {}
        self._processes: list[Any] = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            inherited = [*self._lines, ours] if forks else []
            self._spools[ours] = spool = os.memfd_create("findings") if forks and SPOOLS else NO_SPOOL
            beside = (theirs, inherited, spool, in_use())
            process = context.Process(target=_serve, args=(*beside, *given), daemon=True)
            process.start()
            theirs.close()
            self._lines.append(ours)
            self._processes.append(process)

    def each(self, step: str, tasks: Iterable[Any]) -> Iterator[Any]:
        from multiprocessing.connection import wait

        waiting = enumerate(tasks)
        idle, busy, done = list(self._lines), dict[Any, int](), dict[int, Any]()
        turn = 0
        while True:
            while (
                idle and len(busy) + len(done) < AHEAD * len(self._lines) and (given := next(waiting, None)) is not None
            ):
                number, task = given
                line = idle.pop()
                _send(line, (step, task))
                busy[line] = number
            if turn in done:
                yield done.pop(turn)
                turn += 1
                continue
            if not busy:
                return
            for ready in wait(list(busy)):
                line = cast("Connection", ready)
                found = _received(line)
                done[busy.pop(line)] = read_back(found, self._spools[line]) if step == "judge" else found
                idle.append(line)

    def meet(self, accounts: Sequence[str]) -> Sequence[Sequence[str]]:
        shares, (_, policies, *_) = shared(accounts), self._given
        if targets_of(policies):
            board = board_of(chain.from_iterable(self.each("survey", shares)), *self._given)
            for line in self._lines:
                _send(line, ("share", board))
            for line in self._lines:
                _received(line)
        return shares

    def close(self) -> None:
        for line in self._lines:
            line.close()
        for spool in self._spools.values():
            if spool != NO_SPOOL:
                os.close(spool)
        for process in self._processes:
            process.terminate()
            process.join()


def shared(accounts: Sequence[str]) -> list[Sequence[str]]:
    """Accounts in shares."""
    size = max(1, min(SHARE, len(accounts) // 16))
    return [accounts[start : start + size] for start in range(0, len(accounts), size)]


def _send(line: Connection, task: Any) -> None:
    try:
        line.send(task)
    except ConnectionError:
        raise _ended() from None


def _received(line: Connection) -> Any:
    try:
        result = line.recv()
    except (EOFError, ConnectionError):
        raise _ended() from None
    if isinstance(result, BaseException):
        raise result
    return result


def _ended() -> StillframeError:
    return StillframeError(
        "a worker process ended in the middle of its work", "if memory ran out, evaluate with --workers 1"
    )


def _end_with_parent() -> None:
    """Leave nobody at work whose work nobody waits for, however the first process ended."""
    from multiprocessing import parent_process
    from threading import Thread

    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


def _serve(line: Connection, inherited: Sequence[Connection], spool: int, types: InUse, *given: Any) -> None:
    """What a worker does: take a step and a task, give the result, until nobody is there."""
    apply(types)  # a fork has them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    for other in inherited:
        other.close()
    desk: Desk | None = None
    while True:
        try:
            step, task = line.recv()
        except (EOFError, ConnectionError):
            return
        try:
            desk = desk or Desk.set_up(*given)
            found = STEPS[step](desk, task)
            line.send(spooled(found, spool) if step == "judge" else found)
        except Exception as error:  # it is raised where it is waited for
            line.send(error)
