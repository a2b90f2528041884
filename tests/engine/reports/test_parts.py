"""Parts, one after the other, are the very bytes of one file; and the index says what belongs to them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.reports import parts
from stillframe.snapshot.remote import find, put, remote_of

ARN = "arn:aws:kms:us-east-1:111122223333:key"
KEYS = [
    {"KeyId": f"{number:02}", "KeyArn": f"{ARN}/{number:02}", "Metadata": {"KeyManager": "CUSTOMER"}}
    for number in range(30)
]
ROTATION = Path(parts.__file__).parents[2] / "policies/kms/kms-key-rotation.yaml"


@pytest.fixture
def archive(tmp_path) -> Path:
    return write_snapshot(tmp_path / "archive", {"AWS::KMS::Key": KEYS}).parent


@pytest.fixture
def evaluate(run, archive):
    return lambda out, *more: run("evaluate", archive, "-p", ROTATION, "-o", out, *more)


def check(folder: Path, expected: bytes, number: int) -> None:
    """That the parts are what is expected, and are what their index says."""
    index = json.loads((folder / "index.json").read_bytes())
    assert [each["name"] for each in index["parts"]] == [f"part-{each:05}.jsonl" for each in range(number)]
    assert {path.name for path in folder.iterdir()} == {"index.json", *(each["name"] for each in index["parts"])}
    found = [(folder / each["name"]).read_bytes() for each in index["parts"]]
    assert b"".join(found) == expected
    for each, data in zip(index["parts"], found, strict=True):
        told = (len(data), data.count(b"\n"), hashlib.sha256(data).hexdigest())
        assert (each["bytes"], each["findings"], each["sha256"]) == told
    assert index["findings"] == expected.count(b"\n")


def test_a_name_that_ends_with_a_slash_is_a_folder_of_parts(evaluate, tmp_path, monkeypatch):
    evaluate(tmp_path / "one.jsonl")
    expected = (tmp_path / "one.jsonl").read_bytes()
    assert evaluate(f"{tmp_path}/parts/").code == 4
    check(tmp_path / "parts", expected, 1)
    index = json.loads((tmp_path / "parts/index.json").read_bytes())
    assert (index["format"], index["counts"]) == (1, {"kms-key-rotation": {"unknown": 30, "waived": 0}})
    monkeypatch.setattr(parts, "MOST", 1)
    evaluate(f"{tmp_path}/parts.jsonl/", "--no-cache")
    check(tmp_path / "parts.jsonl", expected, 1)  # of one policy and account: these are not torn apart


def test_an_earlier_one_is_replaced_and_anything_else_is_not(evaluate, tmp_path):
    folder = tmp_path / "parts"
    assert evaluate(f"{folder}/").code == 4
    (folder / "part-00009.jsonl").write_text("left\n")
    assert evaluate(f"{folder}/", "--status", "fail").code == 4
    check(folder, b"", 0)
    site = tmp_path / "site"
    for other in (folder / "mine.txt", site / "index.json"):
        other.parent.mkdir(exist_ok=True)
        other.write_text("{}")
        refused = evaluate(f"{other.parent}/")
        assert refused.code == 2
        assert "holds other things" in refused.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "parts", "site"]


def test_differences_come_in_parts_as_well(run, tmp_path):
    from datetime import UTC, datetime

    pictures = [
        write_snapshot(tmp_path / "two", {"AWS::KMS::Key": KEYS[:number]}, datetime(2026, 1, number, tzinfo=UTC))
        for number in (2, 9)
    ]
    run("diff", *pictures, "-p", ROTATION, "-o", tmp_path / "one.jsonl", "-o", f"{tmp_path}/parts/")
    check(tmp_path / "parts", (tmp_path / "one.jsonl").read_bytes(), 1)
    assert json.loads((tmp_path / "parts/index.json").read_bytes())["before"] == pictures[0].name


def test_a_format_that_has_no_parts_is_refused(evaluate, tmp_path):
    for name, more in ((f"{tmp_path}/x.csv/", ()), (f"{tmp_path}/x/", ("--format", "csv"))):
        refused = evaluate(name, *more)
        assert refused.code == 2, name
        assert "parts are JSON Lines" in refused.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive"]


def test_in_a_bucket(evaluate, tmp_path, bucket):
    evaluate(tmp_path / "one.jsonl")
    expected = (tmp_path / "one.jsonl").read_bytes()
    place = remote_of(f"{bucket}/out")
    for _ in range(2):  # what is in a bucket is no run to be given back
        put(place / "part-00007.jsonl", b"left\n")
        assert evaluate(f"{place}/", "--workers", 2).code == 4
        folder = tmp_path / "fetched"
        folder.mkdir(exist_ok=True)
        for each in place.iterdir():
            (folder / each.name).write_bytes(find(each)[0])
        check(folder, expected, 1)
    refused = evaluate(f"{place}/findings.jsonl")
    assert refused.code == 2
    assert "object storage takes findings in parts" in refused.err


def test_the_index_is_gone_while_parts_are_written(evaluate, bucket, monkeypatch):
    place = remote_of(f"{bucket}/out")
    assert evaluate(f"{place}/").code == 4

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts.Parts, "add", fails)
    assert evaluate(f"{place}/").code == 2
    assert find(place / "index.json") is None
