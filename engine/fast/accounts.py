"""Judge account by account, by compiled policies, what is not remembered from before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...snapshot.model import Snapshot
from ..batch import Batch
from ..model import Policy
from .cache import CacheWriter, Memory, kinds_of, open_cache, policy_stamp

if TYPE_CHECKING:
    from .run import Method
    from .work import Workers


def judged(snapshot: Snapshot, policies: Sequence[Policy], method: Method) -> Iterator[Batch]:
    """The findings of a snapshot by policies, both in order."""
    if not method.cache:
        return _judged(snapshot, policies, method, None)
    stamps = {policy.id: policy_stamp(policy, snapshot.captured_at, method.written) for policy in policies}
    kinds = {policy.id: kinds_of(policy) for policy in policies}
    memory = Memory(open_cache(snapshot, stamps), stamps, snapshot.digests, kinds)
    return _remembered(snapshot, policies, method, memory)


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
    from .gather import gather, shared  # and with them the compiler, which what is remembered has no use for
    from .work import Alone, Crew

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
