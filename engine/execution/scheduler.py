"""Evaluate account by account, by compiled policies, what is not remembered from before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...snapshot.model import Snapshot
from ..findings.batch import Batch
from ..model.policy import Policy
from .cache import CacheWriter
from .memory import Memory

if TYPE_CHECKING:
    from .judge import Ending, Method
    from .workers import Workers


def judged(snapshot: Snapshot, policies: Sequence[Policy], method: Method) -> Iterator[Batch]:
    """The findings of a snapshot by policies, both in order."""
    if not method.cache:
        return _judged(snapshot, policies, method, None)
    return _remembered(snapshot, policies, method, Memory.of(method.cache, snapshot, policies, method.written))


def _remembered(snapshot: Snapshot, policies: Sequence[Policy], method: Method, memory: Memory) -> Iterator[Batch]:
    """What was found before, if nothing at all has changed since."""
    if memory.cache.whole:
        for account in snapshot.accounts:
            found = memory.cache.batches(account)
            if found is None:
                break  # damaged: from here on it is evaluated
            yield from (each for policy in policies if (each := found[policy.id]))
        else:
            memory.cache.close()
            return
        left = frozenset(snapshot.accounts[snapshot.accounts.index(account) :])
        yield from (each for each in _judged(snapshot, policies, method, memory) if each.account in left)
        return
    yield from _judged(snapshot, policies, method, memory)


def _judged(snapshot: Snapshot, policies: Sequence[Policy], method: Method, memory: Memory | None) -> Iterator[Batch]:
    workers = _workers(method, snapshot, policies, method.written, memory)
    writer = CacheWriter(method.cache, snapshot, memory.stamps, memory.places) if memory and method.cache else None
    try:
        shares = workers.meet(snapshot.accounts)
        for accounts, judged in zip(shares, workers.each("judge", shares), strict=True):
            for account, found in zip(accounts, judged, strict=True):
                if writer and memory and found.remembered:
                    writer.keep(account, memory.cache, found.meta)
                elif writer and found.meta:
                    writer.add(account, found.meta, dict(found.batches))
                yield from (each for _, each in found.batches if each)
        if writer:
            writer.finish()
    finally:
        workers.close()
        if memory:
            memory.cache.close()
        if writer:
            writer.drop()


def judged_apart(
    snapshot: Snapshot, policies: Sequence[Policy], method: Method, ending: Ending
) -> Iterator[tuple[Sequence[str], Any]]:
    """Accounts, some at a time, and what `ending` made of their findings where they were found."""
    from .on_cluster import OnCluster

    assert method.cluster is not None  # noqa: S101
    workers = OnCluster(method.cluster, snapshot, policies, method.written, ending=ending)
    shares = workers.meet(snapshot.accounts)
    yield from zip(shares, workers.each("end", enumerate(shares)), strict=True)


def _workers(method: Method, *given: Any) -> Workers:
    if method.cluster is not None:
        from .on_cluster import OnCluster

        return OnCluster(method.cluster, *given)
    from .workers import Alone, Crew  # and with them the compiler, which what is remembered has no use for

    return Alone(*given) if method.workers == 1 else Crew(method.workers, *given)
