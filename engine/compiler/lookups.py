"""Variables of a policy as Python: what all records have, and the rows that lookups find."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..judging.growth import is_fixed
from ..language.lets import let
from ..language.node import walk
from ..language.parser import Expression
from ..language.simplify import settled
from ..model.policy import Lookup, Policy
from . import pyast, runtime
from .emitter import Emitter, Value
from .join_key import key, on_row
from .program import Join, Program
from .record_type import LineNeed

_FIXED = frozenset({"params", "snapshot_time"})


class Lookups:
    """The lookups of one policy. Each is made where `bind` first meets its name; then it is a variable."""

    def __init__(self, program: Program, emitter: Emitter, policy: Policy) -> None:
        self.program, self.emitter, self.policy = program, emitter, policy
        self.bound: set[str] = set()
        emitter.owner = policy.id
        record = Value(code=pyast.name("r"), need=emitter.root, never_null=True, anchored=True)
        emitter.variables = {
            "account": self._account,
            "snapshot_time": lambda: Value(code=pyast.name("snapshot_time"), is_text=True),
            "params": lambda: emitter.constant(policy.params),
            "self": emitter.config,
            "type": lambda: emitter.constant(policy.resource),
            **{name: partial(emitter.field, record, f"${name}") for name in ("region", "id", "name", "tags")},
            **{name: partial(self._named, name, each) for name, each in policy.lets.items()},
        }

    def _named(self, name: str, expression: Expression) -> Value:
        return self.emitter.value(let(name, settled(expression, self.policy.params)), self.emitter.config())

    def _account(self) -> Value:
        self.emitter.touched.add("$account")
        return Value(code=pyast.name("account"), is_text=True)

    def unbound(self, expressions: Iterable[Expression]) -> list[str]:
        """The lookups that expressions name and that are not made yet."""
        trees = [settled(expression, self.policy.params) for expression in expressions]
        named = {each.value for tree in trees for each in walk(tree) if each.type == "variable"}
        return sorted(name for name in named if name in self.policy.lookups and name not in self.bound)

    def bind(self, expressions: Iterable[Expression]) -> None:
        """Make the lookups that expressions name, and before them those that these name."""
        for expression in expressions:
            for name in self.unbound([expression]):
                lookup = self.policy.lookups[name]
                self.bind([*lookup.ours, *([lookup.where] if lookup.where else [])])
                self.bound.add(name)
                self.emitter.variables[name] = self._lookup(name, lookup)

    def _lookup(self, name: str, lookup: Lookup) -> Callable[[], Value]:
        emitter, at = self.emitter, self.emitter.config()
        ours = [emitter.json(emitter.value(expression.tree, at)).code for expression in lookup.ours]
        need, where = self.program.needs[lookup.source], lookup.where
        fixed = where is not None and is_fixed(where)
        joins, place = self.program.joins, (self.policy.id, name)
        if emitter.recording or place not in joins:
            joins[place] = Join(
                lookup=lookup,
                theirs=on_row(need, lookup.theirs, lookup.spread, recording=emitter.recording),
                keep=self._keep(need, where) if where and fixed else None,
            )
        find = pyast.item(pyast.name("finds"), pyast.const([*joins].index(place)))
        region = pyast.attribute(pyast.name("r"), "region")
        if lookup.among is not None:
            gathered, among = emitter.uses(runtime.gathered), pyast.const(lookup.among)
            found = emitter.put(pyast.call(gathered, find, region, pyast.tuple_(ours), among))
        else:
            found = emitter.put(pyast.call(find, region, key(emitter, ours)))
        self._bound_rows(found)
        rows = Value(code=found, items=need)
        if where and not fixed:
            condition = where.tree

            def build(item: Value, add: Callable[[ast.expr], None]) -> None:
                with emitter.block() as kept:
                    add(item.code)
                emitter.body.append(pyast.when(emitter.truth(condition, item), kept))

            rows = Value(code=emitter.over(rows, build), items=need)
        if lookup.one:
            row = emitter.put(pyast.call(emitter.uses(runtime.one), rows.code))
            return lambda: Value(code=row, need=need, never_null=True)
        return lambda: rows

    def _bound_rows(self, found: ast.expr) -> None:
        """Have rows counted, but for the few that a resource may always have."""
        toll = self.program.toll(self.policy)
        number = pyast.call(pyast.name("len"), found)
        many = pyast.compare(number, ast.Gt(), pyast.const(toll.few))
        self.emitter.body.append(pyast.when(many, [pyast.do(pyast.call(self.emitter.bind(toll.take), number))]))

    def _keep(self, need: LineNeed, where: Expression) -> Callable[[Any, str], Any]:
        emitter = self.emitter
        return on_row(
            need,
            [where],
            recording=emitter.recording,
            condition=True,
            variables={name: emitter.variables[name] for name in _FIXED},
            namespace=emitter.namespace,  # constants of its parameters are there
        )
