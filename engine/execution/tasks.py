"""The steps of an evaluation: survey what accounts have for others, share it, evaluate; or remember what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, Self

import msgspec
from msgspec import Struct

from ...snapshot.model import Account, Snapshot
from ..compiler.join_key import Target, looked_up, target_of
from ..findings.batch import Batch
from ..model.finding import Status
from ..model.policy import Policy, Within
from .account import Compiled, compile_policies, judge_account
from .cache import Memory, Meta
from .key_digests import Board, Offer, Survey, survey
from .remote_join import Far


class Desk(Struct):
    """What a step needs. Without a memory, nothing is remembered or kept."""

    compiled: Compiled
    snapshot: Snapshot
    far: Far
    memory: Memory | None
    targets: Sequence[Target]
    looking: Mapping[str, Policy]  # those that look across the snapshot, by their ids

    @classmethod
    def set_up(
        cls, snapshot: Snapshot, policies: Sequence[Policy], written: Collection[Status], memory: Memory | None
    ) -> Self:
        compiled = compile_policies(policies, written)
        looking = {policy.id: policy for policy in policies if targets_of([policy])}
        desk = cls(compiled, snapshot, Far(snapshot, compiled.decoders), memory, targets_of(policies), looking)
        desk.far.remembered = desk._remembered
        return desk

    def _remembered(self, identity: str, target: str) -> Offer | None:
        return _still_offered(self, _Known.of(self, identity)).get(target)


class Judged(Struct, frozen=True):
    """The findings of an account, and what they came from if that is to be kept."""

    batches: Iterable[tuple[str, Batch | None]]
    meta: Meta | None = None
    remembered: bool = False  # all of it, so that it can be kept as it is


def _survey(desk: Desk, accounts: Sequence[str]) -> list[Survey]:
    return [_survey_one(desk, account) for account in accounts]


def _survey_one(desk: Desk, identity: str) -> Survey:
    known = _Known.of(desk, identity)
    offers = _still_offered(desk, known)
    if known and known.unchanged and all(map(known.same, desk.looking.values())):
        return Survey(offers, known.meta.gaps)
    account = known.account() if known else desk.snapshot.account(identity)
    time = desk.snapshot.captured_at
    return survey(account, desk.targets, offers, time, keeping=desk.memory is not None)


def board_of(
    surveys: Iterable[Survey],
    snapshot: Snapshot,
    policies: Sequence[Policy],
    _: Collection[Status],
    memory: Memory | None,
) -> Board:
    """What all accounts have for others, of what each has."""
    board = Board(snapshot.accounts)
    board.add(targets_of(policies), surveys, keeping=memory is not None)
    return board


def _share(desk: Desk, board: Board) -> None:
    desk.far.board = board


def _judge(desk: Desk, accounts: Sequence[str]) -> Iterator[Judged]:
    return (_judge_one(desk, account) for account in accounts)


def _judge_one(desk: Desk, identity: str) -> Judged:
    policies, memory, far = desk.compiled.policies, desk.memory, desk.far
    far.used.clear()
    if memory is None:
        return Judged(judge_account(desk.compiled, desk.snapshot, identity, far))
    known = _Known.of(desk, identity)
    kept = memory.cache.batches(identity) if known else None
    answered = False
    if known and all(map(known.same, desk.looking.values())):
        answered = known.meta.answer == far.answer(keys_of(known.meta.asked))
    same = {
        policy.id: (kept or {})[policy.id]
        for policy in policies
        if kept and known and known.same(policy) and (answered or policy.id not in desk.looking)
    }
    if len(same) == len(policies) and known and known.unchanged:
        return Judged([(policy.id, same[policy.id]) for policy in policies], known.meta, remembered=True)
    stamp = known.stamp if known else cache(_stamper(desk.snapshot.account(identity)))
    left = len(same) < len(policies)
    found = dict(judge_account(desk.compiled, desk.snapshot, identity, far, same)) if left else {}
    asked = known.meta.asked if known and answered else kept_keys(far.used)
    meta = None
    if asked is not None:
        answer = known.meta.answer if known and answered else far.answer(keys_of(asked))
        stamps = {policy.id: stamp(memory.kinds[policy.id]) for policy in policies if policy.is_of(identity)}
        had = far.survey(identity)
        meta = Meta(memory.digests[identity], stamps, asked, answer, had.offers, dict(had.gaps))
    return Judged([(policy.id, (same if policy.id in same else found).get(policy.id)) for policy in policies], meta)


class _Known(Struct):
    """What is remembered of an account. It is opened only where its file is not the one of before, and once."""

    identity: str
    meta: Meta
    memory: Memory
    unchanged: bool
    account: Callable[[], Account]
    stamp: Callable[[tuple[str, ...]], bytes]

    @classmethod
    def of(cls, desk: Desk, identity: str) -> _Known | None:
        memory = desk.memory
        meta = memory.cache.meta(identity) if memory else None
        if memory is None or meta is None:
            return None
        unchanged = meta.digest == memory.digests[identity]
        account = cache(partial(desk.snapshot.account, identity))

        @cache
        def stamp(kinds: tuple[str, ...]) -> bytes:
            return _stamper(account())(kinds)

        return cls(identity, meta, memory, unchanged, account, stamp)

    def same(self, policy: Policy) -> bool:
        """Whether a policy, and all that it reads of the account, are as they were. One may read all accounts."""
        if policy.is_wide():
            return False
        if self.memory.cache.index.policies.get(policy.id) != self.memory.stamps[policy.id]:
            return False
        asked = policy.is_of(self.identity)
        if not asked or policy.id not in self.meta.stamps:
            return not asked and policy.id not in self.meta.stamps
        return self.unchanged or self.meta.stamps.get(policy.id) == self.stamp(self.memory.kinds[policy.id])


def _stamper(account: Account) -> Callable[[Sequence[str]], bytes]:
    assert account.stamp  # noqa: S101 - of a snapshot in files
    return account.stamp


def _still_offered(desk: Desk, known: _Known | None) -> dict[str, Offer]:
    """What is remembered of what an account has for others, of types that are as they were."""
    there = ((each, known.meta.offers.get(each.name)) for each in desk.targets if not each.timed) if known else ()
    return {
        target.name: offered
        for target, offered in there
        if offered and known and (known.unchanged or offered.stamp == known.stamp((target.source,)))
    }


def targets_of(policies: Sequence[Policy]) -> list[Target]:
    """What policies look for across the snapshot."""
    lookups = (lookup for policy in policies if not policy.is_wide() for lookup in looked_up(policy))
    return list({target_of(each): None for each in lookups if each.within is Within.SNAPSHOT})


def kept_keys(used: set[tuple[str, Hashable]]) -> bytes | None:
    """What was asked, without the keys that nothing can have where others were asked too; None if it cannot be kept."""
    others = {name for name, key in used if key is not None}
    asked = sorted((each for each in used if each[1] is not None or each[0] not in others), key=repr)
    try:
        return msgspec.msgpack.encode(asked)
    except OverflowError:  # a number of more than 64 bits
        return None


def keys_of(asked: bytes) -> list[tuple[str, Hashable]]:
    return [(name, _key(key)) for name, key in msgspec.msgpack.decode(asked)]


def _key(key: Any) -> Hashable:
    return None if key is None else tuple(tuple(part) if isinstance(part, list) else part for part in key)


STEPS: Mapping[str, Callable[[Desk, Any], Any]] = {"survey": _survey, "share": _share, "judge": _judge}
