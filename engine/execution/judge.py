"""How to evaluate a snapshot: by compiled policies, or all of it by the exact path."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...snapshot.model import Snapshot
from ..findings.batch import Batch, batches
from ..judging.evaluate import evaluate
from ..model.finding import Status
from ..model.policy import Policy

if TYPE_CHECKING:
    from ...snapshot.cluster import Cluster

FEW = 500  # resources: the exact path has evaluated them before nine policies are compiled
OF_ACCOUNT = 10  # what evaluating an account without any takes, in resources


class Method(Struct, frozen=True, kw_only=True):
    """How to evaluate. The findings are the same, byte for byte; those whose status is not `written` are only counted.

    What is found is kept in the folder `cache`, if there is one, and what was found before taken from there.
    One process takes the exact path also for snapshots with no more than `few` resources, and remembers nothing; and
    nothing is remembered on a `cluster`.
    """

    exact: bool = False
    workers: int = 1
    cluster: Cluster | None = None
    cache: Path | None = None
    written: Collection[Status] = frozenset(Status)
    few: int = FEW


def judge(snapshot: Snapshot, policies: Sequence[Policy], method: Method) -> Iterator[Batch]:
    """The findings of a snapshot in order: by account, and by policy."""
    alone = method.workers == 1 and method.cluster is None
    if method.exact or snapshot.path is None or (alone and _are_few(snapshot, policies, method.few)):
        return batches(evaluate(snapshot, policies), method.written)
    from .scheduler import judged  # importing the compiler takes as long as evaluating a few resources

    gc.set_threshold(100_000)  # a record leaves no cycles: looking for them costs a sixth of the time
    ordered = sorted(policies, key=lambda policy: policy.id)
    return judged(snapshot, ordered, method)


Ending = Callable[[Snapshot, Sequence[Policy], int, Iterable[Batch]], Any]


def judge_apart(
    snapshot: Snapshot, policies: Sequence[Policy], method: Method, ending: Ending
) -> Iterator[tuple[Sequence[str], Any]]:
    """Accounts in order, some at a time, and what `ending` makes of their findings on the workers of a cluster.

    It is given the snapshot, the policies, the number of the share and its findings in order; and goes there itself.
    """
    from .scheduler import judged_apart

    return judged_apart(snapshot, sorted(policies, key=lambda policy: policy.id), method, ending)


def _are_few(snapshot: Snapshot, policies: Sequence[Policy], few: int) -> bool:
    """Whether policies read no more than a few resources. Of a fleet only the first accounts are asked."""
    kinds = {kind for policy in policies for kind in policy.kinds()}
    for account in snapshot.accounts if few else ():
        few -= OF_ACCOUNT + sum(map(snapshot.account(account).count, kinds))
        if few < 0:
            return False
    return few > 0
