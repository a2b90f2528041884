"""Who may do something by a policy document: requests, and what IAM's documented logic makes of them.

Written from the documentation of IAM, without the product's code, to hold that against:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

A request is a caller and a context: for each condition key that it carries, in lower case, its values. A stranger is
of no account, organisation, VPC or address that a document names. Keys of a request do not depend on one another here,
so a stranger may combine more than AWS would let them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from typing import Any

Document = Mapping[str, Any]
Conditions = list[tuple[str, Any]]


@dataclass(frozen=True)
class Caller:
    """What a caller is, by each kind of principal; without any, anonymous."""

    ids: Mapping[str, str] = field(default_factory=dict)
    account: str = ""


@dataclass(frozen=True)
class Request:
    caller: Caller
    action: str
    resource: str
    context: Mapping[str, list[str]]


def allows(document: Document, request: Request) -> bool:
    """Whether a document alone allows a request: an Allow is about it, and no Deny is."""
    effects = {each["Effect"] for each in _listed(document["Statement"]) if is_about(each, request)}
    return effects == {"Allow"}


def is_about(statement: Document, request: Request) -> bool:
    return (
        names(statement, request.caller)
        and _matches(statement, "Action", request.action.lower(), str.lower)
        and _matches(statement, "Resource", request.resource, str)
        and all(
            meets(operator, values, request.context.get(key.lower(), []), request.context)
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, values in keys.items()
        )
    )


def names(statement: Document, caller: Caller) -> bool:
    if "NotPrincipal" in statement:
        return not _is(statement["NotPrincipal"], caller)
    return _is(statement["Principal"], caller)


def _is(principal: Any, caller: Caller) -> bool:
    if principal == "*":
        return True
    for kind, values in principal.items():
        for value in map(str, _listed(values)):
            root = re.fullmatch("(?:arn:aws:iam::)?([0-9]{12})(?::root)?", value)
            of_account = kind == "AWS" and root and caller.account == root[1]
            if value == "*" or caller.ids.get(kind) == value or of_account:
                return True
    return False


def _matches(statement: Document, element: str, value: str, form: Any) -> bool:
    if f"Not{element}" in statement:
        return not any(like(form(each), value) for each in _listed(statement[f"Not{element}"]))
    return any(like(form(each), value) for each in _listed(statement.get(element, "*")))


def meets(operator: str, wanted: Any, found: list[str], context: Mapping[str, list[str]]) -> bool:
    """Whether a request meets one condition on one key, of which it has some values, or none."""
    values = [_filled(value, context) for value in _listed(wanted)]
    qualifier, _, name = operator.rpartition(":")
    if not values:  # it does not affect the policy, say the policy checks of IAM Access Analyzer
        return True
    if name == "Null":
        return any((value == "true") is (not found) for value in values)
    name, optional = name.removesuffix("IfExists"), name.endswith("IfExists")
    if not found and optional:
        return True
    test, negated = TESTS[name.replace("Not", "", 1)], "Not" in name
    held = [any(test(value, each) for value in values) is not negated for each in found]
    if qualifier == "ForAllValues":
        return all(held)
    return any(held) if found else negated and not qualifier


def _filled(value: Any, context: Mapping[str, list[str]]) -> str:
    """A value as text, with the request's own in place of policy variables."""
    return re.sub(r"\$\{([^}]+)\}", lambda name: "".join(context.get(name[1].lower(), [])), _text(value))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def like(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` for any text, `?` for any character."""
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _arn_like(pattern: str, text: str) -> bool:
    parts, found = pattern.split(":", 5), text.split(":", 5)
    return len(parts) == len(found) == 6 and all(map(like, parts, found))


def _in_network(cidr: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(cidr, strict=False)
    except ValueError:
        return False


TESTS = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringEqualsIgnoreCase": lambda wanted, found: wanted.lower() == found.lower(),
    "StringLike": like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "IpAddress": _in_network,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------------------------------------- strangers

STRANGERS = (
    Caller(),
    Caller({"AWS": "arn:aws:iam::999988887777:user/mallory", "CanonicalUser": "9f9f"}, "999988887777"),
    Caller({"Federated": "graph.facebook.com"}),
    Caller({"Service": "anything.amazonaws.com"}, "999988887777"),  # a service, for a stranger's account
)
# Keys whose values somebody owns, with a stranger's own. Of any other key a stranger has whatever value they like.
OWNED = {
    **dict.fromkeys(
        ("aws:principalaccount", "aws:sourceaccount", "aws:vpceaccount", "aws:sourceowner"), "999988887777"
    ),
    **dict.fromkeys(("kms:calleraccount", "s3:dataaccesspointaccount"), "999988887777"),
    **dict.fromkeys(("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid"), "o-stranger"),
    **dict.fromkeys(("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"), "o-stranger/r-9/ou-9/"),
    **dict.fromkeys(("aws:sourcearn", "aws:principalarn"), "arn:aws:iam::999988887777:user/mallory"),
    "aws:sourcevpcarn": "arn:aws:ec2:us-east-1:999988887777:vpc/vpc-9",
    "s3:dataaccesspointarn": "arn:aws:s3:us-east-1:999988887777:accesspoint/mine",
    **dict.fromkeys(("aws:sourcevpc", "aws:sourcevpce"), "vpc-stranger"),
    "aws:userid": "AIDASTRANGER",
    "aws:principalservicename": "anything.amazonaws.com",
}
# Of these, what stands before a slash is owned: what follows may be a stranger's no more than the rest.
FIRST_PART = ("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths", "s3:dataaccesspointarn")
CONTEXT = {"aws:username": ["mallory"]}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]


def strangers_request(statement: Document) -> Request | None:
    """A request of a stranger that a statement is about, if there is one.

    What a wildcard leaves open is a stranger's, also in the ARN of a named account: so AWS reads it.
    """
    context = dict(CONTEXT)
    conditions: dict[str, Conditions] = {}
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, values in keys.items():
            conditions.setdefault(key.lower(), []).append((operator, values))
    for key, asked in conditions.items():
        for values in _candidates(key, asked):
            if all(meets(operator, wanted, values, {**context, key: values}) for operator, wanted in asked):
                context[key] = values
                break
        else:
            return None
    action, resource = _some(statement, "Action"), _some(statement, "Resource")
    callers = (caller for caller in STRANGERS if names(statement, caller))
    return next((Request(caller, action, resource, context) for caller in callers), None)


def _some(statement: Document, element: str) -> str:
    """An action or a resource that a statement is about."""
    return "other:thing" if f"Not{element}" in statement else _concrete(_listed(statement.get(element, "*"))[0])


def _candidates(key: str, asked: Conditions) -> Iterator[list[str]]:
    """What a stranger's request may have of a key: nothing, their own, or what a pattern leaves open."""
    yield []
    if key == "aws:sourceip":
        yield from ([address] for address in _addresses(asked))
        return
    written = [_text(value) for _, values in asked for value in _listed(values)]
    if key not in OWNED:
        yield from ([each] for value in [*written, "elsewhere", "true", "false"] for each in (value, _concrete(value)))
        return
    yield [OWNED[key]]
    for value in written:
        owned = value.split("/", 1)[0] if key in FIRST_PART else value
        if re.search(r"[*?]|\$\{", owned):
            yield [_concrete(_filled(value, CONTEXT))]


def _concrete(pattern: str) -> str:
    return pattern.replace("*", "x1").replace("?", "y")


def _addresses(asked: Conditions) -> Iterator[str]:
    """An address of each range that conditions let in and that is too wide to be somebody's own.

    That is more than a /8 of IPv4 or a /32 of IPv6, private addresses aside, found by trying an address between any two
    bounds.
    """
    texts = [_text(value) for _, values in asked for value in _listed(values)] + PRIVATE
    for family, bits, widest in ((IPv4Address, 32, 1 << 24), (IPv6Address, 128, 1 << 96)):
        bounds, run = {0, 1 << bits}, 0
        for text in texts:
            try:
                found = ip_network(text, strict=False)
            except ValueError:
                continue
            if found.max_prefixlen == bits:
                bounds |= {int(found.network_address), int(found.broadcast_address) + 1}
        for start, end in pairwise(sorted(bounds)):
            address = str(family(start))
            private = any(_in_network(each, address) for each in PRIVATE)
            let_in = not private and all(meets(operator, wanted, [address], {}) for operator, wanted in asked)
            run = run + end - start if let_in else 0
            if run > widest:
                yield address
