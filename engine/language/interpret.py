"""The exact path: evaluate an expression tree with jmespath.py's semantics and a third truth, unknown.

`value` gives what an expression is; `truth` whether it holds. They differ where something is unknown:
`unknown || true` holds, whatever it is. Both are sound: they never say more than every possible answer of AWS
would allow. A list may hold Unknown items: rows that may or may not be there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from ..functions.arguments import _Expression
from ..functions.budget import charge, charge_product, charge_values
from ..functions.call import call
from ..functions.equality import equal
from ..functions.table import FUNCTIONS
from ..functions.unknowns import Truth, UnknownLength, maybe_items, unknown_in
from .node import Node
from .parser import Expression

Scope = Mapping[str, Json]  # variables by name, without the $


def evaluate(expression: Expression, at: Json, scope: Scope) -> Json:
    """The value of an expression at a node. Raises EvaluationError."""
    return _guard(value, expression, at, scope)


def holds(expression: Expression, at: Json, scope: Scope) -> Truth:
    """Whether an expression is true at a node: true, false or Unknown. Raises EvaluationError."""
    held: Truth = _guard(truth, expression, at, scope)
    return held


def _guard(function: Callable[[Node, Json, Scope], Json], expression: Expression, at: Json, scope: Scope) -> Json:
    try:
        return function(expression.tree, at, scope)
    except RecursionError:
        raise EvaluationError("the data is nested too deeply") from None


def value(node: Node, at: Json, scope: Scope) -> Json:
    return _VALUE[node.type](node, at, scope)


def truth(node: Node, at: Json, scope: Scope) -> Truth:
    decide = _TRUTH.get(node.type)
    return decide(node, at, scope) if decide else truthiness(value(node, at, scope))


def truthiness(found: Json) -> Truth:
    """JMESPath's truth: null, false, "", [] and {} are false; 0 is true. A list of maybes may be empty."""
    if isinstance(found, UnknownLength):
        return True  # a number
    if isinstance(found, Unknown):
        return found
    if isinstance(found, list) and found and all(isinstance(item, Unknown) for item in found):
        return Unknown.merge(maybe_items(found))
    return not (found is None or found is False or found in ("", [], {}))


def _or_truth(node: Node, at: Json, scope: Scope) -> Truth:
    left = truth(node.children[0], at, scope)
    if left is True:
        return True
    right = truth(node.children[1], at, scope)
    if left is False or right is True:
        return right
    return left if right is False else Unknown.merge([left, right])


def _and_truth(node: Node, at: Json, scope: Scope) -> Truth:
    left = truth(node.children[0], at, scope)
    if left is False:
        return False
    right = truth(node.children[1], at, scope)
    if left is True or right is False:
        return right
    return left if right is True else Unknown.merge([left, right])


def _not(node: Node, at: Json, scope: Scope) -> Truth:
    found = truth(node.children[0], at, scope)
    return found if isinstance(found, Unknown) else not found


def _or(node: Node, at: Json, scope: Scope) -> Json:
    left = value(node.children[0], at, scope)
    left_truth = truthiness(left)
    if left_truth is True:
        return left
    right = value(node.children[1], at, scope)
    return right if left_truth is False else _either(left, right)


def _and(node: Node, at: Json, scope: Scope) -> Json:
    left = value(node.children[0], at, scope)
    left_truth = truthiness(left)
    if left_truth is False:
        return left
    right = value(node.children[1], at, scope)
    return right if left_truth is True else _either(left, right)


def _either(left: Json, right: Json) -> Unknown:
    charge_values(left, right)
    return Unknown.merge(gap for found in (left, right) if (gap := unknown_in(found)) is not None)


def _field(node: Node, at: Json, scope: Scope) -> Json:
    return at.get(node.value) if isinstance(at, dict) else _unless_unknown(at)


def _index(node: Node, at: Json, scope: Scope) -> Json:
    if not isinstance(at, list):
        return _unless_unknown(at)
    position = node.value
    before = at[: position + 1] if position >= 0 else at[position:]
    charge(len(before))
    if maybe := maybe_items(before):
        return Unknown.merge(maybe)
    return at[position] if -len(at) <= position < len(at) else None


def _slice(node: Node, at: Json, scope: Scope) -> Json:
    if not isinstance(at, list):
        return _unless_unknown(at)
    charge(len(at))
    if maybe := maybe_items(at):
        return Unknown.merge(maybe)
    return at[slice(*node.value)]


def _chain(node: Node, at: Json, scope: Scope) -> Json:
    for child in node.children:
        at = value(child, at, scope)
    return at


def _projection(node: Node, at: Json, scope: Scope) -> Json:
    base = value(node.children[0], at, scope)
    return _project(base, node.children[1], scope) if isinstance(base, list) else _unless_unknown(base)


def _value_projection(node: Node, at: Json, scope: Scope) -> Json:
    base = value(node.children[0], at, scope)
    return _project(list(base.values()), node.children[1], scope) if isinstance(base, dict) else _unless_unknown(base)


def _project(items: list[Json], right: Node, scope: Scope) -> list[Json]:
    charge_items(items, right)
    found = (item if isinstance(item, Unknown) else value(right, item, scope) for item in items)
    return [item for item in found if item is not None]


def _filter_projection(node: Node, at: Json, scope: Scope) -> Json:
    base_node, right, condition = node.children
    base = value(base_node, at, scope)
    if not isinstance(base, list):
        return _unless_unknown(base)
    kept: list[Json] = []
    charge_items(base, condition)
    for item in base:
        decision = item if isinstance(item, Unknown) else truth(condition, item, scope)
        if decision is not False:
            kept.append(item if decision is True else decision)
    return _project(kept, right, scope)


def _unless_unknown(base: Json) -> Unknown | None:
    """What there is in something of the wrong kind: nothing, also in a number that is not known."""
    return base if isinstance(base, Unknown) and not isinstance(base, UnknownLength) else None


def _flatten(node: Node, at: Json, scope: Scope) -> Json:
    base = value(node.children[0], at, scope)
    if not isinstance(base, list):
        return _unless_unknown(base)
    charge(len(base) + sum(len(item) for item in base if isinstance(item, list)))
    return [inner for item in base for inner in (item if isinstance(item, list) else [item])]


def charge_items(items: Json, *each: Node) -> None:
    """Take what it costs to go through a list, but for the lists that this goes through itself."""
    if isinstance(items, list):
        charge(len(items) * sum(node.size for node in each))


def _multi_select_list(node: Node, at: Json, scope: Scope) -> Json:
    if at is None or isinstance(at, Unknown):
        return at
    return [value(child, at, scope) for child in node.children]


def _multi_select_dict(node: Node, at: Json, scope: Scope) -> Json:
    if at is None or isinstance(at, Unknown):
        return at
    return {child.value: value(child.children[0], at, scope) for child in node.children}


def _comparator(node: Node, at: Json, scope: Scope) -> Json:
    left, right = (value(child, at, scope) for child in node.children)
    symbol = node.value
    if symbol in ("eq", "ne"):
        same = _same(left, right)
        return same if isinstance(same, Unknown) or symbol == "eq" else not same
    if (
        isinstance(left, UnknownLength)
        and symbol in ("gt", "gte")
        and _number(right)
        and _ORDER[symbol](left.known, right)
    ):
        return True  # those that are surely there are enough
    if gaps := [side for side in (left, right) if isinstance(side, Unknown)]:
        return Unknown.merge(gaps)
    return compare(symbol, left, right)


def compare(symbol: str, left: Json, right: Json) -> bool | None:
    """Order two known values by `lt`, `lte`, `gt` or `gte`. Raises EvaluationError for text beside a number."""
    if not (_ordered(left) and _ordered(right)):
        return None
    if isinstance(left, str) != isinstance(right, str):
        raise EvaluationError("text and a number cannot be ordered")
    return _ORDER[symbol](left, right)


def _same(left: Json, right: Json) -> Truth:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Unknown.merge(side for side in (left, right) if isinstance(side, Unknown))
    charge_values(left, right)
    if type(left) is type(right) and (gap := unknown_in([left, right])) is not None:
        return gap
    return equal(left, right)


def _number(found: Json) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _ordered(found: Json) -> bool:
    return _number(found) or isinstance(found, str)


def _function(node: Node, at: Json, scope: Scope) -> Json:
    arguments = [value(child, at, scope) for child in node.children]
    _charge_call(node, arguments)
    return call(node.value, arguments, scope["snapshot_time"])


def _charge_call(node: Node, arguments: list[Json]) -> None:
    """Take what it costs to look at the arguments of a function, at lists for each &expression."""
    cost, plain = FUNCTIONS[node.value].cost, [each for each in arguments if not isinstance(each, _Expression)]
    for _ in range(cost.parts):
        charge_values(*plain)
    if cost.product:
        charge_product(cost.product, *plain)
    if cost.pairs:
        charge(cost.pairs * prod(len(each) if isinstance(each, list) else 1 for each in plain[:2]))
    if cost.built and cost.place is not None and isinstance(made := plain[cost.place], str):
        charge(len(made) * (1 if node.children[cost.place].type == "literal" else 16))
    if len(plain) < len(arguments):
        each = [child for child in node.children if child.type == "expref"]
        for argument in plain:
            charge_items(argument, *each)


def _expref(node: Node, at: Json, scope: Scope) -> Json:
    return _Expression(
        node.children[0],
        lambda expression, item: value(expression, item, scope),
        lambda expression, item: truth(expression, item, scope),
    )


def _let_truth(node: Node, at: Json, scope: Scope) -> Truth:
    # What nobody knows the value of may hold all the same.
    found = truthiness(scope[node.value])
    return truth(node.children[1], scope["self"], scope) if isinstance(found, Unknown) else found


def _watched_truth(node: Node, at: Json, scope: Scope) -> Truth:
    # A condition that coverage.py watches: no tree has one unless it put it there.
    found = truth(node.children[0], at, scope)
    node.value(found)
    return found


def _watched_value(node: Node, at: Json, scope: Scope) -> Json:
    found = value(node.children[0], at, scope)
    node.value(truthiness(found))
    return found


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_TRUTH: Mapping[str, Callable[[Node, Json, Scope], Truth]] = {
    "or_expression": _or_truth,
    "and_expression": _and_truth,
    "not_expression": _not,
    "let": _let_truth,
    "watched": _watched_truth,
}
_VALUE: Mapping[str, Callable[[Node, Json, Scope], Json]] = {
    "and_expression": _and,
    "chain": _chain,
    "comparator": _comparator,
    "current": lambda node, at, scope: at,
    "expref": _expref,
    "field": _field,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "function_expression": _function,
    "index": _index,
    "let": lambda node, at, scope: scope[node.value],
    "literal": lambda node, at, scope: node.value,
    "multi_select_dict": _multi_select_dict,
    "multi_select_list": _multi_select_list,
    "not_expression": _not,
    "or_expression": _or,
    "projection": _projection,
    "slice": _slice,
    "value_projection": _value_projection,
    "variable": lambda node, at, scope: scope[node.value],
    "watched": _watched_value,
}
