"""Functions that make other text of a text: those of JMESPath's community specification, and by patterns of RE2."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ...snapshot.model import Json
from ..errors import EvaluationError
from .arguments import text, whole
from .text import regex

WIDEST = 1000  # characters that a text is padded to


def upper(value: Json) -> str:
    return text("upper", value).upper()


def title(value: Json) -> str:
    return text("title", value).title()


def trim(value: Json, characters: Json = "") -> str:
    return text("trim", value).strip(text("trim", characters) or None)


def trim_left(value: Json, characters: Json = "") -> str:
    return text("trim_left", value).lstrip(text("trim_left", characters) or None)


def trim_right(value: Json, characters: Json = "") -> str:
    return text("trim_right", value).rstrip(text("trim_right", characters) or None)


def pad_left(value: Json, width: Json, filling: Json = " ") -> str:
    return text("pad_left", value).rjust(*_padding("pad_left", width, filling))


def pad_right(value: Json, width: Json, filling: Json = " ") -> str:
    return text("pad_right", value).ljust(*_padding("pad_right", width, filling))


def _padding(function: str, width: Json, filling: Json) -> tuple[int, str]:
    if len(text(function, filling)) != 1:
        raise EvaluationError(f"{function}() pads with one character")
    if (size := whole(function, width)) > WIDEST:
        raise EvaluationError(f"{function}() pads to no more than {WIDEST} characters")
    return size, filling


def replace(value: Json, old: Json, new: Json, count: Json = None) -> str:
    times = -1 if count is None else whole("replace", count)
    return text("replace", value).replace(text("replace", old), text("replace", new), times)


def find_first(value: Json, part: Json, start: Json = 0, end: Json = None) -> int | None:
    """Where a part of a text first stands, between places that count from the end where they are negative."""
    found = text("find_first", value).find(*_between("find_first", part, start, end))
    return found if found >= 0 and value and part else None


def find_last(value: Json, part: Json, start: Json = 0, end: Json = None) -> int | None:
    found = text("find_last", value).rfind(*_between("find_last", part, start, end))
    return found if found >= 0 and value and part else None


def _between(function: str, part: Json, start: Json, end: Json) -> tuple[str, int, int | None]:
    first = whole(function, start, signed=True)
    return text(function, part), first, None if end is None else whole(function, end, signed=True)


def capture(value: Json, expression: Json) -> list[str | None] | None:
    """What the groups of a regular expression match, or all of it if it has none; null where it is not found."""
    found = regex(expression, "capture").search(text("capture", value).encode())
    if found is None:
        return None
    groups = found.groups() or (found.group(),)
    return [None if each is None else each.decode() for each in groups]


def substitute(value: Json, expression: Json, replacement: Json) -> str:
    r"""A text with another in place of each match, in which `\1` is what the first group matches."""
    pattern, parts = regex(expression, "substitute"), _parts(text("substitute", replacement))
    if any(isinstance(part, int) and part > pattern.groups for part in parts):
        raise EvaluationError(f"substitute(): the pattern has {pattern.groups} groups")
    encoded = text("substitute", value).encode()
    made, end = list[bytes](), 0
    for found in pattern.finditer(encoded):
        start = found.start()
        made.append(encoded[end:start])
        made += (part if isinstance(part, bytes) else found.group(part) or b"" for part in parts)
        end = found.end()
    return b"".join([*made, encoded[end:]]).decode()


@lru_cache(maxsize=256)
def _parts(replacement: str) -> list[bytes | int]:
    parts = re.split(r"\\(\d)", replacement.replace("\\\\", "\0"))
    return [int(part) if number % 2 else part.replace("\0", "\\").encode() for number, part in enumerate(parts) if part]


def compare_versions(one: Json, other: Json) -> int:
    """-1, 0 or 1: as the first is older than the second, the same, or newer."""
    left, right = (list(_version(text("compare_versions", each))) for each in (one, other))
    size = max(len(left), len(right))
    return _sign([*left, *[_NOTHING] * (size - len(left))], [*right, *[_NOTHING] * (size - len(right))])


def _sign(left: list[Any], right: list[Any]) -> int:
    return (left > right) - (left < right)


_BEFORE = frozenset({"a", "alpha", "b", "beta", "c", "dev", "m", "pre", "preview", "rc", "snapshot"})
_NOTHING = (1, 0, "")
_PART = re.compile(r"[0-9]+|[a-z]+")


def _version(written: str) -> Any:
    """The parts of a version: numbers by their value, what comes before a release before nothing, other words after."""
    lowered = written.strip().lower()
    if not re.match(r"v?[0-9]", lowered) or len(lowered) > 200:
        raise EvaluationError(f"compare_versions(): {written[:50]!r} is no version")
    for part in _PART.findall(lowered.removeprefix("v").partition("+")[0]):
        if part.isdigit():
            yield (1, int(part), "")
        else:
            yield (0, 0, part) if part in _BEFORE else (1, 0, part)
