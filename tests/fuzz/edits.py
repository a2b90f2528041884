"""Small harms to a file, as data that Hypothesis can draw and shrink: to its bytes, or to what it says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

SCALE = 10_000
CUT, PUT, ADD, DOUBLE, SWAP, WRAP, LOSE = "cut", "put", "add", "double", "swap", "wrap", "lose"
WAYS = (CUT, PUT, ADD, DOUBLE, SWAP, WRAP, LOSE)
Edit = tuple[str, int, int]  # what to do; where, in SCALEs of the whole; with what
EDITS = st.lists(
    st.tuples(st.sampled_from(WAYS), st.integers(0, SCALE - 1), st.integers(0, SCALE - 1)),
    min_size=1,
    max_size=3,
)
LOSSES = st.lists(st.tuples(st.just(LOSE), st.integers(0, SCALE - 1), st.just(0)), min_size=1, max_size=3)

LOST = {"$missing": "AccessDenied: lost"}
_WORDS: Sequence[Any] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, 2**63, "", [], {}, [[]], [None], {"": ""}),
    *("..", "../../x", "/dev/zero", "a/b", "\0", "\x1b[31m", "\u202e", "\u2028", "é" * 3, "x" * 5000, "*", "null"),
    *("2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "arn:aws:x", "0.0.0.0/0", "000000000000", "global", "*", "$all"),
    *("@", "a.b[].c", "a || b", "!(", "{{ a }}", "{{ a", "$params.x", "`1`", "&a", "[?a == 'b']", "length(@)"),
    *("AWS::KMS::Key", "AWS::No::Such", "us-east-1", "pass", "critical", "kms-key-rotation", "cis-aws-5.0.0"),
    *(LOST, {"$missing": 5}, {"$$missing": 1}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "(a+)+$"}),
)
_TEXTS: Sequence[bytes] = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n"),
    *(b"\r\n", b"\t", b" ", b"#", b"- ", b": ", b"? ", b"&a ", b"*a", b"<<: *a", b"|\n", b">-\n", b"%YAML 1.1\n"),
    *(b"---\n", b"...\n", b"!!python/object/apply:os.system [x]", b"!!binary ", b"1e999", b"NaN", b"-0", b"0x1F"),
    *(b"10" * 600, b'{"$missing":"x"}', b"\\ud800", b"\\u0000", b"null", b"true", b"~", b"yes", b"../../x", b"$ref"),
    *(b"[" * 200, b"]" * 200, b'{"a":' * 200, b"(" * 200, b" || a" * 200, b"{{", b"}}", b"|", b"&&", b"`", b"@"),
)


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes of a file after harms to them."""
    for what, where, seed in edits:
        at, length = where * len(data) // SCALE, 1 + seed % 40
        data = _BYTES[what](data, at, at + length, seed)
    return data


_BYTES: Mapping[str, Callable[[bytes, int, int, int], bytes]] = {
    CUT: lambda data, at, end, _: data[:at] + data[end:],
    PUT: lambda data, at, end, seed: data[:at] + _TEXTS[seed % len(_TEXTS)] + data[end:],
    ADD: lambda data, at, _, seed: data[:at] + _TEXTS[seed % len(_TEXTS)] + data[at:],
    DOUBLE: lambda data, at, end, _: data[:end] + data[at:],
    SWAP: lambda data, at, end, seed: data[:at] + bytes([seed % 256]) + data[at + 1 :],
    WRAP: lambda data, at, end, _: data[:at] + data[at:end][::-1] + data[end:],
    LOSE: lambda data, at, *_: data[:at],
}


def altered(value: Any, edits: Sequence[Edit]) -> Any:
    """What a document says after harms to values in it."""
    root = [copy.deepcopy(value)]
    for what, where, seed in edits:
        places = [*_places(root)]
        parent, key = places[where * len(places) // SCALE]
        _VALUES[what](parent, key, seed, places)
    return root[0]


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Where values stand: what holds each, and its key there."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in ((node, key), *_places(node[key]))]


def _put(parent: Any, key: Any, seed: int, _: Any) -> None:
    parent[key] = copy.deepcopy(_WORDS[seed % len(_WORDS)])


def _cut(parent: Any, key: Any, *_: Any) -> None:
    if parent is not None and len(parent) > 1:
        del parent[key]


def _add(parent: Any, key: Any, seed: int, _: Any) -> None:
    word = copy.deepcopy(_WORDS[seed % len(_WORDS)])
    if isinstance(parent, list):
        parent.insert(key, word)
    else:
        parent[word if isinstance(word, str) else "extra"] = word


def _double(parent: Any, key: Any, *_: Any) -> None:
    if isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    else:
        parent[f"{key}2"] = copy.deepcopy(parent[key])


def _swap(parent: Any, key: Any, seed: int, places: Sequence[tuple[Any, Any]]) -> None:
    other, its = places[seed % len(places)]
    parent[key] = copy.deepcopy(other[its])


def _wrap(parent: Any, key: Any, seed: int, _: Any) -> None:
    for _ in range((1, 2, 30, 120)[seed % 4]):
        parent[key] = [parent[key]] if seed % 3 else {"a": parent[key]}


def _lose(parent: Any, key: Any, *_: Any) -> None:
    parent[key] = dict(LOST)


_VALUES: Mapping[str, Callable[..., None]] = {
    CUT: _cut, PUT: _put, ADD: _add, DOUBLE: _double, SWAP: _swap, WRAP: _wrap, LOSE: _lose
}  # fmt: skip
