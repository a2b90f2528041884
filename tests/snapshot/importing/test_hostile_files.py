"""Files that somebody means harm with: each is refused by name, or read as far as it is sound, and the import ends."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.errors import ArgumentError
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.importing.moments import moment, moments
from stillframe.snapshot.verify import verify

ACCOUNT = "111122223333"
NAME = f"{ACCOUNT}_Config_us-east-1_ConfigSnapshot_20260101T000000Z_x.json"
VPC = {"vpcId": "vpc-1", "state": "available", "ownerId": ACCOUNT, "cidrBlock": "10.0.0.0/16", "isDefault": False}
ITEM = {
    "configurationItemCaptureTime": "2026-01-01T00:00:00Z",
    "configurationItemStatus": "OK",
    "awsAccountId": ACCOUNT,
    "awsRegion": "us-east-1",
    "resourceType": "AWS::EC2::VPC",
    "resourceId": "vpc-1",
    "configuration": VPC,
    "supplementaryConfiguration": {},
    "tags": {},
}
SECOND = {**ITEM, "resourceId": "vpc-2"}


def deep(times):
    return json.loads("[" * times + "]" * times)


def imported(folder: Path, *items, name=NAME, after=""):
    """The VPCs of a file with a sound item and others, and what is said to be wrong."""
    path = folder / "in" / name
    path.parent.mkdir()
    text = json.dumps({"configurationItems": [ITEM, *items]}).replace('"1e400"', "1e400")
    path.write_bytes(gzip.compress(text.encode() + after.encode()))
    done = import_aws_config([path.parent], folder / "into", regions=["us-east-1"])
    found = list(open_snapshot(done.path).account(ACCOUNT).read("AWS::EC2::VPC"))
    return done, {each.id: each.config for each in found}, "; ".join(done.problems)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({**SECOND, "resourceId": "\ud800"}, "without an account, a region, a type or an id"),
        ({**SECOND, "configuration": {**VPC, "vpcId": "vpc-\ud800"}}, "without VpcId, which identifies it"),
        ({**SECOND, "configurationItemStatus": {}}, "with a status or a region that AWS Config does not have"),
        ({**SECOND, "configuration": {**VPC, "vpcId": "vpc-2", "x": deep(300)}}, "nested too deep"),
        ({**SECOND, "configuration": {**VPC, "vpcId": "vpc-2", "x": deep(700)}}, "nested more than 100 deep"),
    ],
)
def test_an_item_that_cannot_be_used_costs_no_other(tmp_path, item, says):
    done, found, problems = imported(tmp_path, item)
    assert f"item 2: {says}" in problems
    assert list(found) == ["vpc-1"]
    assert [*verify(done.path)] == []


@pytest.mark.parametrize("how", ["a number", "in text", "no number in text"])
def test_a_number_that_is_none_is_unknown(tmp_path, how):
    """Written as null it would say that there is nothing."""
    odd = {**VPC, "vpcId": "vpc-2", "isDefault": "1e400"}
    text = json.dumps(odd).replace('"1e400"', "NaN" if how == "no number in text" else "1e400")
    _, found, _ = imported(tmp_path, {**SECOND, "configuration": odd if how == "a number" else text})
    assert str(found["vpc-2"]["IsDefault"]) in (
        "MalformedValue: a number beyond all size, or none",
        "MalformedValue: AWS::EC2::VPC IsDefault is a number, not a boolean",
    )


def test_what_follows_the_list_is_bounded(tmp_path):
    """Packed, 16 MiB of blanks are 16 KiB: all of it stood in memory."""
    _, found, problems = imported(tmp_path, after=" " * (20 << 20))
    assert "goes on after its list, beyond all size" in problems
    assert list(found) == ["vpc-1"]


def test_a_file_whose_name_has_no_time_claims_nothing(tmp_path):
    done, found, _ = imported(tmp_path, name=NAME.replace("20260101T000000", "20261301T000000"))
    assert list(found) == ["vpc-1"]
    missing = open_snapshot(done.path).account(ACCOUNT).coverage["AWS::EC2::VPC"].missing
    assert set(missing) == {"*"}, "a file that does not say that it is whole makes no list"


def test_links_in_a_folder_are_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps({"configurationItems": [SECOND]}))
    (tmp_path / "in").mkdir()
    link = tmp_path / "in" / "more.json"
    link.symlink_to(elsewhere)
    (tmp_path / "in" / NAME).write_text(json.dumps({"configurationItems": [ITEM]}))
    done = import_aws_config([tmp_path / "in"], tmp_path / "into")
    assert done.problems == (f"{link}: is a link",)
    assert done.items == 1
    assert import_aws_config([link], tmp_path / "named").items == 1


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_before_or_after_all_times_is_none(text):
    with pytest.raises(ArgumentError, match="is no time"):
        moment(text)


def test_days_end_where_time_does():
    assert [each.day for each in moments("day", "9999-12-30..9999-12-31")] == [30, 31]
