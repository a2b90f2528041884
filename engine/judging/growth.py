"""How the steps of a policy grow with what it reads, told from its expressions alone.

Most policies look at each value a bounded number of times, which is their pace: where the values are few, nobody has to
count. A policy that looks at all of one list for each item of another has none: its steps are counted one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

import msgspec

from ...snapshot.kinds import config_kind
from ...snapshot.model import Json, Resource
from ...snapshot.types import ANY, BOOLEAN, NUMBER, Kind, Type
from ..errors import EvaluationError
from ..functions.budget import spending, weight
from ..functions.table import FUNCTIONS
from ..language.interpret import value
from ..language.lets import is_self
from ..language.node import Node, walk
from ..language.parser import Expression
from ..language.template import Template
from ..model.policy import Lookup, Policy

LIGHT = 1 << 16  # bytes of a line, which need no counting
_HEAVY = LIGHT << 3  # what is read of such a line, written again in whatever way, is no longer
_SLOW = 1 << 13  # a policy whose pace is more than such a part of its budget is counted whatever it reads
KEY = 50  # steps for each value: what a row is matched by may take no more, for nobody counts them
_FIXED = frozenset({"params", "snapshot_time"})  # variables that are the same for every resource
_SHORT = frozenset({"account", "region", "type", "id", "name", "snapshot_time"})  # those that are short texts
_MOST = 1 << 40
_MANY = (
    200  # steps for a function that may take long: too many not to count a stranger's, and few for the default budget
)

_Growth = tuple[int, int]  # for each value at hand: how many a node gives, and how many steps it takes


class _Unbounded(Exception):  # noqa: N818 - not an error: such a policy is counted
    """Steps that grow faster than what is read."""


def pace(policy: Policy) -> int | None:
    """The most steps of a policy for each value it reads; None where they grow faster than that."""
    known = _PACES.get(id(policy))
    if known is None or known[0] is not policy:
        if len(_PACES) > 4096:
            _PACES.clear()
        known = _PACES[id(policy)] = policy, _pace(policy)
    return known[1]


_PACES: dict[int, tuple[Policy, int | None]] = {}


def steady(policy: Policy) -> int | None:
    """Its pace, where a policy need not be counted as long as what it reads is light."""
    steps = pace(policy)
    return None if steps is None or steps * _SLOW > policy.budget else steps


def is_steady(expression: Expression, most: int = KEY) -> bool:
    """Whether an expression takes so few steps for each value that nobody ever counts them."""
    try:
        return _Tree({}).grows(expression.tree, inner=True)[1] <= most
    except _Unbounded:
        return False


def is_light(resource: Resource) -> bool:
    """Whether a resource, or a row that a lookup finds, is small enough not to be counted. Every LIGHT line is."""
    read = [resource.config, resource.tags]
    try:
        return len(msgspec.json.encode(read)) <= _HEAVY
    except (OverflowError, RecursionError, TypeError, ValueError):  # such as numbers that have no place there
        return len(repr(read)) <= _HEAVY


@lru_cache(maxsize=4096)
def is_fixed(where: Expression) -> bool:
    """Whether the condition of a lookup says the same of a row, whatever it is looked up for."""
    return where.variables() <= _FIXED


def _pace(policy: Policy) -> int | None:
    tree = _Tree(policy.params, config_kind(policy.resource))
    lists = {name for name, lookup in policy.lookups.items() if not lookup.one}
    try:
        steps = sum(tree.grows(each.tree, inner=False)[1] for each in _own(policy))
        # Texts may be as long as all rows together.
        steps += sum(_MANY for text in _texts(policy) for each in text.expressions() if lists & each.variables())
        steps += weight([part for text in _texts(policy) for part in text.parts if isinstance(part, str)])
        for lookup in policy.lookups.values():
            steps += _of_rows(tree, lookup)
    except _Unbounded:
        return None
    return max(1, steps)


def _own(policy: Policy) -> Sequence[Expression]:
    """What is asked of a resource itself."""
    return [
        *([policy.where] if policy.where else []),
        *policy.lets.values(),
        *(assertion.that for assertion in policy.assertions),
        *(each for lookup in policy.lookups.values() for each in lookup.ours),
        *(each for text in _texts(policy) for each in text.expressions()),
    ]


def _texts(policy: Policy) -> list[Template]:
    texts = (policy.message, policy.remediation_cli, *(assertion.message for assertion in policy.assertions))
    return [text for text in texts if text]


def _of_rows(tree: _Tree, lookup: Lookup) -> int:
    """The steps of what a lookup asks of each row."""
    asked = [*lookup.theirs, *([lookup.where] if lookup.where else [])]
    return sum(tree.grows(each.tree, inner=True)[1] for each in asked)


class _Tree:
    def __init__(self, params: Mapping[str, Json], kind: Type = ANY) -> None:
        self.params, self.kind = dict(params), kind

    def grows(self, node: Node, *, inner: bool) -> _Growth:
        """`inner` is what is done for each item of a list."""
        size, steps = self._grows(node, inner=inner)
        if size > _MOST or steps > _MOST:
            raise _Unbounded
        return size, steps + 1

    def _grows(self, node: Node, *, inner: bool) -> _Growth:
        children = node.children
        match node.type:
            case "literal":
                return weight(node.value), 0
            case "variable":
                return self._variable(node.value, inner=inner)
            case "projection" | "value_projection" | "filter_projection":
                size, steps = self.grows(children[0], inner=inner)
                each = [self.grows(child, inner=True) for child in children[1:]]
                return size * each[0][0], steps + size * sum(cost for _, cost in each)
            case "let" if (known := self._settled(children[1])) is not None:
                return known, 0
            case "chain" | "let":
                return self._chain(children, inner=inner)
            case "function_expression":
                return self._function(node.value, children, inner=inner)
            case "field":
                return 1, weight(node.value) - 1
            case "slice" | "index" | "current":
                return 1, 0
            case _:
                below = [self.grows(child, inner=inner) for child in children]
                size = sum(size for size, _ in below)
                return size + 1, sum(cost for _, cost in below) + (size if node.type == "comparator" else 0)

    def _variable(self, name: str, *, inner: bool) -> _Growth:
        if name == "params":
            return weight(self.params), 0
        if inner and name not in _SHORT:
            raise _Unbounded
        return 1, 0

    def _settled(self, node: Node) -> int | None:
        """The weight of what a name stands for where that is made of parameters alone."""
        named = {each.value for each in walk(node) if each.type == "variable"}
        if named == {"params"} and self._is_fixed(node):
            with suppress(EvaluationError, RecursionError), spending(0):
                return weight(value(node, None, {"params": self.params, "snapshot_time": "2026-01-01"}))
        return None

    def _chain(self, children: Sequence[Node], *, inner: bool) -> _Growth:
        if inner and is_self(children[0]) and (short := _scalar(children[1:], self.kind)):
            return short, 1
        size, steps = 1, 0
        for child in children:
            more, cost = self.grows(child, inner=inner)
            size, steps = size * more, steps + size * cost
        return size, steps

    def _function(self, name: str, arguments: Sequence[Node], *, inner: bool) -> _Growth:
        cost = FUNCTIONS[name].cost
        if cost.place is not None and not _is_place(arguments[cost.place]):
            raise _Unbounded
        plain = [self.grows(each, inner=inner) for each in arguments if each.type != "expref"]
        size, steps = sum(size for size, _ in plain), sum(steps for _, steps in plain)
        for each in arguments:
            if each.type == "expref":
                made, more = self.grows(each.children[0], inner=True)
                size, steps = size * max(1, made), steps + size * more
        if cost.product:
            size *= self._least(plain, [each for each in arguments if each.type != "expref"])
        return size * cost.expands + 1, steps + size * cost.parts + _MANY * cost.long

    def _least(self, sizes: Sequence[_Growth], arguments: Sequence[Node]) -> int:
        """Of the arguments that are as large whatever is read, the smallest. Raises _Unbounded where none is."""
        fixed = [size for (size, _), each in zip(sizes, arguments, strict=True) if self._is_fixed(each)]
        if not fixed:
            raise _Unbounded
        return min(fixed) * _SHORTEST

    def _is_fixed(self, node: Node) -> bool:
        children = node.children
        match node.type:
            case "literal":
                return True
            case "variable":
                return node.value in _SHORT or node.value == "params"
            case "chain":
                return self._is_fixed(children[0])
            case "function_expression" | "multi_select_list" | "and_expression" | "or_expression" | "comparator":
                return all(self._is_fixed(child) for child in children)
            case _:
                return False


def _scalar(nodes: Sequence[Node], kind: Type) -> int:
    """The most steps for what is found in our resource, where that is one text, number or truth; else nothing."""
    for node in nodes:
        match node.type:
            case "let":
                return _scalar(node.children[1:], kind)
            case "chain":
                return _scalar((*node.children, *nodes[nodes.index(node) + 1 :]), kind)
            case "field" if kind.kind is Kind.OBJECT:
                kind = kind.members.get(node.value, ANY)
            case "comparator" | "not_expression":
                kind = BOOLEAN
            case "function_expression":
                gives = FUNCTIONS[node.value].gives
                kind = gives if gives in (BOOLEAN, NUMBER) else ANY
            case _:
                return 0
    return _SCALAR.get(kind.kind, 0)


_SCALAR = {
    Kind.BOOLEAN: 1,
    Kind.NUMBER: 1,
    Kind.STRING: 256,
}  # of a light line: where a text is longer, there are fewer others


def _is_place(node: Node) -> bool:
    """Whether a node gives a literal, or no more than is found in what is read."""
    return node.type == "literal" or _MAKING.isdisjoint(each.type for each in walk(node))


_MAKING = frozenset({"function_expression", "literal", "multi_select_list", "multi_select_dict"})
_SHORTEST = 2  # steps for a text that is short
