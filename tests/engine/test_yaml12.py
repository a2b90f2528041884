"""YAML as people mean it, and places for what is wrong."""

from __future__ import annotations

import pytest
from stillframe.engine.yaml12 import YamlError, load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("012345670123", "012345670123"),
        ("123456789012", 123456789012),
        ("0", 0),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        ("1.0e3", 1000.0),
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("tRuE", "tRuE"),
        ("~", None),
        ("null", None),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("0o14", "0o14"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|-\n 12", "12"),
        ("{on: 1}", {"on": 1}),
        ("{1: a}", {"1": "a"}),
        ("[&a {x: 1}, {<<: *a, y: 2}]", [{"x": 1}, {"x": 1, "y": 2}]),
        ("[&a {x: 1}, {<<: *a, x: 2}]", [{"x": 1}, {"x": 2}]),
        ("[&a {x: 1}, &b {x: 2}, {<<: [*a, *b]}]", [{"x": 1}, {"x": 2}, {"x": 1}]),
        ("", None),
    ],
)
def test_values(text, expected):
    assert load(text.encode()).value == expected
    assert type(load(text.encode()).value) is type(expected)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (b"a: 1\nb:\n\t- 1", (3, 1), "tabs"),
        (b"a: [", (2, 1), "not YAML"),
        (b"a: 1\nb: 2\na: 3", (3, 1), "duplicate key 'a'"),
        (b"a: \xff", (1, 1), "not UTF-8"),
        (b"&a [*a]", (1, 1), "an alias that contains itself"),
        (b"a: !!python/object:os.system x", (1, 4), "unknown tag"),
        (b"? [a]\n: 1", (1, 3), "a key must be plain text"),
        (b"a: {<<: 3}", (1, 9), "<< takes a mapping"),
        (b"[" * 100_000, (1, 101), "nested too deeply"),
        (b"a: " + b"{a: " * 100_000, (1, 400), "nested too deeply"),
        (b"a: 1\n---\nb: 2", (2, 1), "not YAML"),
    ],
)
def test_faults_have_a_place(text, place, message):
    with pytest.raises(YamlError) as error:
        load(text)
    line, column, found = error.value.places[0]
    assert place in (None, (line, column))
    assert message in found


def test_a_bomb_of_aliases_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(YamlError) as error:
        load("\n".join(lines).encode())
    assert "too large once its aliases are expanded" in str(error.value)


def test_each_value_and_key_has_its_place():
    document = load(b"a: 1\nb:\n  - c: 2\n")
    assert document.place(("b", 0, "c")) == (3, 8)
    assert document.keys["b", 0, "c"] == (3, 5)
    assert document.place(("b", 0, "absent")) == (3, 5)
