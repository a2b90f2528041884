"""What an expression reads, without running it: the paths that make a finding's evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import msgspec

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from ..functions.budget import charge_values
from ..functions.table import FUNCTIONS
from .interpret import Scope
from .lets import by_name, plain
from .node import Node, walk
from .parser import Expression
from .simplify import settled

Path = tuple[str, ...]  # field names; "[]" for each item of a list, "*" for each value of an object

# Variables that only repeat the finding's identity.
_ENVELOPE = frozenset({"$account", "$region", "$type", "$id", "$name", "$snapshot_time"})
_OF_ROWS = frozenset({"$account", "$region", "$id", "$name", "$tags"})  # which a row has beside its fields
_COMPUTED = frozenset(  # from all of their children
    {"and_expression", "comparator", "key_val_pair", "multi_select_dict", "multi_select_list", "not_expression"}
)
HERE = "@"  # what a path starts at whose first field is named like a variable


def reads(expression: Expression, params: Json = None, *, of_row: bool = False) -> tuple[Path, ...]:
    """The longest paths an expression reads. A path that starts with `$name` starts at a variable.

    With the policy's parameters, those that they reach. One that is evaluated `of_row`, at what a lookup finds, reads
    our resource by paths that start with `$self`.
    """
    if expression.watched:  # it reads what the plain one does; what is remembered by its text is of that
        expression = plain(expression)
    if params is None:
        return _longest(expression, of_row)
    return _settled(expression, msgspec.json.encode(params), of_row)


@cache
def _longest(expression: Expression, of_row: bool) -> tuple[Path, ...]:
    return _paths(expression.tree, of_row)


@lru_cache(maxsize=4096)
def _settled(expression: Expression, params: bytes, of_row: bool) -> tuple[Path, ...]:
    return _paths(settled(expression, msgspec.json.decode(params)), of_row)


def _paths(tree: Node, of_row: bool) -> tuple[Path, ...]:
    found: set[Path] = set()
    _emit(_trace(tree, (), found), found)
    if any(node.type == "let" for node in walk(tree)):
        _emit(_trace(by_name(tree), (), found), found)
    ours = found if of_row else {path[1:] if path[0] == "$self" else path for path in found}
    paths = sorted(path for path in ours if path and path[0] not in _ENVELOPE)
    return tuple(path for path in paths if not any(other[: len(path)] == path and other != path for other in paths))


def evidence(expressions: tuple[Expression, ...], at: Json, scope: Scope) -> Mapping[str, Json]:
    """Each path the expressions read, with its value. A joined resource in full is shown by its id."""
    found: dict[str, Json] = {}
    for expression in expressions:
        for path in reads(expression, scope.get("params")):
            variable, rest = begun(path)
            read = get(_variable(scope, variable) if variable else at, rest)
            charge_values(read)
            found[label(path)] = brief(read)
    return dict(sorted(found.items()))


def begun(path: Path) -> tuple[str, Path]:
    """The variable that a path starts at, or nothing, and the rest of it."""
    if path[0].startswith("$"):
        return path[0][1:], path[1:]
    return "", path[1:] if path[0] == HERE and path[1:] and path[1].startswith("$") else path


def label(path: Path) -> str:
    """A path as evidence names it."""
    return ".".join(path).replace(".[]", "[]")


def _variable(scope: Scope, name: str) -> Json:
    try:
        return scope[name]
    except EvaluationError as error:  # a lookup whose own expressions have no value
        return Unknown.because(str(error))


def _emit(path: Path | None, found: set[Path]) -> None:
    if path:
        found.add(path)


def _trace(node: Node, at: Path | None, found: set[Path]) -> Path | None:
    """The path a node's value comes from, None where it is computed. Paths that computing reads go to `found`."""
    children = node.children
    match node.type:
        case "current":
            return at
        case "variable":
            return ("$" + node.value,)
        case "field":
            here = at in ((), ("$self",)) and node.value.startswith("$") and node.value not in _OF_ROWS
            return None if at is None else (*((HERE,) if here else at), node.value)
        case "index" | "slice":
            return None if at is None else (*at, "[]") if node.type == "index" else at
        case "chain" | "let":
            for child in children:
                at = _trace(child, at, found)
            return at
        case "flatten" | "watched":
            return _trace(children[0], at, found)
        case "projection" | "value_projection" | "filter_projection":
            base = _trace(children[0], at, found)
            item = None if base is None else (*base, "*" if node.type == "value_projection" else "[]")
            _emit(base, found)
            if node.type == "filter_projection":
                _emit(_trace(children[2], item, found), found)
            return _trace(children[1], item, found)
        case "or_expression":
            left, right = (_trace(child, at, found) for child in children)
            _emit(left, found)
            _emit(right, found)
            return left if children[1].type == "literal" else None
        case "function_expression":
            _trace_call(node.value, children, at, found)
            return None
        case "literal":
            return None
        case kind if kind in _COMPUTED:
            for child in children:
                _emit(_trace(child, at, found), found)
            return None
        case kind:
            raise NotImplementedError(kind)


def _trace_call(name: str, arguments: Sequence[Node], at: Path | None, found: set[Path]) -> None:
    paths: list[Path | None] = []
    for position, argument in enumerate(arguments):
        if argument.type == "expref":
            continue
        taken = FUNCTIONS[name].argument(position)
        if taken.rows:
            found |= {(*row, field) for row in _trace_rows(argument, at, found) for field in taken.rows}
            continue
        path = _trace(argument, at, found)
        paths.append(path)
        if taken.members and path is not None:
            found |= {(*path, field) for field in taken.members}
        else:
            _emit(path, found)
    items = next((path for path in paths if path), None)
    for argument in arguments:
        if argument.type == "expref":
            _emit(_trace(argument.children[0], (*items, "[]") if items else None, found), found)


def _trace_rows(node: Node, at: Path | None, found: set[Path]) -> list[Path]:
    """The paths of the rows in a list: of what is looked up, or of `[@]`."""
    if node.type == "multi_select_list":
        rows = [_trace(child, at, found) for child in node.children]
        return [row for row in rows if row is not None]
    path = _trace(node, at, found)
    return [] if path is None else [path if path[-1:] == ("[]",) else (*path, "[]")]


def get(at: Json, path: Path) -> Json:
    """What a path leads to."""
    for number, step in enumerate(path):
        if isinstance(at, Unknown):
            return at
        if step in ("[]", "*"):
            items = at if isinstance(at, list) and step == "[]" else list(at.values()) if isinstance(at, dict) else None
            return None if items is None else [get(item, path[number + 1 :]) for item in items]
        at = at.get(step) if isinstance(at, dict) else None
    return at


def without(node: Any, path: Path) -> Any:
    """A copy of a value without the field that a path leads to, in each item that it leads through."""
    step, rest = path[0], path[1:]
    if step == "[]":
        return [without(item, rest) for item in node] if isinstance(node, list) else node
    if not isinstance(node, dict):
        return node
    if step == "*":
        return {key: without(item, rest) for key, item in node.items()}
    if not rest:
        return {key: item for key, item in node.items() if key != step}
    return {key: without(item, rest) if key == step else item for key, item in node.items()}


def brief(found: Json) -> Json:
    """A value as evidence shows it: a joined resource in full is shown by its id."""
    if isinstance(found, list):
        return [brief(item) for item in found]
    return found["$id"] if isinstance(found, dict) and "$id" in found else found
