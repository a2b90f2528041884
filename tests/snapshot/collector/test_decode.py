"""What is made of answers before they are written: documents, CSV, and secrets taken out."""

from __future__ import annotations

import json

import pytest
from stillframe.snapshot.catalog import load_catalog, steps
from stillframe.snapshot.collector.decode import REDACTED, change, finish, rows
from stillframe.snapshot.model import Unknown

DENIED = Unknown.because("AccessDenied: a:B")
GONE = "gone"


@pytest.mark.parametrize(
    ("path", "value", "becomes"),
    [
        ("A", {"A": "x", "B": "y"}, {"A": GONE, "B": "y"}),
        ("A.B", {"A": {"B": "x"}}, {"A": {"B": GONE}}),
        ("A[].B", {"A": [{"B": "x"}, {"C": "y"}]}, {"A": [{"B": GONE}, {"C": "y"}]}),
        ("A.*", {"A": {"one": "x", "two": "y"}}, {"A": {"one": GONE, "two": GONE}}),
        ("A[].B.*", {"A": [{"B": {"one": "x"}}]}, {"A": [{"B": {"one": GONE}}]}),
        ("A", {}, {}),
        ("A", {"A": None}, {"A": None}),
        ("A.B", {"A": DENIED}, {"A": DENIED}),
        ("A.*", {"A": {"one": None}}, {"A": {"one": None}}),
        # Not of the form that the path says: all of it goes, rather than none.
        ("A.B", {"A": "x"}, {"A": GONE}),
        ("A.B", {"A": ["x"]}, {"A": GONE}),
        ("A[].B", {"A": {"B": "x"}}, {"A": GONE}),
        ("A.*", {"A": ["x"]}, {"A": GONE}),
        ("A[]", {"A": "x"}, {"A": GONE}),
    ],
)
def test_what_stands_at_a_path_is_replaced(path, value, becomes):
    before = json.dumps(value, default=str)
    assert change(value, steps(path), lambda _: GONE) == becomes
    assert json.dumps(value, default=str) == before, "in a copy"


def test_a_map_keeps_its_keys_when_its_values_are_redacted():
    config = {"FunctionName": "f", "Environment": {"Variables": {"PASSWORD": "hunter2", "EMPTY": ""}}}
    assert finish(config, load_catalog()["AWS::Lambda::Function"]) == {
        "FunctionName": "f",
        "Environment": {"Variables": {"PASSWORD": REDACTED, "EMPTY": REDACTED}},
    }


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ('{"Version": "2012-10-17"}', {"Version": "2012-10-17"}),
        ({"Version": "2012-10-17"}, {"Version": "2012-10-17"}),
        (None, None),
        (DENIED, DENIED),
        ("{", Unknown.because("MalformedDocument: s3:GetBucketPolicy")),
        ("", Unknown.because("MalformedDocument: s3:GetBucketPolicy")),
        (7, Unknown.because("MalformedDocument: s3:GetBucketPolicy")),
        ("[" * 90 + "]" * 90, Unknown.because("MalformedDocument: s3:GetBucketPolicy")),
    ],
)
def test_a_document_is_parsed_or_unknown(sent, written):
    assert finish({"Policy": sent}, load_catalog()["AWS::S3::Bucket"]) == {"Policy": written}


def test_a_document_that_the_list_sends_is_blamed_on_the_list():
    found = finish({"PolicyDocument": "{"}, load_catalog()["AWS::EC2::VPCEndpoint"])
    assert str(found["PolicyDocument"]) == "MalformedDocument: ec2:DescribeVpcEndpoints"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'user,arn\na,"1,2"\n', [{"user": "a", "arn": "1,2"}]),
        (b"arn,new,user\n1,x,a\n", [{"arn": "1", "new": "x", "user": "a"}]),
        (b"user,arn\n", []),
    ],
)
def test_csv_becomes_objects(content, found):
    assert rows(content, ("user", "arn"), "a:B") == found


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"user\na\n", b"user,arn\na\n", b"user,arn\na,1,2\n", b'user,arn\n"a,1', b"\xff\xfe"]
)
def test_csv_that_is_none_or_lacks_a_column_is_unknown(content):
    assert rows(content, ("user", "arn"), "a:B") == Unknown.because("MalformedDocument: a:B")


def test_null_is_unknown_where_aws_always_sends_something_and_it_was_made_of_an_answer_without_it():
    lost = Unknown.because("UnexpectedAnswer: quicksight:DescribeDashboardPermissions")
    spec = load_catalog()["AWS::QuickSight::Dashboard"]
    access = {"Permissions": None, "LinkSharingConfiguration": None}
    assert finish({"Arn": "a", "Access": access}, spec)["Access"] == {**access, "Permissions": lost}
    assert finish({"Arn": "a", "Access": None}, spec)["Access"] is None
    zone = finish({"Name": "a.", "PrivateZone": None}, load_catalog()["AWS::Route53::RecordSet"])
    assert zone["PrivateZone"] == Unknown.because("UnexpectedAnswer: route53:ListResourceRecordSets")
