"""Our functions, by example."""

from __future__ import annotations

import pytest
from stillframe.engine.bucket_policy import is_public
from stillframe.engine.expression import parse
from stillframe.engine.functions import ARITY, AWARE, OURS, PLAIN, TIMED
from stillframe.engine.interpret import evaluate
from stillframe.snapshot.model import Unknown

SCOPE = {"snapshot_time": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("arn('arn:aws:s3:::a/b:c').resource", "a/b:c"),
        ("arn('arn:aws:kms:us-east-1:111122223333:key/1').account", "111122223333"),
        ("arn('vpc-1')", None),
        ("lower('FAILURE')", "failure"),
        ("split('a/b/c', '/')[-1]", "c"),
        ("hours_since('2026-01-01T12:00:00Z')", 12.0),
        ("hours_since('2026-01-01T14:00:00+02:00')", 12.0),
        ("days_since('2026-01-01T00:00:00Z')", 1.0),
        ("days_since('2026-01-03T00:00:00Z')", -1.0),
        ("any(`[1, 2]`, &@ == `2`)", True),
        ("any(`[]`, &@)", False),
        ("all(`[1, 2]`, &@ > `0`)", True),
        ("all(`[]`, &@)", True),
        ("known(`null`, 'b')", "b"),
    ],
)
def test_functions(expression, expected):
    assert evaluate(parse(expression), {}, SCOPE) == expected


def test_every_function_of_ours_is_in_one_table_and_counted():
    tables = [set(AWARE), set(PLAIN), set(TIMED)]
    assert set(OURS) <= set.union(*tables)
    assert set.union(*tables) <= set(ARITY)
    assert sum(map(len, tables)) == len(set.union(*tables))


def allow(principal="*", condition=None, **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", **more}
    return {"Statement": [statement | ({"Condition": condition} if condition else {})]}


@pytest.mark.parametrize(
    "policy",
    [
        allow(),
        allow({"AWS": "*"}),
        allow({"AWS": ["arn:aws:iam::111122223333:root", "*"]}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "*"}}),
        allow(condition={"StringLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-*"]}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "${aws:x}"}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": []}}),
        allow(condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
        allow(condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
        allow(condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        allow(condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow(condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
        allow(condition={"StringEquals": {"aws:userid": "AROA1:*"}}),
        allow(condition={"StringEquals": {"aws:UserAgent": "me"}}),
        {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}},
        {"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "s3:*"}]},
        {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}, allow()["Statement"][0]]},
    ],
)
def test_public_by_aws_published_definition(policy):
    assert is_public(policy) is True


@pytest.mark.parametrize(
    "policy",
    [
        None,
        allow({"Service": "cloudtrail.amazonaws.com"}),
        allow({"AWS": "arn:aws:iam::111122223333:root"}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
        allow(condition={"StringEquals": {"AWS:SourceVpce": ["vpce-1", "vpce-2"]}}),
        allow(condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:1:trail/main"}}),
        allow(condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}),
        allow(condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:SecureTransport": "true"}}),
        allow(condition={"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:111122223333:accesspoint/*"}}),
        {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}]},
    ],
)
def test_not_public_by_aws_published_definition(policy):
    assert is_public(policy) is False


@pytest.mark.parametrize(
    "policy",
    [
        {},
        [],
        "text",
        {"Statement": []},
        {"Statement": [{}]},
        {"Statement": [{"Effect": "Allow"}]},
        {"Statement": [{"Effect": "Allow", "Principal": {}}]},
        {"Statement": [{"Effect": "Permit", "Principal": "*"}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": 1}}]},
    ],
)
def test_what_is_no_policy_is_unknown(policy):
    assert isinstance(is_public(policy), Unknown)
