"""The types of functions: what each takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...snapshot.types import ANY, BOOLEAN, NUMBER, STRING, Kind, Type, array, maybe, struct, union


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, argument by argument (the last repeats; empty for anything), and what it gives."""

    takes: tuple[frozenset[Kind], ...]
    gives: Callable[[Sequence[Type]], Type]


def _signature(*takes: str, gives: Type | Callable[[Sequence[Type]], Type]) -> Signature:
    kinds = tuple(frozenset(Kind(name) for name in wanted.split("|") if name) for wanted in takes)
    return Signature(kinds, gives if callable(gives) else lambda _: gives)


_TEXTS = array(STRING)
_PRINCIPAL = struct(dict.fromkeys(("AWS", "CanonicalUser", "Federated", "Service"), _TEXTS), "Principal")
STATEMENT = struct(
    {
        "Effect": STRING,
        **dict.fromkeys(("Principal", "NotPrincipal"), _PRINCIPAL),
        **dict.fromkeys(("Action", "NotAction", "Resource", "NotResource"), _TEXTS),
        "Condition": array(struct({"Operator": STRING, "Key": STRING, "Value": _TEXTS}, "Condition")),
        **dict.fromkeys(("Fixes", "Accounts"), _TEXTS),
        "Public": BOOLEAN,
    },
    "Statement",
)
_REACHED = struct(
    {
        "IpProtocol": STRING,
        **dict.fromkeys(("FromPort", "ToPort"), NUMBER),
        **dict.fromkeys(("IPv4", "IPv6"), BOOLEAN),
    },
    "Reached",
)
ARN = struct(dict.fromkeys(("partition", "service", "region", "account", "resource"), STRING), "ARN", nullable=True)


def _known(types: Sequence[Type]) -> Type:
    found = types[0]
    for other in types[1:]:
        found = union(found, other)
    return maybe(found, nullable=all(each.nullable for each in types))


def _same(types: Sequence[Type]) -> Type:
    return types[0]


def _item(types: Sequence[Type]) -> Type:
    return maybe(types[0].item)


SIGNATURES: Mapping[str, Signature] = {
    "abs": _signature("number", gives=NUMBER),
    "acl_opens_port": _signature("array", "array|number", "string", gives=BOOLEAN),
    "alarm_patterns": _signature("array", "array", "string", "array", gives=array(STRING)),
    "all": _signature("array", "expref", gives=BOOLEAN),
    "any": _signature("array", "expref", gives=BOOLEAN),
    "arn": _signature("string", gives=ARN),
    "avg": _signature("array", gives=maybe(NUMBER)),
    "ceil": _signature("number", gives=NUMBER),
    "cidr_contains": _signature("string", "string", gives=BOOLEAN),
    "contains": _signature("array|string", "", gives=BOOLEAN),
    "days_between": _signature("string", "string", gives=NUMBER),
    "days_since": _signature("string", gives=NUMBER),
    "difference": _signature("array", "array", gives=_same),
    "ends_with": _signature("string", "string", gives=BOOLEAN),
    "filter_covers": _signature("array", "string", "string", gives=BOOLEAN),
    "filter_covers_part": _signature("string", "string", "string", gives=BOOLEAN),
    "floor": _signature("number", gives=NUMBER),
    "hours_between": _signature("string", "string", gives=NUMBER),
    "hours_since": _signature("string", gives=NUMBER),
    "intersection": _signature("array", "array", gives=_same),
    "is_public_policy": _signature("", gives=BOOLEAN),
    "join": _signature("string", "array", gives=STRING),
    "keys": _signature("object", gives=array(STRING)),
    "known": _signature("", gives=_known),
    "length": _signature("array|object|string", gives=NUMBER),
    "like": _signature("array|string", "array|string", gives=BOOLEAN),
    "lower": _signature("string", gives=STRING),
    "map": _signature("expref", "array", gives=lambda types: array(types[0].item)),
    "matches": _signature("string", "string", gives=BOOLEAN),
    "max": _signature("array", gives=_item),
    "max_by": _signature("array", "expref", gives=_item),
    "merge": _signature("object", gives=ANY),
    "min": _signature("array", gives=_item),
    "min_by": _signature("array", "expref", gives=_item),
    "not_null": _signature("", gives=_known),
    "opens_port": _signature("object", "array|number", gives=BOOLEAN),
    "parse_json": _signature("string", gives=ANY),
    "reverse": _signature("array|string", gives=_same),
    "selects_events": _signature("object", "object", gives=BOOLEAN),
    "sort": _signature("array", gives=_same),
    "sort_by": _signature("array", "expref", gives=_same),
    "split": _signature("string", "string", gives=array(STRING)),
    "starts_with": _signature("string", "string", gives=BOOLEAN),
    "statements": _signature("", gives=array(STATEMENT)),
    "sum": _signature("array", gives=NUMBER),
    "to_array": _signature("", gives=lambda types: types[0] if types[0].kind is Kind.ARRAY else array(types[0])),
    "to_number": _signature("", gives=maybe(NUMBER)),
    "to_string": _signature("", gives=STRING),
    "type": _signature("", gives=STRING),
    "unique": _signature("array", gives=_same),
    "values": _signature("object", gives=array(ANY)),
    "world_reaches": _signature("array", "array", "string", gives=array(_REACHED)),
}
