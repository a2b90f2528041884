"""What a snapshot says that it does not know."""

from __future__ import annotations

import pytest
from builders import write_snapshot
from msgspec.structs import replace
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.gaps import gaps
from stillframe.snapshot.model import EVERYWHERE, Coverage, Unknown

DENIED = "AccessDenied: kms:GetKeyRotationStatus"
GIVEN = {
    "AWS::KMS::Key": [
        {"KeyId": "a", "Rotation": {"$missing": DENIED}, "Tags": {"$missing": "NotAsked: kms:ListResourceTags"}},
        {"KeyId": "b", "Rotation": {"$missing": DENIED}, "Policy": {"Statement": [{"$missing": "Throttling: kms:X"}]}},
        {"KeyId": "c", "Rotation": {"KeyRotationEnabled": True}},
        {"KeyId": "d", "Rotation": {"$missing": DENIED}, "$region": "eu-west-1"},
    ],
    "AWS::S3::Bucket": {"$missing": "AccessDenied: s3:ListBuckets"},
    "AWS::EC2::VPC": [{"VpcId": "v", "UserData": {"$missing": "redacted by the collector"}}],
}


@pytest.mark.parametrize("written", [True, False], ids=["files", "memory"])
def test_lists_and_what_is_attached_have_gaps_and_what_was_not_asked_or_is_hidden_has_none(written, tmp_path):
    picture = open_snapshot(write_snapshot(tmp_path, GIVEN)) if written else fixture(GIVEN)
    found = {each.type: each for each in gaps(picture)}
    lost = found["AWS::KMS::Key"].within
    assert {key: number for key, number in lost.items() if " has no " not in key[1]} == {
        ("us-east-1", DENIED): 2,
        ("us-east-1", "Throttling: kms:X"): 1,
        ("eu-west-1", DENIED): 1,
    }
    assert [str(each) for each in found["AWS::S3::Bucket"].lists.values()] == ["AccessDenied: s3:ListBuckets"]
    assert {cause for _, cause in found["AWS::EC2::VPC"].within if " has no " not in cause} == set()


def test_a_resource_counts_once_for_a_cause_and_once_in_all(run, tmp_path):
    """An auditor asks how many resources something is unknown of, not how many of their fields."""
    unread = {"$missing": "NotRecorded: AWS Config"}
    vpc = {
        "CidrBlockAssociationSet": [],
        "OwnerId": "1",
        "IsDefault": False,
        "State": "available",
        "CidrBlock": unread,
        "DhcpOptionsId": unread,
    }
    other = {"$missing": "AccessDenied: ec2:X"}
    rows = [
        {**vpc, "VpcId": "a"},
        {**vpc, "VpcId": "b", "InstanceTenancy": other},
        {**vpc, "VpcId": "c"} | {"CidrBlock": "10.0.0.0/8", "DhcpOptionsId": "d"},
    ]
    path = write_snapshot(tmp_path, {"AWS::EC2::VPC": rows})
    [gap] = gaps(open_snapshot(path))
    assert dict(gap.within) == {
        ("us-east-1", "NotRecorded: AWS Config"): 2,
        ("us-east-1", "AccessDenied: ec2:X"): 1,
    }
    lines = run("snapshot", "show", path).out.splitlines()
    assert ["AWS::EC2::VPC", "3", "0", "2"] in [line.split() for line in lines]
    assert "unknown: NotRecorded: AWS Config (2 times)" in lines


def test_of_types_that_were_not_collected_nothing_is_known():
    [gap] = gaps(fixture(GIVEN), {"AWS::SNS::Topic": ()})
    assert [str(each) for each in gap.lists.values()] == ["AWS::SNS::Topic was not collected from account 111122223333"]


def test_what_was_not_asked_for_is_a_gap_of_who_reads_it(tmp_path):
    picture = open_snapshot(write_snapshot(tmp_path, GIVEN))
    for fields, expected in ((["Tags"], 1), (["Rotation"], 0)):
        [gap] = gaps(picture, {"AWS::KMS::Key": fields})
        assert gap.within["us-east-1", "NotAsked: kms:ListResourceTags"] == expected


def test_showing_a_snapshot_names_both_kinds_with_how_often(run, tmp_path):
    path = write_snapshot(tmp_path, GIVEN)
    lines = run("snapshot", "show", path).out.splitlines()
    [keys] = [line.split() for line in lines if line.startswith("AWS::KMS::Key")]
    assert keys == ["AWS::KMS::Key", "4", "0", "4"]  # of each something that is always there is not
    assert f"unknown: {DENIED} (3 times)" in lines
    assert "unknown: AccessDenied: s3:ListBuckets (1 time)" in lines
    assert not [line for line in lines if "NotAsked" in line or "redacted" in line]
    assert "not asked: kms:ListResourceTags" in lines
    [missing] = [line for line in lines if line.startswith("not collected: ")]
    assert missing.startswith(f"not collected: {len(load_catalog()) - 3:,} types, AWS::")
    assert lines[-1].startswith("`stillframe collect` asks for all")


def test_accounts_that_could_not_be_entered_are_named_and_counted(run, tmp_path):
    whole, cause = fixture({"AWS::S3::Bucket": []}), "AccessDenied: sts:AssumeRole"
    kept = Coverage(read=frozenset(), missing={EVERYWHERE: cause})
    out = {
        name: replace(
            whole.account("111122223333"),
            id=name,
            regions=Unknown.because(cause),
            coverage={"AWS::Region": kept},
            read=lambda _: (),
        )
        for name in ("222222222222", "333333333333")
    }
    three = replace(whole, accounts=(*whole.accounts, *out), account=lambda name: out.get(name) or whole.account(name))
    path = write_snapshot(tmp_path / "archive", three)
    assert "2 accounts could not be entered: 222222222222, 333333333333" in run("snapshot", "show", path).out
    done = run("evaluate", path, "-o", tmp_path / "s.prom")
    assert done.code == 4, done.err  # of these two nothing is known
    assert "stillframe_accounts_not_entered 2\n" in (tmp_path / "s.prom").read_text()
