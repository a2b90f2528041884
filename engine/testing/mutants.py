"""Policies that are almost a given one: it, with one thing changed as a slip of its author would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..language.node import Node
from ..language.parser import Expression
from ..model.policy import Bound, Count, Lookup, Policy, Require, Rollup, Within
from .parts import Part, Steps, graft, nodes, parts, place, shown, with_lookup

NOTHING = "nothing"
Change = tuple[Node, str, str, Node]  # the node to point at; what was written, what instead; what to put in place


class Mutant(Struct, frozen=True, kw_only=True):
    """A policy with `was` changed to `becomes`."""

    place: str
    was: str
    becomes: str
    policy: Policy

    def __str__(self) -> str:
        return f"{self.place}: no example tells {self.was} from {self.becomes}"


class Spot(Struct, frozen=True):
    """One node of an expression, and the way to it."""

    expression: Expression
    steps: Steps
    node: Node

    def text(self, start: int, end: int) -> str:
        return self.expression.text[start:end]


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Every mutant of a policy, in the order in which what they change is evaluated.

    What the policy takes from another is changed there.
    """
    own = [part for part in parts(policy) if not policy.takes(str(part.path[0]))]
    for part in own:
        yield from _of_expression(policy, part)
    yield from _without_a_part(policy, own)
    if not policy.takes("lookup"):
        for name, lookup in policy.lookups.items():
            yield from _of_lookup(policy, name, lookup)
    if policy.rollup and not policy.takes("rollup"):
        yield from _of_rollup(policy, policy.rollup)


def _of_rollup(policy: Policy, rollup: Rollup) -> Iterator[Mutant]:
    asked, path = rollup.require, ("rollup", "require")
    if rollup.by or policy.is_wide():
        per = rollup.by.text if rollup.by else "unit" if rollup.unit else "organisation"
        simple = replace(rollup, per=Within.ACCOUNT, by=None, unit=False)
        where, changed = place(policy, ("rollup", "per")), replace(policy, rollup=simple)
        yield Mutant(place=where, was=f"per: {per}", becomes="per: account", policy=changed)
    if not isinstance(asked, Count):
        other = Require.ANY if asked is Require.ALL else Require.ALL
        changed = replace(policy, rollup=replace(rollup, require=other))
        yield _setting(policy, path, asked, other, changed)
    elif not asked.param and asked.bound is not Bound.SHARE:
        for number in (asked.number + 1, asked.number - 1):
            count = replace(asked, number=number)
            changed = replace(policy, rollup=replace(rollup, require=count))
            yield _setting(policy, (*path, asked.bound.value), asked.number, number, changed)


def _of_expression(policy: Policy, part: Part) -> Iterator[Mutant]:
    expression = part.expression
    for steps, node in nodes(expression.tree):
        make = _CHANGES.get(node.type)
        for at, was, becomes, instead in make(Spot(expression, steps, node)) if make else ():
            where = place(policy, part.path, at.start, key=part.key)
            # What is kept about an expression is kept by its text, so a mutant's is its own.
            text = f"{expression.text} # {where} {becomes}"
            changed = replace(expression, text=text, tree=graft(expression.tree, steps, instead))
            mutated = part.put(policy, changed)
            yield Mutant(place=where, was=was, becomes=becomes, policy=mutated)


def _drop_operand(spot: Spot) -> Iterator[Change]:
    """`a && b && c` without a, without b, and without c."""
    node, steps = spot.node, spot.steps
    if steps and _at(spot.expression.tree, steps[:-1]).type == node.type:
        return  # an inner part of a chain, which is cut as a whole
    operands = list(_operands(node, node.type))
    for number, operand in enumerate(operands):
        left = [*operands[:number], *operands[number + 1 :]]
        joined = reduce(lambda first, second: replace(node, children=(first, second)), left)
        yield operand, shown(spot.expression, operand), NOTHING, joined


def _operands(node: Node, kind: str) -> Iterator[Node]:
    for child in node.children:
        if child.type == kind:
            yield from _operands(child, kind)
        else:
            yield child


def _flip(spot: Spot) -> Iterator[Change]:
    node = spot.node
    old, operator = _SYMBOLS[node.value], node.children[0].end  # or a little later
    for other in _FLIPS[node.value]:
        before, after = spot.text(node.start, operator), spot.text(operator, node.end)
        becomes = before + after.replace(old, _SYMBOLS[other], 1)
        yield node, shown(spot.expression, node), _line(becomes), replace(node, value=other)


def _alter(spot: Spot) -> Iterator[Change]:
    node, around = spot.node, _around(spot.expression.tree, spot.steps)
    for altered in _altered(node.value):
        before, after = spot.text(around.start, node.start), spot.text(node.end, around.end)
        becomes = _line(before + _literal(altered) + after)
        yield node, shown(spot.expression, around), becomes, replace(node, value=altered)


def _around(tree: Node, steps: Steps) -> Node:
    """The comparison or call that a literal belongs to: alone it says nothing to a reader."""
    for size in range(len(steps) - 1, -1, -1):
        node = _at(tree, steps[:size])
        if node.type in ("comparator", "function_expression") and node.written:
            return node
    return _at(tree, steps)


def _altered(value: Any) -> Iterator[Any]:
    """A constant that differs: text, numbers, booleans, and each such value of a list or an object."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 1, value - 1)
        case str():
            yield value + "~"
        case list():
            for number, item in enumerate(value):
                yield from ([*value[:number], other, *value[number + 1 :]] for other in _altered(item))
        case dict():
            for key, item in value.items():
                yield from ({**value, key: other} for other in _altered(item))
        case _:
            pass


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "\\'") + "'"
    return f"`{msgspec.json.encode(value).decode()}`"


def _drop_not(spot: Spot) -> Iterator[Change]:
    inner = spot.node.children[0]
    yield spot.node, shown(spot.expression, spot.node), shown(spot.expression, inner), inner


def _swap(spot: Spot) -> Iterator[Change]:
    node = spot.node
    if other := _SWAPS.get(node.value):
        was = shown(spot.expression, node)
        yield node, was, other + was.removeprefix(node.value), replace(node, value=other)


def _line(text: str) -> str:
    return " ".join(text.split())


def _at(tree: Node, steps: Steps) -> Node:
    return reduce(lambda node, step: node.children[step], steps, tree)


def _without_a_part(policy: Policy, own: Sequence[Part]) -> Iterator[Mutant]:
    """Without `where`, and without each assertion of several: a list of them is a conjunction too."""
    for part in own:
        if part.path == ("where",) or (part.path[0] == "assert" and len(policy.assertions) > 1):
            where = place(policy, part.path)
            was = shown(part.expression, part.expression.tree)
            yield Mutant(place=where, was=was, becomes=NOTHING, policy=part.put(policy, None))


def _of_lookup(policy: Policy, name: str, lookup: Lookup) -> Iterator[Mutant]:
    at = ("lookup", name)
    for within in Within:
        if within is not lookup.within:
            yield _setting(policy, (*at, "within"), lookup.within, within, with_lookup(policy, name, within=within))
    one = not lookup.one
    yield _setting(policy, (*at, "one"), lookup.one, one, with_lookup(policy, name, one=one, refers=False))
    if lookup.refers:
        changed = with_lookup(policy, name, refers=False)
        yield _setting(policy, (*at, "refers"), True, False, changed)
    if lookup.where:
        was = shown(lookup.where, lookup.where.tree)
        changed = with_lookup(policy, name, where=None)
        yield Mutant(place=place(policy, (*at, "where")), was=was, becomes=NOTHING, policy=changed)
    for number, (theirs, ours) in enumerate(zip(lookup.theirs, lookup.ours, strict=True)):
        rest = {
            "theirs": (*lookup.theirs[:number], *lookup.theirs[number + 1 :]),
            "ours": (*lookup.ours[:number], *lookup.ours[number + 1 :]),
            "among": _without(number, lookup.among),
            "spread": _without(number, lookup.spread),
        }
        was = f"{theirs.text.removeprefix('@.')}: {shown(ours, ours.tree)}"
        where = place(policy, (*at, "match", theirs.text.removeprefix("@.")), key=True)
        yield Mutant(place=where, was=was, becomes=NOTHING, policy=with_lookup(policy, name, **rest))


def _without(number: int, listed: int | None) -> int | None:
    """Which key is `in` a list, or one that `contains`, once another is left out."""
    return None if listed is None or listed == number else listed - (number < listed)


def _setting(policy: Policy, path: tuple[str, ...], was: object, becomes: object, changed: Policy) -> Mutant:
    key, old, new = path[-1], _yaml(was), _yaml(becomes)
    return Mutant(place=place(policy, path), was=f"{key}: {old}", becomes=f"{key}: {new}", policy=changed)


def _yaml(value: object) -> str:
    return str(value).lower()


_SWAPS = {"any": "all", "all": "any"}
_SYMBOLS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_FLIPS = {
    "eq": ("ne",),
    "ne": ("eq",),
    "lt": ("lte", "gte"),
    "lte": ("lt", "gt"),
    "gt": ("gte", "lte"),
    "gte": ("gt", "lt"),
}
_CHANGES: Mapping[str, Callable[[Spot], Iterator[Change]]] = {
    "and_expression": _drop_operand,
    "comparator": _flip,
    "function_expression": _swap,
    "literal": _alter,
    "not_expression": _drop_not,
    "or_expression": _drop_operand,
}
