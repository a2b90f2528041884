"""Filter patterns of CloudWatch Logs: what they say, however they are written, and what they cover."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.filter_cover import filter_covers, filter_covers_part
from stillframe.engine.functions.filter_pattern import DEPTH, Every, Glob, Pattern, Regex, Some, Test, read_pattern
from stillframe.snapshot.model import Unknown

Test.__test__ = False  # not one of pytest's


def one(field: str, operator: str, operand: Any = "") -> Test:
    return Test(tuple(field.split(".")), operator, Glob(operand) if operator in ("=", "!=") else operand)


A, B, C = one("a", "=", "x"), one("b", "!=", "y"), one("c", "NOT EXISTS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ $.a = x }", A),
        ("{$.a=x}", A),
        ('  {( ($.a)=("x") )}  '.replace("($.a)", "$.a").replace('("x")', '"x"'), A),
        ("{ $.a = x && $.b != y }", Every((A, B))),
        ("{$.a=x&&$.b!=y}", Every((A, B))),
        ("{ ($.a = x) && (($.b != y) && $.c NOT EXISTS) }", Every((A, B, C))),
        ("{ $.a = x || $.b != y && $.c NOT EXISTS }", Some((A, Every((B, C))))),
        ("{ ($.a = x || $.b != y) && $.c not exists }", Every((Some((A, B)), C))),
        ("{ ($.a = x) ||\n ($.b != y) ||\t($.c NOT EXISTS) }", Some((A, B, C))),
        ("{ $.a EXISTS }", one("a", "EXISTS")),
        ("{ $.a IS TRUE }", one("a", "IS", "TRUE")),
        ("{ $.a is null }", one("a", "IS", "NULL")),
        ("{ $.a = EXISTS }", one("a", "=", "EXISTS")),
        ("{ $.a >= 10 }", Test(("a",), ">=", 10.0)),
        ("{ $.a < 1.5e3 }", Test(("a",), "<", 1500.0)),
        ("{ $.a = 10 }", Test(("a",), "=", 10.0)),
        ('{ $.a = "10" }', one("a", "=", "10")),
        ("{ $.a = 10.0.*.1 }", one("a", "=", "10.0.*.1")),
        ('{ $.a = "say \\"no\\" \\\\ && $.b = (x)" }', one("a", "=", 'say "no" \\ && $.b = (x)')),
        ("{ $.a = %^(Create|Delete)% }", Test(("a",), "=", Regex("^(Create|Delete)"))),
        ("{ $.a.b[0].c-d = x }", Test(("a", "b", "[0]", "c-d"), "=", Glob("x"))),
        ("{ $['a'].[\"b\"] = x }", Test(("a", "b"), "=", Glob("x"))),
        ("", Every(())),
        ("ERROR", None),
        ('"ConsoleLogin" "Failed authentication"', None),
        ("[ip, user, status=4*]", None),
    ],
)
def test_a_pattern_says_the_same_however_it_is_written(text, expected):
    assert read_pattern(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = x && }",
        "{ $.a = x & $.b = y }",
        "{ ($.a = x }",
        "{ $.a = x) }",
        "{ $.a = x $.b = y }",
        "{ a = x }",
        "{ $.a NOT x }",
        "{ $.a IS x }",
        "{ $.a < x }",
        '{ $.a = "x }',
        "{ $ = x }",
        "{" + "(" * (DEPTH + 1) + "$.a = x" + ")" * (DEPTH + 1) + "}",
    ],
)
def test_what_is_no_pattern_is_an_error(text):
    with pytest.raises(EvaluationError, match="no filter pattern"):
        read_pattern(text)


@pytest.mark.parametrize(
    ("patterns", "required", "expected"),
    [
        (["{ $.a = x }"], "{ $.a = x }", True),
        (["{ $.a = x }"], "{ $.a = y }", False),
        (["{ $.a = X }"], "{ $.a = x }", False),
        ([], "{ $.a = x }", False),
        ([""], "{ $.a = x }", True),
        (["{ $.a = x }"], "", False),
        (["x"], "{ $.a = x }", False),
        # Broader and narrower
        (["{ $.a = x || $.b = y }"], "{ $.a = x }", True),
        (["{ $.a = x && $.b = y }"], "{ $.a = x }", False),
        (["{ $.a = x }"], "{ $.a = x && $.b = y }", True),
        (["{ $.a = x }"], "{ $.a = x || $.b = y }", False),
        (["{ $.a = x && ($.b = y || $.b = z) }"], "{ $.a = x && $.b = z || $.b = y && $.a = x }", True),
        # Together
        (["{ $.a = x }", "{ $.a = y }"], "{ $.a = x || $.a = y }", True),
        (["{ $.a = x }", "{ $.a = z }"], "{ $.a = x || $.a = y }", False),
        # Texts with stars
        (["{ $.a = x* }"], "{ $.a = xy }", True),
        (["{ $.a = xy }"], "{ $.a = x* }", False),
        (["{ $.a = *ab*ba }"], "{ $.a = aba }", False),
        (["{ $.a = * }"], "{ $.a = x }", True),
        (["{ $.a = a*b*c }"], "{ $.a = axc }", False),
        # What one test says of another
        (["{ $.a != y }"], "{ $.a = x }", True),
        (["{ $.a != x }"], "{ $.a = x }", False),
        (["{ $.a != x* }"], "{ $.a = xy }", False),
        (["{ $.a != xy }"], "{ $.a = x* }", False),
        (["{ $.a != xy }"], "{ $.a != x* }", True),
        (["{ $.a != x* }"], "{ $.a != xy }", False),
        (["{ $.a EXISTS }"], "{ $.a = x }", True),
        (["{ $.a EXISTS }"], "{ $.a > 1 }", True),
        (["{ $.a NOT EXISTS }"], "{ $.a = x }", False),
        (["{ $.a IS TRUE }"], "{ $.a IS TRUE }", True),
        (["{ $.a IS TRUE }"], "{ $.a IS FALSE }", False),
        (["{ $.b = x }"], "{ $.a = x }", False),
        # Numbers and regular expressions
        (["{ $.a > 1 }"], "{ $.a = 2 }", True),
        (["{ $.a > 2 }"], "{ $.a = 2 }", False),
        (["{ $.a >= 2.0 }"], "{ $.a = 2 }", True),
        (["{ $.a = 2.0 }"], "{ $.a = 2 }", True),
        (["{ $.a = 3 }"], "{ $.a = 2 }", False),
        (["{ $.a > 1 }"], "{ $.a > 2 }", True),
        (["{ $.a > 2 }"], "{ $.a > 1 }", False),
        (["{ $.a > 1 || $.a <= 1 }"], "{ $.a = 2 }", True),
        (['{ $.a = "2" }'], "{ $.a = 2 }", False),
        (["{ $.a = %^Create% }"], "{ $.a = CreateTrail }", True),
        (["{ $.a = %^Create% }"], "{ $.a = DeleteTrail }", False),
        (["{ $.a = %^Create% }"], "{ $.a = Create* }", True),
        (["{ $.a = %^Create% }"], "{ $.a = *Create }", False),
        (["{ $.a = %Create% }"], "{ $.a = *Create }", True),
        (["{ $.a = *Create }"], "{ $.a = %Create$% }", True),
        (["{ $.a = *Create }"], "{ $.a = %Create% }", False),
        (["{ $.a = %[CD]e?[lr]% }"], "{ $.a = %^(Create|Delete)% }", True),
        (["{ $.a = %^[A-Z][a-z]{3}% }"], "{ $.a = %^[C-F]rea% || $.a = Dele* }", True),
        (["{ $.a = %^\\w+$% }"], "{ $.a = Create* }", False),
        (["{ $.a != %Create% }"], "{ $.a = Delete }", True),
        (["{ $.a = Create* || $.a != %^Create% }"], "{ $.a = * }", True),
        (["{ $.a != %^Create% }"], "{ $.a = DeleteTrail }", True),
        (["{ $.a = %x% }"], "{ $.a = %x% }", True),
        (["{ $.a = x }"], "{ $.a = %x% }", False),
    ],
)
def test_what_is_covered(patterns, required, expected):
    assert filter_covers(patterns, required) is expected


@pytest.mark.parametrize(
    ("pattern", "required"),
    [
        ("{ $.a = a*b }", "{ $.a = axb }"),
        ("%x%", "{ $.a = x }"),
        ("{ $.a EXISTS }", "{ $.a != x }"),
        ("{ $.a != x }", "{ $.a NOT EXISTS }"),
        ("{ $.a EXISTS }", "{ $.a.b = x }"),
        ("{ $.a = %a{1,200}% }", "{ $.a = a* }"),
        ("{ $.a = %\\bx% }", "{ $.a = *x }"),
        ("{ $.a = %x.{15}y% || $.a != %x.{15}y% }", "{ $.a = * }"),
    ],
)
def test_what_aws_does_not_say_or_takes_too_long_is_unknown(pattern, required):
    assert isinstance(filter_covers([pattern], required), Unknown)


def test_patterns_cover_together_what_none_covers_alone():
    assert filter_covers(["{ $.a = x && $.b IS TRUE }", "{ $.a = x && $.b = * }"], "{ $.a = x }") is False
    halves = ["{ $.a = x && $.b EXISTS }", "{ $.a = x && $.b NOT EXISTS }"]
    assert filter_covers(halves, "{ $.a = x }") is True
    assert filter_covers(halves[:1], "{ $.a = x }") is False


def test_of_an_account_all_events_have_its_number():
    own = "{ $.a = x && $.recipientAccountId = 111122223333 }"
    assert filter_covers([own], "{ $.a = x }") is False
    assert (
        filter_covers([own.replace("1111222", '"1111222').replace("3333 }", '3333" }')], "{ $.a = x }", "111122223333")
        is True
    )
    assert filter_covers([own], "{ $.a = x }", "444455556666") is False


def test_what_cannot_be_known_is_unknown_unless_something_else_decides():
    lost = Unknown.because("AccessDenied: logs:DescribeMetricFilters")
    assert filter_covers(lost, "{ $.a = x }") is lost
    assert filter_covers([lost], "{ $.a = x }") == lost
    assert filter_covers([lost, "{ $.a = x }"], "{ $.a = x }") is True
    assert filter_covers([lost, "{ $.a = x }"], "{ $.a = x || $.a = y }") == lost
    unread = filter_covers(["{ $.a ~ x }"], "{ $.a = x }")
    assert isinstance(unread, Unknown)
    assert str(unread) == "no filter pattern: { $.a ~ x }"
    assert isinstance(filter_covers(["{ $.a = %(% }"], "{ $.a = x }"), Unknown)
    assert filter_covers(["{ $.a ~ x }", "{ $.a = * }"], "{ $.a = x }") is True


@pytest.mark.parametrize(
    ("patterns", "required", "message"),
    [
        (None, "{ $.a = x }", "takes a list of filter patterns, not null"),
        ([1], "{ $.a = x }", "takes text, not a number"),
        ([], 1, "takes text, not a number"),
        ([], "x", "no pattern of fields is required"),
        ([], "{ $.a }", "no filter pattern"),
        ([], "{" + " && ".join(["($.a = x || $.b = y)"] * 40) + "}", "more than 1000 alternatives are required"),
    ],
)
def test_an_argument_that_can_never_be_right_is_an_error(patterns, required, message):
    with pytest.raises(EvaluationError, match=re.escape(message)):
        filter_covers(patterns, required)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.a = x }", True),
        ("{ $.a = x || $.b = y }", True),
        ("", True),
        ("{ $.a = z }", False),
        ("{ $.a = x && $.c = z }", False),
        ("x", False),
    ],
)
def test_a_pattern_covers_a_part(pattern, expected):
    required = "{ $.a = x || $.a = y && $.b = z }"
    assert filter_covers_part(pattern, required) is expected
    assert filter_covers([pattern], required) is (pattern == "")


def test_what_part_a_pattern_covers_may_be_unknown():
    lost = Unknown.because("lost")
    assert filter_covers_part(lost, "{ $.a = x }") is lost
    assert filter_covers_part("{ $.a = x }", lost) is lost
    assert isinstance(filter_covers_part("{ $.a ~ x }", "{ $.a = x }"), Unknown)


def test_no_pattern_takes_long():
    started = time.perf_counter()
    filter_covers(["{ $.a = " + "*a" * 500 + "*b }"], "{ $.a = " + "a" * 20_000 + " }")
    assert time.perf_counter() - started < 1


# ------------------------------------------------------------------------------------- any pattern at all

OPERANDS = st.text("ab*", max_size=3)
TESTS = st.one_of(
    st.builds(one, st.sampled_from(["f", "g.h"]), st.sampled_from(["=", "!="]), OPERANDS),
    st.builds(one, st.sampled_from(["f", "g.h"]), st.sampled_from(["EXISTS", "NOT EXISTS"])),
)
PATTERNS = st.recursive(
    TESTS,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([Every, Some]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)
SPACES = st.sampled_from(["", " ", "  ", "\n\t"])


def flat(pattern: Pattern) -> Pattern:
    """What says the same, with no `Every` right in an `Every`."""
    if isinstance(pattern, Test):
        return pattern
    parts = [flat(part) for part in pattern.parts]
    kind = type(pattern)
    return kind(tuple(inner for part in parts for inner in (part.parts if isinstance(part, kind) else [part])))


def written(pattern: Pattern, draw: Any) -> str:
    """A pattern as somebody may write it."""

    def space() -> str:
        return draw(SPACES)

    if isinstance(pattern, Test):
        name = "$." + ".".join(pattern.field)
        if not isinstance(pattern.operand, Glob):
            text = f"{name} {pattern.operator}"
        else:
            bare = pattern.operand.text and draw(st.booleans())
            operand = pattern.operand.text if bare else f'"{pattern.operand.text}"'
            text = f"{name}{space()}{pattern.operator}{space()}{operand}"
    else:
        sign = "&&" if isinstance(pattern, Every) else "||"
        text = sign.join(
            f"{space()}({inner})" if isinstance(part, Some) else f"{space()}{inner} "
            for part, inner in ((part, written(part, draw)) for part in pattern.parts)
        )
    return f"({space()}{text}{space()})" if draw(st.booleans()) else text


@given(st.data(), PATTERNS)
@settings(max_examples=100)
def test_whatever_is_written_is_read(data, pattern):
    assert read_pattern("{" + written(pattern, data.draw) + "}") == flat(pattern)
