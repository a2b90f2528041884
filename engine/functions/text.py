"""Functions of text: its parts, patterns, and JSON that is kept in it."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from ...snapshot.format import TOO_DEEP, too_deep
from ...snapshot.model import Json
from ..errors import EvaluationError
from .arguments import kind, text, whole


def lower(value: Json) -> str:
    return text("lower", value).lower()


def split(value: Json, separator: Json, count: Json = None) -> list[str]:
    """The parts between separators; with a count, between so many of them."""
    subject, between = text("split", value), text("split", separator)
    if not between:
        raise EvaluationError("split(): the separator is empty")
    return subject.split(between, -1 if count is None else whole("split", count))


def join(separator: Json, items: Json) -> str:
    """The items with the separator between them: text as it is, anything else as JSON, as templates do."""
    if not isinstance(items, list):
        raise EvaluationError(f"join() takes a list, not {kind(items)}")
    return text("join", separator).join(as_text(item) for item in items)


def as_text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def matches(value: Json, expression: Json) -> bool:
    """Whether a regular expression is found somewhere in a text."""
    return regex(expression).search(text("matches", value).encode()) is not None


def regex(expression: Json, function: str = "matches") -> Any:
    """Compile a regular expression. Raises EvaluationError."""
    return _compiled(text(function, expression), function)


_PATTERN = 4096  # characters: what is larger takes memory and time beyond what it says


@lru_cache(maxsize=1024)
def _compiled(expression: str, function: str) -> Any:
    # RE2 takes time linear in the text, whatever the expression: names in a snapshot are not ours to trust.
    import re2

    if len(expression) > _PATTERN:
        raise EvaluationError(f"{function}(): a regular expression of more than {_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = function == "matches"
    try:
        return re2.compile(expression.encode(), options)  # as bytes: half the time
    except (re2.error, UnicodeError) as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise EvaluationError(f"{function}(): not a regular expression of RE2: {detail}") from None


def to_number(value: Json) -> int | float | None:
    """The number that a text is in JSON, as JMESPath's specification has it; null for any other text or value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return value
    if not _NUMBER(value):
        return None
    try:
        number = float(value) if set(value) & set(".eE") else int(value)
        return number if isfinite(number) else None
    except (ValueError, OverflowError):  # of more digits than a number has
        return None


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?").fullmatch


def parse_json(value: Json) -> Json:
    """The value that a text of JSON stands for."""
    encoded = text("parse_json", value).encode()
    if too_deep(encoded):
        raise EvaluationError(f"parse_json(): {TOO_DEEP}")
    try:
        return msgspec.json.decode(encoded)
    except msgspec.DecodeError as error:
        raise EvaluationError(f"parse_json(): not JSON: {error}") from None


def arn(value: Json) -> Json:
    """The parts of an ARN; null for text that is not one.

    arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, as in the AWS General Reference.
    """
    return _arn(text("arn", value))


@lru_cache(maxsize=1024)  # what resources refer to is often the same
def _arn(value: str) -> Json:
    parts = value.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    return dict(zip(("partition", "service", "region", "account", "resource"), parts[1:], strict=True))
