"""What functions are given: `&expressions`, and values that must be of one kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from ...snapshot.model import Json
from ..errors import EvaluationError
from .unknowns import Truth


class _Expression(Struct, frozen=True):
    """An `&expression` argument. jmespath.py knows it by this class name and these two attributes."""

    expression: Any
    visit: Callable[[Any, Json], Json]
    test: Callable[[Any, Json], Truth]

    def value(self, at: Json) -> Json:
        return self.visit(self.expression, at)

    def holds(self, at: Json) -> Truth:
        return self.test(self.expression, at)


def either(words: Sequence[str]) -> str:
    """Words as a choice: `a list, text or null`."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def text(function: str, value: Json) -> str:
    """An argument that must be text. Raises EvaluationError."""
    if not isinstance(value, str):
        raise EvaluationError(f"{function}() takes text, not {kind(value)}")
    return value


def whole(function: str, number: Json, *, signed: bool = False) -> int:
    """An argument that must be a whole number. Raises EvaluationError."""
    if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
        raise EvaluationError(f"{function}() takes a whole number, not {kind(number)}")
    if number < 0 and not signed:
        raise EvaluationError(f"{function}() takes a number that is not negative")
    return max(-_FURTHEST, min(_FURTHEST, int(number)))


_FURTHEST = 1 << 31  # no text is as long


def kind(value: Json) -> str:
    """A value's JMESPath type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "an &expression"
