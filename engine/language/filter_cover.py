"""Whether filter patterns of CloudWatch Logs match every event that another one matches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind, text
from .filter_pattern import Every, Glob, Pattern, Regex, Some, Test, read_pattern
from .text import regex
from .unknowns import Truth, kleene_all, kleene_any

CASES = 1000  # in how many ways an event may be what is required

Case = tuple[Test, ...]  # what all holds of an event


def filter_covers(patterns: Json, required: Json) -> Truth:
    """Whether each event that `required` matches is matched by one of some patterns, by what they say of its fields.

    Together they may do it, one for each part. What looks for words says nothing of fields, and covers nothing. What
    cannot be read may cover all.
    """
    for argument in (patterns, required):
        if isinstance(argument, Unknown):
            return argument
    if not isinstance(patterns, list):
        raise EvaluationError(f"filter_covers() takes a list of filter patterns, not {kind(patterns)}")
    wanted = text("filter_covers", required)
    count = len(_cases(wanted))
    rows = [
        [each] * count if isinstance(each, Unknown) else _covered(text("filter_covers", each), wanted)
        for each in patterns
    ]
    return kleene_all([kleene_any([row[number] for row in rows]) for number in range(count)])


def filter_covers_part(pattern: Json, required: Json) -> Truth:
    """Whether a pattern does some of what `filter_covers` asks of several: one that does none need not be looked at."""
    for argument in (pattern, required):
        if isinstance(argument, Unknown):
            return argument
    return _covered_part(text("filter_covers_part", pattern), text("filter_covers_part", required))


def check_required(pattern: Json) -> None:
    """Raise EvaluationError for what cannot be required."""
    _cases(text("filter_covers", pattern))


@lru_cache(maxsize=4096)  # the same filters are asked about by policy after policy
def _covered(pattern: str, required: str) -> Sequence[Truth]:
    """Of each case of what is required, whether the pattern matches it."""
    cases = _cases(required)
    try:
        found = read_pattern(pattern)
        return [found is not None and _follows(case, found) for case in cases]
    except EvaluationError as error:
        return [Unknown.because(str(error))] * len(cases)


@lru_cache(maxsize=4096)
def _covered_part(pattern: str, required: str) -> Truth:
    return kleene_any(_covered(pattern, required))


@lru_cache(maxsize=256)
def _cases(required: str) -> Sequence[Case]:
    found = read_pattern(required)
    if found is None:
        raise EvaluationError(f"filter_covers(): no pattern of fields is required, but {required!r}")
    if _count(found) > CASES:
        raise EvaluationError(f"filter_covers(): more than {CASES} alternatives are required")
    return _ways(found)


def _count(pattern: Pattern) -> int:
    match pattern:
        case Test():
            return 1
        case Some(parts):
            return sum(map(_count, parts))
        case Every(parts):
            return prod(map(_count, parts))


def _ways(pattern: Pattern) -> list[Case]:
    """The disjunctive normal form."""
    match pattern:
        case Test():
            return [(pattern,)]
        case Some(parts):
            return [way for part in parts for way in _ways(part)]
        case Every(parts):
            return [tuple(test for way in chosen for test in way) for chosen in product(*map(_ways, parts))]


def _follows(case: Case, pattern: Pattern) -> bool:
    match pattern:
        case Test():
            return any(_entails(known, pattern) for known in case)
        case Every(parts):
            return all(_follows(case, part) for part in parts)
        case Some(parts):
            return any(_follows(case, part) for part in parts)


def _entails(known: Test, asked: Test) -> bool:
    """Whether an event for which one test holds always passes another."""
    if known == asked:
        return True
    if known.field != asked.field:
        return False
    if asked.operator == "EXISTS":
        return known.operator in ("=", *_ORDER)
    if known.operator == "!=":  # what is not a* is not ab
        return asked.operator == "!=" and _within(asked.operand, known.operand) is True
    if known.operator != "=":
        return False
    if asked.operator == "=":
        return _within(known.operand, asked.operand) is True
    if asked.operator == "!=":
        return _within(known.operand, asked.operand) is False
    order = _ORDER.get(asked.operator)
    return bool(order and isinstance(known.operand, float) and order(known.operand, asked.operand))


def _within(inner: object, outer: object) -> bool | None:
    """Whether each text that one operand matches is matched by another: True, False if none is, None for some."""
    if not isinstance(inner, Glob):
        return inner == outer if isinstance(inner, float) and isinstance(outer, float) else None
    fixed = "*" not in inner.text
    if isinstance(outer, Regex):
        return regex(outer.text).search(inner.text.encode()) is not None if fixed else None
    if not isinstance(outer, Glob):
        return None
    # A letter that is in neither stands for all that a * may be: only a * can take it.
    matched = _matches(outer.text, inner.text.replace("*", "\0"))
    return True if matched else False if fixed else None


def _matches(glob: str, text: str) -> bool:
    first, *middle = glob.split("*")
    if not middle:
        return text == glob
    at, end = len(first), len(text) - len(middle[-1])
    if at > end or not (text.startswith(first) and text.endswith(middle[-1])):
        return False
    for part in middle[:-1]:  # as early as possible, which leaves most for the others
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
