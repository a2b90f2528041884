"""Names that a policy gives to expressions: what `$NAME` stands for is put in its place, evaluated at the resource.

So whoever walks over an expression sees through a name, and the interpreter and compiled code work it out once.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ...snapshot.format import DEPTH, TOO_DEEP
from ..errors import EvaluationError
from .node import Node
from .parser import Expression, parse
from .template import Template

SELF = Node("variable", value="self")  # our resource, wherever an expression stands
_MOST = 10_000  # nodes: names that stand for names may double with each

Lets = Mapping[str, Expression]


def is_self(node: Node) -> bool:
    return (node.type, node.value) == ("variable", "self")


def let(name: str, tree: Node) -> Node:
    """What stands for a name: a tree at our resource."""
    return Node("let", (SELF, tree), name)


def bound(expression: Expression, lets: Lets) -> Expression:
    """An expression with its names put in place; what was in place before goes. Raises EvaluationError.

    Those that the names stand for are bound already.
    """
    used = expression.variables(through=False) & lets.keys()
    if not used and not expression.lets:
        return expression
    tree = _bound(expression.tree, lets)
    if _size(tree, {}) > _MOST:
        raise EvaluationError(f"with what its names stand for there are more than {_MOST:,} parts")
    if _depth(tree, {}) > DEPTH:
        raise EvaluationError(f"with what its names stand for the expression is {TOO_DEEP}")
    watched = expression.watched or any(lets[name].watched for name in used)
    return replace(expression, tree=tree, watched=watched, lets=tuple((name, lets[name]) for name in sorted(used)))


def plain(expression: Expression) -> Expression:
    """One that is watched as nobody watches it."""
    return bound(parse(expression.text), {name: plain(each) for name, each in expression.lets})


def bound_text(template: Template, lets: Lets) -> Template:
    """The same for each expression of a text."""
    parts = tuple(part if isinstance(part, str) else bound(part, lets) for part in template.parts)
    return replace(template, parts=parts)


def by_name(node: Node) -> Node:
    """A tree with names as they are written."""
    if node.type == "let":
        return Node("variable", value=node.value)
    return replace(node, children=tuple(map(by_name, node.children)))


def _bound(node: Node, lets: Lets) -> Node:
    if node.type in ("let", "variable") and node.value in lets:
        return replace(let(node.value, lets[node.value].tree), start=node.start, end=node.end)
    return replace(node, children=tuple(_bound(child, lets) for child in node.children)) if node.children else node


def _size(node: Node, known: dict[int, int]) -> int:
    """How many nodes there are. What names stand for is shared, and counted once to know it."""
    if id(node) not in known:
        known[id(node)] = 1 + sum(_size(child, known) for child in node.children)
    return known[id(node)]


def _depth(node: Node, known: dict[int, int]) -> int:
    if id(node) not in known:
        known[id(node)] = 1 + max((_depth(child, known) for child in node.children), default=0)
    return known[id(node)]
