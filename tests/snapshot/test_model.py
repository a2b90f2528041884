"""What a snapshot says of its own gaps, and how its lines are cut."""

from __future__ import annotations

import io

import pytest
from stillframe.snapshot import model
from stillframe.snapshot.model import EVERYWHERE, GLOBAL, Account, Coverage, Unknown, lines_of

A, KIND = "111122223333", "AWS::EC2::VPC"
EAST, WEST = "us-east-1", "eu-west-1"
NOBODY = Unknown.because("ec2:DescribeRegions")
NOT_ASKED = f"{KIND} was not collected from {WEST} in account {A}"
NEVER = f"{KIND} was not collected from account {A}"


def account(read=(), missing=None, regions=(EAST, WEST), kind=KIND) -> Account:
    coverage = {kind: Coverage(read=frozenset(read), missing=missing or {}, count=3)}
    return Account(id=A, name=None, regions=regions, coverage=coverage, read=lambda kind: [])


@pytest.mark.parametrize(
    ("given", "east", "west", "everywhere"),
    [
        # what was read and what was not                  a gap in each region     in the whole account
        ({"read": [EAST, WEST]}, None, None, {}),
        ({"read": [GLOBAL]}, None, None, {}),
        ({"read": [EAST]}, None, NOT_ASKED, {WEST: NOT_ASKED}),
        ({"read": [EAST], "missing": {WEST: "denied"}}, None, "denied", {WEST: "denied"}),
        ({"read": [EAST, WEST], "missing": {"ap-1": "denied"}}, None, None, {"ap-1": "denied"}),
        ({"missing": {EVERYWHERE: "denied"}}, "denied", "denied", {EVERYWHERE: "denied"}),
        ({"missing": {GLOBAL: "denied"}}, "denied", "denied", {GLOBAL: "denied"}),
        ({"read": [GLOBAL], "missing": {WEST: "closed"}}, None, "closed", {WEST: "closed"}),
        ({"read": [EAST, WEST], "regions": NOBODY}, None, None, {EVERYWHERE: "ec2:DescribeRegions"}),
        ({"read": [GLOBAL], "regions": NOBODY}, None, None, {}),
        ({"read": [EAST, WEST], "kind": "AWS::KMS::Key"}, NEVER, NEVER, {EVERYWHERE: NEVER}),
    ],
)
def test_a_place_that_was_not_read_is_a_gap_and_says_why(given, east, west, everywhere):
    found = account(**given)
    assert [told(found.gap(KIND, region)) for region in (EAST, WEST)] == [east, west]
    assert {place: str(gap) for place, gap in found.gaps(KIND).items()} == everywhere
    assert told(found.gap_anywhere(KIND)) == ("; ".join(dict.fromkeys(everywhere.values())) or None)


def told(gap: Unknown | None) -> str | None:
    return None if gap is None else str(gap)


def test_what_was_not_collected_is_none():
    assert account().count(KIND) == 3
    assert account(kind="AWS::KMS::Key").count(KIND) == 0


def test_unknown_is_neither_true_nor_false_and_has_each_cause_once():
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(NOBODY)
    assert str(Unknown.merge([Unknown.because("a", "b", "a"), Unknown.because("b", "c")])) == "a; b; c"


@pytest.mark.parametrize(
    ("data", "lines", "neat"),
    [
        (b"", [], True),
        (b"{a}\n{b}\n", [b"{a}", b"{b}"], True),
        (b"{a}\n{b}", [b"{a}", b"{b}"], True),
        (b"{a}\n\n{b}\n", [b"{a}", b"", b"{b}"], False),
        (b"{a}\n {b}\n", [b"{a}", b" {b}"], False),
        (b"{a}\r\n", [b"{a}\r"], False),
        (b"\n", [b""], False),
    ],
)
@pytest.mark.parametrize("together", [1, 4, 100])
def test_a_file_is_cut_into_its_lines(monkeypatch, data, lines, neat, together):
    monkeypatch.setattr(model, "TOGETHER", together)
    found = lines_of(data, utf8=True, plain=True)
    assert (found.number, [bytes(line) for line in found.lines], found.neat) == (len(lines), lines, neat)
    parts = list(found.parts())
    assert b"".join(part for _, part in parts) == data
    assert [number for number, _ in parts] == [len(list(io.BytesIO(part))) for _, part in parts]
    if all(lines):
        assert len(parts) == {1: len(lines), 100: bool(data)}.get(together, len(parts))
