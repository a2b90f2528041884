"""Whether patterns cover another one, held against a matcher that tries them on events.

The matcher knows nothing of the product's code. Random patterns are so short that, where there is an event that
is required and not matched, there is one among those that it tries. `--sweep` tries a hundred thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random
from typing import Any

import pytest
from stillframe.engine.functions.automaton import kinds, texts_like
from stillframe.engine.functions.budget import Work
from stillframe.engine.functions.filter_cover import WORK, filter_covers
from stillframe.engine.functions.filter_regex import texts_with
from stillframe.snapshot.model import Unknown

LETTERS = "ab\N{LATIN SMALL LETTER O WITH STROKE}"
TEXTS = ["".join(letters) for length in range(6) for letters in product(LETTERS, repeat=length)]
TEXTS += ["a*b".join(around) for around in product(TEXTS[:13], repeat=2)]
ABSENT, NESTED = object(), object()
VALUES = [ABSENT, NESTED, None, True, False, 0.0, 1.0, 2.0, 3.0, "0", "1", "1.75", "2", "3", "3.5", *TEXTS]
FIELDS = ("f", "g.h", "i[0]")
WORLDS = [(star, absent) for star in (True, False) for absent in (True, False)]
Condition = tuple[Any, ...]  # ("&&" or "||", conditions), or (field, operator, operand)


# ------------------------------------------------------------------------------------------------ what is written


def regex(random: Random) -> str:
    pieces = ["a", "b", ".", "[ab]", "[^a]", r"\w", r"\W", "[a-b]"]
    repeats = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}"]
    branches = [
        random.choice(["", "", "^"])
        + "".join(random.choice(pieces) + random.choice(repeats) for _ in range(random.choice([1, 1, 2])))
        + random.choice(["", "", "$"])
        for _ in range(random.choice([1, 1, 1, 2]))
    ]
    return "|".join(branches)


def glob(random: Random) -> str:
    return random.choice(["", "*", "*"]) + random.choice(["a", "b", "ab", "aa", "a*b"]) + random.choice(["", "*"])


def condition(random: Random) -> Condition:
    field = random.choice(FIELDS)
    operator = random.choice(["=", "=", "=", "!=", "EXISTS", "NOT EXISTS", "IS TRUE", "IS NULL", ">"])
    if operator == ">":
        return field, operator, str(random.choice([1, 2.5]))
    if operator not in ("=", "!="):
        return field, operator, ""
    return field, operator, random.choice([f'"{glob(random)}"', f'"{glob(random)}"', f"%{regex(random)}%", "1", '"*"'])


def pattern(random: Random, depth: int) -> Condition:
    if not depth or random.random() < 0.3:
        return condition(random)
    return random.choice(["&&", "||"]), [pattern(random, depth - 1) for _ in range(random.choice([1, 2, 3]))]


def written(condition: Condition) -> str:
    if len(condition) == 3:
        return " ".join((f"$.{condition[0]}", *condition[1:])).strip()
    return f" {condition[0]} ".join(f"({written(each)})" for each in condition[1])


# ---------------------------------------------------------------------------------------------- what an event is


def passes(operator: str, operand: str, value: Any, *, star: bool, absent: bool) -> bool:
    """AWS's text, and for what is not in it two ways each."""
    match operator:
        case "EXISTS":
            return value is not ABSENT
        case "NOT EXISTS":
            return value is ABSENT
        case "IS TRUE":
            return value is True
        case "IS NULL":
            return value is None
        case "!=" if value is ABSENT:
            return absent
        case "!=":
            return value is not NESTED and not passes("=", operand, value, star=star, absent=absent)
        case ">":
            return number(value) and float(value) > float(operand)
    if operand[0] == "%":
        return isinstance(value, str) and re.search(operand[1:-1], value, re.ASCII) is not None
    if operand[0] != '"':
        return number(value) and float(value) == float(operand)
    if type(value) is float:
        return operand == '"*"'
    inner = operand[1:-1]
    starts, ends = inner[0] == "*", inner[-1] == "*" and len(inner) > 1
    middle = inner[starts : len(inner) - ends]
    written = ".*".join(map(re.escape, middle.split("*"))) if star else re.escape(middle)
    whole = f"{'.*' * starts}{written}{'.*' * ends}"
    return isinstance(value, str) and re.fullmatch(whole, value) is not None


def number(value: Any) -> bool:
    return type(value) is float or (isinstance(value, str) and value.replace(".", "").isdigit())


def inside(condition: Condition) -> Iterator[Condition]:
    if len(condition) == 3:
        yield condition
    else:
        for each in condition[1]:
            yield from inside(each)


def matched(condition: Condition, truths: dict[Condition, bool]) -> bool:
    if len(condition) == 3:
        return truths[condition]
    return (all if condition[0] == "&&" else any)(matched(each, truths) for each in condition[1])


@cache
def column(operator: str, operand: str, *, star: bool, absent: bool) -> list[bool]:
    """Of each value that we can think of, whether it passes."""
    return [passes(operator, operand, value, star=star, absent=absent) for value in VALUES]


def covered(patterns: list[Condition], required: Condition, *, star: bool, absent: bool) -> bool:
    """Whether every event that we can think of is matched by some pattern, if it is required."""
    asked = {test for each in [*patterns, required] for test in inside(each)}
    by_field = []
    for field in FIELDS:
        mine = [test for test in asked if test[0] == field]
        seen = set(zip(*(column(*test[1:], star=star, absent=absent) for test in mine), strict=True)) or {()}
        by_field.append([dict(zip(mine, truths, strict=True)) for truths in seen])
    events = ({**first, **second, **third} for first, second, third in product(*by_field))
    return all(any(matched(each, event) for each in patterns) for event in events if matched(required, event))


# ------------------------------------------------------------------------------------------------------ and so


def test_what_covers_does_so_on_every_event_and_what_does_not_misses_one(request):
    count = 100_000 if request.config.getoption("--sweep") else 400
    seen, needless = {True: 0, False: 0, None: 0}, 0
    for seed in range(count):
        random = Random(seed)
        patterns = [pattern(random, 2) for _ in range(random.choice([1, 1, 2]))]
        required = pattern(random, 1)
        if random.random() < 0.5:  # narrower than one of them, as likely as not
            required = "&&", [required, random.choice(patterns)]
        texts = [f"{{ {written(each)} }}" for each in patterns]
        found = filter_covers(texts, f"{{ {written(required)} }}")
        right = {covered(patterns, required, star=star, absent=absent) for star, absent in WORLDS}
        if isinstance(found, Unknown):
            seen[None] += 1
            needless += len(right) == 1 and "too" not in str(found)
        else:
            seen[found] += 1
            assert right == {found}, (seed, texts, written(required), found)
    assert min(seen[True], seen[False]) > count / 5
    assert needless <= count / 500
    print(f"{count} patterns: {seen}, {needless} unknown that need not be")


@pytest.mark.parametrize("glob", ["*a*b*", "*a*b", "a*b*"])
def test_a_star_inside_a_text_is_one_whatever_stars_are_around_it(glob):
    """Whether it is a star or stands for any text: what is around it covers it in both worlds."""
    assert filter_covers([f'{{ $.f = "{glob}" }}'], '{ $.f = "a*b" }') is True


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [("a*b", "axb", None), ("*a*b*", "axb", None), ("a*b*", "a*bx", True), ("*b", "ab", True), ("a*", "b", False)],
)
def test_what_a_star_inside_a_text_matches_is_not_known(glob, text, expected):
    found = filter_covers([f'{{ $.f = "{glob}" }}'], f"{{ $.f = %^{re.escape(text)}$% }}")
    assert (None if isinstance(found, Unknown) else found) is expected


@pytest.mark.parametrize("seed", range(40))
def test_every_kind_of_text_is_found(seed):
    random = Random(seed)
    globs = [glob(random) for _ in range(random.choice([1, 2, 3]))]
    expressions = [regex(random) for _ in range(random.choice([1, 2]))]

    def told(text: str) -> tuple[bool, ...]:
        return (
            *(re.fullmatch(".*".join(map(re.escape, each.split("*"))), text) is not None for each in globs),
            *(re.search(each, text, re.ASCII) is not None for each in expressions),
        )

    languages = [*(texts_like(each.split("*")) for each in globs), *map(texts_with, expressions)]
    found = kinds(languages, Work(WORK, "too much"))
    assert {told(text) for text in TEXTS} <= {told(text) for text in found}
