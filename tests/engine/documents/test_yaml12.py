"""YAML as people mean it, and places for what is wrong."""

from __future__ import annotations

import contextlib
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.documents.yaml12 import YamlError, _read, load
from stillframe.engine.documents.yaml_values import NotPlain, value_of
from together import together

ROOT = Path(__file__).parents[3]


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
        (b"[" * 100_000, None, "nested too deeply"),  # libyaml says where first, if it looks ahead
        (b"[" * 500, (1, 101), "nested too deeply"),
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


@pytest.mark.parametrize(("aliases", "fits"), [(9, True), (10, False)])
def test_aliases_count_as_what_they_stand_for(aliases, fits):
    text = f"- &a [{', '.join(['x'] * 9_998)}]\n" + "- *a\n" * aliases
    with contextlib.nullcontext() if fits else pytest.raises(YamlError, match="too large"):
        assert len(load(text.encode()).value) == 1 + aliases


FILES = [*ROOT.glob("policies/*/*.yaml"), *ROOT.glob("tests/golden/wrong/*.yaml")]
PIECES = [
    *"ab01-+.~:,[]{}&*!|>'\"#?% \n\t\u00e9",
    *("\n  ", "- ", ": ", "<<: ", "&a ", "*a", "*b", "!!str ", "true", "---\n"),
]


@together("file", FILES)
def test_the_quick_reading_of_a_file_is_the_full_one(file):
    with contextlib.suppress(UnicodeDecodeError):
        agree(file.read_text())


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_the_quick_reading_of_anything_is_the_full_one(text):
    agree(text)


@given(st.sampled_from(FILES[:9]), st.integers(0, 10_000), st.integers(0, 4), st.sampled_from(PIECES))
def test_the_quick_reading_of_a_file_with_a_slip_is_the_full_one(file, at, size, slip):
    text = file.read_text()
    agree(text[:at] + slip + text[at + size :])


def agree(text: str) -> None:
    """What the quick reading says must be so; it may always say nothing."""
    try:
        quick = value_of(text)
    except NotPlain:
        return
    assert repr(quick) == repr(_read(text)[0])


def test_documents_in_order_are_read_quickly():
    for file in ROOT.glob("policies/*/*.yaml"):
        value_of(file.read_text())


def test_each_value_and_key_has_its_place():
    document = load(b"a: 1\nb:\n  - c: 2\n")
    assert document.place(("b", 0, "c")) == (3, 8)
    assert document.keys["b", 0, "c"] == (3, 5)
    assert document.place(("b", 0, "absent")) == (3, 5)


WRITTEN = [
    "{}",
    "  {}   # a comment",
    "'{quoted}'",
    '"{escaped}"',
    "&anchor '{quoted}'",
    "!!str {}",
    "!!str &anchor  {}",
    ">-\n  {}",
    ">\n\n  {}\n\n# after",
    "|-   # the rest of this line is a comment\n  {}",
    "|\n\n    {}\n\n",
    "&anchor |2-\n   {}",
    "&anchor\n  # a comment\n  {}",
    "\n  {}",
    "\n  '{quoted}'",
]
SAID = [
    "a",
    "Status.IsLogging && Name != 'x'",
    "it's 'quoted' ''twice''",
    'a\\b `["é", 1]`',
    "𝔘nicode é\u2009thin ☃ end",
    "any(Rules[?Open], &Name == 'x') || x",
]


@together("case", product(WRITTEN, SAID, ["", "\ufeff"]))
def test_each_character_of_a_text_has_its_place(case):
    written, said, mark = case
    quoted, escaped = said.replace("'", "''"), said.replace("\\", "\\\\").replace('"', '\\"')
    source = "first: é\nhere: " + written.replace("{}", said).format_map({"quoted": quoted, "escaped": escaped})
    document = load((mark + source + "\n").encode())
    assert said in document.value["here"]
    found = [place for _, *place in places(mark + source + "\n", ("here",))]
    assert found == sorted(found)
    assert len({tuple(place) for place in found}) == len(found)
    for offset, char in enumerate(document.value["here"]):
        if not char.isspace():
            line, column = document.locate(("here",), offset)
            shown = source.split("\n")[line - 1][column - 1 :]
            assert shown.startswith((char, "\\" + char))


def places(text: str, path: tuple, **options) -> list[tuple[str, int, int]]:
    document = load(text.encode())
    value = document.value
    for step in path:
        value = value[step]
    return [(char, *document.locate(path, n, **options)) for n, char in enumerate(value) if not char.isspace()]


def test_a_folded_text_of_several_lines():
    text = "x: >-\n  ab\n  c\n\n    d\n  e\ny: 1\n"
    assert places(text, ("x",)) == [("a", 2, 3), ("b", 2, 4), ("c", 3, 3), ("d", 5, 5), ("e", 6, 3)]


def test_a_literal_block_of_several_lines():
    assert places("x:\n- |\n  a\n   b\n\n  c\n", ("x", 0)) == [("a", 3, 3), ("b", 4, 4), ("c", 6, 3)]


def test_plain_and_quoted_texts_of_several_lines():
    assert places("x: a\n  b\n\n  c\n", ("x",)) == [("a", 1, 4), ("b", 2, 3), ("c", 4, 3)]
    assert places("x: 'a\n  ''b'\n", ("x",)) == [("a", 1, 5), ("'", 2, 3), ("b", 2, 5)]
    assert places('x: "a\\\n  b\\tc\n  d"\n', ("x",)) == [("a", 1, 5), ("b", 2, 3), ("c", 2, 6), ("d", 3, 3)]


def test_escapes_of_double_quotes_are_one_character_each():
    text = r'x: "\x41\u00e9\U0001F600\"\\\/\_\N\x20\0\e b"' + "\n"
    assert [column for _, _, column in places(text, ("x",))] == [5, 9, 15, 25, 27, 29, 39, 41, 44]


def test_windows_line_ends():
    assert places("w: 1\r\nx: >-\r\n  a\r\n  b\r\n", ("x",)) == [("a", 3, 3), ("b", 4, 3)]


def test_a_flow_mapping_an_alias_and_a_merge():
    text = "a: {w: b c, v: &v 'd'}\nx: *v\ny: {<<: &m {w: e}}\nz: {<<: [*m, {w: f, u: g}]}\n"
    assert places(text, ("a", "w")) == [("b", 1, 8), ("c", 1, 10)]
    assert places(text, ("x",)) == [("d", 1, 20)]
    assert places(text, ("y", "w")) == [("e", 3, 16)]
    assert places(text, ("z", "w")) == [("e", 3, 16)]
    assert places(text, ("z", "u")) == [("g", 4, 24)]


def test_a_key_a_blank_the_end_and_what_is_not_there():
    document = load(b"m: {'a b': 1, c: ''}\nx: a b\n")
    assert document.locate(("m", "a b"), 2, key=True) == (1, 8)
    assert document.locate(("x",), 1) == (2, 6)
    assert document.locate(("x",), 99) == (2, 7)
    assert document.locate(("m", "c"), 0) == (1, 18)
    assert document.locate(("m",), 3) == (1, 4)
    assert document.locate(("x", "absent"), 3) == (2, 4)
