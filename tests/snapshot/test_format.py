"""The bytes: canonical, reversible, and a marker that nothing can forge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.functions.unknowns import UnknownLength
from stillframe.snapshot.errors import SnapshotError
from stillframe.snapshot.format import (
    _CUT,
    DEPTH,
    FORMAT,
    NO_NUMBER,
    TOO_DEEP,
    AccountFile,
    all_known,
    cut,
    decode,
    encode,
    file_name,
    is_plain,
    parse,
    read_line,
    timestamp,
    too_deep,
    write_line,
)
from stillframe.snapshot.model import Resource, Unknown

KEYS = st.one_of(st.sampled_from(["$missing", "$$missing", "$", "$$$missing", "missing", "a"]), st.text(max_size=4))
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=5),
        st.sampled_from([Unknown.because("AccessDenied: a:B")]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)


def a_resource(**changes):
    fields = {"type": "AWS::EC2::VPC", "id": "vpc-1", "account": "111122223333", "region": "us-east-1", "name": None}
    return Resource(**{**fields, "tags": {}, "config": {}, **changes})


@given(VALUES)
def test_what_is_written_is_read_back(value):
    assert decode(msgspec.json.decode(encode(value))) == value


@given(st.dictionaries(KEYS, VALUES, max_size=3), st.dictionaries(KEYS, st.text(max_size=3), max_size=3))
def test_a_resource_survives_its_line(config, tags):
    resource = a_resource(config=config, tags=tags)
    line = write_line(resource)
    assert read_line(line) == resource
    assert line.count(b"\n") == 1
    assert write_line(read_line(line)) == line


def test_whatever_is_unknown_is_a_marker():
    length = UnknownLength(("denied",), known=2)
    assert encode({"n": length, "all": [length]}) == b'{"all":[{"$missing":"denied"}],"n":{"$missing":"denied"}}'


def test_a_tag_spelled_like_the_marker_is_just_a_tag():
    line = write_line(a_resource(tags={"$missing": "AccessDenied"}, config={"Tags": {"$missing": "x"}}))
    assert b'"$$missing"' in line
    assert read_line(line).tags == {"$missing": "AccessDenied"}
    assert read_line(line).config == {"Tags": {"$missing": "x"}}


def test_the_order_of_keys_does_not_change_the_bytes():
    assert encode({"b": 1, "a": [{"d": 1, "c": 2}]}) == encode({"a": [{"c": 2, "d": 1}], "b": 1})


@pytest.mark.parametrize("value", [{"$missing": 1}, {"$missing": "x", "more": 1}, [{"$missing": None}]])
def test_a_marker_that_is_not_one_is_refused(value):
    with pytest.raises(SnapshotError, match="must stand alone"):
        decode(value)


def test_half_a_surrogate_pair_does_not_break_the_file():
    assert msgspec.json.decode(encode({"name\ud800": "\udfff"})) == {"name\ufffd": "\ufffd"}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_has_not_is_unknown_rather_than_none(number):
    assert decode(msgspec.json.decode(encode({"a": [number]}))) == {"a": [Unknown.because(NO_NUMBER)]}


def test_tags_that_are_not_collected_are_unknown_rather_than_none():
    line = write_line(a_resource(tags=Unknown.because("tags of AWS::EC2::VPC are not collected")))
    assert b'"tags"' not in line
    assert isinstance(read_line(line).tags, Unknown)


def test_why_tags_could_not_be_read_survives_the_line():
    denied = Unknown.because("AccessDenied: s3:GetBucketTagging")
    assert read_line(write_line(a_resource(tags=denied))).tags == denied


def test_times_are_utc():
    assert timestamp(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-01T00:00:00Z"
    assert timestamp(datetime(2026, 1, 1, 0, 0, 0, 5000, tzinfo=UTC)) == "2026-01-01T00:00:00.005000Z"


def test_a_file_is_named_after_its_type():
    assert file_name("AWS::EC2::VPC") == "AWS-EC2-VPC.jsonl"


def test_huge_integers_keep_their_digits():
    assert read_line(write_line(a_resource(config={"n": 10**30}))).config == {"n": 10**30}


@pytest.mark.parametrize(
    ("data", "known", "plain"),
    [
        (b'{"a":1}', True, True),
        (b'{"$missing":"x"}', False, False),
        (b'{"$$missing":"x"}', False, False),
        (b'{"$\\u006dissing":"x"}', False, False),
        (b'{"$id":"x"}', True, False),
        (b'{"$name":"x"}', True, True),
        (b'{"\\u0024id":"x"}', False, False),
        (b'{"a":"\\u20ac"}', True, True),
        (b'{"a":"\\\\"}', True, True),
    ],
)
def test_a_line_that_may_hold_a_marker_is_neither_known_nor_plain(data, known, plain):
    assert (all_known(data), is_plain(data)) == (known, plain)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[" * DEPTH + b"]" * DEPTH, False),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), True),
        (b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1), True),
        (b"[{" * (DEPTH // 2 + 1) + b"}]" * (DEPTH // 2 + 1), True),
        (b"[" + b"[]," * DEPTH + b"[]]", False),
        (b'["' + b"[" * 200 + b'"]', False),
        (b'["\\"' + b"[" * 200 + b'"]', False),
    ],
)
def test_only_brackets_outside_of_texts_nest(data, expected):
    assert too_deep(data) is expected


def reference(value, level=1):
    """What is left of a value that is cut: as the text is, but told from the value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if level == DEPTH and any(isinstance(each, (dict, list)) for each in inner):
        return {"$missing": f"MalformedValue: {TOO_DEEP}"}
    if isinstance(value, dict):
        return {name: reference(each, level + 1) for name, each in value.items()}
    return [reference(each, level + 1) for each in value] if isinstance(value, list) else value


def wrapped(inner, levels, kinds):
    for level in range(levels):
        inner = [inner, "]{"] if kinds >> level % 8 & 1 else {'a"[': inner, "b": [{}]}
    return inner


SMALL = st.recursive(
    st.one_of(st.none(), st.integers(-9, 9), st.text('[]{}"\\,a', max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text('[]{}"\\a', max_size=3), inner)),
    max_leaves=12,
)


@given(st.builds(wrapped, SMALL, st.integers(DEPTH - 6, DEPTH + 3), st.integers(0, 255)))
def test_what_is_cut_is_what_goes_deeper_and_nothing_else(value):
    data = msgspec.json.encode(value)
    left = cut(data)
    assert msgspec.json.decode(left) == reference(value)
    assert not too_deep(left)
    assert left == data or too_deep(data)


def test_what_is_cut_needs_no_stack():
    left = cut(b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b',"b":1}')
    assert left == b'{"a":' + b"[" * 98 + _CUT + b"]" * 98 + b',"b":1}'
    for torn in (b"[" * 50_000, b"[" * 50_000 + b"]" * 30, b"[" * 99 + b"[[1]" + b'"'):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(cut(torn))


@pytest.mark.parametrize(
    ("number", "message"),
    [(FORMAT, None), (FORMAT + 1, "snapshot format 2, but this version reads up to 1"), ("x", "Expected `int`")],
)
@pytest.mark.parametrize("more", [{}, {"unheard_of": 1}])
def test_a_newer_format_is_refused_before_anything_else_in_it(number, message, more):
    document = {"format": number, "account": "1", "name": None, "regions": ["us-east-1"], "types": {}, **more}
    data = msgspec.json.encode(document)
    if message is None and not more:
        assert parse(data, AccountFile, "account.json").format == FORMAT
    else:
        with pytest.raises(SnapshotError, match=message or "unheard_of"):
            parse(data, AccountFile, "account.json")


def test_text_that_never_ends_is_looked_through_once():
    assert too_deep(b"[" * 200 + b'"\\' * 500_000)
    assert not too_deep(b'"' + b'\\"[' * 500_000)
