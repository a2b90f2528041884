"""Call a function of the table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import _Expression
from .function import Argument, Fields, Function
from .standard import standard
from .table import FUNCTIONS
from .unknowns import unknown_in


class _Undecided(Exception):  # noqa: N818 - not an error: the way an unknown leaves jmespath.py's own loops
    def __init__(self, unknown: Unknown) -> None:
        self.unknown = unknown


def call(name: str, arguments: Sequence[Json], snapshot_time: str) -> Json:
    """Call a function of the table. Raises EvaluationError where the arguments are of the wrong kind."""
    function = FUNCTIONS[name]
    try:
        if function.narrows:
            arguments = _narrowed(function, arguments)
        if function.run is not None and function.aware:
            return function.run(*arguments)
        gaps = [gap for argument in arguments if (gap := unknown_in(argument)) is not None]
        if gaps:
            return Unknown.merge(gaps)
        if function.run is None:
            return standard(name, [_decided(argument) for argument in arguments])
        return function.run(*arguments, snapshot_time) if function.timed else function.run(*arguments)
    except _Undecided as undecided:
        return undecided.unknown
    except (TypeError, ValueError, AttributeError, LookupError):
        raise EvaluationError(f"{name}() has no value for these arguments") from None


def _narrowed(function: Function, arguments: Sequence[Json]) -> Sequence[Json]:
    """Arguments without the fields that a function does not read: so the table says no less than it does."""
    takes = chain(function.takes, repeat(function.takes[-1]))
    return [_narrow(argument, each) for argument, each in zip(takes, arguments, strict=False)]


def _narrow(argument: Argument, value: Json) -> Json:
    if argument.rows and isinstance(value, list):
        return [_members(row, argument.rows) for row in value]
    return _members(value, argument.members) if argument.members else value


def _members(value: Json, fields: Fields) -> Json:
    return {field: value.get(field) for field in fields} if isinstance(value, dict) else value


def _decided(argument: Json) -> Json:
    """An &expression for jmespath.py's own functions, which know no unknown."""
    if not isinstance(argument, _Expression):
        return argument

    def visit(expression: Any, at: Json) -> Json:
        value = argument.visit(expression, at)
        if (gap := unknown_in(value)) is not None:
            raise _Undecided(gap)
        return value

    return _Expression(argument.expression, visit, argument.test)
