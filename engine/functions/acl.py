"""What network ACLs let in, by sets of addresses in the order of their entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import product

from msgspec import Struct

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .addresses import FAMILIES, INTERNET, Network, meet, network, union, whole, without
from .arguments import kind, text
from .equality import equal
from .network import ADDED_UP, LITERAL, check_reading, opens_port, ports, transports
from .unknowns import Truth, kleene_all, kleene_any, maybe_items

_CIDRS = {4: "CidrBlock", 6: "Ipv6CidrBlock"}
_WORLD: Mapping[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


class _Entry(Struct, frozen=True):
    """What an entry does to packets of one kind, as far as it is known."""

    about: Truth
    allows: Truth
    whom: Network | Unknown


def acl_opens_port(entries: Json, wanted: Json, reading: Json = ADDED_UP) -> Truth:
    """Whether a network ACL's entries let the whole internet in to a TCP or UDP port, or to one of several.

    The entry with the lowest number that is about a packet decides. So an entry that allows counts where entries before
    it have not denied all that it is for, and those that count are added up. What is denied to a part of the world
    alone does not close the rest: where all of IPv4, or all of IPv6, is allowed and any of it remains, it is open.
    Read literally, as AWS's controls do, one entry that allows 0.0.0.0/0 or ::/0 is enough, and none denies.
    """
    check_reading(reading)
    if isinstance(entries, Unknown):
        return entries
    if not isinstance(entries, list):
        raise EvaluationError(f"acl_opens_port() takes a network ACL's entries, not {kind(entries)}")
    numbers = [_rule_number(entry) for entry in entries]
    if gap := maybe_items(numbers):
        return Unknown.merge(gap)
    ordered = sorted(entries, key=lambda entry: entry.get("RuleNumber"))
    packets = product(FAMILIES, ("tcp", "udp"), ports(wanted))
    decide = _literally if reading == LITERAL else _lets_in
    return kleene_any([decide(list(_about(ordered, *packet)), packet[0]) for packet in packets])


def _rule_number(entry: Json) -> Json:
    if isinstance(entry, Unknown):
        return entry
    if not isinstance(entry, dict):
        raise EvaluationError(f"acl_opens_port() takes a network ACL's entries, not a list with {kind(entry)}")
    number = entry.get("RuleNumber")
    if isinstance(number, bool) or not isinstance(number, int | float | Unknown):
        raise EvaluationError(f"acl_opens_port(): the RuleNumber of an entry is a number, not {kind(number)}")
    return number


def _about(entries: Sequence[Json], family: int, transport: str, port: Json) -> Iterator[_Entry]:
    """The entries that are, or may be, about packets that come in by a protocol to a port."""
    for entry in entries:
        protocol, between = entry.get("Protocol"), entry.get("PortRange")
        same = protocol if isinstance(protocol, Unknown) else transport in transports(protocol)
        whom = _whom(entry, family)
        if whom is None or same is False or entry.get("Egress") is True:
            continue
        first, last = (between.get("From"), between.get("To")) if isinstance(between, dict) else (between, between)
        opened = opens_port({"IpProtocol": protocol, "FromPort": first, "ToPort": last}, port)
        about = kleene_all([_is(entry, "Egress", False), same, opened])
        if about is not False:
            yield _Entry(about, _is(entry, "RuleAction", "allow"), whom)


def _whom(entry: Json, family: int) -> Network | Unknown | None:
    """The addresses of a family that an entry is for; None where it is for the other family."""
    cidr = entry.get(_CIDRS[family])
    if isinstance(cidr, Unknown):
        return cidr
    if cidr is None:
        others = [entry.get(field) for field in _CIDRS.values()]
        return Unknown.because("an entry of the network ACL has no CIDR") if others == [None, None] else None
    found = network(text("acl_opens_port", cidr))
    if found is None or found.version != family:
        raise EvaluationError(f"acl_opens_port(): {cidr!r} is no CIDR of IPv{family}")
    return found


def _is(entry: Json, field: str, value: Json) -> Truth:
    found = entry.get(field)
    return found if isinstance(found, Unknown) else equal(found, value)


def _literally(entries: Sequence[_Entry], family: int) -> Truth:
    return kleene_any([kleene_all([each.about, each.allows, _is_world(each.whom, family)]) for each in entries])


def _is_world(whom: Network | Unknown, family: int) -> Truth:
    return whom if isinstance(whom, Unknown) else whom == _WORLD[family]


def _lets_in(entries: Sequence[_Entry], family: int) -> Truth:
    """Whether the whole internet comes in: known where it does, or does not, whatever the unknown parts are."""
    most = _opens(entries, family, hopes=True)
    if most is _opens(entries, family, hopes=False):
        return most
    parts = (part for entry in entries for part in (entry.about, entry.allows, entry.whom))
    return Unknown.merge(part for part in parts if isinstance(part, Unknown))


def _opens(entries: Sequence[_Entry], family: int, *, hopes: bool) -> bool:
    """Whether it comes in where whatever is unknown lets in as much as it may (hopes), or as little."""
    let_in: list[Network] = []
    denied: list[Network] = []
    for entry in entries:
        allows = hopes if isinstance(entry.allows, Unknown) else entry.allows
        if allows is not hopes and (isinstance(entry.about, Unknown) or isinstance(entry.whom, Unknown)):
            continue  # then it does nothing, or to nobody
        whom = _WORLD[family] if isinstance(entry.whom, Unknown) else entry.whom
        if not allows:
            denied.append(whom)
        elif meet(without(union([whom], family), union(denied, family)), INTERNET[family]):
            let_in.append(whom)
    return whole(let_in, family)
