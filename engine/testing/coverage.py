"""Which conditions of a policy its examples saw true, and which false.

A condition is what decides: the whole of a `where`, an assertion or a filter, each operand of && || and !, and each
comparison. Watching one puts a node around it that tells what it came to, so that the interpreter itself does not
know, and nobody pays who does not watch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.model import Unknown
from ..functions.table import FUNCTIONS
from ..functions.unknowns import Truth
from ..language.node import Node
from ..model.policy import Excuse, Policy
from .examples import cases
from .excuses import Excused, excuse, same
from .parts import Part, parts, place, shown

JOINED = ("and_expression", "or_expression")


class Condition(Struct, kw_only=True, eq=False):
    """One condition, what it can be, and what it was seen to be: true, false, or None for unknown."""

    part: Part
    start: int
    text: str
    can: frozenset[bool]
    seen: set[bool | None] = field(default_factory=set)

    def see(self, found: Truth) -> None:
        self.seen.add(None if isinstance(found, Unknown) else found)


class Uncovered(Struct, frozen=True, kw_only=True):
    """A condition that no example saw true, or none saw false."""

    place: str
    text: str
    never: bool

    def __str__(self) -> str:
        return f"{self.place}: never {str(self.never).lower()}: {self.text}"


def watch(policy: Policy) -> tuple[Policy, list[Condition]]:
    """A policy that evaluates as this one does, and its conditions, which keep what they come to as it evaluates."""
    found: list[Condition] = []
    for part in parts(policy):

        def see(node: Node, part: Part = part) -> Callable[[Truth], None]:
            text = shown(part.expression, node)
            found.append(Condition(part=part, start=node.start, text=text, can=_can(node)))
            return found[-1].see

        tree = _watch(part.expression.tree, part.condition, see)
        policy = part.put(policy, replace(part.expression, tree=tree, watched=True))
    return policy, found


class Covered(Struct, frozen=True, kw_only=True):
    """How many conditions a policy has, and which of them its examples leave open."""

    conditions: int
    gaps: Excused[Uncovered]


def cover(policy: Policy) -> Covered:
    """Evaluate every example, and watch. What the policy takes from another is covered there."""
    watched, conditions = watch(policy)
    for case in cases(policy):
        case.judge(watched)
    own = [condition for condition in conditions if not policy.takes(str(condition.part.path[0]))]
    gaps = list(_open(policy, own))
    about = excuse(policy, gaps, _covers, about=lambda entry: entry.never is not None)
    return Covered(conditions=len(own), gaps=about)


def _covers(entry: Excuse, gap: Uncovered) -> bool:
    return entry.never is gap.never and same(entry.that, gap.text)


def _open(policy: Policy, conditions: Sequence[Condition]) -> Iterator[Uncovered]:
    for condition in conditions:
        for never in sorted(condition.can - condition.seen):
            part = condition.part
            where = place(policy, part.path, condition.start, key=part.key)
            yield Uncovered(place=where, text=condition.text, never=never)


def _can(node: Node) -> frozenset[bool]:
    """Whether it can be true, and whether false: what calls unknown() is neither by that."""
    match node.type:
        case "and_expression" | "or_expression":
            one, other = map(_can, node.children)
            decides = frozenset({node.type == "or_expression"})  # which of the two decides by itself
            return (one | other) & decides | (one & other) - decides
        case "not_expression":
            return frozenset(not each for each in _can(node.children[0]))
        case "function_expression" if node.value == "unknown":
            return frozenset()
        case _:
            return frozenset({True, False})


def _watch(node: Node, asked: bool, see: Callable[[Node], Callable[[Truth], None]], inside: str = "") -> Node:
    """A tree with its conditions watched. `asked` says that the truth of this node decides something."""
    kind = node.type
    # `!x` is seen with x; an operand of a chain `a && b && c` is a, b or c, not `a && b`; a constant is one.
    plain = kind in ("not_expression", "literal", "expref") or (kind == inside and kind in JOINED)
    seen = see(node) if kind == "comparator" or (asked and not plain) else None
    if kind == "let":  # what it stands for is watched by itself
        return Node("watched", (node,), seen) if seen else node
    asks = _asks(node, asked)
    children = tuple(_watch(child, each, see, kind) for child, each in zip(node.children, asks, strict=True))
    rebuilt = replace(node, children=children)
    return Node("watched", (rebuilt,), seen) if seen else rebuilt


def _asks(node: Node, asked: bool) -> list[bool]:
    """Of which children the truth decides something."""
    count = len(node.children)
    match node.type:
        case "and_expression" | "or_expression":
            return [True, asked]  # of a value such as `a || b`, b is no condition
        case "not_expression":
            return [True]
        case "filter_projection":
            return [False, False, True]
        case "function_expression" if FUNCTIONS[node.value].is_test:
            return [child.type == "expref" for child in node.children]
        case "expref":
            return [asked]
        case _:
            return [False] * count
