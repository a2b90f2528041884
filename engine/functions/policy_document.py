"""Policy documents of AWS: their statements in one form, and which of them let anybody in.

Whether a bucket policy is public follows the definition Amazon S3 publishes for Block Public Access. A policy is
public unless every statement that allows something grants it to fixed principals, or limits it by a condition to
fixed values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html ("The
meaning of public"). A fixed value holds no wildcard and no policy variable. AWS's own answer, GetBucketPolicyStatus,
comes first; this stands in where a snapshot does not have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind, text
from .condition_keys import S3_KEYS, accounts, fixes

IDENTITY = "identity"
PRINCIPALS = ("AWS", "CanonicalUser", "Federated", "Service")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})
_HALVES = ("Principal", "Action", "Resource")  # each is there, or its opposite
_ELEMENTS = _LISTS | {"Sid", "Effect", "Principal", "NotPrincipal", "Condition"}


def is_public(policy: Json) -> bool | Unknown:
    """Evaluate a parsed bucket policy; null (no policy) is not public. Unknown where it is not a policy at all."""
    found = _statements(policy)
    if isinstance(found, Unknown):
        return found
    if not all(map(_names_principals, found)):
        return _NO_POLICY
    return any(_lets_anybody_in(statement) and not _fixed_by(statement, s3=True) for statement in found)


def statements(policy: Json, of: Json = None) -> list[Json] | Unknown:
    """The statements of a parsed policy, each with every element, as a list; of null, none.

    Actions, condition operators and condition keys are in lower case, because IAM compares them without case. Whom a
    statement is about that names no principal is unknown, as a resource's policy may have lost them; but that of an
    identity has none.
    """
    check_of(of)
    found = _statements(policy)
    if isinstance(found, Unknown):
        return found
    if of == IDENTITY and any(map(_names_principals, found)):
        return _NO_POLICY
    return [_in_one_form(statement, sure=of == IDENTITY) for statement in found]


def check_of(of: Json) -> None:
    """Raise EvaluationError for what is no kind of policy."""
    if of not in (None, IDENTITY):
        raise EvaluationError(
            f"statements() reads the policy of an {IDENTITY}, not of {of if isinstance(of, str) else kind(of)}"
        )


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


_NO_POLICY = Unknown.because("MalformedValue: it is not a policy document")
_NO_PRINCIPAL = Unknown.because("MalformedValue: no principal is named, as in each statement of a resource's policy")


def _statements(policy: Any) -> list[dict[str, Any]] | Unknown:
    if policy is None:
        return []
    found = policy.get("Statement") if isinstance(policy, dict) else None
    found = [found] if isinstance(found, dict) else found
    if not (isinstance(found, list) and found and all(map(_well_formed, found))):
        return _NO_POLICY
    # Policies of resources say in each statement whom it is about, and those of identities in none.
    return found if len(set(map(_names_principals, found))) == 1 else _NO_POLICY


def _names_principals(statement: dict[str, Any]) -> bool:
    return "Principal" in statement or "NotPrincipal" in statement


def _well_formed(statement: Any) -> bool:
    """Whether a statement is what the grammar of IAM allows: what AWS would make of anything else is unknown."""
    if not isinstance(statement, dict) or not statement.keys() <= _ELEMENTS:
        return False
    who, does, to = (sum(each in statement for each in (name, f"Not{name}")) for name in _HALVES)
    principals = [statement[key] for key in ("Principal", "NotPrincipal") if key in statement]
    condition = statement.get("Condition")
    return (
        statement.get("Effect") in ("Allow", "Deny")
        and (who < 2 and does == 1 and to < 2 and who + to > 0)
        and all(principal and _names(principal) for principal in principals)
        and all(_plain(statement[key]) for key in statement.keys() & _LISTS)
        and (condition is None or (isinstance(condition, dict) and all(map(_compares, condition.values()))))
    )


def _names(principal: Any) -> bool:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    return named.keys() <= set(PRINCIPALS) and all(_plain(values) and all(_texts(values)) for values in named.values())


def _compares(keys: Any) -> bool:
    return isinstance(keys, dict) and all(map(_plain, keys.values()))


def _plain(values: Any) -> bool:
    listed = values if isinstance(values, list) else [values]
    return all(isinstance(value, str | int | float) for value in listed)


def _in_one_form(statement: dict[str, Any], *, sure: bool) -> Json:
    sure = sure or _names_principals(statement)
    return {
        "Effect": statement["Effect"],
        **{key: _principal(statement.get(key, {})) if sure else _NO_PRINCIPAL for key in ("Principal", "NotPrincipal")},
        **{key: [each.lower() for each in _texts(statement.get(key, []))] for key in ("Action", "NotAction")},
        **{key: _texts(statement.get(key, [])) for key in ("Resource", "NotResource")},
        "Condition": [
            {"Operator": operator.lower(), "Key": key.lower(), "Value": values}
            for operator, key, values in _conditions(statement)
        ],
        "Fixes": (fixed := _fixed_by(statement)),
        "Accounts": next(filter(None, (accounts(*condition) for condition in _conditions(statement))), []),
        "Public": _lets_anybody_in(statement) and not fixed if sure else _NO_PRINCIPAL,
    }


def _principal(principal: Any) -> Json:
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    return {kind: _texts(named.get(kind, [])) for kind in PRINCIPALS}


def _conditions(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key, _texts(values)


def _fixed_by(statement: dict[str, Any], *, s3: bool = False) -> list[str]:
    """By what the conditions fix who may call; by the keys alone that S3's definition names, if asked."""
    found = (fixes(*each) for each in _conditions(statement) if not s3 or each[1].lower() in S3_KEYS)
    return list(dict.fromkeys(filter(None, found)))


def _lets_anybody_in(statement: dict[str, Any]) -> bool:
    """Whether it allows something to everybody, whatever its conditions say.

    A public identity provider, such as accounts.google.com, is everybody who has an account there.
    """
    if statement["Effect"] != "Allow":
        return False
    if "NotPrincipal" in statement:  # to everybody but some
        return True
    principal = statement.get("Principal", [])
    named = principal if isinstance(principal, dict) else {"AWS": principal}
    return any(
        "*" in value or (kind == "Federated" and not value.startswith("arn:"))
        for kind, values in named.items()
        for value in _texts(values)
    )


def _texts(values: Any) -> list[str]:
    """An element's values, of which it may hold one or a list; JSON's true is written "true" as well."""
    return [
        str(value).lower() if isinstance(value, bool) else str(value)
        for value in (values if isinstance(values, list) else [values])
    ]
