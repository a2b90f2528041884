"""Each kind of node as Python, but for calls of functions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from ..language.node import Node
from . import pyast, runtime
from .emitter import Emit, Emitter, Value, is_list
from .record_type import Kind, LineNeed, Need


def _current(emitter: Emitter, node: Node, at: Value) -> Value:
    return at


def _field(emitter: Emitter, node: Node, at: Value) -> Value:
    return emitter.field(at, node.value)


def _literal(emitter: Emitter, node: Node, at: Value) -> Value:
    return emitter.constant(node.value)


def _variable(emitter: Emitter, node: Node, at: Value) -> Value:
    return emitter.variables[node.value]()


def _chain(emitter: Emitter, node: Node, at: Value) -> Value:
    for child in node.children:
        at = emitter.value(child, at)
    return at


def _index(emitter: Emitter, node: Node, at: Value) -> Value:
    base, position = emitter.atom(at), node.value
    size = pyast.call(pyast.name("len"), base.code)
    inside = pyast.compare(size, ast.Gt(), pyast.const(position if position >= 0 else -position - 1))
    found = pyast.choose(pyast.both(is_list(base), inside), pyast.item(base.code, pyast.const(position)), pyast.NONE)
    return replace(emitter.item(base, found), never_null=False)


def _slice(emitter: Emitter, node: Node, at: Value) -> Value:
    base = emitter.atom(at)
    part = pyast.item(base.code, pyast.Slice(*(None if each is None else pyast.const(each) for each in node.value)))
    return replace(base, code=pyast.choose(is_list(base), part, pyast.NONE), anchored=False)


def _projection(emitter: Emitter, node: Node, at: Value) -> Value:
    base = emitter.atom(emitter.value(node.children[0], at))
    return _projected(emitter, base, node.children[1], None)


def _filter_projection(emitter: Emitter, node: Node, at: Value) -> Value:
    base = emitter.atom(emitter.value(node.children[0], at))
    return _projected(emitter, base, node.children[1], node.children[2])


def _value_projection(emitter: Emitter, node: Node, at: Value) -> Value:
    base = emitter.atom(emitter.json(emitter.value(node.children[0], at)))
    values = pyast.call(pyast.name("list"), pyast.call(pyast.attribute(base.code, "values")))
    items = Value(code=emitter.put(pyast.choose(pyast.is_a(base.code, "dict"), values, pyast.NONE)))
    return _projected(emitter, items, node.children[1], None)


def _projected(emitter: Emitter, base: Value, right: Node, condition: Node | None) -> Value:
    places: list[Need | None] = []

    def keep(item: Value, add: Callable[[ast.expr], None]) -> None:
        found = emitter.atom(emitter.value(right, item))
        if found.items is not None:  # lists of places in a list
            found = emitter.json(found)
        places.append(found.need)
        if isinstance(found.need, LineNeed):
            add(found.code)
            return
        with emitter.block() as kept:
            add(found.code)
        emitter.body.append(pyast.when(pyast.is_not(found.code, pyast.NONE), kept))

    def build(item: Value, add: Callable[[ast.expr], None]) -> None:
        if condition is None:
            keep(item, add)
            return
        test = emitter.truth(condition, item)
        with emitter.block() as inside:
            keep(item, add)
        emitter.body.append(pyast.when(test, inside))

    out = emitter.over(base, build)
    return emitter.settle(Value(code=out, items=places[0]))


def _flatten(emitter: Emitter, node: Node, at: Value) -> Value:
    base = emitter.value(node.children[0], at)
    if base.need is not None:
        base.need.item().flat = True
        if emitter.recording or base.need.item().kind is not Kind.PLAIN:
            return replace(base, anchored=False)  # items that are objects or null stay as they are
        base = replace(base, need=None)
    if isinstance(base.items, LineNeed):
        return base  # rows of a lookup are no lists
    if base.items is not None:  # a list of places, which then are lists
        flat = pyast.call(emitter.uses(runtime.chained), base.code)
        return emitter.settle(Value(code=emitter.put(flat), items=base.items.item()))
    return Value(code=emitter.put(pyast.call(emitter.uses(runtime.flatten), base.code)))


def _or(emitter: Emitter, node: Node, at: Value) -> Value:
    return _short(emitter, node, at, stops=True)


def _and(emitter: Emitter, node: Node, at: Value) -> Value:
    return _short(emitter, node, at, stops=False)


def _short(emitter: Emitter, node: Node, at: Value, *, stops: bool) -> Value:
    left = emitter.value(node.children[0], at)
    if stops and left.never_null is False and node.children[1].value == [] and (left.need or left.items):
        return _or_empty(emitter, left)
    left = emitter.json(left)
    test = emitter.truthy(left)
    if isinstance(test, ast.Constant):
        return left if test.value is stops else emitter.json(emitter.value(node.children[1], at))
    out = emitter.put(left.code)
    with emitter.block() as body:
        right = emitter.json(emitter.value(node.children[1], at))
        body.append(pyast.assign(out, right.code))
    emitter.body.append(pyast.when(pyast.negate(test) if stops else test, body))
    return Value(code=out, is_truth=left.is_truth and right.is_truth)


def _or_empty(emitter: Emitter, left: Value) -> Value:
    """`list || []`: what its items are decoded as can stay."""
    emitter.truthy(left)  # an object there would be another thing
    return replace(left, code=emitter.put(pyast.either(left.code, pyast.list_([]))), anchored=False)


def _or_truth(emitter: Emitter, node: Node, at: Value) -> Value:
    return _short_truth(emitter, node, at, stops=True)


def _and_truth(emitter: Emitter, node: Node, at: Value) -> Value:
    return _short_truth(emitter, node, at, stops=False)


def _short_truth(emitter: Emitter, node: Node, at: Value, *, stops: bool) -> Value:
    left = emitter.truth(node.children[0], at)
    if isinstance(left, ast.Constant):
        code_ = left if left.value is stops else emitter.truth(node.children[1], at)
        return Value(code=code_, is_truth=True)
    with emitter.block() as body:
        right = emitter.truth(node.children[1], at)
    if not body:
        return Value(code=(pyast.either if stops else pyast.both)(left, right), is_truth=True)
    out = emitter.put(left)
    body.append(pyast.assign(out, right))
    emitter.body.append(pyast.when(pyast.negate(out) if stops else out, body))
    return Value(code=out, is_truth=True)


def _not(emitter: Emitter, node: Node, at: Value) -> Value:
    test = emitter.truth(node.children[0], at)
    found = pyast.const(not test.value) if isinstance(test, ast.Constant) else pyast.negate(test)
    return Value(code=found, is_truth=True)


def _multi_select_list(emitter: Emitter, node: Node, at: Value) -> Value:
    children = [emitter.value(child, at) for child in node.children]
    only = children[0]
    if len(children) == 1 and isinstance(only.need, LineNeed) and only.never_null and at.never_null:  # `[@]`
        return Value(code=pyast.list_([only.code]), items=only.need)
    children = [emitter.json(child) for child in children]
    fixed = [emitter.known(child) for child in children]
    made = emitter.bind(fixed) if ... not in fixed else pyast.list_([child.code for child in children])
    return _unless_null(emitter, at, made)


def _multi_select_dict(emitter: Emitter, node: Node, at: Value) -> Value:
    keys: list[ast.expr | None] = [pyast.const(child.value) for child in node.children]
    values = [emitter.json(emitter.value(child.children[0], at)).code for child in node.children]
    return _unless_null(emitter, at, pyast.Dict(keys, values))


def _unless_null(emitter: Emitter, at: Value, made: ast.expr) -> Value:
    if at.never_null:
        return Value(code=made)
    return Value(code=pyast.choose(pyast.is_(emitter.atom(at).code, pyast.NONE), pyast.NONE, made))


def _comparator(emitter: Emitter, node: Node, at: Value) -> Value:
    left, right = (emitter.json(emitter.value(child, at)) for child in node.children)
    symbol = node.value
    if symbol in ("eq", "ne"):
        same = _same(emitter, left, right)
        if symbol == "ne":
            same = pyast.const(not same.value) if isinstance(same, ast.Constant) else pyast.negate(same)
        return Value(code=same, is_truth=True)
    left, right = emitter.atom(left), emitter.atom(right)
    direct = pyast.compare(left.code, _ORDER[symbol], right.code)
    unsure = [each for each in (left, right) if not (each.is_number or type(emitter.known(each)) is int)]
    if not unsure:
        return Value(code=direct, is_truth=True)
    called = emitter.call(runtime.ORDER[symbol], left.code, right.code)
    if len(unsure) == 1:  # a whole number beside one: the frequent case, without a call
        return Value(code=pyast.choose(pyast.is_a(unsure[0].code, "int"), direct, called), is_truth=True)
    return Value(code=called, is_truth=True)


_ORDER: Mapping[str, ast.cmpop] = {"lt": ast.Lt(), "lte": ast.LtE(), "gt": ast.Gt(), "gte": ast.GtE()}


def _same(emitter: Emitter, left: Value, right: Value) -> ast.expr:
    if ... not in (emitter.known(left), emitter.known(right)):
        return pyast.const(runtime.same(emitter.known(left), emitter.known(right)))
    if left.is_text or right.is_text or (left.is_number and right.is_number):
        return pyast.equal(left.code, right.code)
    for one, other in ((left, right), (right, left)):
        fixed = emitter.known(one)
        if one.is_number and isinstance(emitter.known(other), int) and not isinstance(emitter.known(other), bool):
            return pyast.equal(one.code, other.code)
        if fixed is None or isinstance(fixed, bool):
            return pyast.is_(other.code, one.code)
        if isinstance(fixed, str) or (isinstance(fixed, int | float) and fixed not in (0, 1)):
            return pyast.equal(other.code, one.code)
    return pyast.call(emitter.uses(runtime.same), left.code, right.code)


def _let(emitter: Emitter, node: Node, at: Value) -> Value:
    return emitter.named(node, "value", emitter.value)


def _let_truth(emitter: Emitter, node: Node, at: Value) -> Value:
    return emitter.named(node, "truth", lambda tree, inner: Value(code=emitter.truth(tree, inner), is_truth=True))


TRUTHS: Mapping[str, Emit] = {
    "or_expression": _or_truth,
    "and_expression": _and_truth,
    "not_expression": _not,
    "let": _let_truth,
}
VALUES: Mapping[str, Emit] = {
    "and_expression": _and,
    "chain": _chain,
    "comparator": _comparator,
    "current": _current,
    "field": _field,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "index": _index,
    "let": _let,
    "literal": _literal,
    "multi_select_dict": _multi_select_dict,
    "multi_select_list": _multi_select_list,
    "not_expression": _not,
    "or_expression": _or,
    "projection": _projection,
    "slice": _slice,
    "value_projection": _value_projection,
    "variable": _variable,
}
