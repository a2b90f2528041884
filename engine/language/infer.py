"""Infer the type of an expression, and what is wrong with it, without running it.

Gradual: what is not known (`ANY`) raises no complaint. An error is something AWS's API models contradict, such
as a field that no answer has; a warning is something that can go wrong, such as a function that gets null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.types import (
    ANY,
    BOOLEAN,
    EMPTY,
    EXPREF,
    NULL,
    NUMBER,
    OBJECTS,
    STRING,
    Kind,
    Type,
    array,
    maybe,
    struct,
    union,
)
from ..functions.table import FUNCTIONS
from ..suggest import suggest
from .narrow import falsehoods, path_of, truths
from .node import Node
from .parser import Expression
from .slips import field_advice
from .spelling import Compared, compared, half_spelt

SCALARS = frozenset({Kind.BOOLEAN, Kind.NUMBER, Kind.STRING})


class Complaint(Struct, frozen=True, order=True):
    """What is wrong at a character of an expression. `code` names a page in docs/lint/."""

    at: int
    code: str
    message: str


class Context(Struct):
    """What the nodes of one expression share. `sure` holds paths that a condition to the left made non-null.

    `fields` says what each field, by the character where it begins, is a field of, and `compared` what texts are held
    against enumerations.
    """

    variables: Mapping[str, Type]
    complaints: list[Complaint] = field(default_factory=list)
    sure: frozenset[str] = frozenset()
    fields: dict[int, Type] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)

    def complain(self, node: Node, code: str, message: str) -> None:
        self.complaints.append(Complaint(node.start, code, message))


def infer(
    expression: Expression, at: Type, variables: Mapping[str, Type], sure: frozenset[str] = frozenset()
) -> tuple[Type, list[Complaint]]:
    """The type of an expression at a node of a type, and every complaint about it; `sure` paths are not null there."""
    context = Context(variables, sure=sure)
    found = _infer(expression.tree, at, context)
    for node, message in half_spelt(context.compared):
        context.complain(node, "one-spelling", message)
    return found, sorted(set(context.complaints))


def owner(expression: Expression, at: Type, variables: Mapping[str, Type], start: int) -> Type:
    """What the field that begins at a character is a field of: its members are what could stand there."""
    context = Context(variables)
    _infer(expression.tree, at, context)
    return context.fields.get(start, ANY)


def _infer(node: Node, at: Type, context: Context) -> Type:
    found = _VISIT[node.type](node, at, context)
    return maybe(found, nullable=False) if found.nullable and path_of(node) in context.sure else found


def _field(node: Node, at: Type, context: Context) -> Type:
    name = node.value
    context.fields[node.start] = at
    if at.kind is Kind.MAP:
        return maybe(at.item)
    if at.kind is Kind.OBJECT:
        found = at.members.get(name)
        if found is None:
            hint = field_advice(name, quoted=node.end - node.start > len(name)) or suggest(name, at.members)
            context.complain(node, "unknown-field", f"{at.name or 'this object'} has no field {name}{hint}")
            return ANY
        return maybe(found) if at.nullable and found.kind is not Kind.ANY else found
    if at.kind in SCALARS or at.kind is Kind.ARRAY:
        hint = field_advice(name, quoted=False) or ": write [] or [*] before the field"
        hint = hint if at.kind is Kind.ARRAY else ""
        context.complain(node, "unknown-field", f".{name} of {_a(at)} is always null{hint}")
    return ANY


def _variable(node: Node, at: Type, context: Context) -> Type:
    return context.variables.get(node.value, ANY)


def _chain(node: Node, at: Type, context: Context) -> Type:
    first, *rest = node.children
    at = _infer(first, at, context)
    for child in rest:
        at = _infer(child, at, _elsewhere(context))
    return at


def _index(node: Node, at: Type, context: Context) -> Type:
    if at.kind is Kind.ARRAY:
        return maybe(at.item)
    _not_a_list(node, at, context, "an index")
    return ANY


def _slice(node: Node, at: Type, context: Context) -> Type:
    _not_a_list(node, at, context, "a slice")
    return at


def _flatten(node: Node, at: Type, context: Context) -> Type:
    base = _infer(node.children[0], at, context)
    if base.kind is not Kind.ARRAY:
        _not_a_list(node.children[0], base, context, "[]")
        return array(ANY, nullable=True)
    item = base.item.item if base.item.kind is Kind.ARRAY else base.item
    return array(item, nullable=base.nullable)


def _projection(node: Node, at: Type, context: Context) -> Type:
    base = _infer(node.children[0], at, context)
    if base.kind is not Kind.ARRAY:
        _not_a_list(node.children[0], base, context, "[*]")
        _infer(node.children[1], ANY, context)
        return array(ANY, nullable=True)
    item = _infer(node.children[1], base.item, _elsewhere(context))
    return array(maybe(item, nullable=False), nullable=base.nullable)


def _value_projection(node: Node, at: Type, context: Context) -> Type:
    base = _infer(node.children[0], at, context)
    item = base.item if base.kind is Kind.MAP else ANY
    return array(_infer(node.children[1], item, _elsewhere(context)), nullable=base.nullable)


def _filter_projection(node: Node, at: Type, context: Context) -> Type:
    base_node, right, condition = node.children
    base = _infer(base_node, at, context)
    if base.kind is not Kind.ARRAY:
        _not_a_list(base_node, base, context, "a filter")
    item = base.item if base.kind is Kind.ARRAY else ANY
    _infer(condition, item, _elsewhere(context))
    narrowed = _surer(_elsewhere(context), truths(condition))
    return array(maybe(_infer(right, item, narrowed), nullable=False), nullable=base.nullable)


def _elsewhere(context: Context) -> Context:
    """The context at another node, where a path that was sure before is another path."""
    return replace(context, sure=frozenset())


def _surer(context: Context, more: frozenset[str]) -> Context:
    """The same context, surer: complaints still go to the one list."""
    return replace(context, sure=context.sure | more)


def _or(node: Node, at: Type, context: Context) -> Type:
    left, right = node.children
    one = _infer(left, at, context)
    other = _infer(right, at, _surer(context, falsehoods(left)))
    return maybe(union(maybe(one, nullable=False), other), nullable=other.nullable)


def _and(node: Node, at: Type, context: Context) -> Type:
    left, right = node.children
    one = _infer(left, at, context)
    other = _infer(right, at, _surer(context, truths(left)))
    return union(one, other)


def _not(node: Node, at: Type, context: Context) -> Type:
    _infer(node.children[0], at, context)
    return BOOLEAN


def _comparator(node: Node, at: Type, context: Context) -> Type:
    left, right = (_infer(child, at, context) for child in node.children)
    if node.value in ("eq", "ne"):
        _equality(node, left, right, context)
        return BOOLEAN
    for side, child in ((left, node.children[0]), (right, node.children[1])):
        if side.kind not in (Kind.ANY, Kind.NUMBER, Kind.STRING):
            context.complain(child, "bad-comparison", f"{_a(side)} has no order: the comparison is always null")
    if {left.kind, right.kind} == {Kind.NUMBER, Kind.STRING}:
        context.complain(node, "bad-comparison", f"{_a(left)} and {_a(right)} cannot be ordered")
    return maybe(BOOLEAN, nullable=left.nullable or right.nullable)


def _equality(node: Node, left: Type, right: Type, context: Context) -> None:
    kinds = {_family(left), _family(right)}
    if len(kinds) == 2 and not kinds & {Kind.ANY, Kind.NULL}:
        context.complain(node, "bad-comparison", f"{_a(left)} is never equal to {_a(right)}")
    for one, child in ((left, node.children[1]), (right, node.children[0])):
        context.compared += compared("==", one, child)
        if one.enum and child.type == "literal" and isinstance(child.value, str) and child.value not in one.enum:
            hint = suggest(child.value, one.enum)
            context.complain(child, "not-in-enum", f"{child.value!r} is no value of {one.name}{hint}")


def _literal(node: Node, at: Type, context: Context) -> Type:
    return _of_value(node.value)


def _of_value(value: Any) -> Type:
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int() | float():
            return NUMBER
        case str():
            return STRING
        case []:
            return EMPTY
        case list():
            item = _of_value(value[0])
            for other in value[1:]:
                item = union(item, _of_value(other))
            return array(item)
        case _:
            return struct({key: _of_value(item) for key, item in value.items()})


def _multi_select_list(node: Node, at: Type, context: Context) -> Type:
    items = [_infer(child, at, context) for child in node.children]
    item = items[0]
    for other in items[1:]:
        item = union(item, other)
    return array(item, nullable=at.nullable and at.kind is not Kind.ANY)


def _multi_select_dict(node: Node, at: Type, context: Context) -> Type:
    members = {child.value: _infer(child.children[0], at, context) for child in node.children}
    return struct(members, nullable=at.nullable and at.kind is not Kind.ANY)


def _function(node: Node, at: Type, context: Context) -> Type:
    name, arguments = node.value, node.children
    plain = [None if child.type == "expref" else _infer(child, at, context) for child in arguments]
    items = next((found.item for found in plain if found is not None and found.kind is Kind.ARRAY), ANY)
    types = [
        found if found is not None else _expref(child, items, context)
        for found, child in zip(plain, arguments, strict=True)
    ]
    function = FUNCTIONS[name]
    for number, (found, child) in enumerate(zip(types, arguments, strict=True)):
        _argument(name, found, function.argument(number).kinds, child, context)
    _contained(name, types, arguments, context)
    if len(types) == 2:
        context.compared += [*compared(name, types[0], arguments[1]), *compared(name, types[1], arguments[0])]
    return function.given(types)


def _argument(name: str, found: Type, wanted: frozenset[Kind], child: Node, context: Context) -> None:
    if not wanted or found.kind is Kind.ANY:
        return
    if _family(found) not in wanted and found.kind is not Kind.NULL:
        takes = " or ".join(sorted(kind.value for kind in wanted))
        context.complain(child, "bad-argument", f"{name}() takes {takes} here, not {_a(found)}")
    elif found.nullable:
        shown = path_of(child) or "this"
        context.complain(
            child, "nullable-argument", f"{shown} may be null, which {name}() does not take: write {shown} || …"
        )


def _contained(name: str, types: Sequence[Type], arguments: Sequence[Node], context: Context) -> None:
    # contains(['a', 'b'], Field) compares like ==: its literals must be values of the field.
    if name != "contains":
        return
    (whole, part), (whole_node, part_node) = types, arguments
    for enum, node in ((part.enum, whole_node), (whole.item.enum if whole.kind is Kind.ARRAY else (), part_node)):
        literals = node.children if node.type == "multi_select_list" else [node]
        values = [(literal, literal.value) for literal in literals if literal.type == "literal"]
        for literal, value in values:
            for each in value if isinstance(value, list) else [value]:
                if enum and isinstance(each, str) and each not in enum:
                    hint = suggest(each, enum)
                    context.complain(
                        literal, "not-in-enum", f"{each!r} is no value of {part.name or whole.item.name}{hint}"
                    )
    if whole.kind is Kind.ARRAY and whole.of_item:
        kinds = {_family(whole.item), _family(part)}
        if len(kinds) == 2 and not kinds & {Kind.ANY, Kind.NULL}:
            context.complain(part_node, "bad-comparison", f"{_a(whole)} never contains {_a(part)}")


def _expref(node: Node, item: Type, context: Context) -> Type:
    found = _infer(node.children[0], item, _elsewhere(context))
    return replace(EXPREF, of_item=lambda: found)


def _not_a_list(node: Node, at: Type, context: Context, what: str) -> None:
    if at.kind in SCALARS or at.kind in OBJECTS:
        context.complain(node, "not-a-list", f"{what} of {_a(at)} is always null")


def _family(found: Type) -> Kind:
    return Kind.OBJECT if found.kind in OBJECTS else found.kind


def _a(found: Type) -> str:
    if found.kind is Kind.NULL:
        return "null"
    text = str(found)
    return f"{'an' if text[0].lower() in 'aeiou' else 'a'} {text}"


_VISIT: Mapping[str, Callable[[Node, Type, Context], Type]] = {
    "and_expression": _and,
    "chain": _chain,
    "comparator": _comparator,
    "current": lambda node, at, context: at,
    "expref": lambda node, at, context: _expref(node, ANY, context),
    "field": _field,
    "filter_projection": _filter_projection,
    "flatten": _flatten,
    "function_expression": _function,
    "index": _index,
    "let": _variable,
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
