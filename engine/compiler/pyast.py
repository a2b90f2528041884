"""Python's syntax tree in short. Nothing here takes source text: text of a policy can only become a constant."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence
from typing import Any

NONE = ast.Constant(None)
TRUE = ast.Constant(True)
FALSE = ast.Constant(False)


def const(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]  # the caller binds what is no constant


def name(identifier: str) -> ast.Name:
    return ast.Name(identifier, ast.Load())


def attribute(value: ast.expr, member: str) -> ast.expr:
    return ast.Attribute(value, member, ast.Load())


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def item(value: ast.expr, index: ast.expr) -> ast.expr:
    return ast.Subscript(value, index, ast.Load())


def tuple_(values: Sequence[ast.expr]) -> ast.expr:
    return ast.Tuple(list(values), ast.Load())


def list_(values: Sequence[ast.expr]) -> ast.expr:
    return ast.List(list(values), ast.Load())


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    return ast.IfExp(test, then, otherwise)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [operator], [right])


def is_(left: ast.expr, right: ast.expr) -> ast.expr:
    return compare(left, ast.Is(), right)


def is_not(left: ast.expr, right: ast.expr) -> ast.expr:
    return compare(left, ast.IsNot(), right)


def equal(left: ast.expr, right: ast.expr) -> ast.expr:
    return compare(left, ast.Eq(), right)


def is_a(value: ast.expr, kind: str) -> ast.expr:
    """Whether a value is exactly of a built-in class: decoded JSON has no subclasses."""
    return is_(attribute(value, "__class__"), name(kind))


def both(*values: ast.expr) -> ast.expr:
    return ast.BoolOp(ast.And(), list(values)) if len(values) > 1 else values[0]


def either(*values: ast.expr) -> ast.expr:
    return ast.BoolOp(ast.Or(), list(values)) if len(values) > 1 else values[0]


def negate(value: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), value)


def assign(target: ast.Name, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(target.id, ast.Store())], value)


def unpack(targets: Sequence[ast.Name], value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Tuple([ast.Name(each.id, ast.Store()) for each in targets], ast.Store())], value)


def put(holder: ast.expr, key: ast.expr, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Subscript(holder, key, ast.Store())], value)


def do(value: ast.expr) -> ast.stmt:
    return ast.Expr(value)


def when(test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
    return ast.If(test, then or [ast.Pass()], otherwise or [])


def each(target: ast.Name, values: ast.expr, body: list[ast.stmt]) -> ast.stmt:
    return ast.For(ast.Name(target.id, ast.Store()), values, body, [])


def define(identifier: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    arguments = ast.arguments([], [ast.arg(parameter) for parameter in parameters], None, [], [], None, [])
    return ast.FunctionDef(identifier, arguments, body, [])


def give(value: ast.expr) -> ast.stmt:
    return ast.Return(value)


def compiled(definition: ast.FunctionDef, namespace: dict[str, object]) -> Callable[..., Any]:
    """The function of a definition. Raises RecursionError or MemoryError for one that is nested too deeply."""
    tree = _located(ast.Module([definition], []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # who writes `1`[0] is told by the linter
        exec(compile(tree, f"<{definition.name}>", "exec"), namespace)  # noqa: S102 - a tree we built, not a text
    function: Any = namespace[definition.name]
    return function  # type: ignore[no-any-return]


def _located(tree: ast.Module) -> ast.Module:
    """A tree with some place for each of its nodes, as `compile` wants it: three times as quick as ast's own way."""
    queue, seen = list[Any]([tree]), set[int]()
    for node in queue:
        if id(node) in seen:  # it stands in several places
            continue
        seen.add(id(node))
        inside = vars(node)
        for value in inside.values():
            if isinstance(value, ast.AST):
                queue.append(value)
            elif value.__class__ is list:
                queue += [each for each in value if isinstance(each, ast.AST)]
        inside |= _PLACE
    return tree


_PLACE = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
