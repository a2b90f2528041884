"""Values of a field of an event, as filter patterns of CloudWatch Logs tell them apart.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. What AWS does not say is a
`World`: patterns are compared in each of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Any

from msgspec import Struct

from ..errors import EvaluationError
from .automaton import OTHER, kinds, texts_like
from .budget import Work
from .filter_pattern import NUMBER, Glob, Regex, Test
from .filter_regex import texts_with
from .text import regex


class Odd(Enum):
    """What a field can be, beside text, a number, true, false and null."""

    ABSENT = "not there"
    NESTED = "an object or a list"


Value = str | float | bool | None | Odd


class World(Struct, frozen=True):
    """What AWS may do where its text does not say. An earlier one had `Ev*ent` match only `Ev*ent`."""

    inner_star: bool  # a * inside a text stands for any text
    absent_differs: bool  # a field that is not there is != anything

    def differs(self, tests: Sequence[Test]) -> bool:
        """Whether these tests are to be looked at in this world: others are like it if nothing depends on it."""
        return (self.inner_star or any(map(_has_inner_star, tests))) and (
            self.absent_differs or any(test.operator == "!=" for test in tests)
        )


WORLDS = tuple(World(inner_star=inner, absent_differs=absent) for inner in (True, False) for absent in (True, False))


def holds(test: Test, value: Value, world: World) -> bool:
    """Whether a value passes a test."""
    match test.operator:
        case "EXISTS":
            return value is not Odd.ABSENT
        case "NOT EXISTS":
            return value is Odd.ABSENT
        case "IS":
            return value is _WORDS[str(test.operand)]
        case "=":
            return _equal(test.operand, value, world)
        case "!=" if value is Odd.ABSENT:
            return world.absent_differs
        case "!=":
            return value is not Odd.NESTED and not _equal(test.operand, value, world)
        case order:
            number = _number(value)
            return number is not None and _ORDER[order](number, test.operand)


def values(asked: Sequence[Test], others: Sequence[Test], world: World, work: Work, *, exact: bool) -> list[Value]:
    """Values of a field: if exact, one of each kind that tests tell apart, or no more than pass what is asked.

    Raises EvaluationError for too many kinds, and for regular expressions that cannot be read.
    """
    for operand in (test.operand for test in asked if test.operator == "="):
        if isinstance(operand, float):
            return _texts(operand)
        if isinstance(operand, Glob) and len(_parts(operand, world)) == 1:
            return [operand.text]
    tests = [*asked, *others]
    operands = {test.operand: None for test in tests if isinstance(test.operand, Glob | Regex)}
    examples = list(_examples(operands, world))
    plain = all(len(_parts(operand, world)) == 1 for operand in operands)
    if exact and not plain:
        if any(isinstance(test.operand, float) for test in tests):
            raise EvaluationError("too much is asked of one field: numbers, and kinds of texts")
        examples = kinds([_language(operand, world) for operand in operands], work)
    return [*Odd, None, True, False, *_numbers(tests), *examples]


def _equal(operand: object, value: Value, world: World) -> bool:
    if isinstance(operand, float):
        return _number(value) == operand
    if isinstance(operand, Regex):
        return isinstance(value, str) and regex(operand.text).search(value.encode()) is not None
    if isinstance(value, float):
        return operand == Glob("*")  # as in AWS's own example, { $.latency = * }
    return isinstance(value, str) and _matches(_parts(operand, world), value)


def _parts(operand: object, world: World) -> list[str]:
    """A text at its stars; no parts of what is no text."""
    if not isinstance(operand, Glob):
        return []
    if world.inner_star or not _inner_star(operand.text):
        return operand.text.split("*")
    before, after = operand.text.startswith("*"), operand.text.endswith("*")
    return [*([""] * before), operand.text[before : len(operand.text) - after], *([""] * after)]


def _inner_star(text: str) -> bool:
    return "*" in text[1:-1]


def _has_inner_star(test: Test) -> bool:
    return isinstance(test.operand, Glob) and _inner_star(test.operand.text)


def _matches(parts: Sequence[str], text: str) -> bool:
    first, *middle = parts
    if not middle:
        return text == first
    at, end = len(first), len(text) - len(middle[-1])
    if at > end or not (text.startswith(first) and text.endswith(middle[-1])):
        return False
    for part in middle[:-1]:  # as early as possible, which leaves most for the others
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _examples(operands: Mapping[Glob | Regex, None], world: World) -> Iterator[str]:
    """Each text as it is, and with its stars standing for something; and one that is none of them."""
    for operand in operands:
        parts = _parts(operand, world)
        yield from dict.fromkeys(star.join(parts) for star in ("", OTHER)) if parts else ()
    yield OTHER * (1 + max((len(operand.text) for operand in operands), default=0))


def _language(operand: Glob | Regex, world: World) -> Any:
    return texts_with(operand.text) if isinstance(operand, Regex) else texts_like(_parts(operand, world))


def _number(value: Value) -> float | None:
    """A number, or what a text has of one: AWS's own example is { $.recipientAccountId = 123456789012 }."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return float(value)
    return value if isinstance(value, float) else None


def _texts(number: float) -> list[Value]:
    return [number, f"{number:.17g}"]


def _numbers(tests: Sequence[Test]) -> list[Value]:
    named = sorted({test.operand for test in tests if isinstance(test.operand, float)})
    between = [(low + high) / 2 for low, high in pairwise(named)]
    found = [*named, *between, named[0] - 1, named[-1] + 1] if named else [0.0]
    return [value for number in found for value in _texts(number)]


_WORDS: Mapping[str, Value] = {"NULL": None, "TRUE": True, "FALSE": False}
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
