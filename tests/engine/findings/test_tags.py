"""Tags as findings name their resources: by the quick path of files as by the exact one."""

from __future__ import annotations

from typing import Any

import pytest
from builders import TIME, write_snapshot
from stillframe.engine.findings.tags import Tags
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.model import Unknown

KEY = "AWS::KMS::Key"
A = "111122223333"
DENIED = {"$missing": "AccessDenied: kms:ListResourceTags"}


def given(**tags: Any) -> dict[str, Any]:
    return {KEY: [{"$account": A, "KeyArn": name, "$tags": value} for name, value in tags.items()]}


@pytest.mark.parametrize(
    "value",
    [{}, {"team": "a", "é": "\x01"}, DENIED, {"team": DENIED}, {"$$missing": "a", "x": "b"}, {"is missing": "c"}],
)
def test_files_say_what_the_exact_path_reads(value, tmp_path):
    snapshot = open_snapshot(write_snapshot(tmp_path, given(k=value, other={"a": "b"})))
    (exact,) = (each for each in snapshot.account(A).read(KEY) if each.id == "k")
    assert repr(Tags([snapshot]).of(A, exact.region, KEY, "k")) == repr(exact.tags)


def test_a_resource_that_is_not_there_has_none_and_the_first_snapshot_counts(tmp_path):
    new = open_snapshot(write_snapshot(tmp_path, given(k={"env": "new"})))
    old = fixture(given(k={"env": "old"}, gone={"env": "old"}))
    region = next(iter(new.account(A).read(KEY))).region
    tags = Tags([new, old])
    assert [tags.of(A, region, KEY, name) for name in ("k", "gone", "never")] == [{"env": "new"}, {"env": "old"}, None]
    assert tags.of("999999999999", region, KEY, "k") is None


def test_tags_that_a_type_does_not_collect_are_unknown(tmp_path):
    vpc = {"AWS::EC2::VPC": [{"VpcId": "v", "$tags": {"a": "b"}}], "AWS::IAM::ServerCertificate": [{"Arn": "c"}]}
    snapshot = open_snapshot(write_snapshot(tmp_path, vpc, TIME))
    for kind in vpc:
        for row in snapshot.account(snapshot.accounts[0]).read(kind):
            found = Tags([snapshot]).of(row.account, row.region, kind, row.id)
            assert repr(found) == repr(row.tags)
            assert isinstance(found, Unknown) == isinstance(row.tags, Unknown)
