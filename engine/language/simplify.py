"""Expressions under a policy's parameters: what a parameter turns off is neither looked up nor shown as evidence."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from ...snapshot.model import Json
from ..errors import EvaluationError
from .interpret import truthiness, value
from .node import Node
from .parser import Expression

_STEPS = frozenset({"field", "index"})
_OPEN = object()  # not the same for all resources


def settled(expression: Expression, params: Json) -> Node:
    """The tree of an expression without the branches that its parameters never reach."""
    if expression.watched:  # what is remembered by its text is of those that are not
        return _pruned(expression.tree, params)
    return _settled(expression, msgspec.json.encode(params, order="sorted"))


def is_never(expression: Expression, params: Json) -> bool:
    """Whether a condition holds for no resource under its parameters."""
    found = _fixed(settled(expression, params), params)
    return found is not _OPEN and truthiness(found) is False


@lru_cache(maxsize=4096)
def _settled(expression: Expression, params: bytes) -> Node:
    return _pruned(expression.tree, msgspec.json.decode(params))


def _pruned(node: Node, params: Json) -> Node:
    children = tuple(_pruned(child, params) for child in node.children)
    if node.type in ("and_expression", "or_expression"):
        left = _fixed(children[0], params)
        if left is not _OPEN:
            stops = truthiness(left) is (node.type == "or_expression")
            return children[0] if stops else children[1]
    return replace(node, children=children)


def _fixed(node: Node, params: Json) -> Json:
    """The value of a node that says nothing about the resource."""
    children = node.children
    if node.type == "literal":
        return node.value
    if node.type == "variable" and node.value == "params":
        return params
    if node.type == "chain" and all(child.type in _STEPS for child in children[1:]):
        start = _fixed(children[0], params)
        return start if start is _OPEN else value(replace(node, children=(_NODE, *children[1:])), start, {})
    if node.type == "let":
        return _fixed(children[1], params)
    if node.type in ("not_expression", "comparator"):
        values = [_fixed(child, params) for child in children]
        if not any(each is _OPEN for each in values):
            literals = tuple(Node("literal", value=each) for each in values)
            with suppress(EvaluationError):  # it has no value: whoever evaluates it says so
                return value(replace(node, children=literals), None, {})
    return _OPEN


_NODE = Node("current")
