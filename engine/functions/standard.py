"""The functions that are jmespath.py's own: what they say of wrong arguments is said in our words."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from jmespath.exceptions import JMESPathTypeError
from jmespath.functions import TYPES_MAP, Functions

from ...snapshot.model import Json
from ..errors import EvaluationError
from .arguments import either, kind

_FUNCTIONS = Functions()


def standard(name: str, arguments: Sequence[Json]) -> Json:
    """Call a function that is jmespath.py's own. Raises EvaluationError in our words."""
    try:
        found = _FUNCTIONS.call_function(name, arguments)
    except JMESPathTypeError as error:
        raise EvaluationError(f"{name}() takes {_wrong_kind(error)}") from None
    except TypeError:  # of min_by and max_by
        raise EvaluationError(f"{name}(): text and a number cannot be ordered") from None
    except OverflowError:
        found = inf
    if isinstance(found, float) and not isfinite(found):
        raise EvaluationError(f"{name}(): the numbers are too large")
    return found


def _wrong_kind(error: JMESPathTypeError) -> str:
    wanted, given = [_KINDS[each] for each in error.expected_types], kind(error.current_value)
    if error.function_name.endswith("_by") and "array" not in error.expected_types:
        return "an &expression that gives numbers, or texts"
    if item := TYPES_MAP.get(error.actual_type):  # Python's name for a type: it is an item of the list
        given = f"one with {'both' if f'array-{item}' in error.expected_types else given}"
    return f"{either(wanted)}, not {given}"


_KINDS = {
    "array": "a list",
    "array-number": "a list of numbers",
    "array-string": "a list of texts",
    "number": "a number",
    "object": "an object",
    "string": "text",
}
