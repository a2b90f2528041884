"""Which conditions fix who may call: by which keys, under which operators, with which values."""

import pytest
from stillframe.engine.functions.condition_keys import KEYS, S3_KEYS, accounts, fixes

ARN = "arn:aws:events:us-east-1:111122223333:rule/nightly"
VALUES = {
    **dict.fromkeys(("account",), "111122223333"),
    **dict.fromkeys(("organisation",), "o-a1b2c3d4e5"),
    "arn": ARN,
    "vpc": "vpc-91237329",
    "address": "203.0.113.0/24",
    "user": "AROAEXAMPLE:session",
    "service": "cloudtrail.amazonaws.com",
    "token": "amzn1.ask.skill.1",
}
FIXING = str.split("""
aws:PrincipalAccount aws:PrincipalArn aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName
aws:PrincipalServiceNamesList aws:userid aws:SourceAccount aws:SourceArn aws:SourceOrgID aws:SourceOrgPaths
aws:SourceOwner aws:SourceIp aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:VpceAccount aws:VpceOrgID
aws:VpceOrgPaths aws:ChatbotSourceArn aws:Ec2InstanceSourceVpc ec2:SourceInstanceArn codebuild:BuildArn
codebuild:ProjectArn lambda:SourceFunctionArn ssm:SourceInstanceArn identitystore:UserId kms:CallerAccount
s3:DataAccessPointArn s3:DataAccessPointAccount lambda:EventSourceToken
""")
# Every other global key of IAM, and keys of services that stand beside a caller in policies of resources.
FREE = str.split("""
aws:PrincipalTag/team aws:PrincipalIsAWSService aws:PrincipalType aws:username aws:AssumedRoot aws:FederatedProvider
aws:TokenIssueTime aws:SignInSessionArn aws:MultiFactorAuthAge aws:MultiFactorAuthPresent
aws:Ec2InstanceSourcePrivateIPv4 aws:SourceIdentity ec2:RoleDelivery glue:RoleAssumedBy glue:CredentialIssuingService
aws:VpcSourceIp aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:ResourceTag/team aws:CalledVia
aws:CalledViaFirst aws:CalledViaLast aws:CalledViaAWSMCP aws:ViaAWSService aws:ViaAWSMCPService aws:CurrentTime
aws:EpochTime aws:referer aws:RequestedRegion aws:RequestTag/team aws:TagKeys aws:SecureTransport aws:UserAgent
aws:IsMcpServiceAction kms:ViaService kms:EncryptionContext:a kms:GrantIsForAWSResource kms:KeyOrigin
s3:x-amz-server-side-encryption-aws-kms-key-id s3:x-amz-acl s3:authType s3:signatureversion s3:TlsVersion
s3:AccessPointNetworkOrigin s3:ResourceAccount sns:Endpoint sns:Protocol sts:ExternalId sts:RoleSessionName
lambda:FunctionUrlAuthType secretsmanager:VersionStage elasticfilesystem:AccessedViaMountTarget
accounts.google.com:aud graph.facebook.com:app_id saml:aud
""")
OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "IpAddress", "ForAnyValue:StringEquals", "Bool")


def test_the_table_holds_the_keys_that_fix_who_calls_and_no_others():
    assert set(KEYS) == {key.lower() for key in FIXING}
    assert set(KEYS) >= S3_KEYS


@pytest.mark.parametrize("key", FIXING)
def test_a_key_of_the_table_fixes_who_calls_and_says_where_that_is_written(key):
    found = KEYS[key.lower()]
    assert found.source.startswith("https://docs.aws.amazon.com/")
    qualifier = "ForAnyValue:" if found.many else ""
    assert fixes(f"{qualifier}StringEquals", key, [VALUES[found.by]]) == found.by
    assert fixes(f"{qualifier}StringEquals", key, [VALUES[found.by], "*"]) is None
    assert fixes(f"{qualifier}StringEquals", key, []) is None
    assert fixes(f"{qualifier}StringEquals", key, [""]) is None


@pytest.mark.parametrize("key", FREE)
def test_a_key_that_anybody_can_satisfy_fixes_nobody(key):
    assert [fixes(operator, key, [value]) for operator in OPERATORS for value in VALUES.values()] == [None] * 56


@pytest.mark.parametrize(
    ("operator", "key", "value", "by"),
    [
        ("stringequalsignorecase", "AWS:SOURCEVPC", "vpc-1", "vpc"),
        ("StringNotEquals", "aws:SourceVpc", "vpc-1", None),
        ("StringEqualsIfExists", "aws:SourceVpc", "vpc-1", None),
        ("ForAllValues:StringEquals", "aws:SourceVpc", "vpc-1", None),
        ("ForAnyValue:StringEquals", "aws:SourceVpc", "vpc-1", "vpc"),
        ("ForAnyValue:StringEqualsIfExists", "aws:SourceVpc", "vpc-1", None),
        ("ArnEquals", "aws:SourceVpc", "vpc-1", None),
        ("Null", "aws:SourceAccount", "false", None),
        ("NumericEquals", "aws:SourceAccount", "111122223333", None),
        ("StringEquals", "aws:SourceVpc", "${aws:Ec2InstanceSourceVpc}", None),
        ("StringLike", "aws:SourceVpc", "vpc-?", None),
        ("ArnEquals", "aws:SourceArn", ARN, "arn"),
        ("ArnLike", "aws:SourceArn", "arn:aws:events:us-east-1:111122223333:rule/*", None),
        ("IpAddress", "aws:SourceArn", ARN, None),
        ("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:111122223333:accesspoint/*", "arn"),
        ("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:*:accesspoint/one", None),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*", "organisation"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/r-1/ou-1/ou-*", "organisation"),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1*", None),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "*/r-1/*", None),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "/r-1/*", None),
        ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-1/*", None),
        ("StringLike", "aws:PrincipalOrgPaths", "o-1/*", None),
        ("StringLike", "aws:userid", "AROAEXAMPLE:*", None),
    ],
)
def test_what_lets_others_through_fixes_nobody(operator, key, value, by):
    assert fixes(operator, key, [value]) == by


@pytest.mark.parametrize(
    ("addresses", "by"),
    [
        (["203.0.113.7"], "address"),
        (["203.0.113.0/24", "2001:db8::/48"], "address"),
        (["54.0.0.0/8"], "address"),
        (["54.0.0.0/7"], None),
        (["54.0.0.0/8", "55.0.0.0/8"], None),
        (["53.0.0.0/8", "54.0.0.0/8"], None),
        (["52.0.0.0/8", "54.0.0.0/8"], "address"),
        (["10.0.0.0/8", "11.0.0.0/24", "172.16.0.0/12", "192.168.0.0/16"], "address"),
        (["10.0.0.0/7"], None),
        (["0.0.0.0/1", "128.0.0.0/1"], None),
        (["128.0.0.0/1"], None),
        (["203.0.113.0/24", "0.0.0.0/0"], None),
        (["1.2.3.4/0"], None),
        (["0.0.0.0/00"], None),
        ([f"{first}.0.0.0/8" for first in range(256) if first != 10], None),
        (["::/0"], None),
        (["0:0:0:0:0:0:0:0/0"], None),
        (["::/1", "8000::/1"], None),
        (["2600::/16"], None),
        (["2600::/32"], "address"),
        (["2600::/32", "2600:1::/32"], None),
        (["::ffff:0:0/96"], None),
        (["::ffff:203.0.113.0/120"], "address"),
        (["::/80"], None),
        (["0.0.0.0/0.0.0.0"], None),
        (["0.0.0.0/255.255.255.255"], None),
        (["010.0.0.1"], None),
        (["203.0.113.*"], None),
        (["${aws:VpcSourceIp}"], None),
        (["nowhere"], None),
        (["true"], None),
        (["1"], None),
        ([], None),
    ],
)
def test_addresses_are_added_up_and_fix_who_calls_where_they_are_not_broad(addresses, by):
    assert fixes("IpAddress", "aws:SourceIp", addresses) == by
    assert fixes("IpAddressIfExists", "aws:SourceIp", addresses) is None
    assert fixes("NotIpAddress", "aws:SourceIp", addresses) is None
    assert fixes("ForAllValues:IpAddress", "aws:SourceIp", addresses) is None


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("ArnLike", "aws:SourceArn", ["arn:aws:events:us-east-1:111122223333:rule/*"], ["111122223333"]),
        ("ArnEquals", "aws:SourceArn", ["arn:*:events:*:111122223333:*"], ["111122223333"]),
        ("ArnLike", "aws:SourceArn", [ARN, ARN.replace("1111", "9999")], ["111122223333", "999922223333"]),
        ("ArnLike", "aws:SourceArn", [ARN, "arn:aws:s3:::*"], []),
        ("ArnLike", "aws:SourceArn", ["arn:aws:events:us-east-1:*:rule/*"], []),
        ("ArnLike", "aws:SourceArn", ["arn:aws:events:us-east-1:11112222333?:rule/*"], []),
        ("ArnNotLike", "aws:SourceArn", [ARN], []),
        ("ArnLikeIfExists", "aws:SourceArn", [ARN], []),
        ("StringLike", "aws:SourceArn", ["arn:aws:events:us-east-1:111122223333:*"], ["111122223333"]),
        ("StringLike", "aws:SourceArn", ["arn:aws:events:*:111122223333:*"], []),  # the star may stand for more parts
        ("StringEquals", "aws:SourceAccount", ["111122223333"], ["111122223333"]),
        ("StringLike", "aws:SourceAccount", ["*"], []),
        ("StringEquals", "aws:SourceVpc", ["111122223333"], []),
        ("StringEquals", "aws:SourceAccount", [], []),
    ],
)
def test_the_accounts_that_a_condition_fixes(operator, key, values, expected):
    assert accounts(operator, key, values) == expected
