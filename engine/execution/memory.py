"""What of an evaluation of before may hold of this one: of which policies, by digests of all that they say and read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ...snapshot.format import encode
from ...snapshot.model import Snapshot
from ..functions.table import FUNCTIONS
from ..language.node import walk
from ..language.simplify import settled
from ..model.finding import Status
from ..model.policy import Policy, Within
from .cache import Cache, open_cache


class Memory(Struct, frozen=True):
    """What was evaluated before. `digests` are of the accounts as they are now; by the ids of policies, `stamps` are of
    these, and `kinds` the types of which they read an account's own resources; `places` is of where they are asked.

    The policies that are the `same` as before may be remembered: not those that read all accounts."""

    cache: Cache
    stamps: Mapping[str, bytes]
    digests: Mapping[str, str]
    kinds: Mapping[str, tuple[str, ...]]
    places: bytes
    same: frozenset[str]
    everywhere: bool  # whether all policies are evaluated in all accounts

    @classmethod
    def of(cls, folder: Path, snapshot: Snapshot, policies: Sequence[Policy], written: Collection[Status]) -> Memory:
        stamps = {policy.id: policy_stamp(policy, snapshot.captured_at, written) for policy in policies}
        kinds, places = {policy.id: kinds_of(policy) for policy in policies}, places_of(policies)
        cache = open_cache(folder, snapshot, stamps, places)
        narrow = {policy.id for policy in policies if not policy.is_wide()}
        same = {name for name in narrow if cache.index.policies.get(name) == stamps[name]}
        everywhere = all(policy.accounts is None for policy in policies)
        return cls(cache, stamps, snapshot.digests, kinds, places, frozenset(same), everywhere)


def policy_stamp(policy: Policy, captured_at: str, written: Collection[Status]) -> bytes:
    """The digest of a policy, and of what else its findings come from that is the same for all accounts."""
    parts = [sorted(written), policy.id, policy.text, policy.severity.value, policy.types]
    moment = captured_at if reads_time(policy) else None
    unsure = str(policy.unsure) if policy.unsure is not None else None
    more = [dict(policy.params), policy.budget, moment, unsure]
    return hashlib.sha256(encode([*parts, *more])).digest()


def places_of(policies: Iterable[Policy]) -> bytes:
    """A digest of which policies are evaluated in some accounts alone, and in which."""
    found = {policy.id: sorted(policy.accounts) for policy in policies if policy.accounts is not None}
    return hashlib.sha256(encode(found)).digest()


def reads_time(policy: Policy) -> bool:
    """Whether what a policy says may change with time alone."""
    return any(
        FUNCTIONS[node.value].timed if node.type == "function_expression" else node.value == "snapshot_time"
        for expression in policy.expressions()
        for node in walk(settled(expression, policy.params))
        if node.type in ("function_expression", "variable")
    )


def kinds_of(policy: Policy) -> tuple[str, ...]:
    """The types of which a policy reads the account's own resources."""
    near = (lookup.source for lookup in policy.lookups.values() if lookup.within is not Within.SNAPSHOT)
    return tuple(sorted({*policy.subjects(), *near}))
