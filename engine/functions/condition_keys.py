"""Condition keys that fix who may call, what each fixes them by, and which conditions on them do.

The table is complete: of IAM's global keys and the services' own it holds those whose value somebody owns and a
stranger cannot have. What anybody may send (aws:referer, aws:UserAgent, aws:SourceIdentity, tags), what says how or
when a call is made (aws:SecureTransport, aws:CurrentTime, aws:ViaAWSService, kms:ViaService, MFA), what is called
(aws:ResourceAccount, aws:RequestedRegion) and names that are no one's alone (aws:username, aws:PrincipalType) fix
nobody. Nor does aws:VpcSourceIp: everybody has a VPC with private addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from .addresses import broad, network


class Key(Struct, frozen=True):
    """What a key fixes callers by; where that is documented; whether a request has several values of it.

    Where `to` is given, a value is fixed if what stands before the first such sign is.
    """

    by: str
    source: str
    many: bool = False
    to: str | None = None


_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_ACCESS_POINTS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html"
# By name in lower case, because IAM compares keys without case.
KEYS: Mapping[str, Key] = {
    "aws:principalaccount": Key("account", _IAM + "principalaccount"),
    "aws:sourceaccount": Key("account", _IAM + "sourceaccount"),
    "aws:sourceowner": Key("account", _S3),
    "aws:vpceaccount": Key("account", _IAM + "vpceaccount"),
    "kms:calleraccount": Key(
        "account",
        "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account",
    ),
    "s3:dataaccesspointaccount": Key("account", _ACCESS_POINTS),
    "aws:principalorgid": Key("organisation", _IAM + "principalorgid"),
    "aws:sourceorgid": Key("organisation", _IAM + "sourceorgid"),
    "aws:vpceorgid": Key("organisation", _IAM + "vpceorgid"),
    # A path begins with the organisation, and no two organisations have one id.
    "aws:principalorgpaths": Key("organisation", _IAM + "principalorgpaths", many=True, to="/"),
    "aws:sourceorgpaths": Key("organisation", _IAM + "sourceorgpaths", many=True, to="/"),
    "aws:vpceorgpaths": Key("organisation", _IAM + "vpceorgpaths", many=True, to="/"),
    "aws:principalarn": Key("arn", _IAM + "principalarn"),
    "aws:sourcearn": Key("arn", _IAM + "sourcearn"),
    "aws:sourcevpcarn": Key("arn", _IAM + "sourcevpcarn"),
    "aws:chatbotsourcearn": Key("arn", _IAM + "chatbotsourcearn"),
    "codebuild:buildarn": Key("arn", _IAM + "codebuild-build-arn"),
    "codebuild:projectarn": Key("arn", _IAM + "codebuild-project-arn"),
    "ec2:sourceinstancearn": Key("arn", _IAM + "ec2-source-instance-arn"),
    "lambda:sourcefunctionarn": Key("arn", _IAM + "lambda-source-function-arn"),
    "ssm:sourceinstancearn": Key("arn", _IAM + "ssm-source-instance-arn"),
    "s3:dataaccesspointarn": Key("arn", _ACCESS_POINTS, to="/"),  # a wildcard may stand for the access point's name
    "aws:sourcevpc": Key("vpc", _IAM + "sourcevpc"),
    "aws:sourcevpce": Key("vpc", _IAM + "sourcevpce"),
    "aws:ec2instancesourcevpc": Key("vpc", _IAM + "ec2instancesourcevpc"),
    "aws:sourceip": Key("address", _IAM + "sourceip"),
    "aws:userid": Key("user", _IAM + "userid"),
    "identitystore:userid": Key("user", _IAM + "identity-store-user-id"),
    "aws:principalservicename": Key("service", _IAM + "principalservicename"),
    "aws:principalservicenameslist": Key("service", _IAM + "principalservicenameslist", many=True),
    "lambda:eventsourcetoken": Key(
        "token", "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html"
    ),
}
# Those that S3 names in its definition of a public policy.
S3_KEYS = frozenset(
    {
        *("aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount"),
        *("aws:userid", "aws:principalorgid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount"),
    }
)
# Operators that let only the listed values through. `IfExists` lets a request without the key through, and the set
# operator ForAllValues one with no value at all: neither limits anything. A key of many values wants ForAnyValue.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
_TEXT = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_ARN = frozenset({"arnequals", "arnlike"})
_OPERATORS = {"arn": _TEXT | _ARN, "address": _TEXT | {"ipaddress"}}
_ACCOUNT = re.compile("[0-9]{12}", re.ASCII)


def fixes(operator: str, key: str, values: Sequence[str]) -> str | None:
    """By what a condition fixes who may call, such as "account"; None where it lets a stranger through.

    A fixed value holds no wildcard and no policy variable: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    access-control-block-public-access.html ("The meaning of public"). Addresses are fixed where they are not broad.
    """
    found = _limited(operator, key)
    if found is None or not values:
        return None
    if found.by == "address":
        networks = [network(value) for value in values]
        every = [each for each in networks if each is not None]
        return found.by if len(every) == len(values) and not broad(every) else None
    return found.by if all(_is_fixed(value, found.to) for value in values) else None


def accounts(operator: str, key: str, values: Sequence[str]) -> list[str]:
    """The accounts that a condition fixes, wildcards elsewhere in its values aside; none where one value fixes none."""
    found = _limited(operator, key)
    if found is None or found.by not in ("account", "arn"):
        return []
    by_parts = operator.lower().rpartition(":")[2] in _ARN
    owners = [_owner(value, by_parts=by_parts) if found.by == "arn" else value for value in values]
    return owners if all(map(_ACCOUNT.fullmatch, owners)) else []


def _limited(operator: str, key: str) -> Key | None:
    """The key of a condition whose operator lets only listed values of it through."""
    found, (qualifier, _, name) = KEYS.get(key.lower()), operator.lower().rpartition(":")
    if found is None or name not in _OPERATORS.get(found.by, _TEXT):
        return None
    return found if qualifier == "foranyvalue" or not (qualifier or found.many) else None


def _is_fixed(value: str, to: str | None) -> bool:
    kept = value.partition(to)[0] if to else value
    return bool(kept) and not any(mark in kept for mark in ("*", "?", "${"))


def _owner(arn: str, *, by_parts: bool) -> str:
    """The account that an ARN with wildcards is of. ArnLike compares part by part; in a text `*` may span several."""
    parts = arn.split(":", 5)
    before = "" if by_parts else ":".join(parts[:4])
    return parts[4] if len(parts) == 6 and not any(mark in before for mark in ("*", "?", "${")) else ""
