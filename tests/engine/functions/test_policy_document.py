"""What is called public lets a stranger in, and what is not refuses every stranger: random documents against an oracle.

Where the oracle and AWS's definition part on purpose: a Deny closes nothing (S3 leaves it out of its definition); an
operator that does not suit its key, or a wildcard under one that takes it literally, lets nobody in for IAM and is no
fixed value for AWS, so only the one direction holds for such documents.
"""

from __future__ import annotations

from itertools import product

import pytest
from builders import shipped
from hypothesis import given
from hypothesis import strategies as st
from often import often
from requests_of_strangers import allows, strangers_request
from stillframe.engine.functions.condition_keys import S3_KEYS
from stillframe.engine.functions.policy_document import is_public, statements
from stillframe.engine.language.interpret import holds
from stillframe.snapshot.model import Unknown

# ----------------------------------------------------------------------------------------------- documents

TEXT = ("StringEquals", "StringEqualsIgnoreCase")
NOT_LIMITING = ("StringNotEquals", "StringNotLike", "StringEqualsIfExists", "ForAllValues:StringEquals", "Null")
ACCOUNTS = ("111122223333", 444455556666)
ARNS = ("arn:aws:events:us-east-1:111122223333:rule/nightly", "arn:aws:iam::444455556666:role/reader")
PATHS = ("o-a1b2c3d4e5/r-ab12/ou-ab12-1/", "o-a1b2c3d4e5/")
VPCS = ("vpc-91237329", "vpce-1a2b")
# Key → values of somebody's own, and patterns that leave more open than that.
KEYS = {
    "aws:SourceAccount": (ACCOUNTS, ("1111*", "1?1122223333", "*")),
    "aws:PrincipalAccount": (ACCOUNTS, ("11112222333?",)),
    "AWS:VpceAccount": (ACCOUNTS, ("*",)),
    "kms:CallerAccount": (ACCOUNTS, ("*",)),
    "s3:DataAccessPointAccount": (ACCOUNTS, ("*",)),
    "aws:SourceOwner": (ACCOUNTS, ("4*",)),
    "aws:PrincipalOrgID": (("o-a1b2c3d4e5",), ("o-*", "o-a1b2c3d4e?")),
    "aws:SourceOrgID": (("o-a1b2c3d4e5",), ("*",)),
    "aws:VpceOrgID": (("o-a1b2c3d4e5",), ("o-a*",)),
    "aws:PrincipalOrgPaths": (PATHS, ("o-*/r-ab12/*", "*")),
    "aws:SourceOrgPaths": (PATHS, ("*",)),
    "aws:VpceOrgPaths": (PATHS, ("o-a*",)),
    "aws:SourceArn": (ARNS, ("arn:aws:s3:::*", "arn:aws:events:*:111122223333:rule/*", "arn:aws:iam::*:role/a")),
    "aws:PrincipalArn": (ARNS, ("arn:aws:iam::111122223333:role/*",)),
    "aws:SourceVpcArn": (("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1",), ("arn:aws:ec2:us-east-1:*:vpc/vpc-1",)),
    "s3:DataAccessPointArn": (
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/a",),
        ("arn:aws:s3:us-east-1:*:accesspoint/a",),
    ),
    "aws:SourceVpc": (VPCS, ("vpc-*", "vpc-9123732?", "vpc-?1237329")),
    "aws:sourcevpce": (VPCS, ("vpce-*",)),
    "aws:userid": (("AIDAEXAMPLE", "AROAEXAMPLE:session"), ("AROAEXAMPLE:*",)),
    "aws:PrincipalServiceName": (("cloudtrail.amazonaws.com",), ("*.amazonaws.com",)),
}
MANY = frozenset(key for key in KEYS if key.endswith("OrgPaths"))
WIDE = {
    "aws:PrincipalOrgPaths": ("o-a1b2c3d4e5/*",),
    "aws:SourceOrgPaths": ("o-a1b2c3d4e5/r-ab12/*",),
    "aws:VpceOrgPaths": ("o-a1b2c3d4e5/*",),
}
FREE = (
    *(
        "aws:referer",
        "aws:UserAgent",
        "aws:PrincipalTag/team",
        "kms:ViaService",
        "aws:VpcSourceIp",
        "aws:RequestedRegion",
    ),
    *("s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:ResourceOrgID", "aws:SourceIdentity", "aws:CalledVia"),
)
CIDRS = (
    *("203.0.113.0/24", "203.0.113.7", "10.0.0.0/8", "172.16.0.0/12", "54.0.0.0/8", "55.0.0.0/8", "52.0.0.0/7"),
    *(
        "0.0.0.0/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "1.2.3.4/0",
        "64.0.0.0/2",
        "2001:db8::/32",
        "2001:db9::/32",
        "2600::/16",
    ),
    *("::/0", "0:0:0:0:0:0:0:0/0", "::/1", "8000::/1", "2001:db8:1::/48"),
)


@st.composite
def condition(draw: st.DrawFn, *, tidy: bool, s3: bool = False) -> tuple[str, str, object]:
    """An operator, a key and its values. A tidy one is written as IAM's documentation says that it should be."""
    kind = draw(st.sampled_from(["fixed", "fixed", "pattern", "address", "free", "loose"]))
    if kind == "address":
        values = draw(st.lists(st.sampled_from(CIDRS), min_size=1, max_size=4))
        return draw(st.sampled_from(["IpAddress", "IpAddress", "IpAddressIfExists"])), "aws:SourceIp", values
    if kind == "free":
        operator = draw(st.sampled_from([*TEXT, "StringLike", "StringEqualsIfExists"]))
        return operator, draw(st.sampled_from(FREE)), draw(st.sampled_from(["x", ["a", "b"], "b*"]))
    key = draw(st.sampled_from(sorted(each for each in KEYS if not s3 or each.lower() in S3_KEYS)))
    fixed, patterns = KEYS[key]
    values = draw(st.lists(st.sampled_from(fixed), min_size=1, max_size=2))
    many = "ForAnyValue:" if key in MANY else ""
    if kind == "loose":
        operator = draw(st.sampled_from(NOT_LIMITING))
        if many and ":" not in operator and operator != "Null":
            operator = many + operator
        return operator, key, draw(st.sampled_from(["true", "false"])) if operator == "Null" else values
    operators = ["StringLike", *(("ArnLike", "ArnEquals") if "arn" in key.lower() else ())]
    if kind == "pattern":
        wide = draw(st.lists(st.sampled_from((*patterns, *WIDE.get(key, ()))), min_size=1, max_size=2))
        return many + draw(st.sampled_from(operators)), key, draw(st.permutations([*wide, *values[1:]]))
    operator = draw(st.sampled_from([*TEXT, *operators]))
    return many + operator, key, values if len(values) > 1 else values[0]


@st.composite
def wild(draw: st.DrawFn) -> tuple[str, str, object]:
    """A condition that mixes what does not belong together."""
    names = [
        "StringEquals",
        "StringLike",
        "ArnLike",
        "IpAddress",
        "NotIpAddress",
        "StringNotLike",
        "Null",
        "Bool",
        "ArnNotLike",
    ]
    values = sorted({str(value) for pair in KEYS.values() for each in pair for value in each} | set(CIDRS))
    operator = draw(st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"])) + draw(st.sampled_from(names))
    if draw(st.booleans()) and operator != "Null":
        operator += draw(st.sampled_from(["", "IfExists"]))
    some = st.sampled_from([*values, "", "nowhere", "${aws:username}", True, False, 7, "0.0.0.0/00", "203.0.113.*"])
    key = draw(st.sampled_from([*KEYS, *FREE, "aws:SourceIp", "aws:SecureTransport"]))
    return (
        operator.replace("ForAnyValue:Null", "Null").replace("ForAllValues:Null", "Null"),
        key,
        draw(st.lists(some, max_size=3)),
    )


NAMED = st.sampled_from(
    [
        *({"AWS": "arn:aws:iam::111122223333:root"}, {"AWS": ["444455556666"]}, {"AWS": []}, {"CanonicalUser": "1a2b"}),
        *({"Service": "cloudtrail.amazonaws.com"}, {"Federated": "graph.facebook.com"}),
        {"Federated": "arn:aws:iam::111122223333:saml-provider/office"},
    ]
)
EVERYBODY = ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}, {"Service": "*"}]
PRINCIPALS = st.one_of(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY), NAMED)


@st.composite
def documents(draw: st.DrawFn, conditions: st.SearchStrategy[tuple[str, str, object]]) -> dict[str, object]:
    written = []
    for _ in range(draw(st.integers(1, 3))):
        statement: dict[str, object] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
        element = draw(st.sampled_from(["Principal"] * 7 + ["NotPrincipal"]))
        statement[element] = draw(PRINCIPALS if element == "Principal" else NAMED)
        statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
            st.sampled_from(["s3:Get*", ["sqs:*"]])
        )
        statement["Resource"] = draw(st.sampled_from(["*", "arn:aws:s3:::data/*"]))
        asked: dict[str, dict[str, object]] = {}
        for operator, key, values in draw(st.lists(conditions, max_size=3, unique_by=lambda each: each[1].lower())):
            asked.setdefault(operator, {})[key] = values
        if asked:
            statement["Condition"] = asked
        written.append(statement)
    return {"Version": "2012-10-17", "Statement": written}


def strangers(document: dict[str, object]) -> list[bool]:
    """Whether each statement allows a stranger something; each such request is tried on all that allow."""
    found = []
    allowing = [each for each in document["Statement"] if each["Effect"] == "Allow"]  # type: ignore[index,attr-defined]
    for statement in document["Statement"]:  # type: ignore[attr-defined]
        request = strangers_request(statement) if statement["Effect"] == "Allow" else None
        assert request is None or allows({"Statement": allowing}, request)
        found.append(request is not None)
    return found


@often(100)
@given(documents(condition(tidy=True)))
def test_a_statement_is_public_where_it_allows_a_stranger_something_and_nowhere_else(document):
    assert [each["Public"] for each in statements(document)] == strangers(document)


@often(70)
@given(documents(condition(tidy=True, s3=True)))
def test_a_policy_is_public_by_s3s_definition_where_it_allows_a_stranger_something(document):
    assert is_public(document) is any(strangers(document))


@often(100)
@given(documents(st.one_of(wild(), condition(tidy=True))))
def test_whatever_is_not_called_public_refuses_every_stranger(document):
    for statement, let_in in zip(statements(document), strangers(document), strict=True):
        assert statement["Public"] or not let_in
    assert is_public(document) or not any(strangers(document))


# ------------------------------------------------------------------------------------------------ settings of S3

GRANTS = {"READ": "read", "READ_ACP": "read", "WRITE": "write", "WRITE_ACP": "write", "FULL_CONTROL": "both"}
GROUPS = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
]
BLOCKS = [
    None,
    {},
    {"IgnorePublicAcls": True},
    {"RestrictPublicBuckets": True},
    {"BlockPublicAcls": True, "BlockPublicPolicy": True},
]
POLICIES = [None, "s3:GetObject", "s3:PutObject", "s3:*"]


@pytest.mark.parametrize(
    ("name", "does"), [("s3-bucket-no-public-read", "read"), ("s3-bucket-no-public-write", "write")]
)
def test_a_bucket_is_public_where_a_setting_opens_it_and_no_block_closes_it(name, does):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    [policy] = shipped(name)
    for ours, theirs, who, grant, owns, action, told in product(
        BLOCKS, BLOCKS, GROUPS, [None, *GRANTS], (False, True), POLICIES, (False, True)
    ):
        group = {"Grantee": {"Type": "Group", "URI": who}, "Permission": grant}
        document = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}}
        bucket = {
            "PublicAccessBlock": ours,
            "Acl": {"Grants": [group] if grant else []},
            "Ownership": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced" if owns else "ObjectWriter"}]},
            "Policy": document if action else None,
            "PolicyStatus": {"IsPublic": action is not None} if told else Unknown.because("AccessDenied"),
        }
        blocked = {name for block in (ours, theirs) for name in block or {}}
        by_acl = (
            grant is not None and GRANTS[grant] in (does, "both") and not owns and "IgnorePublicAcls" not in blocked
        )
        reads = {"s3:GetObject": "read", "s3:PutObject": "write", "s3:*": "both"}
        by_policy = action is not None and reads[action] in (does, "both") and "RestrictPublicBuckets" not in blocked
        scope = {"owner": {"PublicAccessBlock": theirs}, "params": {}, "snapshot_time": "2026-01-01T00:00:00Z"}
        assert all(holds(each.that, bucket, scope) is True for each in policy.assertions) is not (by_acl or by_policy)
