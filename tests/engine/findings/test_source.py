"""What is said of a snapshot that was imported."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace
from stillframe.engine.findings.source import source_lines, source_notes
from stillframe.snapshot.model import Account, Snapshot

A, EAST, WEST = "111122223333", "us-east-1", "us-west-2"


def snapshot(scope: Any) -> Snapshot:
    return Snapshot(
        id="2026-01-11T00-00-00Z", captured_at="2026-01-11T00:00:00Z", accounts=(A,), account=None, scope=scope
    )


def config(**regions: Any) -> Any:
    return {"source": "aws-config", "accounts": {A: {name.replace("_", "-"): said for name, said in regions.items()}}}


AGED = {"snapshot": "2026-01-01T12:00:00Z", "file": "f", "latest": None, "later": 0}
NEW = {**AGED, "snapshot": "2026-01-10T12:00:00Z"}
NONE = {**AGED, "snapshot": None, "later": 3}


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ({}, None),
        ({"source": "recorded", "accounts": "listed"}, "was imported from recorded answers"),
        (config(us_east_1=AGED), f"was imported from AWS Config: the state of {A} us-east-1 is 9 days old"),
        (
            config(us_east_1=NEW, us_west_2=AGED, eu_west_1=NONE),
            f"was imported from AWS Config: the state of {A} us-west-2 is 9 days old, 1 region without a whole file",
        ),
        (config(us_east_1=NEW), f"was imported from AWS Config: the state of {A} us-east-1 is of that day"),
        (config(), "was imported from AWS Config"),
        (
            {**config(us_east_1=NEW), "filled": {"at": "2026-01-11T00:00:00Z"}},
            f"was imported from AWS Config, and filled by AWS itself: the state of {A} us-east-1 is of that day",
        ),
        ({"source": "somebody else"}, None),
    ],
)
def test_a_note_says_of_what_and_how_old_the_oldest_is(scope, says):
    expected = [f"snapshot 2026-01-11T00-00-00Z {says}"] if says else []
    assert [*source_notes(snapshot(scope))] == expected


def test_lines_say_it_of_each_region():
    assert [*source_lines(snapshot(config(us_east_1=AGED, us_west_2=NONE)))] == [
        "imported from AWS Config",
        f"{A} us-east-1: its snapshot of 2026-01-01T12:00:00Z, 9 days old",
        f"{A} us-west-2: no whole snapshot, and 3 items after it",
    ]


def test_lines_say_what_aws_itself_was_asked_for():
    asked = {"AWS::S3::Bucket": {"in": ["global"], "recorded": ["Acl", "Policy"]}, "AWS::SNS::Topic": {"in": [EAST]}}
    asked |= {"AWS::KMS::Key": {"in": [WEST, EAST]}, "AWS::EC2::VPC": {"in": [EAST]}}
    accounts = {A: asked, "444455556666": {}}

    def account(identity: str) -> Account:
        filled = accounts[identity]
        return Account(id=identity, name=None, regions=(EAST,), coverage={}, read=lambda _: (), filled=filled)

    found = snapshot({**config(us_east_1=NEW), "filled": {"at": "2026-01-11T00:00:00Z"}})
    assert [*source_lines(replace(found, accounts=tuple(accounts), account=account))] == [
        "imported from AWS Config, and filled by AWS itself",
        f"{A} us-east-1: its snapshot of 2026-01-10T12:00:00Z, of that day",
        f"{A}: AWS::S3::Bucket (Acl, Policy recorded) by AWS itself, 2026-01-11T00:00:00Z",
        f"{A}: AWS::EC2::VPC, AWS::SNS::Topic by AWS itself in us-east-1, 2026-01-11T00:00:00Z",
        f"{A}: AWS::KMS::Key by AWS itself in us-east-1, us-west-2, 2026-01-11T00:00:00Z",
        "444455556666: nothing by AWS itself, 2026-01-11T00:00:00Z",
    ]


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text() | some.just("2026-01-01T00:00:00Z"),
    lambda inner: some.lists(inner) | some.dictionaries(some.sampled_from(["snapshot", "later", A, "x"]), inner),
)


@given(ANYTHING)
def test_what_somebody_else_wrote_there_harms_nothing(accounts):
    found = snapshot({"source": "aws-config", "accounts": accounts, "filled": accounts})
    assert [*source_notes(found)] or not [*source_lines(found)]
