"""What a policy's `excuse` list takes out of a report, each entry with its reason. An entry too many is a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from ..model.policy import Excuse, Policy
from .parts import place

T = TypeVar("T")


class Excused(Struct, Generic[T], frozen=True, kw_only=True):
    """What is left of a report, what was excused, and the excuses that nothing needed."""

    left: tuple[T, ...]
    taken: tuple[T, ...]
    unused: tuple[str, ...]


def excuse(
    policy: Policy, found: Sequence[T], covers: Callable[[Excuse, T], bool], *, about: Callable[[Excuse], bool]
) -> Excused[T]:
    """Take out what a policy excuses. `about` chooses the excuses that are of this report's kind."""
    chosen = [(number, each) for number, each in enumerate(policy.excuses) if about(each)]
    taken = tuple(each for each in found if any(covers(entry, each) for _, entry in chosen))
    left = tuple(each for each in found if each not in taken)
    return Excused(left=left, taken=taken, unused=tuple(_unused(policy, found, covers, chosen)))


def same(written: str, text: str) -> bool:
    """Whether an excuse means a text: line breaks do not matter."""
    return " ".join(written.split()) == text


def _unused(
    policy: Policy, found: Sequence[T], covers: Callable[[Excuse, T], bool], chosen: Sequence[tuple[int, Excuse]]
) -> Iterator[str]:
    for number, entry in chosen:
        if not any(covers(entry, each) for each in found):
            yield f"{place(policy, ('excuse', number, 'that'))}: nothing needs this excuse: {entry.that}"
