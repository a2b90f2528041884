"""The quick check of a JSON Schema says what jsonschema says."""

from __future__ import annotations

import copy
from functools import cache

import jsonschema
import pytest
from builders import nine
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.documents.schema_check import compiled
from stillframe.engine.documents.yaml12 import load
from stillframe.engine.loading.config import config_schema
from stillframe.engine.loading.policy_reader import policy_schema

SCALARS = [None, True, False, 0, 1, 2, 1.0, 1.5, -1, "", "a", "b", "ab", "1", " "]
SCALAR = st.sampled_from(SCALARS)
NAME = st.sampled_from(["a", "b", "ab", ""])
VALUE = st.recursive(
    SCALAR, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAME, inside, max_size=3), max_leaves=8
)
TYPE = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
NUMBER = st.sampled_from([-1, 0, 0.5, 1, 1.0, 2])
SIZE = st.integers(0, 2)


def keywords(inside: st.SearchStrategy) -> st.SearchStrategy:
    some = st.lists(inside, min_size=1, max_size=3)
    known = {
        "$ref": st.just("#/$defs/named"),
        "additionalProperties": st.booleans() | inside,
        "anyOf": some,
        "const": SCALAR,
        "description": st.just("nothing"),
        "enum": st.lists(SCALAR, min_size=1, max_size=3),
        "if": inside,
        "items": inside,
        "maxLength": SIZE,
        "maximum": NUMBER,
        "minItems": SIZE,
        "minLength": SIZE,
        "minProperties": SIZE,
        "minimum": NUMBER,
        "not": inside,
        "oneOf": some,
        "pattern": st.sampled_from(["a", "^b$", "\\S"]),
        "patternProperties": st.dictionaries(st.sampled_from(["a", "^b$"]), inside, max_size=2),
        "properties": st.dictionaries(NAME, inside, max_size=2),
        "propertyNames": inside,
        "required": st.lists(NAME, max_size=2),
        "then": inside,
        "type": TYPE | st.lists(TYPE, min_size=1, max_size=2),
    }
    return st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: known[name] for name in names})
    )


SCHEMA = st.recursive(st.fixed_dictionaries({"type": TYPE}), keywords, max_leaves=6)


@given(SCHEMA, st.fixed_dictionaries({"type": TYPE}), VALUE)
def test_it_agrees_with_jsonschema(schema, named, value):
    whole = {**schema, "$defs": {"named": named}}
    check = compiled(whole)
    assert check is not None
    assert check(value) is jsonschema.Draft202012Validator(whole).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"format": "date"},
        {"type": "strin"},
        {"type": {}},
        {"enum": [[1]]},
        {"const": {}},
        {"items": True},
        {"items": {"uniqueItems": True}},
        {"pattern": "["},
        {"minimum": "1"},
        {"$ref": "#/$defs/absent"},
        {"$ref": []},
        {"properties": {"a": 1}},
        {"not": {"$defs": {}}},
    ],
)
def test_what_it_does_not_know_it_leaves_to_jsonschema(schema):
    assert compiled(schema) is None


@cache
def sound():
    config = load(b"""
policies: [mine]
shipped: false
settings: {a: {params: {b: [1]}, severity: low, reason: a}, c: {enabled: false, reason: b}}
waivers:
  - {policy: a, account: "111122223333", reason: a, owner: b, expires: 2026-01-01, kind: mitigated, evidence: {a: b}}
  - {policy: a, account: 111122223333, region: a, resource: a, reason: a, owner: b, expires: 2026-01-01}
""").value
    whole = [(policy_schema, load(policy.text.encode()).value) for policy in nine()]
    parts = [(policy_schema, {**value, "tests": value["tests"][:2]}) for _, value in whole]
    return [*whole, *parts, (config_schema, config)]


def test_what_ships_fits():
    for schema, value in sound():
        check = compiled(schema())
        assert check
        assert check(value)


ODD = st.sampled_from([*SCALARS, [], {}, [1], {"x": 1}, {"$missing": "a"}, {"$missing": 1}, "AWS::S3::Bucket", "pass"])


@given(st.data())
def test_it_agrees_with_jsonschema_on_documents_with_one_fault(data):
    schema, value = data.draw(st.sampled_from(sound()))
    value = copy.deepcopy(value)
    at = value
    while True:
        step = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not (isinstance(at[step], dict | list) and at[step] and data.draw(st.integers(0, 3))):
            break
        at = at[step]
    change = data.draw(st.sampled_from(["put", "drop", "add"]))
    if change == "drop":
        del at[step]
    elif change == "add" and isinstance(at, dict):
        at[data.draw(st.sampled_from(["x", "never", "becomes", "name", "$missing"]))] = data.draw(ODD)
    else:
        at[step] = data.draw(ODD)
    check = compiled(schema())
    assert check
    assert check(value) is jsonschema.Draft202012Validator(schema()).is_valid(value)
