"""Small mistakes in Python: what could stand in a place by mistake."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq, ast.Lt, ast.Gt),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_METHODS = {
    "startswith": "endswith",
    "endswith": "startswith",
    "removeprefix": "removesuffix",
    "isdisjoint": "issubset",
}
# The worst mistake of a judge: each verdict as a pass, and a pass as none.
_MEMBERS = {
    "Status": {"FAIL": "PASS", "UNKNOWN": "PASS", "ERROR": "PASS", "NOT_APPLICABLE": "PASS", "PASS": "FAIL"},
    "Outcome": {
        **dict.fromkeys(("FAIL", "UNKNOWN", "WAIVED", "UNANSWERED", "MANUAL", "NOT_APPLICABLE"), "PASS"),
        "PASS": "NOT_APPLICABLE",
    },
    "Require": {"ALL": "ANY", "ANY": "ALL"},
}
_EMPTY = {"list": "[]", "tuple": "()", "dict": "{}", "Mapping": "{}", "Sequence": "()", "set": "set()", "str": "''"}


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and where it hangs: in which field of which node, statement and function."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    statement: ast.stmt
    function: ast.FunctionDef | None
    name: str

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def wrong(place: Place) -> Iterator[ast.AST]:
    """What could stand in a place by mistake."""
    node = place.node
    if place.field == "test" and not isinstance(node, (ast.Compare, ast.UnaryOp)):
        yield ast.UnaryOp(ast.Not(), node)
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(node, place)


def _compare(node: ast.Compare, place: Place) -> Iterator[ast.AST]:
    for at, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)


def _boolean(node: ast.BoolOp, place: Place) -> Iterator[ast.AST]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for rest in _without_each(node.values):
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _unary(node: ast.UnaryOp, place: Place) -> Iterator[ast.AST]:
    yield node.operand


def _binary(node: ast.BinOp, place: Place) -> Iterator[ast.AST]:
    if type(node.op) in _ARITHMETIC:
        yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)


def _constant(node: ast.Constant, place: Place) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
        if node.value > 0:
            yield ast.Constant(node.value - 1)


def _elements(node: ast.Set | ast.List | ast.Tuple, place: Place) -> Iterator[ast.AST]:
    if isinstance(getattr(node, "ctx", None), ast.Store) or isinstance(place.parent, (ast.Return, ast.Yield)):
        return
    for rest in _without_each(node.elts):
        yield _expression("set()") if isinstance(node, ast.Set) and not rest else _with(node, elts=rest)


def _entries(node: ast.Dict, place: Place) -> Iterator[ast.AST]:
    for keys, values in zip(_without_each(node.keys), _without_each(node.values), strict=True):
        yield ast.Dict(keys, values)


def _filters(node: ast.comprehension, place: Place) -> Iterator[ast.AST]:
    for rest in _without_each(node.ifs):
        yield _with(node, ifs=rest)


def _call(node: ast.Call, place: Place) -> Iterator[ast.AST]:
    match node.func:
        case ast.Name(id=name) if name in _NAMES:
            yield ast.Call(_expression(_NAMES[name]), node.args, node.keywords if name != "sorted" else [])
        case ast.Attribute(value=value, attr=name) if name in _METHODS:
            yield ast.Call(ast.Attribute(value, _METHODS[name], ast.Load()), node.args, node.keywords)
        case ast.Name(id="Unknown") | ast.Attribute(value=ast.Name(id="Unknown")):
            yield ast.Constant(None)


def _attribute(node: ast.Attribute, place: Place) -> Iterator[ast.AST]:
    if isinstance(node.value, ast.Name) and node.attr in (others := _MEMBERS.get(node.value.id, {})):
        yield ast.Attribute(node.value, others[node.attr], node.ctx)


def _statement(node: ast.stmt, place: Place) -> Iterator[ast.AST]:
    """Without it. What only names a value cannot be left out."""
    match node:
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(_expression("()")))
        case ast.Expr() | ast.AugAssign() | ast.Continue() | ast.Break() | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield ast.Pass()
        case ast.Return() if place.parent is not place.function:
            yield ast.Pass()


def _returned(node: ast.Return, place: Place) -> Iterator[ast.AST]:
    """Nothing, empty, or the opposite, as the function's annotation allows."""
    if node.value is None or place.function is None or place.function.returns is None:
        return
    said = ast.unparse(place.function.returns)
    empty = _EMPTY.get(said.partition("[")[0])
    if said == "bool" and not isinstance(node.value, (ast.Compare, ast.UnaryOp, ast.Constant)):
        yield ast.Return(ast.UnaryOp(ast.Not(), node.value))
    if said.endswith("None") and not isinstance(node.value, ast.Constant):
        yield ast.Return(ast.Constant(None))
    if empty and ast.unparse(node.value) != empty:
        yield ast.Return(_expression(empty))


def _handler(node: ast.ExceptHandler, place: Place) -> Iterator[ast.AST]:
    yield _with(node, type=_expression("()"))


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _without_each(items: list) -> Iterator[list]:
    for at in range(len(items)):
        yield items[:at] + items[at + 1 :]


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy with other fields."""
    other = copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


_OPERATORS: tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[ast.AST]]], ...] = (
    (ast.Compare, _compare),
    (ast.BoolOp, _boolean),
    (ast.UnaryOp, _unary),
    (ast.BinOp, _binary),
    (ast.Constant, _constant),
    ((ast.Set, ast.List, ast.Tuple), _elements),
    (ast.Dict, _entries),
    (ast.comprehension, _filters),
    (ast.Call, _call),
    (ast.Attribute, _attribute),
    (ast.Return, _returned),
    (ast.stmt, _statement),
    (ast.ExceptHandler, _handler),
)
