"""Evaluate account by account, by compiled policies, what is not remembered from before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...snapshot.model import Snapshot
from ..findings.batch import Batch
from ..model.policy import Policy
from .cache import CacheWriter, Memory, kinds_of, open_cache, policy_stamp

if TYPE_CHECKING:
    from .judge import Method
    from .workers import Workers

SHARE = 16  # accounts at a time, or fewer where there are few


def judged(snapshot: Snapshot, policies: Sequence[Policy], method: Method) -> Iterator[Batch]:
    """The findings of a snapshot by policies, both in order."""
    if not method.cache:
        return _judged(snapshot, policies, method, None)
    stamps = {policy.id: policy_stamp(policy, snapshot.captured_at, method.written) for policy in policies}
    kinds = {policy.id: kinds_of(policy) for policy in policies}
    memory = Memory(open_cache(method.cache, snapshot, stamps), stamps, snapshot.digests, kinds)
    return _remembered(snapshot, policies, method, memory)


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
    from .tasks import targets_of  # and with it the compiler, which what is remembered has no use for

    workers = _workers(method, snapshot, policies, method.written, memory)
    writer = CacheWriter(method.cache, snapshot, memory.stamps) if memory and method.cache else None
    shares = shared(snapshot.accounts)
    try:
        if targets_of(policies):
            workers.meet(shares)
        for accounts, judged in zip(shares, workers.each("judge", shares), strict=True):
            for account, found in zip(accounts, judged, strict=True):
                if writer and memory and found.remembered:
                    writer.keep(account, memory.cache)
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


def _workers(method: Method, *given: Any) -> Workers:
    if method.cluster is not None:
        from .on_cluster import OnCluster

        return OnCluster(method.cluster, *given)
    from .workers import Alone, Crew

    return Alone(*given) if method.workers == 1 else Crew(method.workers, *given)


def shared(accounts: Sequence[str]) -> list[Sequence[str]]:
    """Accounts in shares."""
    size = max(1, min(SHARE, len(accounts) // 16))
    return [accounts[start : start + size] for start in range(0, len(accounts), size)]
