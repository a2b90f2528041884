"""The steps of an evaluation, done by workers of a cluster. Each opens the snapshot itself.

What a step needs comes of other calls: policies once for each worker, and what accounts have for others from the
surveys of all. So where a worker is lost, another makes again what only that one had.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from secrets import token_hex
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.archive import open_snapshot
from ...snapshot.cluster import Cluster, ClusterError, Program, check_program, this_program, worker
from ...snapshot.errors import SnapshotError
from ...snapshot.model import Snapshot
from ...snapshot.own_types import InUse, apply, in_use
from ...snapshot.remote import Place
from ..model.finding import Status
from ..model.policy import Policy
from .judge import OF_ACCOUNT, Ending
from .key_digests import Board
from .memory import Memory
from .tasks import STEPS, Desk, targets_of
from .workers import shared

SHARES = 64  # of a snapshot, at least, if it has as many accounts
MOST = 20_000  # resources of a share, about: a second or two of work, so that little is lost with a worker
DESKS = 4  # that a worker keeps: a comparison has two


class Order(Struct, frozen=True, kw_only=True):
    """All that a worker has to know to evaluate accounts of a snapshot."""

    place: Place
    digest: str | None
    policies: Sequence[Policy]
    written: Collection[Status]
    types: InUse
    program: Program
    ending: Ending | None
    name: str = field(default_factory=lambda: token_hex(8))


class OnCluster:
    """Workers of a cluster. Nothing is remembered there, nor kept."""

    def __init__(
        self,
        cluster: Cluster,
        snapshot: Snapshot,
        policies: Sequence[Policy],
        written: Collection[Status],
        memory: Memory | None = None,
        ending: Ending | None = None,
    ) -> None:
        assert snapshot.path is not None  # noqa: S101 - of one in memory no worker can know
        assert memory is None  # noqa: S101
        self._cluster, self._looks, self._board = cluster, bool(targets_of(policies)), None
        order = Order(
            place=snapshot.path.absolute() if isinstance(snapshot.path, Path) else snapshot.path,
            digest=snapshot.digest,
            policies=policies,
            written=frozenset(written),
            types=in_use(),
            program=this_program(),
            ending=ending,
        )
        self._order = cluster.call(_given, order)

    def each(self, step: str, tasks: Iterable[Any]) -> Iterator[Any]:
        return self._cluster.each(_step, ((step, self._order, task, self._board) for task in tasks))

    def meet(self, accounts: Sequence[str]) -> Sequence[Sequence[str]]:
        """Shares that are about as much work as each other. What each account has for others never comes here."""
        shares = shared(accounts)
        firsts = accumulate(map(len, shares), initial=0)
        looks = [self._cluster.call(_look, self._order, *each) for each in zip(firsts, shares, strict=False)]
        if self._looks:
            self._board = self._cluster.call(_board, self._order, looks)
        weights = chain.from_iterable(self._cluster.each(_weights, ((look,) for look in looks)))
        return weighed(accounts, list(weights))

    def close(self) -> None:
        self._order = self._board = None


def weighed(accounts: Sequence[str], weights: Sequence[int]) -> list[Sequence[str]]:
    """Accounts in shares of about the same weight. How many there are does not depend on who works."""
    most = max(1, min(MOST, sum(weights) // SHARES))
    found, begin, weight = list[Sequence[str]](), 0, 0
    for end, more in enumerate(weights, 1):
        weight += more
        if weight >= most:
            found.append(accounts[begin:end])
            begin, weight = end, 0
    return [*found, accounts[begin:]] if begin < len(accounts) else found


def _given(order: Order) -> Order:
    return order


_at_work = threading.RLock()  # a process has one catalogue, and a desk is for one: so one step at a time
_desks: dict[str, Desk] = {}


def _step(step: str, order: Order, task: Any, board: Board | None) -> Any:
    """A step on a worker."""
    with _at_work:
        desk = _desk(order)
        if board is not None:
            desk.far.board = board
        number, accounts = task if step == "end" else (0, task)
        found = STEPS["judge"](desk, accounts)
        if step == "end":
            assert order.ending is not None  # noqa: S101
            batches = (batch for each in found for _, batch in each.batches if batch)
            return order.ending(desk.snapshot, desk.compiled.policies, number, batches)
        return [replace(each, batches=list(each.batches)) for each in found]


class Look(Struct, frozen=True):
    """What accounts have for others, and how much work each is."""

    board: Board
    weights: Sequence[int]


def _look(order: Order, first: int, accounts: Sequence[str]) -> Look:
    with _at_work:
        desk = _desk(order)
        kinds = {kind for policy in desk.compiled.policies for kind in policy.kinds()}
        weights = [OF_ACCOUNT + sum(map(desk.snapshot.account(each).count, kinds)) for each in accounts]
        board = Board(accounts)
        if desk.targets:
            board.add(desk.targets, STEPS["survey"](desk, accounts), first=first)
        return Look(board, weights)


def _weights(look: Look) -> Sequence[int]:
    return look.weights


def _board(order: Order, looks: Sequence[Look]) -> Board:
    with _at_work:
        return Board.joined(_desk(order).snapshot.accounts, (look.board for look in looks))


def _desk(order: Order) -> Desk:
    """The desk for an order, set up when the first of its steps comes. Raises ClusterError or SnapshotError."""
    if in_use() != order.types:
        apply(order.types)
    if order.name not in _desks:
        check_program(order.program, f"worker {worker()}")
        try:
            snapshot = open_snapshot(order.place)
        except SnapshotError as error:
            raise ClusterError(f"worker {worker()}: {error}", _SEEN) from None
        if snapshot.digest != order.digest:
            raise ClusterError(f"worker {worker()}: {order.place} is another snapshot there", _SEEN)
        gc.set_threshold(100_000)  # as where one process evaluates
        while len(_desks) >= DESKS:
            del _desks[next(iter(_desks))]
        _desks[order.name] = Desk.set_up(snapshot, order.policies, order.written, None)
    return _desks[order.name]


_SEEN = "the archive must be where every worker sees it: in a shared folder, or in object storage"
