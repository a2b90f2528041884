"""Expressions as Python: each node becomes statements, and one expression that is cheap to place.

The same walk is made twice. The first, while needs are open, only notes what is needed; the second writes the code,
for then it is known how each place is decoded.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.model import Json
from ..language.node import Node, walk
from . import pyast as code
from . import runtime
from .record_type import Kind, LineNeed, Need

ENVELOPE = frozenset({"$account", "$region", "$id", "$name", "$tags"})
SHARED = frozenset({"function_expression", "comparator", "and_expression", "or_expression", "filter_projection"})
COMMON = frozenset({"account", "region", "id", "name", "tags", "snapshot_time"})  # the same for every policy


class Unsupported(Exception):  # noqa: N818 - not an error: the policy takes the exact path
    """An expression that is not worth compiling."""


TOO_MUCH = (Unsupported, RecursionError, ValueError, SyntaxError, MemoryError)


class Value(Struct, frozen=True, kw_only=True):
    """What a node became. `need` is its place in a record, `items` that of each item of a list we made."""

    code: ast.expr
    need: Need | None = None
    items: Need | None = None
    is_truth: bool = False  # True, False or None
    is_number: bool = False
    is_text: bool = False
    never_null: bool = False
    anchored: bool = False  # a place that fields alone lead to: it has a local variable


Emit = Callable[["Emitter", Node, Value], Value]


class Language(Struct, frozen=True):
    """How each kind of node becomes a value; and for some, another way to become a truth."""

    values: Mapping[str, Emit]
    truths: Mapping[str, Emit]


class Emitter(Struct):
    """Writes one function. `variables` are what expressions may name; `counts` how often a node was met before."""

    root: LineNeed
    namespace: dict[str, object]
    recording: bool
    language: Language
    variables: dict[str, Callable[[], Value]] = field(default_factory=dict)
    body: list[ast.stmt] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    shared: dict[str, ast.Name] = field(default_factory=dict)
    locals: dict[int, str] = field(default_factory=dict)
    touched: set[Hashable] = field(default_factory=set)  # places whose values decide what is written
    owner: str = ""  # the policy whose expressions are read
    total: bool = True  # nothing written since it was set can raise
    depth: int = 0  # inside how many loops
    _temps: int = 0

    def config(self) -> Value:
        return self.settle(Value(code=code.name("c"), need=self.root.config, never_null=True, anchored=True))

    # Statements

    def temp(self) -> ast.Name:
        self._temps += 1
        return code.name(f"t{self._temps}")

    def put(self, value: ast.expr) -> ast.Name:
        target = self.temp()
        self.body.append(code.assign(target, value))
        return target

    def atom(self, value: Value) -> Value:
        """The same, as a name or a constant: it may be placed twice."""
        if isinstance(value.code, ast.Name | ast.Constant):
            return value
        return replace(value, code=self.put(value.code))

    @contextmanager
    def block(self) -> Iterator[list[ast.stmt]]:
        outer, self.body = self.body, []
        try:
            yield self.body
        finally:
            self.body = outer

    @contextmanager
    def loop(self) -> Iterator[list[ast.stmt]]:
        self.depth += 1
        with self.block() as body:
            yield body
        self.depth -= 1

    def bind(self, value: object) -> ast.Name:
        """A name for something that is no constant of Python's."""
        identifier = f"k{len(self.namespace)}"
        self.namespace[identifier] = value
        return code.name(identifier)

    def uses(self, function: Callable[..., object]) -> ast.Name:
        identifier = f"{function.__module__.rpartition('.')[2]}_{function.__name__}"
        self.namespace[identifier] = function
        return code.name(identifier)

    def call(self, function: Callable[..., object], *arguments: ast.expr) -> ast.expr:
        """A call that may find that the record is not plain."""
        self.total = False
        return code.call(self.uses(function), *arguments)

    # Nodes

    def value(self, node: Node, at: Value) -> Value:
        return self._once("value", node, at, self.language.values)

    def truth(self, node: Node, at: Value) -> ast.expr:
        """Whether a node holds, for a place where Python asks for truth."""
        if node.type in self.language.truths:
            return self._once("truth", node, at, self.language.truths).code
        return self.truthy(self.value(node, at))

    def _once(self, how: str, node: Node, at: Value, table: Mapping[str, Emit]) -> Value:
        """What is asked twice of the same record is computed when the first of them asks."""
        emit = table.get(node.type)
        if emit is None:
            raise Unsupported(node.type)
        if self.depth or not is_root(at) or node.type not in SHARED:
            return emit(self, node, at)
        common = all(each.value in COMMON for each in walk(node) if each.type == "variable")
        key = f"{how} {'' if common else self.owner} {_key(node)}"
        if self.recording:
            self.counts[key] += 1
        if self.recording or self.counts[key] < 2:
            return emit(self, node, at)
        with self.block() as body:
            found = emit(self, node, at)
            if isinstance(found.code, ast.Constant):
                return found
            kept = self.shared.setdefault(key, code.name(f"s{len(self.shared)}"))
            body.append(code.assign(kept, found.code))
        self.body.append(code.when(code.is_(kept, code.name("unset")), body))
        return replace(found, code=kept, anchored=False)

    def named(self, node: Node, how: str, make: Callable[[Node, Value], Value]) -> Value:
        """What a name stands for, worked out when it is first read, be it inside a loop."""
        with self.block() as body:
            found = make(node.children[1], self.config())
        if not body:
            return found
        kept = self.shared.setdefault(f"let {how} {self.owner} {_key(node)}", code.name(f"s{len(self.shared)}"))
        self.body.append(code.when(code.is_(kept, code.name("unset")), [*body, code.assign(kept, found.code)]))
        return replace(found, code=kept, anchored=False)

    # Values

    def settle(self, value: Value) -> Value:
        """Without the places that are decoded as they are."""
        if self.recording:
            return value
        need, items = (
            place if place is not None and place.kind is not Kind.PLAIN else None for place in (value.need, value.items)
        )
        return replace(value, need=need, items=items)

    def json(self, value: Value) -> Value:
        """A value as plain JSON: whatever is done with it may look at all of it."""
        for place in (value.need, value.items):
            if isinstance(place, LineNeed):
                raise Unsupported("a joined resource as a whole")
            if place is not None and not self.recording:
                raise Unsupported("a place that was not noted")
            if place is not None:
                place.whole = True
        return replace(value, need=None, items=None)

    def field(self, value: Value, label: str) -> Value:
        need = value.need
        if isinstance(need, LineNeed):
            if label in ENVELOPE and label != "$tags":
                self.touched.add((id(need), label))
                return Value(code=self.member(value, label[1:]), is_text=label != "$name")
            place = need.tags if label == "$tags" else need.config
            self.touched.add(id(place))
            code_ = code.name("tags") if value.anchored else self.member(value, place.label)
            found = self.settle(Value(code=code_, need=place, never_null=value.never_null, anchored=value.anchored))
            return found if label == "$tags" else self.field(found, label)
        if need is None:
            fixed = self.known(value)
            if fixed is not ...:
                return self.constant(fixed.get(label) if isinstance(fixed, dict) else None)
            subject = self.atom(value).code
            get = code.call(code.attribute(subject, "get"), code.const(label))
            return Value(code=code.choose(code.is_a(subject, "dict"), get, code.NONE))
        child = need.field(label)
        self.touched.add(id(child))
        if value.anchored:
            return self.settle(Value(code=self.local(child), need=child, anchored=True))
        return self.settle(Value(code=self.member(value, child.label), need=child))

    def member(self, value: Value, label: str) -> ast.expr:
        """A field of a struct, or of null."""
        if value.never_null:
            return code.attribute(value.code, label)
        subject = self.atom(value).code
        return code.choose(code.is_(subject, code.NONE), code.NONE, code.attribute(subject, label))

    def local(self, need: Need) -> ast.Name:
        return code.name(self.locals.setdefault(id(need), f"v{len(self.locals)}"))

    def item(self, base: Value, subject: ast.expr) -> Value:
        """One item of a list."""
        place = base.need.item() if base.need is not None else base.items
        return self.settle(Value(code=subject, need=place, never_null=isinstance(place, LineNeed)))

    def truthy(self, value: Value) -> ast.expr:
        """JMESPath's truth, in which 0 holds."""
        fixed = self.known(value)
        if fixed is not ...:
            return code.const(runtime.truthy(fixed))
        if isinstance(value.need, LineNeed):
            return code.TRUE if value.never_null else code.is_not(value.code, code.NONE)
        if value.is_truth or value.items:
            return value.code
        if value.need is not None:
            value.need.counted = True
            return value.code
        subject = self.atom(value).code
        zero = code.both(code.equal(subject, code.const(0)), code.is_not(subject, code.FALSE))
        return code.either(subject, zero)

    def constant(self, value: Json) -> Value:
        if value is None or isinstance(value, bool | int | float | str):
            return Value(code=code.const(value))
        return Value(code=self.bind(value))

    def told(self, value: Value) -> ast.expr:
        """Something to tell a value by: texts as they are, and what Python takes for equal, as true and 1, as JSON."""
        subject = self.atom(value).code
        itself = [code.is_a(subject, "str"), *(code.is_(subject, each) for each in (code.NONE, code.TRUE, code.FALSE))]
        return code.choose(code.either(*itself), subject, code.call(code.name("encode"), subject))

    def known(self, value: Value) -> Any:
        """The value of a constant, `...` for anything else."""
        if isinstance(value.code, ast.Constant):
            return value.code.value
        if isinstance(value.code, ast.Name) and value.code.id.startswith("k"):
            return self.namespace[value.code.id]
        return ...

    def over(
        self, base: Value, build: Callable[[Value, Callable[[ast.expr], None]], None], otherwise: ast.expr = code.NONE
    ) -> ast.Name:
        """A list of what `build` adds for each item of a list; for anything else, what is given for it."""
        out, each = self.temp(), self.temp()

        def add(found: ast.expr) -> None:
            self.body.append(code.do(code.call(code.attribute(out, "append"), found)))

        with self.loop() as body:
            build(self.item(base, each), add)
        filled = [code.assign(out, code.list_([])), code.each(each, base.code, body)]
        self.body.append(code.when(is_list(base), filled, [code.assign(out, otherwise)]))
        return out


def is_root(value: Value) -> bool:
    return isinstance(value.code, ast.Name) and value.code.id == "c"


def is_list(value: Value) -> ast.expr:
    typed = value.need is not None or value.items is not None
    return code.is_not(value.code, code.NONE) if typed else code.is_a(value.code, "list")


def _key(node: Node) -> str:
    """Equal for equal expressions, wherever they stand."""
    inside = ",".join(map(_key, node.children))
    return f"{node.type}({node.value!r};{inside})"
