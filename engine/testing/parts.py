"""The expressions of a policy, one by one: where each stands, and the policy with another in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from ..documents.yaml12 import Document, Path, load
from ..functions.table import FUNCTIONS
from ..language.lets import bound
from ..language.node import Node
from ..language.parser import Expression
from ..model.policy import Policy, wanted_in

Steps = tuple[int, ...]  # from the root of a tree, which child at a time


class Part(Struct, frozen=True, kw_only=True):
    """One expression of a policy. `condition` says that its truth is asked, not its value."""

    path: Path
    key: bool = False
    condition: bool
    expression: Expression
    put: Callable[[Policy, Expression | None], Policy]


def parts(policy: Policy) -> Iterator[Part]:
    """What decides a policy: its names, its `where`, its assertions and its lookups. Texts decide nothing."""
    for name, expression in policy.lets.items():
        asked = _is_test(expression.tree)
        yield Part(path=("let", name), condition=asked, expression=expression, put=_let_putter(name))
    if policy.where:
        yield Part(path=("where",), condition=True, expression=policy.where, put=_put_where)
    written = document(policy.text).value["assert"]
    for number, assertion in enumerate(policy.assertions):
        path: Path = ("assert",)
        if isinstance(written, list):
            path = ("assert", number, "that") if isinstance(written[number], dict) else ("assert", number)
        yield Part(path=path, condition=True, expression=assertion.that, put=_assertion_putter(number))
    for name, lookup in policy.lookups.items():
        at = ("lookup", name)
        match = document(policy.text).value["lookup"][name].get("match", {})
        keys = list(match)
        for number, expression in enumerate(lookup.theirs):
            put = _lookup_putter(name, "theirs", number)
            yield Part(path=(*at, "match", keys[number]), key=True, condition=False, expression=expression, put=put)
        for number, expression in enumerate(lookup.ours):
            put = _lookup_putter(name, "ours", number)
            inside = wanted_in(match[keys[number]])
            yield Part(path=(*at, "match", keys[number], *inside), condition=False, expression=expression, put=put)
        if lookup.where:
            put = _lookup_putter(name, "where", None)
            yield Part(path=(*at, "where"), condition=True, expression=lookup.where, put=put)


def place(policy: Policy, path: Path, offset: int = 0, *, key: bool = False) -> str:
    """Where a character of one of a policy's texts stands, as FILE:LINE:COLUMN."""
    line, column = policy.placed(document(policy.text).locate(path, offset, key=key))
    return f"{policy.source}:{line}:{column}"


@lru_cache(maxsize=16)
def document(text: str) -> Document:
    return load(text.encode())


def shown(expression: Expression, node: Node) -> str:
    """A part of an expression as it was written, on one line."""
    return " ".join(expression.text[node.start : node.end].split()) if node.written else node.type


def nodes(node: Node, steps: Steps = ()) -> Iterator[tuple[Steps, Node]]:
    """Every node of a tree, with the way to it; but for what names stand for, which are parts of their own."""
    yield steps, node
    if node.type == "let":
        return
    for number, child in enumerate(node.children):
        yield from nodes(child, (*steps, number))


def graft(tree: Node, steps: Steps, node: Node) -> Node:
    """A tree with another node in one place. The tree itself stays as it is."""
    if not steps:
        return node
    children = list(tree.children)
    children[steps[0]] = graft(children[steps[0]], steps[1:], node)
    return replace(tree, children=tuple(children))


def with_lookup(policy: Policy, name: str, **changes: object) -> Policy:
    """A policy of which one lookup is another."""
    changed = replace(policy.lookups[name], **changes)
    return replace(policy, lookups={**policy.lookups, name: changed})


def _is_test(node: Node) -> bool:
    """Whether a name stands for a condition, as far as its expression shows."""
    if node.type == "or_expression":
        return all(map(_is_test, node.children))
    return node.type in _TESTS or (node.type == "function_expression" and FUNCTIONS[node.value].is_test)


_TESTS = frozenset({"and_expression", "comparator", "not_expression"})


def _let_putter(name: str) -> Callable[[Policy, Expression | None], Policy]:
    def put(policy: Policy, expression: Expression | None) -> Policy:
        assert expression  # noqa: S101 - a policy without it would not load
        lets: dict[str, Expression] = {}
        for each, known in policy.lets.items():
            lets[each] = bound(expression if each == name else known, lets)
        return policy.rebound(lets)

    return put


def _put_where(policy: Policy, expression: Expression | None) -> Policy:
    return replace(policy, where=expression and bound(expression, policy.lets))


def _assertion_putter(number: int) -> Callable[[Policy, Expression | None], Policy]:
    def put(policy: Policy, expression: Expression | None) -> Policy:
        listed = list(policy.assertions)
        that = expression and bound(expression, policy.lets)
        listed[number : number + 1] = [replace(listed[number], that=that)] if that else []
        return replace(policy, assertions=tuple(listed))

    return put


def _lookup_putter(name: str, field: str, number: int | None) -> Callable[[Policy, Expression | None], Policy]:
    def put(policy: Policy, expression: Expression | None) -> Policy:
        expression = expression and bound(expression, policy.lets)
        if number is None:
            return with_lookup(policy, name, **{field: expression})
        listed = list(getattr(policy.lookups[name], field))
        listed[number] = expression
        return with_lookup(policy, name, **{field: tuple(listed)})

    return put
