"""Python's syntax tree in short. Nothing here takes source text: text of a policy can only become a constant."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_Node = TypeVar("_Node", bound=ast.AST)


def _placed(kind: type[_Node]) -> type[_Node]:
    """A kind of node that is in some place, as `compile` wants each: ast's own way is to go through the whole tree."""
    return type(kind.__name__, (kind,), {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0})


Constant = _placed(ast.Constant)
Name = _placed(ast.Name)
Attribute = _placed(ast.Attribute)
Call = _placed(ast.Call)
Subscript = _placed(ast.Subscript)
Tuple = _placed(ast.Tuple)
List = _placed(ast.List)
IfExp = _placed(ast.IfExp)
Compare = _placed(ast.Compare)
BoolOp = _placed(ast.BoolOp)
UnaryOp = _placed(ast.UnaryOp)
Dict = _placed(ast.Dict)
Slice = _placed(ast.Slice)
FormattedValue = _placed(ast.FormattedValue)
JoinedStr = _placed(ast.JoinedStr)
Assign = _placed(ast.Assign)
Expr = _placed(ast.Expr)
If = _placed(ast.If)
Pass = _placed(ast.Pass)
For = _placed(ast.For)
Break = _placed(ast.Break)
Raise = _placed(ast.Raise)
Return = _placed(ast.Return)
FunctionDef = _placed(ast.FunctionDef)
_Arg = _placed(ast.arg)

NONE = Constant(None)
TRUE = Constant(True)
FALSE = Constant(False)


def const(value: object) -> ast.Constant:
    return Constant(value)  # type: ignore[arg-type]  # the caller binds what is no constant


def name(identifier: str) -> ast.Name:
    return Name(identifier, ast.Load())


def attribute(value: ast.expr, member: str) -> ast.expr:
    return Attribute(value, member, ast.Load())


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return Call(function, list(arguments), [])


def item(value: ast.expr, index: ast.expr) -> ast.expr:
    return Subscript(value, index, ast.Load())


def tuple_(values: Sequence[ast.expr]) -> ast.expr:
    return Tuple(list(values), ast.Load())


def list_(values: Sequence[ast.expr]) -> ast.expr:
    return List(list(values), ast.Load())


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    return IfExp(test, then, otherwise)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    return Compare(left, [operator], [right])


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
    return BoolOp(ast.And(), list(values)) if len(values) > 1 else values[0]


def either(*values: ast.expr) -> ast.expr:
    return BoolOp(ast.Or(), list(values)) if len(values) > 1 else values[0]


def negate(value: ast.expr) -> ast.expr:
    return UnaryOp(ast.Not(), value)


def assign(target: ast.Name, value: ast.expr) -> ast.stmt:
    return Assign([Name(target.id, ast.Store())], value)


def unpack(targets: Sequence[ast.Name], value: ast.expr) -> ast.stmt:
    return Assign([Tuple([Name(each.id, ast.Store()) for each in targets], ast.Store())], value)


def put(holder: ast.expr, key: ast.expr, value: ast.expr) -> ast.stmt:
    return Assign([Subscript(holder, key, ast.Store())], value)


def do(value: ast.expr) -> ast.stmt:
    return Expr(value)


def when(test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
    return If(test, then or [Pass()], otherwise or [])


def each(target: ast.Name, values: ast.expr, body: list[ast.stmt]) -> ast.stmt:
    return For(Name(target.id, ast.Store()), values, body, [])


def define(identifier: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    arguments = ast.arguments([], [_Arg(parameter) for parameter in parameters], None, [], [], None, [])
    return FunctionDef(identifier, arguments, body, [])


def give(value: ast.expr) -> ast.stmt:
    return Return(value)


def compiled(definition: ast.FunctionDef, namespace: dict[str, object]) -> Callable[..., Any]:
    """The function of a definition. Raises RecursionError or MemoryError for one that is nested too deeply."""
    tree = ast.Module([definition], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # who writes `1`[0] is told by the linter
        exec(compile(tree, f"<{definition.name}>", "exec"), namespace)  # noqa: S102 - a tree we built, not a text
    function: Any = namespace[definition.name]
    return function  # type: ignore[no-any-return]
