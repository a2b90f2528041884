"""Whether a bucket policy is public, by the definition Amazon S3 publishes for Block Public Access.

A policy is public unless every statement that allows something grants it to fixed principals, or limits it by
a condition to fixed values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
("The meaning of public"). A fixed value holds no wildcard and no policy variable. AWS's own answer,
GetBucketPolicyStatus, comes first; this stands in where a snapshot does not have it.
"""

from __future__ import annotations

from typing import Any

from ..snapshot.model import Unknown

# Condition keys that fix who may call. Keys are compared without case, as IAM does.
FIXING_KEYS = frozenset(
    {
        "aws:sourceip",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "aws:principalorgid",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
# Operators that let only the listed values through. `IfExists` lets a request without the key through, and the
# set operator ForAllValues one with no value at all: neither limits anything.
LIMITING_OPERATORS = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
ANY_ADDRESS = frozenset({"0.0.0.0/0", "::/0"})


def is_public(policy: Any) -> bool | Unknown:
    """Judge a parsed bucket policy; null (no policy) is not public. Unknown where it is not a policy at all."""
    if policy is None:
        return False
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements or not all(map(_well_formed, statements)):
        return Unknown.because("the bucket policy is not a policy document")
    return any(
        statement["Effect"] == "Allow" and _anyone(statement) and not _limited(statement.get("Condition"))
        for statement in statements
    )


def _well_formed(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    principals = [statement[key] for key in ("Principal", "NotPrincipal") if key in statement]
    return len(principals) == 1 and bool(principals[0]) and _condition_is_map(statement.get("Condition"))


def _condition_is_map(condition: Any) -> bool:
    return condition is None or (
        isinstance(condition, dict) and all(isinstance(keys, dict) for keys in condition.values())
    )


def _anyone(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:  # an Allow to everyone but some
        return True
    principal = statement["Principal"]
    named = principal.values() if isinstance(principal, dict) else [principal]
    return any("*" in str(value) for values in named for value in _list(values))


def _limited(condition: Any) -> bool:
    for operator, keys in (condition or {}).items():
        if operator.lower().removeprefix("foranyvalue:") in LIMITING_OPERATORS and any(
            key.lower() in FIXING_KEYS
            and _list(values)
            and all(_fixed(key.lower(), str(value)) for value in _list(values))
            for key, values in keys.items()
        ):
            return True
    return False


def _fixed(key: str, value: str) -> bool:
    if key == "aws:userid" and value.endswith(":*"):
        return False
    if key == "s3:dataaccesspointarn":  # a wildcard may stand for the access point's name, not for its account
        value = value.split("/", 1)[0]
    return not any(mark in value for mark in ("*", "?", "${")) and value not in ANY_ADDRESS


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
