"""A module with one mistake, and another, and another: where each stands, and the code with it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType

from operators import Place, wrong

_UNTOUCHED = (ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr)  # an f-string is what people read
_TYPES = {"annotation", "returns", "decorator_list", "bases"}
_AROUND = 40  # characters that are shown on both sides of a change


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one mistake. What it is called stays the same where lines move."""

    path: str
    function: str
    before: str
    after: str
    lines: range
    code: Callable[[], CodeType] = field(repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.path, self.function, self.before, self.after


def mutants(root: Path, path: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    tree = ast.parse((root / path).read_text(), path)
    seen: Counter[tuple[str, ...]] = Counter()
    for place in _places(tree, None, None, ""):
        for node in wrong(place):
            mutant = _mutant(root, path, tree, place, node)
            seen[mutant.key] += 1
            times = seen[mutant.key]
            yield mutant if times == 1 else replace(mutant, before=f"{mutant.before} #{times}")


def _mutant(root: Path, path: str, tree: ast.Module, place: Place, node: ast.AST) -> Mutant:
    def code() -> CodeType:
        place.put(node)
        try:
            return compile(ast.fix_missing_locations(tree), str(root / path), "exec", dont_inherit=True)
        finally:
            place.put(place.node)

    before = _header(place.statement)
    place.put(node)
    after = _header(node if place.node is place.statement else place.statement)
    place.put(place.node)
    where = place.node if hasattr(place.node, "lineno") else place.statement
    lines = range(where.lineno, max(where.lineno, _last_line(where)) + 1)
    return Mutant(path, place.name, *_difference(before, after), lines, code)


def _places(
    parent: ast.AST, statement: ast.stmt | None, function: ast.FunctionDef | None, name: str
) -> Iterator[Place]:
    """Every node below in which a mistake makes sense: no types, no docstrings, no texts for people."""
    for label, value in ast.iter_fields(parent):
        if label in _TYPES or (label == "slice" and isinstance(value, ast.Tuple)):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or isinstance(node, _UNTOUCHED) or _is_no_code(node):
                continue
            now = node if isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)) else statement
            yield Place(node, parent, label, index, now, function, name)
            if isinstance(node, ast.Raise):
                continue
            if isinstance(node, ast.FunctionDef):
                yield from _places(node, now, node, f"{name}.{node.name}".lstrip("."))
            elif isinstance(node, ast.ClassDef):
                yield from _places(node, now, function, f"{name}.{node.name}".lstrip("."))
            else:
                yield from _places(node, now, function, name)


def _is_no_code(node: ast.AST) -> bool:
    """A docstring, `if TYPE_CHECKING:`, an alias of a type, or what Python itself asks of a module or class."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            alias = name[:1].isupper() and not name.isupper() and isinstance(value, (ast.Subscript, ast.BinOp))
            return alias or name.startswith("__")
    return False


def _last_line(node: ast.AST) -> int:
    """Where a node ends; of a statement with others inside, where these begin."""
    body = getattr(node, "body", None)
    return body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno


def _header(statement: ast.AST) -> str:
    """A statement on one line, without those inside it."""
    if not isinstance(getattr(statement, "body", None), list):
        return " ".join(ast.unparse(statement).split())
    bare = copy(statement)
    for name in {"body", "orelse", "handlers", "finalbody", "decorator_list"}.intersection(bare._fields):
        setattr(bare, name, [ast.Pass()] if name == "body" else [])
    return " ".join(ast.unparse(bare).removesuffix("pass").split())


def _difference(before: str, after: str) -> tuple[str, str]:
    """Both texts, cut to what differs and a little on both sides."""
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    end = next((at for at in range(shorter - start) if before[-1 - at] != after[-1 - at]), shorter - start)
    first, last = max(0, start - _AROUND), max(0, end - _AROUND)
    cut = [f"{'…' * bool(first)}{text[first : len(text) - last]}{'…' * bool(last)}" for text in (before, after)]
    return cut[0], cut[1]
