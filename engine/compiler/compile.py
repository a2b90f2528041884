"""Write the rules of a program: policies on one resource type as Python."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..judging.growth import steady
from ..model.finding import Status
from ..model.policy import Policy
from . import memo_key, pyast, runtime
from .emitter import TOO_MUCH, Emitter, Value
from .functions import LANGUAGE
from .join_key import looked_up
from .program import Program, Rule
from .record_type import LineNeed, Need
from .rule import Judgement

_PARAMETERS = ("r", "account", "snapshot_time", "finds")


def write_programs(
    policies: Sequence[Policy], written: Collection[Status], exact: Collection[str]
) -> tuple[dict[str, Program], dict[str, LineNeed]]:
    """A program for each type that is judged, and what of each type is needed. The `exact` have no rule, nor those
    whose steps must be counted."""
    needs: dict[str, LineNeed] = {}
    for policy in policies:
        for kind in policy.kinds():
            needs.setdefault(kind, LineNeed(kind))
    every = [each for policy in policies for each in policy.by_type()]
    kinds = sorted({each.resource for each in every})
    programs = {
        kind: Program(
            kind=kind,
            policies=[each for each in every if each.resource == kind],
            needs=needs,
            written=frozenset(written),
        )
        for kind in kinds
    }
    counted = {each.id for each in every if steady(each) is None}
    writers = [_Writer(program, counted.union(exact)) for program in programs.values()]
    for writer in writers:  # for all types, because lookups need something of each other's
        writer.note()
    for writer in writers:
        writer.compile()
    return programs, needs


class _Writer:
    """Writes the functions of a program. The first time it only notes what is needed."""

    def __init__(self, program: Program, exact: set[str]) -> None:
        self.program, self.recording = program, True
        self.exact = exact  # policies that are too much
        self.namespace: dict[str, object] = {"unset": object(), "encode": runtime.encode, "join": b"".join}
        self.counts: dict[str, Counter[str]] = {}  # how often each function meets a node

    def note(self) -> None:
        for policy in self._compiled():
            with self._judgement(policy) as judgement:
                judgement.decide()
                if not policy.rollup:
                    judgement.word()

    def _compiled(self) -> list[Policy]:
        return [policy for policy in self.program.policies if policy.id not in self.exact]

    def compile(self) -> None:
        self.recording = False
        self.program.joins.clear()
        rules, columns = list[Rule | None](), _Columns(self)
        for policy in self.program.policies:
            rule = None
            if policy.id not in self.exact:
                with self._judgement(policy) as judgement:
                    rule = self._rule(judgement, columns)
            rules.append(rule)
        self.program.rules, self.program.columns = rules, columns.functions

    @contextmanager
    def _judgement(self, policy: Policy) -> Iterator[Judgement]:
        joins = len(self.program.joins)
        try:
            yield Judgement(self.program, policy, lambda part: self.emitter(f"{policy.id} {part}"))
        except TOO_MUCH:
            self.exact.add(policy.id)
            for place in [*self.program.joins][joins:]:
                del self.program.joins[place]

    def _rule(self, judgement: Judgement, columns: _Columns) -> Rule:
        policy, word = judgement.policy, None
        decide = self.function("decide", _PARAMETERS, judgement.decide())
        if not policy.rollup:
            word = self.function("word", (*_PARAMETERS, "told"), judgement.word())
        known = None if looked_up(policy) else columns.of(self.program.touched[policy.id])
        front, aside = judgement.front(Status.FAIL), judgement.front(Status.NOT_APPLICABLE)
        return Rule(decide=decide, word=word, front=front, aside=aside, columns=known)

    def emitter(self, function: str) -> Emitter:
        return Emitter(
            root=self.program.needs[self.program.kind],
            namespace=self.namespace,
            recording=self.recording,
            language=LANGUAGE,
            counts=self.counts.setdefault(function, Counter()),
        )

    def function(self, name: str, parameters: Sequence[str], emitter: Emitter) -> Callable[..., Any]:
        body = [*_places(emitter, emitter.locals), *emitter.body]
        return pyast.compiled(pyast.define(name, parameters, body), self.namespace)


class _Columns:
    """The columns of a program: each value that decides something, once."""

    def __init__(self, writer: _Writer) -> None:
        self.writer, self.emitter = writer, writer.emitter("columns")
        self.functions: list[Callable[..., Any]] = []
        self._numbers: dict[str, int] = {}

    def of(self, touched: Collection[Hashable]) -> list[int] | None:
        """The numbers of the columns that make the key of what is decided by what was touched."""
        found = memo_key.parts(self.emitter, touched)
        return None if found is None else [self._number(part) for part in found]

    def _number(self, part: Value) -> int:
        written = ast.dump(part.code)
        if written not in self._numbers:
            self._numbers[written] = len(self.functions)
            self.functions.append(self._function(part))
        return self._numbers[written]

    def _function(self, part: Value) -> Callable[..., Any]:
        out, used = pyast.name("out"), {node.id for node in ast.walk(part.code) if isinstance(node, ast.Name)}
        wanted = {place: name for place, name in self.emitter.locals.items() if name in used}
        add = pyast.do(pyast.call(pyast.attribute(out, "append"), part.code))
        loop = pyast.each(pyast.name("r"), pyast.name("rows"), [*_places(self.emitter, wanted), add])
        told = out if part.is_text or part.is_truth else pyast.call(self.emitter.uses(runtime.telling), out)
        body = [pyast.assign(out, pyast.list_([])), loop, pyast.give(told)]
        return pyast.compiled(pyast.define("column", ("rows", "account"), body), self.writer.namespace)


def _places(emitter: Emitter, wanted: Mapping[int, str]) -> Iterator[ast.stmt]:
    """Local variables for the places that fields alone lead to, and for what is shared."""
    root = emitter.root

    def below(need: Need, holder: ast.Name, *, null: bool) -> Iterator[ast.stmt]:
        for child in need.fields.values():
            target = pyast.name(wanted.get(id(child), f"w{id(child)}"))
            inner = list(below(child, target, null=True))
            if id(child) not in wanted and not inner:
                continue
            found = pyast.attribute(holder, child.label)
            yield pyast.assign(
                target, pyast.choose(pyast.is_(holder, pyast.NONE), pyast.NONE, found) if null else found
            )
            yield from inner

    for place, name in ((root.config, "c"), (root.tags, "tags")):
        yield pyast.assign(pyast.name(name), pyast.attribute(pyast.name("r"), place.label))
        yield from below(place, pyast.name(name), null=False)
    yield from (pyast.assign(kept, pyast.name("unset")) for kept in emitter.shared.values())
