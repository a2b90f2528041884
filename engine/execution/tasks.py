"""The steps of an evaluation: survey what accounts have for others, share it, evaluate; or remember what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Self

import msgspec
from msgspec import Struct

from ...snapshot.model import Account, Snapshot
from ..compiler.join_key import Target, looked_up, target_of
from ..findings.batch import Batch
from ..model.finding import Status
from ..model.policy import Policy, Within
from .account import Compiled, compile_policies, judge_account
from .cache import Meta
from .key_digests import Board, Offer, Survey, survey
from .memory import Memory
from .remote_join import Far


class Desk(Struct):
    """What a step needs. Without a memory, nothing is remembered or kept."""

    compiled: Compiled
    snapshot: Snapshot
    far: Far
    memory: Memory | None
    targets: Sequence[Target]
    lasting: Sequence[Target]  # of these, those by which time alone changes nothing
    looking: frozenset[str]  # the ids of the policies that look across the snapshot

    @classmethod
    def set_up(
        cls, snapshot: Snapshot, policies: Sequence[Policy], written: Collection[Status], memory: Memory | None
    ) -> Self:
        compiled = compile_policies(policies, written)
        looking = frozenset(policy.id for policy in policies if targets_of([policy]))
        targets, far = targets_of(policies), Far(snapshot, compiled.decoders)
        lasting = [target for target in targets if not target.timed]
        desk = cls(compiled, snapshot, far, memory, targets, lasting, looking)
        desk.far.remembered = desk._remembered
        return desk

    def _remembered(self, identity: str, target: str) -> Offer | None:
        known = _Known.of(self, identity)
        return known.offers().get(target) if known else None


class Judged(Struct, frozen=True):
    """The findings of an account, and what they came from if that is to be kept."""

    batches: Iterable[tuple[str, Batch | None]]
    meta: Meta | None = None
    remembered: bool = False  # findings, so that they can be kept as they are; without `meta` also what they came from


def _survey(desk: Desk, accounts: Sequence[str]) -> list[Survey]:
    return [_survey_one(desk, account) for account in accounts]


def _survey_one(desk: Desk, identity: str) -> Survey:
    known, time = _Known.of(desk, identity), desk.snapshot.captured_at
    if known is None:
        return survey(desk.snapshot.account(identity), desk.targets, {}, time, keeping=False)
    if known.meta and known.unchanged and known.same() >= desk.looking:
        return Survey(known.offers(), known.meta.gaps)
    return survey(known.account(), desk.targets, known.offers(), time, keeping=True)


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
    policies, far = desk.compiled.policies, desk.far
    far.used.clear()
    known = _Known.of(desk, identity)
    if known is None:
        return Judged(judge_account(desk.compiled, desk.snapshot, identity, far))
    same, meta = known.same(), known.meta
    answered = meta is not None and same >= desk.looking and meta.answer == far.answer(keys_of(meta.asked))
    kept = known.memory.cache.batches(identity) or {} if same else {}
    found = {name: kept[name] for name in (same if answered else same - desk.looking) & kept.keys()}
    remembered = len(found) == len(policies)
    if not remembered:
        found = {**dict(judge_account(desk.compiled, desk.snapshot, identity, far, found)), **found}
    batches = [(policy.id, found.get(policy.id)) for policy in policies]
    return Judged(batches, None if remembered and known.unchanged else known.made_of(answered=answered), remembered)


class _Known(Struct):
    """What is remembered of an account, if there is a `meta`. It is opened where its file is not the one of before."""

    desk: Desk
    memory: Memory
    identity: str
    meta: Meta | None
    unchanged: bool
    _account: Account | None = None
    _stamps: dict[tuple[str, ...], bytes] = {}

    @classmethod
    def of(cls, desk: Desk, identity: str) -> _Known | None:
        """None where nothing is remembered or kept."""
        if desk.memory is None:
            return None
        meta = desk.memory.cache.meta(identity)
        return cls(desk, desk.memory, identity, meta, meta is not None and meta.digest == desk.memory.digests[identity])

    def account(self) -> Account:
        if self._account is None:
            self._account = self.desk.snapshot.account(self.identity)
        return self._account

    def stamp(self, kinds: tuple[str, ...]) -> bytes:
        """The digest of what was asked of some types, and where."""
        found = self._stamps.get(kinds)
        if found is None:
            stamp = self.account().stamp
            assert stamp  # noqa: S101 - of a snapshot in files
            found = self._stamps[kinds] = stamp(kinds)
        return found

    def same(self) -> AbstractSet[str]:
        """The ids of the policies that, with all that they read of the account, are as they were."""
        if self.meta is None:
            return frozenset()
        if self.unchanged and self.memory.everywhere:
            return self.memory.same & self.meta.stamps.keys()
        return {policy.id for policy in self.desk.compiled.policies if self._is_same(policy, self.meta)}

    def _is_same(self, policy: Policy, before: Meta) -> bool:
        if policy.id not in self.memory.same:
            return False
        asked, stamp = policy.is_of(self.identity), before.stamps.get(policy.id)
        if not asked or stamp is None:
            return not asked and stamp is None
        return self.unchanged or stamp == self.stamp(self.memory.kinds[policy.id])

    def offers(self) -> dict[str, Offer]:
        """What it has for others, of types that are as they were."""
        there = self.meta.offers if self.meta else {}
        return {
            target.name: there[target.name]
            for target in self.desk.lasting
            if target.name in there and (self.unchanged or there[target.name].stamp == self.stamp((target.source,)))
        }

    def made_of(self, *, answered: bool) -> Meta | None:
        """What its findings come from now; None where it cannot be kept. Were lookups `answered` as before?"""
        far, before, memory = self.desk.far, self.meta if answered else None, self.memory
        asked = before.asked if before else kept_keys(far.used)
        if asked is None:
            return None
        asking = (policy.id for policy in self.desk.compiled.policies if policy.is_of(self.identity))
        stamps = {name: self.stamp(memory.kinds[name]) for name in asking}
        answer = before.answer if before else far.answer(keys_of(asked))
        had = far.survey(self.identity)
        return Meta(memory.digests[self.identity], stamps, asked, answer, had.offers, dict(had.gaps))


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
