"""Functions of the language as Python: the frequent ones inline, the others as calls, by their table."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from ...snapshot.types import BOOLEAN, NUMBER
from ..functions.arguments import _Expression
from ..functions.function import Argument, Function, Run
from ..functions.table import FUNCTIONS
from ..language.interpret import truth, value
from ..language.node import Node, walk
from . import pyast, runtime
from .emitter import Emit, Emitter, Language, Unsupported, Value, is_list
from .nodes import TRUTHS, VALUES
from .record_type import LineNeed


def _call(emitter: Emitter, node: Node, at: Value) -> Value:
    """A call of a function."""
    function = FUNCTIONS[node.value]
    if emit := _INLINE.get(function.name):
        return emit(emitter, node, at)
    if function.run is None or function.aware or function.may_be_unknown:
        return _looked_up(emitter, node, at, function)
    return _direct(emitter, node, at, function, function.run)


def _direct(emitter: Emitter, node: Node, at: Value, function: Function, run: Run) -> Value:
    """A call of the Python function: of what is known, it gives what is known."""
    arguments = [emitter.json(emitter.value(child, at)).code for child in node.children]
    time = [emitter.variables["snapshot_time"]().code] if function.timed else []
    called = emitter.put(emitter.call(run, *arguments, *time))
    return Value(code=called, is_truth=function.gives is BOOLEAN, is_number=function.gives is NUMBER)


def _looked_up(emitter: Emitter, node: Node, at: Value, function: Function) -> Value:
    """A call as the interpreter makes it."""
    takes = map(function.argument, range(len(node.children)))
    arguments = [_argument(emitter, child, at, each) for child, each in zip(node.children, takes, strict=True)]
    time = emitter.variables["snapshot_time"]().code
    found = emitter.call(runtime.called, pyast.const(function.name), pyast.list_(arguments), time)
    return Value(code=emitter.put(found))


def _argument(emitter: Emitter, node: Node, at: Value, taken: Argument) -> ast.expr:
    if node.type != "expref":
        found = emitter.value(node, at)
        if taken.rows and isinstance(found.items, LineNeed):
            found = Value(code=emitter.over(found, lambda row, add: add(_object(emitter, row, taken.rows))))
        elif taken.members and found.need is not None:
            found = Value(code=_object(emitter, emitter.atom(found), taken.members))
        return emitter.json(found).code
    if any(each.type in ("variable", "let") for each in walk(node)):
        raise Unsupported("a variable in an &expression of a function that is not compiled")
    scope: dict[str, object] = {}
    return emitter.bind(
        _Expression(node.children[0], lambda inner, item: value(inner, item, scope), lambda i, at: truth(i, at, scope))
    )


def _object(emitter: Emitter, value: Value, fields: Sequence[str]) -> ast.expr:
    """A value as an object of these fields, or null."""
    values = [emitter.json(emitter.field(value, field)).code for field in fields]
    made = pyast.Dict([pyast.const(field) for field in fields], values)
    return made if value.never_null else pyast.choose(pyast.is_(value.code, pyast.NONE), pyast.NONE, made)


def _known_call(function: Callable[..., object], *, truth: bool = False, total: bool = False) -> Emit:
    def emit(emitter: Emitter, node: Node, at: Value) -> Value:
        arguments = [emitter.json(emitter.value(child, at)).code for child in node.children]
        called = pyast.call(emitter.uses(function), *arguments) if total else emitter.call(function, *arguments)
        return Value(code=emitter.put(called), is_truth=truth)

    return emit


def _length(emitter: Emitter, node: Node, at: Value) -> Value:
    subject = emitter.value(node.children[0], at)
    if subject.need is not None:
        subject.need.counted = True
    elif subject.items is None:
        subject = emitter.json(subject)
        return Value(code=emitter.put(emitter.call(runtime.length, subject.code)), is_number=True)
    emitter.total = False  # null has no length
    return Value(code=emitter.put(pyast.call(pyast.name("len"), subject.code)), is_number=True)


def _contains(emitter: Emitter, node: Node, at: Value) -> Value:
    subject, wanted = (emitter.json(emitter.value(child, at)) for child in node.children)
    among = emitter.known(subject)
    if isinstance(among, list) and all(isinstance(each, str) for each in among):
        return Value(code=pyast.compare(wanted.code, ast.In(), pyast.const(tuple(among))), is_truth=True)
    return Value(code=emitter.put(emitter.call(runtime.contains, subject.code, wanted.code)), is_truth=True)


def _any(emitter: Emitter, node: Node, at: Value) -> Value:
    return _quantified(emitter, node, at, stops=True)


def _all(emitter: Emitter, node: Node, at: Value) -> Value:
    return _quantified(emitter, node, at, stops=False)


def _quantified(emitter: Emitter, node: Node, at: Value, *, stops: bool) -> Value:
    """A loop that ends at the first item that decides, unless a later one could still have no value."""
    items, test = node.children
    if test.type != "expref":
        raise Unsupported("not an &expression")
    base = emitter.atom(emitter.value(items, at))
    out, each = emitter.put(pyast.const(not stops)), emitter.temp()
    emitter.total = True
    with emitter.loop() as body:
        held = emitter.truth(test.children[0], emitter.item(base, each))
        ends: list[ast.stmt] = [pyast.assign(out, pyast.const(stops)), *([pyast.Break()] if emitter.total else [])]
        body.append(pyast.when(held if stops else pyast.negate(held), ends))
    emitter.total = False  # what is no list has no value
    if base.need is None and base.items is None:
        emitter.body.append(pyast.when(pyast.negate(is_list(base)), [_give_up(emitter)]))
    emitter.body.append(pyast.each(each, base.code, body))
    return Value(code=out, is_truth=True)


def _give_up(emitter: Emitter) -> ast.stmt:
    return pyast.Raise(emitter.uses(runtime.NotPlain), None)


def _map(emitter: Emitter, node: Node, at: Value) -> Value:
    test, items = node.children
    if test.type != "expref":
        raise Unsupported("not an &expression")
    base = emitter.atom(emitter.value(items, at))
    emitter.body.append(pyast.when(pyast.negate(is_list(base)), [_give_up(emitter)]))

    def build(item: Value, add: Callable[[ast.expr], None]) -> None:
        add(emitter.json(emitter.value(test.children[0], item)).code)

    emitter.total = False
    return Value(code=emitter.over(base, build))


# What is frequent is written out. It says the same as a call.
_INLINE: Mapping[str, Emit] = {
    "all": _all,
    "any": _any,
    "contains": _contains,
    "ends_with": _known_call(runtime.ends_with, truth=True),
    "known": _known_call(runtime.first, total=True),
    "length": _length,
    "map": _map,
    "not_null": _known_call(runtime.first, total=True),
    "starts_with": _known_call(runtime.starts_with, truth=True),
}
LANGUAGE = Language(values={**VALUES, "function_expression": _call}, truths=TRUTHS)
