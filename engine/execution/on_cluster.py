"""The steps of an evaluation, done by workers of a cluster. Each opens the snapshot itself.

What a step needs comes of other calls: policies once for each worker, and what accounts have for others from the
surveys of all. So where a worker is lost, another makes again what only that one had.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from secrets import token_hex
from typing import Any

from ...snapshot.archive import open_snapshot
from ...snapshot.cluster import Cluster, ClusterError, Program, check_program, this_program
from ...snapshot.errors import SnapshotError
from ...snapshot.model import Snapshot
from ...snapshot.own_types import InUse, apply, in_use
from ...snapshot.remote import Place
from ..model.finding import Status
from ..model.policy import Policy
from .cache import Memory
from .key_digests import Board
from .tasks import STEPS, Desk, board_of

DESKS = 4  # that a worker keeps: a comparison has two


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that a worker has to know to evaluate accounts of a snapshot."""

    place: Place
    digest: str | None
    policies: Sequence[Policy]
    written: Collection[Status]
    types: InUse
    program: Program
    name: str = field(default_factory=lambda: token_hex(8))


class OnCluster:
    """Workers of a cluster. Nothing is remembered there, nor kept."""

    def __init__(
        self,
        cluster: Cluster,
        snapshot: Snapshot,
        policies: Sequence[Policy],
        written: Collection[Status],
        memory: Memory | None,
    ) -> None:
        assert snapshot.path is not None  # noqa: S101 - of one in memory no worker can know
        assert memory is None  # noqa: S101
        place = snapshot.path if not hasattr(snapshot.path, "resolve") else snapshot.path.resolve()
        self._cluster, self._board = cluster, None
        self._order = cluster.call(
            _given,
            Order(
                place=place,
                digest=snapshot.digest,
                policies=policies,
                written=frozenset(written),
                types=in_use(),
                program=this_program(),
            ),
        )

    def each(self, step: str, tasks: Iterable[Any]) -> Iterator[Any]:
        return self._cluster.each(_step, ((step, self._order, task, self._board) for task in tasks))

    def meet(self, shares: Sequence[Sequence[str]]) -> None:
        surveys = [self._cluster.call(_step, "survey", self._order, share, None) for share in shares]
        self._board = self._cluster.call(_board, self._order, surveys)

    def close(self) -> None:
        self._order = self._board = None


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
        found = STEPS[step](desk, task)
        return [replace(each, batches=list(each.batches)) for each in found] if step == "judge" else found


def _board(order: Order, surveys: Sequence[Any]) -> Board:
    with _at_work:
        desk = _desk(order)
        return board_of(chain.from_iterable(surveys), desk.snapshot, order.policies, order.written, None)


def _desk(order: Order) -> Desk:
    """The desk for an order, set up when the first of its steps comes. Raises ClusterError or SnapshotError."""
    if in_use() != order.types:
        apply(order.types)
    if order.name not in _desks:
        check_program(order.program, f"worker {_me()}")
        try:
            snapshot = open_snapshot(order.place)
        except SnapshotError as error:
            raise ClusterError(f"worker {_me()}: {error}", _SEEN) from None
        if snapshot.digest != order.digest:
            raise ClusterError(f"worker {_me()}: {order.place} is another snapshot there", _SEEN)
        gc.set_threshold(100_000)  # as where one process evaluates
        while len(_desks) >= DESKS:
            del _desks[next(iter(_desks))]
        _desks[order.name] = Desk.set_up(snapshot, order.policies, order.written, None)
    return _desks[order.name]


_SEEN = "the archive must be where every worker sees it: in a shared folder, or in object storage"


def _me() -> str:
    from distributed import get_worker

    return str(get_worker().address)
