"""Policy documents by examples: their statements in one form, which are public, and which are none."""

from __future__ import annotations

import pytest
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.policy_document import is_public, statements
from stillframe.snapshot.model import Unknown


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
        allow(condition={"StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}),
        allow(condition={"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:a:1:key/1"}}),
        allow({"Federated": "graph.facebook.com"}),
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
        allow({"Federated": "arn:aws:iam::111122223333:saml-provider/office"}),
        allow({"AWS": []}),
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
        {"Statement": [{"Effect": "Allow", "principal": "*", "Principal": {"AWS": "1"}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": {}}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"aws": "*"}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ""}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": None}}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": [None]}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpc": None}}}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpc": [{}]}}}]},
    ],
)
def test_what_is_no_policy_is_unknown(policy):
    assert isinstance(is_public(policy), Unknown)


def test_the_statements_of_a_policy_are_in_one_form():
    [first, second] = statements(
        {
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"},
                {
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": ["1", "2"], "Service": "s3.amazonaws.com"},
                    "NotAction": ["S3:*", "sns:Publish"],
                    "NotResource": "*",
                    "Condition": {
                        "Bool": {"aws:SecureTransport": False},
                        "StringLike": {"aws:PrincipalArn": ["a", "b"]},
                    },
                },
            ]
        }
    )
    nobody = {"AWS": [], "CanonicalUser": [], "Federated": [], "Service": []}
    assert first == {
        "Effect": "Allow",
        "Principal": {**nobody, "AWS": ["*"]},
        "NotPrincipal": nobody,
        "Action": ["s3:getobject"],
        "NotAction": [],
        "Resource": ["arn:aws:s3:::a/*"],
        "NotResource": [],
        "Condition": [],
        "Fixes": [],
        "Accounts": [],
        "Public": True,
    }
    assert second == {
        "Effect": "Deny",
        "Principal": nobody,
        "NotPrincipal": {**nobody, "AWS": ["1", "2"], "Service": ["s3.amazonaws.com"]},
        "Action": [],
        "NotAction": ["s3:*", "sns:publish"],
        "Resource": [],
        "NotResource": ["*"],
        "Condition": [
            {"Operator": "bool", "Key": "aws:securetransport", "Value": ["false"]},
            {"Operator": "stringlike", "Key": "aws:principalarn", "Value": ["a", "b"]},
        ],
        "Fixes": ["arn"],
        "Accounts": [],
        "Public": False,
    }


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (allow(), True),
        (allow(condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}), False),
        (allow(condition={"StringEquals": {"aws:PrincipalAccount": "111122223333"}}), False),
        (allow(condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}), True),
        ({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "*"}}, True),
        ({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}}, False),
    ],
)
def test_a_statement_is_public_where_it_lets_anybody_in(policy, public):
    assert [statement["Public"] for statement in statements(policy)] == [public]


@pytest.mark.parametrize(
    "policy",
    ["text", [], {}, {"Statement": []}, {"Statement": [1]}, {"Statement": {"Effect": "Allow", "Principal": {}}}],
)
def test_statements_of_what_is_no_policy_are_unknown(policy):
    assert isinstance(statements(policy), Unknown)


@pytest.mark.parametrize(
    ("lost", "of"),
    [
        (["Action"], allow()),
        (["NotAction"], {"Statement": [{"Effect": "Allow", "NotAction": "*", "Resource": "*"}]}),
        (["Resource"], {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
        (["Principal", "Resource"], allow()),
        (["Effect"], allow()),
    ],
)
def test_a_statement_that_lost_what_each_has_is_unknown(lost, of):
    (whole,) = of["Statement"]
    assert [each["Effect"] for each in statements(of)] == ["Allow"]
    rest = {name: value for name, value in whole.items() if name not in lost}
    assert isinstance(statements({"Statement": [rest]}), Unknown)


def test_statements_say_whom_they_are_about_all_or_none():
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert isinstance(statements({"Statement": [allow()["Statement"][0], deny]}), Unknown)
    assert isinstance(statements({"Statement": [allow()["Statement"][0], {**deny, "Principal": "*"}]}), list)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_whom_a_statement_without_a_principal_is_about_is_unknown(effect):
    """A policy of an identity looks as that of a resource does whose principals were lost."""
    document = {"Statement": [{"Effect": effect, "Action": "S3:Get*", "Resource": "*"}]}
    (found,) = statements(document)
    unsure = {name for name, value in found.items() if isinstance(value, Unknown)}
    assert unsure == {"Principal", "NotPrincipal", "Public"}
    assert "no principal is named" in str(found["Public"])
    assert (found["Effect"], found["Action"], found["Resource"]) == (effect, ["s3:get*"], ["*"])
    assert is_public(document) == Unknown.because("MalformedValue: it is not a policy document")


def test_the_policy_of_an_identity_names_nobody():
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    (found,) = statements(document, "identity")
    assert found["Public"] is False
    nobody = {"AWS": [], "CanonicalUser": [], "Federated": [], "Service": []}
    assert found["Principal"] == found["NotPrincipal"] == nobody
    assert isinstance(statements(allow(), "identity"), Unknown)


@pytest.mark.parametrize(("of", "told"), [("role", "not of role"), (1, "not of a number")])
def test_there_is_no_other_kind_of_policy(of, told):
    with pytest.raises(EvaluationError, match=told):
        statements(None, of)
