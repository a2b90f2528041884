"""Values that AWS spells in two ways, of which an expression asks for the one and not for the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ...snapshot.types import Type
from ..errors import EvaluationError
from ..functions.call import call
from ..functions.table import FUNCTIONS
from .node import Node


class Compared(Struct, frozen=True):
    """A text that a field with two spellings is held against."""

    kind: Type
    node: Node
    text: str
    how: str

    def passes(self, value: str) -> bool:
        try:
            return value == self.text if self.how == "==" else bool(call(self.how, [value, self.text], ""))
        except EvaluationError:  # no regular expression, which is another complaint
            return False


def compared(how: str, kind: Type, node: Node) -> Iterator[Compared]:
    """Each text of a literal, or of a list of them, that is held against a field of two spellings."""
    how = "==" if how == "contains" else how  # a field is one of a list of literals
    if kind.spellings and (how == "==" or FUNCTIONS[how].compares):
        for literal in node.children if node.type == "multi_select_list" else [node]:
            value = literal.value if literal.type == "literal" else None
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    yield Compared(kind, literal, text, how)


def half_spelt(found: Sequence[Compared]) -> Iterator[tuple[Node, str]]:
    """Each text for which one spelling of a value passes, where the other passes for no text that is held alike."""
    for each in found:
        alike = [other for other in found if (other.kind.name, other.how) == (each.kind.name, each.how)]
        both = [way for pair in each.kind.spellings for way in (pair, pair[::-1])]
        for one, other in both:
            if each.passes(one) and not any(text.passes(other) for text in alike):
                yield each.node, f"AWS sends {one!r} as {other!r} as well: ask for both"
                break
