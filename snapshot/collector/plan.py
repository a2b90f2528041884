"""What to ask of each account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Protocol

from msgspec import Struct

from ..catalog import ResourceType
from ..format import decode
from ..model import Json
from .call import Answer
from .kept import Kept
from .pages import whole_answer
from .shared_calls import repeated
from .targets import Target

Answers = Callable[[str, str], Answer]


def ask_aws(account: str, region: str) -> Answer:  # noqa: ARG001 - its clients know
    return whole_answer


class Known(Protocol):
    """What is known of accounts from elsewhere, and need not be asked. It is asked from several threads."""

    def lacking(
        self, account: str, spec: ResourceType, places: Collection[str], regions: Collection[str]
    ) -> Collection[str]:
        """Of some places those where the resources of a type must be listed; `regions` are those that are enabled."""
        ...

    def attached(self, account: str, spec: ResourceType, region: str, identity: str) -> Mapping[str, Json]:
        """What of a resource that was listed need not be attached, by name."""
        ...


class Plan(Struct, frozen=True, kw_only=True, dict=True):
    """What to ask of each account. `regions` None means every enabled region.

    `on_call` hears of each call that is made, `on_error` of the kind of each answer that is an error.
    `answers` says who answers to what is asked of an account in a region, if it is not AWS alone, and `known` what
    need not be asked; `paced` whether AWS's published limits are kept.
    """

    types: Mapping[str, ResourceType]
    regions: frozenset[str] | None = None
    organization: bool = False
    workers: int = 16
    on_call: Callable[[], None] = lambda: None
    on_error: Callable[[str], None] = lambda _: None
    answers: Answers = ask_aws
    known: Known | None = None
    paced: bool = True

    @cached_property
    def repeated(self) -> frozenset[str]:
        return repeated(self.types.values())


def targets_of(kept: Kept) -> list[Target]:
    """The accounts of a plan that was kept."""
    return [
        Target(account=account, name=name, facts=decode(kept.facts.get(account, {})))
        for account, name in sorted(kept.accounts.items())
    ]
