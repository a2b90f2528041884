"""Traces: each node with what the interpreter says of it, and which of them decide."""

from __future__ import annotations

import pytest
from expressions import DATA, EXPRESSIONS
from hypothesis import given
from stillframe.engine.errors import EvaluationError
from stillframe.engine.language.interpret import holds
from stillframe.engine.language.parser import parse
from stillframe.engine.language.trace import ITEMS, Step, mark, trace
from stillframe.snapshot.model import Unknown

A, B = "111122223333", "444455556666"
UNKNOWN = Unknown.because("denied")
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] \u202eevil \r\n<script>"


def traced(text, at, **scope):
    return trace(parse(text), at, {"snapshot_time": "2026-01-01T00:00:00Z", **scope})


def shape(step: Step):
    """A trace in short: each text with its truth, or else its value."""
    said = "skipped" if step.skipped else "error" if step.error else step.found if step.held is None else step.held
    below = [shape(each) for each in step.below]
    return (step.text, said, below) if below else (step.text, said)


def marked(step: Step) -> set[str]:
    return ({step.text} if step.decides else set()).union(*map(marked, step.below))


def blind(at):
    """The same data, in which some values could not be read."""
    if isinstance(at, dict):
        return {key: blind(value) for key, value in at.items()}
    if isinstance(at, list):
        return [blind(item) for item in at]
    return UNKNOWN if at in ("b", 1.5) else at


def judged(expression, at):
    """What judging says: its truth, or the error."""
    try:
        return holds(expression, at, {"snapshot_time": ""})
    except EvaluationError as error:
        return str(error)


@given(EXPRESSIONS, DATA.map(blind))
def test_a_trace_agrees_with_the_interpreter(text, at):
    try:
        expression = parse(text)
    except EvaluationError:
        return
    step = mark(trace(expression, at, {"snapshot_time": ""}))
    assert (step.error or step.held) == judged(expression, at)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("a", {"a": 1}, ("a", True)),
        ("a && b && c", {"a": 1}, ("a && b && c", False, [("a", True), ("b", False), ("c", "skipped")])),
        ("a || (b || c)", {"c": 1}, ("a || (b || c)", True, [("a", False), ("b", False), ("c", True)])),
        ("!(a.b)", {}, ("!(a.b)", True, [("a.b", False)])),
        ("a == 'x'", {"a": "x"}, ("a == 'x'", True, [("a", "x")])),
        ("a >  b", {"a": 2, "b": 1}, ("a > b", True, [("a", 2), ("b", 1)])),
        (
            "(a || `[]`) == `[]`",
            {},
            ("(a || `[]`) == `[]`", True, [("a || `[]`", [], [("a", None)])]),
        ),
        (
            "length(a[?b].c) > `0`",
            {"a": [{"b": 1, "c": 2}, {}]},
            (
                "length(a[?b].c) > `0`",
                True,
                [
                    (
                        "length(a[?b].c)",
                        1,
                        [("a[?b].c", [2], [("a", [{"b": 1, "c": 2}, {}]), ("[0] b", True), ("[1] b", False)])],
                    )
                ],
            ),
        ),
        (
            "any(a, &@ == 'x')",
            {"a": ["x", "y"]},
            (
                "any(a, &@ == 'x')",
                True,
                [("a", ["x", "y"]), ("[0] @ == 'x'", True, [("@", "x")]), ("[1] @ == 'x'", False, [("@", "y")])],
            ),
        ),
        ("length(a)", {}, ("length(a)", "error", [("a", None)])),
        ("a && length(b)", {}, ("a && length(b)", False, [("a", False), ("length(b)", "skipped")])),
        ("arn(a).account", {}, ("arn(a).account", "error", [("arn(a)", "error", [("a", None)])])),
    ],
)
def test_a_trace_has_each_node_with_its_value(text, at, expected):
    assert shape(traced(text, at)) == expected


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("a && b", {"a": 1}, {"a && b", "b"}),
        ("a && b", {"a": 1, "b": 1}, {"a && b", "a", "b"}),
        ("a && b", {"a": UNKNOWN}, {"a && b", "b"}),
        ("a && b", {"a": UNKNOWN, "b": 1}, {"a && b", "a"}),
        ("a || b", {"a": UNKNOWN, "b": 1}, {"a || b", "b"}),
        ("a || b", {}, {"a || b", "a", "b"}),
        ("!(a && b)", {"a": 1}, {"!(a && b)", "a && b", "b"}),
        ("any(a, &b)", {"a": [{"b": 0}, {"b": False}, UNKNOWN]}, {"any(a, &b)", "[0] b"}),
        ("all(a, &b)", {"a": [{"b": 0}, {"b": False}, UNKNOWN]}, {"all(a, &b)", "[1] b"}),
        ("all(a, &b)", {"a": [{"b": 0}, UNKNOWN]}, {"all(a, &b)", "[1]"}),
        ("length(a) && b", {}, {"length(a) && b", "length(a)"}),
    ],
)
def test_what_decides_is_marked(text, at, expected):
    assert marked(mark(traced(text, at))) == expected


def test_of_many_items_those_that_hold_are_shown():
    items = [{"b": number == 40} for number in range(50)]
    *shown, rest = traced("any(a, &b)", {"a": items}).below[1:]
    assert len(shown) == ITEMS
    assert "[40] b" in [step.text for step in shown]
    assert rest.text == "… and 45 more items"


def test_a_lookup_that_judging_does_not_make_is_not_made():
    class Lookups(dict):
        def __missing__(self, name):
            pytest.fail(f"${name} was read")

    assert trace(parse("a && $bucket"), {}, Lookups()).held is False
    assert trace(parse("any(`[1]`, &@ || $bucket)"), {}, Lookups(snapshot_time="")).held is True
    assert trace(parse("(a || `true`) || $bucket"), {"a": UNKNOWN}, Lookups()).held is True


def test_data_that_is_too_deep_is_an_error():
    at = 1
    for _ in range(3000):
        at = {"a": at}
    assert "nested too deeply" in traced(" == ".join(["to_string(a)"] * 2), at).error
