"""Complete an expression: what could stand at the cursor, by the types of the fields."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...snapshot.types import Type
from ..errors import EvaluationError
from ..functions.table import FUNCTIONS
from ..language.infer import owner
from ..language.parser import parse

_WORD = re.compile(r"\$?\w*\Z")
_PROBE = "x"  # stands for what is not written yet
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_QUOTES = "'\"`"


def completions(text: str, config: Type, variables: Mapping[str, Type]) -> list[str]:
    """The words that the text before the cursor may end in: fields, functions and variables."""
    found = _WORD.search(text)
    word = found[0] if found else ""
    before = text[: len(text) - len(word)]
    closing = _closing(before)
    if closing is None:
        return []
    if word.startswith("$"):
        return sorted(name for name in (f"${name}" for name in variables) if name.startswith(word))
    fields = _owner(before, closing, config, variables)
    if fields is None:
        return []
    functions = () if before.endswith(".") else (f"{name}(" for name in FUNCTIONS)
    return sorted(name for name in (*fields.members, *functions) if name.startswith(word))


def _owner(before: str, closing: str, config: Type, variables: Mapping[str, Type]) -> Type | None:
    """What a field would be a field of that stood here; None where none can stand."""
    for more in ("", ", @", ", @, @"):  # a function may still want arguments
        try:
            expression = parse(before + _PROBE + (more + closing if closing.startswith(")") else closing))
        except EvaluationError:
            continue
        return owner(expression, config, variables, len(before))
    return None


def _closing(text: str) -> str | None:
    """The brackets that would close what is open; None inside quotes."""
    open_ones: list[str] = []
    quote = ""
    escaped = False
    for char in text:
        if quote:
            quote = "" if char == quote and not escaped else quote
            escaped = char == "\\" and not escaped
        elif char in _QUOTES:
            quote, escaped = char, False
        elif char in _CLOSES:
            open_ones.append(_CLOSES[char])
        elif open_ones and char == open_ones[-1]:
            open_ones.pop()
    return None if quote else "".join(reversed(open_ones))
