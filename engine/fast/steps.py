"""The steps of judging an account: ask others, fetch for others, judge; or remember what came of it before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Self

import msgspec

from ...snapshot.model import Account, Snapshot
from ..batch import Batch
from ..model import Policy, Status, Within
from .cache import Memory, Meta
from .far import Far, Fetched, Keys, fetch
from .judge import Compiled, ask, compile_policies, judge_account
from .offers import Offer
from .target import Target, target_of


@dataclass(slots=True)
class Desk:
    """What a step needs. Without a memory, nothing is remembered or kept.

    `asker` is compiled of the policies alone that look across the snapshot, at what `targets` name.
    """

    compiled: Compiled
    snapshot: Snapshot
    far: Far
    memory: Memory | None
    asker: tuple[Compiled, Far]
    targets: Sequence[Target]
    turns: int

    @classmethod
    def set_up(
        cls, snapshot: Snapshot, policies: Sequence[Policy], written: Collection[Status], memory: Memory | None
    ) -> Self:
        compiled = compile_policies(policies, written)
        asking = compile_policies([policy for policy in policies if looks_far(policy)], {Status.FAIL})
        return cls(
            compiled,
            snapshot,
            Far(snapshot, compiled.decoders),
            memory,
            (asking, Far(snapshot, asking.decoders)),
            targets_of(policies),
            turns_of(policies),
        )

    def remembered(self, meta: Meta) -> Keys:
        """What an account asked before, of what is still asked for."""
        found: Keys = {}
        for name, key in keys_of(meta.asked):
            for target in self.targets:
                if target.name == name:
                    found.setdefault(target, set()).update(() if key is None else (key,))
        return found


@dataclass(frozen=True, slots=True)
class Survey:
    """What an account asks others, and why others may find no rows in it though there are: by target.

    One that is remembered also says what it was told, and what it has for others where that is still so.
    """

    asked: Keys
    gaps: Mapping[str, tuple[str, ...]]
    offers: dict[str, Offer]
    answer: bytes | None = None

    def names(self) -> list[tuple[str, Hashable]]:
        """What it asked, as it is remembered."""
        return [(target.name, key) for target, keys in self.asked.items() for key in keys or (None,)]


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings of an account, and what they came from if that is to be kept; or what should be known is lost."""

    batches: Iterable[tuple[str, Batch | None]]
    meta: Meta | None = None
    forgotten: bool = False


def _survey(desk: Desk, accounts: Sequence[str]) -> list[Survey]:
    return [_survey_one(desk, account) for account in accounts]


def _survey_one(desk: Desk, identity: str) -> Survey:
    known, (compiled, far) = _Known.of(desk, identity), desk.asker
    offers = _still_offered(desk, known)
    if known and known.unchanged and all(map(known.same, compiled.policies)):
        return Survey(desk.remembered(known.meta), known.meta.gaps, offers, known.meta.answer)
    account = known.account() if known else desk.snapshot.account(identity)
    gaps = {target.name: account.gap_anywhere(target.source) for target in desk.targets}
    causes = {name: gap.causes for name, gap in gaps.items() if gap is not None}
    if known and all(map(known.same, compiled.policies)):
        return Survey(desk.remembered(known.meta), causes, offers, known.meta.answer)
    return Survey(ask(compiled, desk.snapshot, account, far), causes, offers)


def _ask(desk: Desk, accounts: Sequence[str]) -> list[Keys]:
    compiled, far = desk.asker
    return [ask(compiled, desk.snapshot, desk.snapshot.account(account), far) for account in accounts]


def _fetch(desk: Desk, tasks: Sequence[tuple[str, Keys]]) -> list[dict[Target, Fetched]]:
    found = []
    for identity, wanted in tasks:
        account = desk.snapshot.account(identity)
        stamp = _stamper(account) if desk.memory else None
        found.append({target: fetch(account, target, keys, stamp) for target, keys in wanted.items()})
    return found


def _judge(desk: Desk, accounts: Sequence[tuple[str, bool]]) -> Iterator[Judged]:
    return (_judge_one(desk, account, answered) for account, answered in accounts)


def _judge_one(desk: Desk, identity: str, answered: bool) -> Judged:
    policies, memory = desk.compiled.policies, desk.memory
    if memory is None:
        return Judged(judge_account(desk.compiled, desk.snapshot, identity, desk.far))
    known = _Known.of(desk, identity)
    kept = memory.cache.batches(identity) if known else None
    if kept is None and answered:
        return Judged((), forgotten=True)  # nothing was gathered for it
    same = {
        policy.id: (kept or {})[policy.id]
        for policy in policies
        if kept and known and known.same(policy) and (answered or not looks_far(policy))
    }
    if len(same) == len(policies) and known and known.unchanged:
        return Judged([(policy.id, same[policy.id]) for policy in policies], known.meta)
    stamp = known.stamp if known else cache(_stamper(desk.snapshot.account(identity)))
    desk.far.used = set()
    left = len(same) < len(policies)
    found = dict(judge_account(desk.compiled, desk.snapshot, identity, desk.far, same)) if left else {}
    asked = known.meta.asked if known and answered else kept_keys(desk.far.used)
    stamps = {policy.id: stamp(memory.kinds[policy.id]) for policy in policies}
    meta = Meta(memory.digests[identity], stamps, asked) if asked is not None else None
    return Judged([(policy.id, (same if policy.id in same else found).get(policy.id)) for policy in policies], meta)


@dataclass(slots=True)
class _Known:
    """What is remembered of an account. It is opened only where its file is not the one of before, and once."""

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

        return cls(meta, memory, unchanged, account, stamp)

    def same(self, policy: Policy) -> bool:
        """Whether a policy, and all that it reads of the account, are as they were."""
        if self.memory.cache.index.policies.get(policy.id) != self.memory.stamps[policy.id]:
            return False
        return self.unchanged or self.meta.stamps.get(policy.id) == self.stamp(self.memory.kinds[policy.id])


def _stamper(account: Account) -> Callable[[Sequence[str]], bytes]:
    assert account.stamp  # noqa: S101 - of a snapshot in files
    return account.stamp


def _still_offered(desk: Desk, known: _Known | None) -> dict[str, Offer]:
    """What is remembered of what an account has for others, of types that are as they were."""
    there = ((target, known.meta.offers.get(target.name)) for target in desk.targets) if known else ()
    return {
        target.name: offered
        for target, offered in there
        if offered and known and (known.unchanged or offered.stamp == known.stamp((target.source,)))
    }


def looks_far(policy: Policy) -> bool:
    return any(lookup.within is Within.SNAPSHOT for lookup in policy.lookups.values())


def targets_of(policies: Sequence[Policy]) -> list[Target]:
    """What policies look for across the snapshot."""
    lookups = (lookup for policy in policies for lookup in policy.lookups.values())
    return list({target_of(each): None for each in lookups if each.within is Within.SNAPSHOT})


def turns_of(policies: Sequence[Policy]) -> int:
    """How often to ask: each time, every resource gets at least one lookup further."""
    far = (sum(lookup.within is Within.SNAPSHOT for lookup in policy.lookups.values()) for policy in policies)
    return max(far, default=0)


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


def _share(desk: Desk, fetched: dict[Target, Fetched]) -> None:
    desk.far.take(fetched)
    desk.asker[1].take(fetched)


STEPS: Mapping[str, Callable[[Desk, Any], Any]] = {
    "survey": _survey,
    "ask": _ask,
    "fetch": _fetch,
    "judge": _judge,
    "share": _share,
}
