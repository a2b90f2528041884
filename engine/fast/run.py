"""Judge a snapshot, account by account: by compiled policies, or all of it by the exact path."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ...snapshot.model import Snapshot
from ..batch import Batch, batches
from ..evaluate import evaluate
from ..model import Policy, Status
from .cache import CacheWriter, open_cache, policy_stamp
from .gather import gather, shared
from .steps import Memory
from .work import Alone, Crew, Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How to judge. The findings are the same, byte for byte; those whose status is not `written` are only counted."""

    exact: bool = False
    workers: int = 1
    cache: bool = False
    written: Collection[Status] = frozenset(Status)


def judge(snapshot: Snapshot, policies: Sequence[Policy], method: Method) -> Iterator[Batch]:
    """The findings of a snapshot in order: by account, and by policy."""
    if method.exact or snapshot.path is None:
        return batches(evaluate(snapshot, policies), method.written)
    gc.set_threshold(100_000)  # a record leaves no cycles: looking for them costs a sixth of the time
    ordered = sorted(policies, key=lambda policy: policy.id)
    if not method.cache:
        return _judged(snapshot, ordered, method, None)
    stamps = {policy.id: policy_stamp(policy, snapshot.captured_at, method.written) for policy in ordered}
    memory = Memory(open_cache(snapshot, stamps), stamps, snapshot.digests)
    return _remembered(snapshot, ordered, method, memory)


def _remembered(snapshot: Snapshot, policies: Sequence[Policy], method: Method, memory: Memory) -> Iterator[Batch]:
    """What was found before, if nothing at all has changed since."""
    if memory.cache.whole:
        for account in snapshot.accounts:
            found = memory.cache.batches(account)
            if found is None:
                break  # damaged: from here on it is judged
            yield from (each for policy in policies if (each := found[policy.id]))
        else:
            memory.cache.close()
            return
        left = frozenset(snapshot.accounts[snapshot.accounts.index(account) :])
        yield from (each for each in _judged(snapshot, policies, method, memory) if each.account in left)
        return
    yield from _judged(snapshot, policies, method, memory)


def _judged(snapshot: Snapshot, policies: Sequence[Policy], method: Method, memory: Memory | None) -> Iterator[Batch]:
    given = snapshot, policies, method.written, memory
    workers: Workers = Alone(*given) if method.workers == 1 else Crew(method.workers, *given)
    writer = CacheWriter(snapshot, memory.stamps) if memory else None
    try:
        gathered = gather(snapshot, workers, policies, keeping=memory is not None)
        shares = shared([(account, account in gathered.answered) for account in snapshot.accounts])
        for accounts, judged in zip(shares, workers.each("judge", shares), strict=True):
            for (account, _), found in zip(accounts, judged, strict=True):
                if found.forgotten:
                    left = frozenset(snapshot.accounts[snapshot.accounts.index(account) :])
                    yield from (each for each in _judged(snapshot, policies, method, None) if each.account in left)
                    return
                if writer and found.meta:
                    gathered.complete(account, found.meta)
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
