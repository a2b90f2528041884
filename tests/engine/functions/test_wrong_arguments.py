"""Every function with every kind of value: what is wrong is said in the words of the language, not in Python's."""

from __future__ import annotations

import json
import re
from itertools import product

import pytest
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from together import together

SCOPE = {"snapshot_time": "2026-01-01T00:00:00Z"}
VALUES = {
    "null_": None,
    "yes": True,
    "number": 1.5,
    "huge": 10**400,
    "text": "abc",
    "empty": "",
    "none": [],
    "numbers": [1, 1.7e308, 1.7e308],
    "mixed": [1, "a"],
    "nulls": [None, True],
    "many": [10**400, 1.5],
    "objects": [{"a": 1}, {"a": "b"}, {}],
    "nested": [[1], [True], {}],
    "object": {"a": 1},
}
PYTHON = re.compile(
    r"\bNone|True|False|in <|'(str|int|float|dict|list|bool)'|\b(str|dict|nan|inf)\b|object is not|not supported"
    r"|argument must|operand|_Expression|0x[0-9a-f]{6}|has no value for these"
)


@together("name", sorted(FUNCTIONS))
def test_a_function_says_what_is_wrong_with_its_arguments_in_the_words_of_the_language(name):
    function = FUNCTIONS[name]
    least, most = function.least, function.most
    for number in range(least, (most or least + 1) + 1):
        lazy = [function.argument(at).is_expression for at in range(number)]
        for texts in product(*(["&@", "&a"] if each else [f"v{at}"] for at, each in enumerate(lazy))):
            call, fields = parse(f"{name}({', '.join(texts)})"), [text for text in texts if text[0] != "&"]
            for given in product(VALUES, repeat=len(fields)):
                said = what_is_wrong(call, {field: VALUES[each] for field, each in zip(fields, given, strict=True)})
                assert not PYTHON.search(said), (call.text, given, said)
                assert not said or said.partition("()")[0] in FUNCTIONS, (call.text, given, said)


def what_is_wrong(call, config):
    """The error, or nothing; a value that there is must be one that JSON has."""
    try:
        json.dumps(evaluate(call, config, SCOPE), allow_nan=False, default=str)
    except EvaluationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("merge(object, null_)", "merge() takes objects, not null"),
        ("contains(number, text)", "contains() takes a list or text, not a number"),
        ("length(number)", "length() takes text, a list or an object, not a number"),
        ("sum(nulls)", "sum() takes a list of numbers, not one with null"),
        ("sort(mixed)", "sort() takes a list of texts or a list of numbers, not one with both"),
        ("max(text)", "max() takes a list of numbers or a list of texts, not text"),
        ("sum(numbers)", "sum(): the numbers are too large"),
        ("avg(many)", "avg(): the numbers are too large"),
        ("max_by(nested, &@)", "max_by() takes an &expression that gives numbers, or texts"),
        ("sort_by(objects, &a)", "sort_by() takes an &expression that gives numbers, or texts"),
        ("min_by(objects[:2], &a)", "min_by(): text and a number cannot be ordered"),
        ("days_since(text)", "days_since(): 'abc' is no time as in ISO 8601"),
        ("acl_opens_port(objects, `22`)", "the RuleNumber of an entry is a number, not null"),
        ("acl_opens_port(mixed, `22`)", "a network ACL's entries, not a list with a number"),
    ],
)
def test_it_says_what_it_takes_and_what_it_was_given(call, message):
    with pytest.raises(EvaluationError) as error:
        evaluate(parse(call), VALUES, SCOPE)
    assert message in str(error.value)


NUMBERS = {"90": 90, "-0.5": -0.5, "1e2": 100.0, "-0": 0, "1E-2": 0.01, "0": 0, "1" * 30: int("1" * 30)}
NO_NUMBERS = [
    "Infinity",
    "-Infinity",
    "inf",
    "nan",
    "NaN",
    "99_999",
    " 90",
    "90 ",
    "90\n",
    "٩٩",
    "²",
    "+1",
    "01",
    "-01",
]
NO_NUMBERS += [".5", "5.", "0x10", "1e", "e1", "--1", "", "-", "1,000", "1e999", "-1e999", "9" * 5000, "true", "null"]


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_to_number_reads_what_json_has_for_a_number(text, number):
    found = evaluate(parse("to_number(@)"), text, SCOPE)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_to_number_is_null_for_any_other_text(text):
    assert evaluate(parse("to_number(@)"), text, SCOPE) is None
