"""Why an expression has its value: each node of its tree with what the interpreter says of it.

Nothing is evaluated in another way: a step is `value` or `truth` of its node. What the interpreter does not look
at, such as the right of `false && …`, is skipped here too, so that a trace makes no lookup that judging did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from ..functions.table import FUNCTIONS
from ..functions.unknowns import Truth
from .interpret import Scope, truth, truthiness, value
from .node import Node, walk
from .parser import Expression

ITEMS = 5  # of a list: those that decide come first
_LEAVES = frozenset({"field", "variable", "current", "literal", "index", "slice"})


class Step(Struct, frozen=True, kw_only=True):
    """One node: its text and value, and for a condition whether it `held`. `decides` is what `mark` sets."""

    text: str
    found: Json = None
    held: Truth | None = None
    error: str = ""
    skipped: bool = False
    decides: bool = False
    below: tuple[Step, ...] = ()


Visit = Callable[[Node, Json], Step]


def trace(expression: Expression, at: Json, scope: Scope) -> Step:
    """An expression as a condition at a node, with everything below it."""
    return _Tracer(expression, scope).condition(expression.tree, at)


class _Tracer(Struct, frozen=True):
    """The expression, of whose text nodes are spans, and the variables."""

    expression: Expression
    scope: Scope

    def condition(self, node: Node, at: Json) -> Step:
        """A node that is asked whether it holds. Of `&&`, `||` and `!` the value is not asked for: it may want more."""
        match node.type:
            case "and_expression" | "or_expression":
                below = self._each(node, at, self.condition, lambda step: step.held)
                return self._held(Step(text=self._said(node), below=below), node, at)
            case "not_expression":
                below = (self.condition(node.children[0], at),)
                return self._held(Step(text=self._said(node), below=below), node, at)
            case "let":
                step = self._step(node, at, self._named(node, condition=True))
                return step if step.error else self._held(step, node, at)
            case _:
                step = self._step(node, at, self._below(node, at))
                return step if step.error else self._held(step, node, at)

    def _held(self, step: Step, node: Node, at: Json) -> Step:
        try:
            return replace(step, held=self._guarded(truth, node, at))
        except EvaluationError as error:
            return replace(step, error=str(error))

    def operand(self, node: Node, at: Json) -> Step:
        """A node that is asked for its value."""
        if node.type in ("comparator", "not_expression"):
            return self.condition(node, at)
        if node.type in ("and_expression", "or_expression"):
            below = self._each(node, at, self.operand, lambda step: None if step.error else truthiness(step.found))
        else:
            below = self._below(node, at)
        return self._step(node, at, below)

    def _step(self, node: Node, at: Json, below: Sequence[Step]) -> Step:
        try:
            return Step(text=self._said(node), found=self._guarded(value, node, at), below=tuple(below))
        except EvaluationError as error:
            return Step(text=self._said(node), error=str(error), below=tuple(below))

    def _guarded(self, ask: Callable[[Node, Json, Scope], Json], node: Node, at: Json) -> Json:
        try:
            return ask(node, at, self.scope)
        except RecursionError:
            raise EvaluationError("the data is nested too deeply") from None

    def _each(self, node: Node, at: Json, visit: Visit, held: Callable[[Step], Truth | None]) -> tuple[Step, ...]:
        """The operands of `a && b && …`: those after one that is enough are not looked at."""
        enough = node.type == "or_expression"  # a true one is enough for `or`, a false one for `and`
        steps: list[Step] = []
        decided = False
        for operand in _operands(node, node.type):
            if visit == self.operand and _constant(operand):
                continue  # the whole's text and value show it
            steps.append(Step(text=self._said(operand), skipped=True) if decided else visit(operand, at))
            decided = decided or bool(steps[-1].error) or held(steps[-1]) is enough
        return tuple(steps)

    def _below(self, node: Node, at: Json) -> tuple[Step, ...]:
        """The parts that a value is computed from, but for literals, which the text shows."""
        match node.type:
            case "function_expression":
                return tuple(self._arguments(node, at))
            case "filter_projection":
                base, _, test = node.children
                return self.operand(base, at), *self._items(self._step(base, at, ()).found, test, self.condition)
            case "chain" | "projection" | "value_projection" | "flatten":
                return self._composed(node.children[0], at)
            case "comparator" | "multi_select_list":
                return tuple(self.operand(child, at) for child in node.children if not _constant(child))
            case "multi_select_dict":
                return tuple(self.operand(child.children[0], at) for child in node.children)
            case "let":
                return self._named(node, condition=False)
            case kind if kind in _LEAVES:
                return ()
            case kind:
                raise NotImplementedError(kind)

    def _named(self, node: Node, *, condition: bool) -> tuple[Step, ...]:
        """What a name stands for, which has a text of its own."""
        inner = _Tracer(dict(self.expression.lets)[node.value], self.scope)
        visit = inner.condition if condition else inner.operand
        return (visit(node.children[1], self.scope["self"]),)

    def _composed(self, base: Node, at: Json) -> tuple[Step, ...]:
        """What a path begins with, where that is computed: `arn(TrailARN)` of `arn(TrailARN).account`."""
        if base.type in _LEAVES:
            return ()
        return self._below(base, at) if base.type in ("chain", "flatten") else (self.operand(base, at),)

    def _arguments(self, node: Node, at: Json) -> Iterator[Step]:
        plain = [child for child in node.children if child.type != "expref" and not _constant(child)]
        steps = [self.operand(child, at) for child in plain]
        yield from steps
        items = next((step.found for step in steps if isinstance(step.found, list)), None)
        visit = self.condition if FUNCTIONS[node.value].is_test else self.operand
        for child in node.children:
            if child.type == "expref":
                yield from self._items(items, child.children[0], visit)

    def _items(self, items: Json, test: Node, visit: Visit) -> Iterator[Step]:
        """An expression at each item of a list: the first few, those for which it is not false before others."""
        if not isinstance(items, list):
            return
        steps = [self._item(number, item, test, visit) for number, item in enumerate(items)]
        ranked = sorted(range(len(steps)), key=lambda number: (steps[number].held is False, number))
        for number in sorted(ranked[:ITEMS]):
            yield steps[number]
        if len(steps) > ITEMS:
            yield Step(text=f"… and {len(steps) - ITEMS:,} more items", skipped=True)

    def _item(self, number: int, item: Json, test: Node, visit: Visit) -> Step:
        if isinstance(item, Unknown):
            return Step(text=f"[{number}]", found=item, held=item)
        step = visit(test, item)
        named = f" {item['$id']}" if isinstance(item, dict) and "$id" in item else ""
        return replace(step, text=f"[{number}]{named} {step.text}")

    def _said(self, node: Node) -> str:
        if node.written:
            return " ".join(self.expression.text[node.start : node.end].split())
        inner = "".join(self._said(child) for child in node.children)
        return f"{inner}[]" if node.type == "flatten" else inner or "@"


def mark(step: Step) -> Step:
    """Mark a step as deciding, and below it those on which its truth rests."""
    conditions = [below for below in step.below if _held(below) is not None]
    agreeing = [below for below in conditions if _held(below) == _held(step)]
    negates = len(conditions) == 1 and not agreeing
    deciding = conditions if negates else agreeing
    below = tuple(mark(each) if any(each is one for one in deciding) else each for each in step.below)
    return replace(step, decides=True, below=below)


def _held(step: Step) -> str | bool | None:
    if step.error:
        return "error"
    return "unknown" if isinstance(step.held, Unknown) else step.held


def _operands(node: Node, kind: str) -> Iterator[Node]:
    for child in node.children:
        if child.type == kind:
            yield from _operands(child, kind)
        else:
            yield child


def _constant(node: Node) -> bool:
    return all(each.type in ("literal", "multi_select_list") for each in walk(node))
