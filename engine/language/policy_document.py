"""Policy documents of AWS: their statements in one form, and which of them let anybody in.

Whether a bucket policy is public follows the definition Amazon S3 publishes for Block Public Access. A policy is
public unless every statement that allows something grants it to fixed principals, or limits it by a condition to
fixed values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html ("The
meaning of public"). A fixed value holds no wildcard and no policy variable. AWS's own answer, GetBucketPolicyStatus,
comes first; this stands in where a snapshot does not have it.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from ...snapshot.model import Json, Unknown
from .arguments import text

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
# Keys that fix it as well, though S3's definition does not name them.
CALLER_KEYS = FIXING_KEYS | {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceorgid",
    "kms:calleraccount",
    "lambda:eventsourcetoken",
}
# Operators that let only the listed values through. `IfExists` lets a request without the key through, and the
# set operator ForAllValues one with no value at all: neither limits anything.
LIMITING_OPERATORS = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
ANY_ADDRESS = frozenset({"0.0.0.0/0", "::/0"})
PRINCIPALS = ("AWS", "CanonicalUser", "Federated", "Service")


def is_public(policy: Json) -> bool | Unknown:
    """Judge a parsed bucket policy; null (no policy) is not public. Unknown where it is not a policy at all."""
    found = _statements(policy)
    if isinstance(found, Unknown):
        return found
    if not all("Principal" in statement or "NotPrincipal" in statement for statement in found):
        return _NO_POLICY
    return any(_public(statement, FIXING_KEYS) for statement in found)


def statements(policy: Json) -> list[Json] | Unknown:
    """The statements of a parsed policy, each with every element, as a list; of null, none.

    Actions, condition operators and condition keys are in lower case, because IAM compares them without case.
    """
    found = _statements(policy)
    return found if isinstance(found, Unknown) else [_in_one_form(statement) for statement in found]


def like(subject: Json, pattern: Json) -> bool:
    """Whether a text, or one of several, is like a pattern, or like one of several.

    `*` stands for any text and `?` for any character, as in IAM.
    """
    subjects, patterns = (each if isinstance(each, list) else [each] for each in (subject, pattern))
    return any(_like(text("like", one), text("like", other)) for one in subjects for other in patterns)


def _like(subject: str, pattern: str) -> bool:
    here = at = back = 0
    star = -1
    while here < len(subject):
        if at < len(pattern) and pattern[at] == "*":
            star, back, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in ("?", subject[here]):
            here, at = here + 1, at + 1
        elif star >= 0:  # the last star takes one character more
            back, here, at = back + 1, back + 1, star + 1
        else:
            return False
    return not pattern[at:].strip("*")


_NO_POLICY = Unknown.because("it is not a policy document")


def _statements(policy: Any) -> list[dict[str, Any]] | Unknown:
    if policy is None:
        return []
    found = policy.get("Statement") if isinstance(policy, dict) else None
    found = [found] if isinstance(found, dict) else found
    return found if isinstance(found, list) and found and all(map(_well_formed, found)) else _NO_POLICY


def _well_formed(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    principals = [statement[key] for key in ("Principal", "NotPrincipal") if key in statement]
    return len(principals) < 2 and all(principals) and _condition_is_map(statement.get("Condition"))


def _condition_is_map(condition: Any) -> bool:
    return condition is None or (
        isinstance(condition, dict) and all(isinstance(keys, dict) for keys in condition.values())
    )


def _in_one_form(statement: dict[str, Any]) -> Json:
    return {
        "Effect": statement["Effect"],
        **{key: _principal(statement.get(key, {})) for key in ("Principal", "NotPrincipal")},
        **{key: [each.lower() for each in _texts(statement.get(key, []))] for key in ("Action", "NotAction")},
        **{key: _texts(statement.get(key, [])) for key in ("Resource", "NotResource")},
        "Condition": [
            {"Operator": operator.lower(), "Key": key.lower(), "Value": _texts(values)}
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, values in keys.items()
        ],
        "Public": _public(statement, CALLER_KEYS),
    }


def _principal(principal: Any) -> Json:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    return {kind: _texts(named.get(kind, [])) for kind in PRINCIPALS}


def _public(statement: dict[str, Any], keys: AbstractSet[str]) -> bool:
    return statement["Effect"] == "Allow" and _anyone(statement) and not _limited(statement.get("Condition"), keys)


def _anyone(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:  # an Allow to everyone but some
        return True
    principal = statement.get("Principal", [])
    named = principal.values() if isinstance(principal, dict) else [principal]
    return any("*" in value for values in named for value in _texts(values))


def _limited(condition: Any, fixing: AbstractSet[str]) -> bool:
    for operator, keys in (condition or {}).items():
        if operator.lower().removeprefix("foranyvalue:") in LIMITING_OPERATORS and any(
            key.lower() in fixing and _texts(values) and all(_fixed(key.lower(), value) for value in _texts(values))
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


def _texts(values: Any) -> list[str]:
    """An element's values, of which it may hold one or a list; JSON's true is written "true" as well."""
    return [
        str(value).lower() if isinstance(value, bool) else str(value)
        for value in (values if isinstance(values, list) else [values])
    ]
