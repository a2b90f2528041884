"""The nodes of expressions: what the parser makes, and who walks over expressions goes over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr


class Node(Struct, frozen=True):
    """One node: its kind, what is below it, what it says itself, and where it stands in the text.

    `value` is a name, a literal, the sign of a comparison or the numbers of a slice. What nobody wrote, such as that
    which `[*]` gives of each item, starts where what is below it does, and is not `written`.
    """

    type: str
    children: tuple[Node, ...] = ()
    value: Any = None
    start: int = 0
    end: int = 0
    size: int = 0  # how many `walk` gives

    def __post_init__(self) -> None:
        force_setattr(self, "size", 1 + sum(child.size for child in self.children))

    @property
    def written(self) -> bool:
        return self.end > self.start


def walk(node: Node, *, into_lets: bool = True) -> Iterator[Node]:
    """A node and all below it; but for what names stand for, where it is not `into_lets`."""
    left = [node]
    while left:
        node = left.pop()
        yield node
        if into_lets or node.type != "let":
            left += node.children[::-1]
