"""The exact path against jmespath.py, and against every world an unknown may stand for."""

from __future__ import annotations

import copy

import pytest
from expressions import (
    DATA,
    EXPRESSIONS,
    LIST,
    OF_LISTS,
    SCALARS,
    TYPED,
    TYPED_DATA,
    WITH_OURS,
    reference,
)
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from often import LONG
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.unknowns import unknown_in
from stillframe.engine.language.interpret import evaluate, holds
from stillframe.engine.language.parser import check_variables, parse
from stillframe.snapshot.model import Unknown

SCOPE = {"snapshot_time": "2026-01-01T00:00:00Z", "params": {"n": 3}}
GAP = Unknown.because("AccessDenied: x:Get")


def ours(expression, data):
    try:
        return ("value", evaluate(parse(expression), data, SCOPE))
    except EvaluationError as error:
        assume("write !(a.b)" not in str(error))  # we refuse what jmespath.py reads as (!a).b
        return ("error", None)


@settings(max_examples=LONG or 150)
@given(EXPRESSIONS, DATA)
def test_without_unknowns_it_says_what_jmespath_says(expression, data):
    expected, found = reference(expression, data), ours(expression, data)
    assert repr(found) == repr(expected)  # 1 == True in Python, so compare what is printed


UNKNOWN_DATA = st.recursive(
    st.one_of(SCALARS, SCALARS, st.just(GAP)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=10,
)
ABSENT = object()


def worlds(data, fill):
    """Data with each unknown replaced: a value by a value, an item of a list by an item or by nothing."""
    if isinstance(data, Unknown):
        return copy.deepcopy(next(fill))
    if isinstance(data, dict):
        return {key: worlds(value, fill) for key, value in data.items()}
    if isinstance(data, list):
        filled = [worlds(item, fill) for item in data]
        return [item for item in filled if item is not ABSENT]
    return data


def assert_decided(expression, seen, world):
    """What is decided of what was seen is so in this world, unless that has no value at all."""
    assume("known(" not in expression)  # it goes by what stands in for the unknown, whatever that may be
    try:
        held, found = holds(parse(expression), seen, SCOPE), evaluate(parse(expression), seen, SCOPE)
    except EvaluationError:
        return
    kind, expected = ours(expression, world)
    if kind == "error" or unknown_in(expected) is not None:  # text that is no policy document, say
        return
    if not isinstance(held, Unknown):
        assert held is (expected not in ("", [], {}, None) and expected is not False)
    if unknown_in(found) is None:
        assert repr(found) == repr(expected)


@settings(max_examples=LONG or 150)
@given(WITH_OURS, UNKNOWN_DATA, st.lists(DATA, min_size=12, max_size=12), st.booleans())
def test_what_is_decided_with_unknowns_holds_in_every_world(expression, data, fill, drop):
    in_lists = _only_in_lists(data)
    assert_decided(expression, data, worlds(data, iter([ABSENT] * 99 if drop and in_lists else fill)))


@settings(max_examples=LONG or 100)
@given(TYPED, TYPED_DATA, st.data())
def test_what_functions_of_addresses_times_and_texts_decide_holds(expression, world, data):
    hidden = data.draw(st.sets(st.sampled_from(sorted(world))))
    assert_decided(expression, {key: GAP if key in hidden else value for key, value in world.items()}, world)


@settings(max_examples=LONG or 150)
@given(OF_LISTS, *[st.lists(st.tuples(LIST, st.booleans()), max_size=4)] * 2, st.sets(st.sampled_from(["a", "b"])))
@example("(unique(a))[-1]", [([1], False), ([0, 1], True)], [], set())
def test_what_functions_of_lists_decide_holds_whatever_is_missing(expression, a, b, hidden):
    """An unknown item stands for any number of items: each part of a list is seen, or is one such item."""
    world, seen = {}, {}
    for name, parts in (("a", a), ("b", b)):
        world[name] = [item for part, _ in parts for item in part]
        seen[name] = [item for part, known in parts for item in (part if known else [GAP])]
        if name in hidden and len(hidden) == 1:
            seen[name] = GAP
    assert_decided(expression, seen, world)


@given(DATA, DATA, st.booleans())
def test_sets_compare_as_equality_does(a, b, same):
    data = {"a": a, "b": copy.deepcopy(a) if same else b}
    equal = evaluate(parse("a == b"), data, SCOPE)
    assert evaluate(parse("difference([a], [b])"), data, SCOPE) == ([] if equal else [a])
    assert evaluate(parse("intersection([a], [b])"), data, SCOPE) == ([a] if equal else [])
    assert len(evaluate(parse("unique([a, b])"), data, SCOPE)) == (1 if equal else 2)


def _only_in_lists(data):
    if isinstance(data, dict):
        return all(not isinstance(value, Unknown) and _only_in_lists(value) for value in data.values())
    if isinstance(data, list):
        return all(isinstance(item, Unknown) or _only_in_lists(item) for item in data)
    return not isinstance(data, Unknown)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a || `true`", True),
        ("a && `false`", False),
        ("`false` && a", False),
        ("a && `true`", GAP),
        ("a || `false`", GAP),
        ("!a", GAP),
        ("a == `1`", GAP),
        ("a.b.c", GAP),
        ("length(rows) > `0`", True),
        ("length(rows) > `1`", GAP),
        ("length(rows) == `1`", GAP),
        ("length(rows).x", False),  # nothing is in a number
        ("length(rows)[0]", False),
        ("length(rows)[:1]", False),
        ("length(rows)[]", False),
        ("length(rows).*", False),
        ("length(rows)[?x]", False),
        ("any(rows, &x == `1`)", True),
        ("any(rows, &x == `2`)", GAP),
        ("all(rows, &x == `2`)", False),
        ("all(rows, &x == `1`)", GAP),
        ("contains(rows[].x, `1`)", True),
        ("contains(rows[].x, `2`)", GAP),
        ("rows", True),
        ("maybes", GAP),
        ("known(a, `5`) == `5`", True),
        ("known(a, none)", GAP),
        ("known(none) == `null`", True),
        ("rows[0].x == `1`", True),
        ("rows[1]", GAP),
        ("rows[?x == `1`]", True),
        ("whole != `null`", True),
        ("whole == whole", GAP),
        ("difference(`[1, 2]`, rows[].x)", GAP),
        ("length(difference(`[1, 2]`, rows[].x)) > `0`", GAP),
        ("contains(difference(`[1, 2]`, rows[].x), `1`)", GAP),
        ("difference(`[1]`, rows[].x)", False),
        ("difference(`[]`, a)", False),
        ("difference(rows[].x, `[2]`)", True),
        ("intersection(rows[].x, `[1]`)", True),
        ("intersection(rows[].x, `[2]`)", GAP),
        ("intersection(a, `[]`)", False),
        ("intersection(`[1, 2]`, a)", GAP),
        ("length(unique(rows)) > `0`", True),
        ("unique(maybes)", GAP),
        ("unique(rows)[0]", True),
        ("unique(late)[-1]", GAP),
        ("unique(late)[1]", GAP),
        ("length(unique(late)) > `1`", True),
        ("matches(a, 'x')", GAP),
        ("parse_json(a).b", GAP),
        ("cidr_contains(a, '::1')", GAP),
        ("days_between(a, a)", GAP),
        ("join(', ', rows[].x)", GAP),
        ("opens_port(a, `22`)", GAP),
        ("opens_port({IpProtocol: a}, `22`)", GAP),
        ("opens_port({IpProtocol: '-1', FromPort: a}, `22`)", True),
        ("opens_port({IpProtocol: 'icmp', FromPort: a, IpRanges: a}, `22`)", False),
        ("opens_port({IpProtocol: 'tcp', FromPort: a, ToPort: `21`}, `22`)", False),
        ("opens_port({IpProtocol: 'tcp', FromPort: a, ToPort: `22`}, `22`)", GAP),
        ("opens_port({IpProtocol: 'tcp', FromPort: `23`, ToPort: a}, `22`)", False),
        ("opens_port({IpProtocol: 'tcp', FromPort: `22`, ToPort: `22`, IpRanges: a}, `22`)", True),
        ("opens_port({IpProtocol: 'tcp', FromPort: `22`, ToPort: `22`}, a)", GAP),
    ],
)
def test_kleene(expression, expected):
    data = {"a": GAP, "none": None, "rows": [{"x": 1}, GAP], "maybes": [GAP], "late": [GAP, 2, 1], "whole": {"in": GAP}}
    assert holds(parse(expression), data, SCOPE) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "length(`1`)",
        "any(`1`, &@)",
        "all('x', &@)",
        "lower(`1`)",
        "'a' < `1`",
        "sum(`[1.7e308, 1.7e308]`)",
        "hours_since('soon')",
    ],
)
def test_what_has_no_value_is_an_error(expression):
    with pytest.raises(EvaluationError):
        evaluate(parse(expression), {}, SCOPE)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("first[0]", GAP),
        ("first[1]", GAP),
        ("first[9]", GAP),
        ("first[-1]", 2),
        ("first[-2]", 1),
        ("first[-3]", GAP),
        ("first[-4]", GAP),
        ("second[0]", 1),
        ("second[1]", GAP),
        ("second[2]", GAP),
        ("second[-1]", 2),
        ("second[-2]", GAP),
        ("last[1]", 2),
        ("last[2]", GAP),
        ("last[-1]", GAP),
        ("first[:1]", GAP),
        ("second[1:]", GAP),
        ("second[::-1]", GAP),
        ("last[:2]", GAP),
        ("last[0:0]", GAP),
        ("first[]", [GAP, 1, 2]),
        ("first[?@ == `1`]", [GAP, 1]),
        ("first[*] | [-1]", 2),
        ("gap[0]", GAP),
        ("gap[1:]", GAP),
        ("gap[]", GAP),
        ("gap.*", GAP),
        ("gap[?a]", GAP),
        ("gap.[a]", GAP),
        ("gap.{a: a}", GAP),
        ("[gap, `1`] | [1]", GAP),
        ("{a: gap, b: `1`}.b", 1),
    ],
)
def test_items_that_may_not_be_there_move_those_after_them(expression, found):
    data = {"first": [GAP, 1, 2], "second": [1, GAP, 2], "last": [1, 2, GAP], "gap": GAP}
    assert evaluate(parse(expression), data, SCOPE) == found


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a[?b", "not JMESPath"),
        ("", "not JMESPath"),
        ("lenght(a)", "unknown function lenght(); did you mean length?"),
        ("length()", "length() takes 1 argument, not 0"),
        ("known()", "known() takes at least 1 arguments, not 0"),
        ("!a.b", "write !(a.b)"),
        ("!a[?b]", "write !(a.b)"),
        ("!a[].b", "write !(a.b)"),
        ("a == true", "a field named true: write `true`"),
        ("a != null", "a field named null: write `null`"),
        ("$", "a variable needs a name"),
        ("{$a: b}", "cannot be the key"),
        ("a[::0]", "step of a slice"),
        ("(" * 5000, "nested more than 100 deep"),
        ("!" * 101 + "a", "nested more than 100 deep"),
        (" || ".join(["a"] * 2000), "nested more than 100 deep"),
        (" | ".join(["a"] * 1000), "nested more than 100 deep"),
        (f"`{'[' * 101}{']' * 101}`", "nested more than 100 deep"),
        ('`[1, {"a": 1e999}]`', "not finite"),
        ("`NaN`", "not finite"),
        ("a == `-Infinity`", "not finite"),
        (f"`{'9' * 5000}`", "too many digits"),
        (f"a[{'9' * 5000}]", "no list is that long"),
        (f"a[:-{'9' * 16}]", "no list is that long"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('`["\\udfff"]`', "half of a surrogate pair"),
        ("'\ud800'", "half of a surrogate pair"),
        ("&a", "an &expression is an argument"),
        ("[&a]", "an &expression is an argument"),
        ("a || &b", "an &expression is an argument"),
        ("length(&a)", "length() takes no &expression here"),
        ("any(a, b)", "any() takes an &expression here"),
        ("a - b", "there is no arithmetic"),
    ],
)
def test_a_wrong_expression_says_what_is_wrong(expression, message):
    with pytest.raises(EvaluationError) as error:
        parse(expression)
    assert message in str(error.value)


def test_a_variable_is_seen_inside_a_filter():
    assert evaluate(parse("[?@ < $params.n]"), [1, 5, 2], SCOPE) == [1, 2]


def test_an_unknown_variable_is_an_error_with_a_hint():
    with pytest.raises(EvaluationError, match=r"unknown variable \$parms; did you mean \$params\?"):
        check_variables(parse("$parms.n"), ["params"])


def test_after_a_dot_a_dollar_name_is_a_field_of_the_row():
    assert evaluate(parse("a.$account"), {"a": {"$account": "1"}}, SCOPE) == "1"


def test_deep_data_is_an_error_not_a_crash():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EvaluationError, match="nested too deeply"):
        holds(parse("length(a)"), {"a": deep} and {"a": [deep]}, SCOPE) and evaluate(
            parse("to_string(a)"), {"a": deep}, SCOPE
        )


@pytest.mark.parametrize(
    "text", ["a * b", "a*", "a ! b", "a {b: c}", "a{b: c}", "a b", "a 'b'", "a `1`", "a b c", "a)", "(a", "a &", "&a"]
)
def test_what_does_not_follow_is_refused(text):
    with pytest.raises(EvaluationError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("length(a)", True), ("!length(a)", False), ("length(a) && b", True), ("length(a) || c", True)],
)
def test_a_length_is_a_number_and_so_true_however_long_it_may_be(text, expected):
    assert holds(parse(text), {"a": [1, Unknown.because("lost")], "b": 1}, SCOPE) is expected
