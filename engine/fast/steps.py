"""The steps of judging an account: ask others, fetch for others, judge; or remember what came of it before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import msgspec

from ...snapshot.model import Account, Snapshot
from ..batch import Batch
from ..model import Policy, Status, Within
from .cache import Cache, Meta, kinds_of
from .far import Far, Fetched, Keys, fetch, remembered
from .judge import Compiled, ask, compile_policies, judge_account
from .target import Target, target_of


@dataclass(frozen=True, slots=True)
class Memory:
    """What was judged before. `stamps` are of the policies as they are now, `digests` of the accounts."""

    cache: Cache
    stamps: Mapping[str, bytes]
    digests: Mapping[str, str]


@dataclass(slots=True)
class Desk:
    """What a step needs. Without a memory, nothing is remembered or kept."""

    compiled: Compiled
    snapshot: Snapshot
    far: Far
    memory: Memory | None

    @classmethod
    def set_up(
        cls, snapshot: Snapshot, policies: Sequence[Policy], written: Collection[Status], memory: Memory | None
    ) -> Self:
        compiled = compile_policies(policies, written)
        return cls(compiled, snapshot, Far(snapshot, compiled.decoders), memory)


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings of an account, and what they came from if that is to be kept."""

    batches: Iterable[tuple[str, Batch | None]]
    meta: Meta | None = None


def _ask(desk: Desk, accounts: Sequence[str]) -> list[Keys]:
    return [_ask_one(desk, account) for account in accounts]


def _ask_one(desk: Desk, identity: str) -> Keys:
    known = _Known.of(desk, identity)
    if known and all(known.same(policy) for policy in desk.compiled.policies if _looks_far(policy)):
        asked = _keys(known.meta.asked)
        missing: Keys = {}
        for target in _targets(desk.compiled.policies):
            keys = {key for name, key in asked if name == target.name}
            if (keys and target not in desk.far.fetched) or not keys <= desk.far.keys(target) | {None}:
                missing[target] = keys - desk.far.keys(target) - {None}
        if missing or desk.far.answer(asked) == known.meta.answer:
            return missing
    return ask(desk.compiled, desk.snapshot, identity, desk.far)


def _fetch(desk: Desk, task: tuple[Keys, Sequence[str]]) -> list[dict[Target, Fetched]]:
    wanted, accounts = task
    return [{target: _fetch_one(desk, account, target, wanted[target]) for target in wanted} for account in accounts]


def _fetch_one(desk: Desk, identity: str, target: Target, keys: set[Hashable]) -> Fetched:
    known = _Known.of(desk, identity)
    offer = known.meta.offers.get(target.name) if known else None
    if known and offer and (known.unchanged or offer.stamp == known.stamp([target.source])):
        found = remembered(offer, keys)
        if found:
            return found
    return fetch(desk.snapshot.account(identity), target, keys, offering=desk.memory is not None)


def _judge(desk: Desk, accounts: Sequence[str]) -> Iterator[Judged]:
    return (_judge_one(desk, account) for account in accounts)


def _judge_all(desk: Desk, accounts: Sequence[str]) -> list[Judged]:
    """The same, ready to be sent to another process."""
    return [replace(judged, batches=list(judged.batches)) for judged in _judge(desk, accounts)]


def _judge_one(desk: Desk, identity: str) -> Judged:
    policies, memory = desk.compiled.policies, desk.memory
    if memory is None:
        return Judged(judge_account(desk.compiled, desk.snapshot, identity, desk.far))
    known = _Known.of(desk, identity)
    same: dict[str, Batch | None] = {}
    answered = known is not None and desk.far.answer(_keys(known.meta.asked)) == known.meta.answer
    if known and (kept := memory.cache.batches(identity)):
        same = {
            policy.id: kept[policy.id]
            for policy in policies
            if known.same(policy) and (answered or not _looks_far(policy))
        }
    if len(same) == len(policies) and known and known.unchanged:
        return Judged([(policy.id, same[policy.id]) for policy in policies], known.meta)
    account = desk.snapshot.account(identity)
    stamp = _stamper(account)
    desk.far.used = set()
    left = len(same) < len(policies)
    found = dict(judge_account(desk.compiled, desk.snapshot, identity, desk.far, same)) if left else {}
    asked = known.meta.asked if known and answered else _kept(desk.far.used)
    meta = Meta(
        memory.digests[identity],
        {policy.id: stamp(kinds_of(policy)) for policy in policies},
        asked,
        desk.far.answer(_keys(asked)),
        known.meta.offers if known else {},
    )
    return Judged([(policy.id, (same if policy.id in same else found).get(policy.id)) for policy in policies], meta)


@dataclass(slots=True)
class _Known:
    """What is remembered of an account. It is opened only where its file is not the one of before."""

    meta: Meta
    memory: Memory
    unchanged: bool
    stamp: Callable[[Sequence[str]], bytes]

    @classmethod
    def of(cls, desk: Desk, identity: str) -> _Known | None:
        memory = desk.memory
        meta = memory.cache.meta(identity) if memory else None
        if memory is None or meta is None:
            return None
        unchanged = meta.digest == memory.digests[identity]
        return cls(meta, memory, unchanged, partial(_stamp, desk, identity))

    def same(self, policy: Policy) -> bool:
        """Whether a policy, and all that it reads of the account, are as they were."""
        if self.memory.cache.index.policies.get(policy.id) != self.memory.stamps[policy.id]:
            return False
        return self.unchanged or self.meta.stamps.get(policy.id) == self.stamp(kinds_of(policy))


def _stamper(account: Account) -> Callable[[Sequence[str]], bytes]:
    assert account.stamp  # noqa: S101 - of a snapshot in files
    return account.stamp


def _stamp(desk: Desk, identity: str, kinds: Sequence[str]) -> bytes:
    return _stamper(desk.snapshot.account(identity))(kinds)


def _looks_far(policy: Policy) -> bool:
    return any(lookup.within is Within.SNAPSHOT for lookup in policy.lookups.values())


def _targets(policies: Sequence[Policy]) -> list[Target]:
    lookups = (lookup for policy in policies for lookup in policy.lookups.values())
    return list({target_of(each): None for each in lookups if each.within is Within.SNAPSHOT})


def _kept(used: set[tuple[str, Hashable]]) -> bytes:
    return msgspec.msgpack.encode(sorted(used, key=repr))


def _keys(asked: bytes) -> list[tuple[str, Hashable]]:
    return [(name, _key(key)) for name, key in msgspec.msgpack.decode(asked)]


def _key(key: Any) -> Hashable:
    return None if key is None else tuple(tuple(part) if isinstance(part, list) else part for part in key)


def _share(desk: Desk, fetched: dict[Target, Fetched]) -> None:
    desk.far.take(fetched)


STEPS: Mapping[str, Callable[[Desk, Any], Any]] = {"ask": _ask, "fetch": _fetch, "judge": _judge, "share": _share}
SENT = {**STEPS, "judge": _judge_all}
