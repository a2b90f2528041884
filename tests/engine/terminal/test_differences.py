"""What changed, on the terminal: the worst first, and one cause once."""

from __future__ import annotations

import re

import pytest
from builders import TIME, write_snapshot

LATER = TIME.replace(month=2)
POLICIES = {
    "low": "severity: low\nresource: AWS::S3::Bucket\nassert: Open == `false`",
    "severe": "severity: critical\nresource: AWS::S3::Bucket\nassert: Open == `false`",
    "trails": "severity: high\nresource: AWS::CloudTrail::Trail\nlookup:\n"
    "  bucket: {from: AWS::S3::Bucket, match: {Name: S3BucketName}, one: true}\nassert: $bucket.Open == `false`",
    "other": "severity: medium\nresource: AWS::S3::Bucket\nassert: Logged",
}


def bucket(*, is_open: bool, logged: bool = True, name: str = "logs") -> dict:
    return {"Name": name, "Open": is_open, "Logged": logged}


@pytest.fixture
def diff(run, tmp_path):
    (tmp_path / "p").mkdir()
    for name, text in POLICIES.items():
        (tmp_path / "p" / f"{name}.yaml").write_text(f"id: {name}\ntitle: It is {name}\n{text}\n")

    def compare(old: list, new: list, *words: str):
        trail = {"TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "Name": "t", "S3BucketName": "logs"}
        given = [{"AWS::S3::Bucket": each, "AWS::CloudTrail::Trail": [trail]} for each in (old, new)]
        for each, when in zip(given, (TIME, LATER), strict=True):
            write_snapshot(tmp_path / "s", each, when)
        return run("diff", tmp_path / "s", "--previous", "-p", tmp_path / "p", *words)

    return compare


def test_the_worst_comes_first_and_what_is_good_last(diff):
    out = diff([bucket(is_open=False, logged=False)], [bucket(is_open=True)]).out
    heads = re.findall(r"^(\w+) +(\w+) +(\w+) ", out, re.MULTILINE)
    assert heads == [
        ("new", "critical", "severe"),
        ("new", "high", "trails"),
        ("new", "low", "low"),
        ("resolved", "medium", "other"),
    ]


def test_one_change_that_moved_three_findings_is_said_once_with_its_place(diff):
    """Of the bucket's own findings, and of the trail's that looks the bucket up."""
    out = diff([bucket(is_open=False)], [bucket(is_open=True)]).out
    [said] = [line for line in out.splitlines() if "Open" in line]
    assert said.strip().startswith("configuration: AWS::S3::Bucket 111122223333 us-east-1 ")
    assert said.endswith("Open false → true, for all 3")


def test_changes_that_only_look_alike_are_said_of_each(diff):
    names = ("logs", "data")
    out = diff(
        *[[bucket(is_open=now, name=name) for name in names] for now in (False, True)], "--only", "policy=low"
    ).out
    assert sum("Open false → true" in line for line in out.splitlines()) == 2
    assert "for all" not in out


def test_so_many_as_are_asked_for_are_shown_and_the_others_counted(diff):
    found = diff([bucket(is_open=False)], [bucket(is_open=True)], "--show", "1")
    assert found.out.splitlines()[0].startswith("new        critical severe")
    assert found.out.splitlines()[-1] == "… and 2 more: --show 0 prints all"
    assert "New" in found.err
