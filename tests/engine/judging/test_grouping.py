"""Names of groups: one for each value, and none that is of another."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.judging.grouping import text_of, unit_of

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2), max_leaves=4)


@given(VALUES, VALUES)
def test_values_that_differ_are_groups_that_differ(one, other):
    assert (text_of(one) == text_of(other)) == (json.dumps(one) == json.dumps(other))


@given(VALUES)
def test_a_value_and_the_text_of_it_are_two_groups(value):
    assert text_of(json.dumps(value)) != text_of(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((each, each) for each in ("pay", "eu-west-1", "2026-01-01", "nullable", "10.0.0.0/8", "x[0]")),
        *((each, f'"{each}"') for each in ("", "null", "true", "3", "-1.5e3", "AWS::Account")),
        *((None, "null"), (3, "3"), ("[1]", '"[1]"'), ([1], "[1]")),
    ],
)
def test_text_stands_as_it_is_unless_it_reads_as_something_else(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (["Root", "A", "B"], "Root/A/B"),
        (["Root", "A/B"], "Root/A%2FB"),
        (["Root", "A%2FB"], "Root/A%252FB"),
        ([], '""'),
    ],
)
def test_a_slash_in_a_unit_s_name_is_none_between_two(names, path):
    config = {"OrganizationalUnits": [{"Name": name} for name in names]}
    account = SimpleNamespace(id="111122223333", read=lambda _: [SimpleNamespace(config=config)])
    assert unit_of(account) == path
