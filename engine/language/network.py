"""Functions of addresses and ports."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import product

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind, text
from .equality import equal
from .unknowns import Truth, kleene_all, kleene_any, maybe_items

# IP protocols by EC2's names and IANA's numbers. Those of security groups are in the documentation of IpPermission,
# those of network ACLs are numbers: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
EVERY_PROTOCOL = "-1"
WITH_PORTS = frozenset({"tcp", "udp", "6", "17"})
WITHOUT_PORTS = frozenset({"icmp", "icmpv6", *map(str, range(256))}) - WITH_PORTS
LAST_PORT = 65535
EVERYBODY = (("CidrBlock", "0.0.0.0/0"), ("Ipv6CidrBlock", "::/0"))


def cidr_contains(cidr: Json, other: Json) -> bool:
    """Whether every address of the other, an address or a CIDR, is one of the CIDR's."""
    outer, inner = network(cidr), network(other)
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def network(cidr: Json) -> IPv4Network | IPv6Network:
    """Read a CIDR, or an address as the CIDR of it alone; bits beyond the prefix do not count, as in EC2."""
    try:
        return ip_network(text("cidr_contains", cidr), strict=False)
    except ValueError:
        raise EvaluationError(f"cidr_contains(): {cidr!r} is neither an IP address nor a CIDR") from None


def opens_port(permission: Json, wanted: Json) -> Truth:
    """Whether an EC2 IpPermission is about a TCP or UDP port, or about one of several.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html: protocol -1 is all traffic,
    whatever the ports say; for TCP and UDP, FromPort and ToPort are required; for ICMP they are types and codes.
    """
    if isinstance(permission, Unknown):
        return permission
    if not isinstance(permission, dict):
        raise EvaluationError(f"opens_port() takes an IpPermission, not {kind(permission)}")
    protocol = permission.get("IpProtocol")
    if isinstance(protocol, Unknown):
        return protocol
    protocol = text("opens_port", protocol).lower()
    if protocol == EVERY_PROTOCOL or protocol in WITHOUT_PORTS:
        return protocol == EVERY_PROTOCOL
    if protocol not in WITH_PORTS:
        raise EvaluationError(f"opens_port(): {protocol!r} is no IP protocol")
    first, last, asked = port(permission.get("FromPort")), port(permission.get("ToPort")), ports(wanted)
    try:
        return any(first <= each <= last for each in asked)  # type: ignore[operator]
    except TypeError:  # something is unknown, and what is known does not decide
        return kleene_any([kleene_all([_at_most(first, each), _at_most(each, last)]) for each in asked])


def acl_opens_port(entries: Json, wanted: Json) -> Truth:
    """Whether a network ACL's entries let everybody in to a TCP or UDP port, or to one of several.

    The entry with the lowest number that is about a packet decides. Those for a part of the world decide about no
    more than that part, so the entries that count are those for all of IPv4, or for all of IPv6.
    """
    if isinstance(entries, Unknown):
        return entries
    if not isinstance(entries, list):
        raise EvaluationError(f"acl_opens_port() takes a network ACL's entries, not {kind(entries)}")
    numbers = [_rule_number(entry) for entry in entries]
    if gap := maybe_items(numbers):
        return Unknown.merge(gap)
    ordered = sorted(entries, key=lambda entry: entry.get("RuleNumber"), reverse=True)
    packets = product(EVERYBODY, ("6", "17"), ports(wanted))
    return kleene_any([_lets_in(ordered, *packet) for packet in packets])


def _rule_number(entry: Json) -> Json:
    if isinstance(entry, Unknown):
        return entry
    if not isinstance(entry, dict):
        raise EvaluationError(f"acl_opens_port() takes a network ACL's entries, not a list with {kind(entry)}")
    number = entry.get("RuleNumber")
    if isinstance(number, bool) or not isinstance(number, int | float | Unknown):
        raise EvaluationError(f"acl_opens_port(): the RuleNumber of an entry is a number, not {kind(number)}")
    return number


def _lets_in(entries: Sequence[Json], world: tuple[str, str], protocol: str, wanted: Json) -> Truth:
    """What becomes of one protocol's packets from everywhere, by entries from the last to the first."""
    verdict: Truth = False
    for entry in entries:
        allows, about = _is(entry, "RuleAction", "allow"), _about(entry, world, protocol, wanted)
        if about is True:
            verdict = allows
        elif about is not False and verdict is not allows:
            verdict = Unknown.merge(each for each in (about, allows, verdict) if isinstance(each, Unknown))
    return verdict


def _about(entry: Json, world: tuple[str, str], protocol: str, wanted: Json) -> Truth:
    """Whether an entry is about a packet that comes in from everywhere to a port."""
    same = kleene_any([_is(entry, "Protocol", protocol), _is(entry, "Protocol", EVERY_PROTOCOL)])
    if all(entry.get(field) is None for field, _ in EVERYBODY):
        return Unknown.because("an entry of the network ACL has no CIDR")
    about = kleene_all([_is(entry, "Egress", False), _is(entry, *world), same])
    if about is False:
        return False
    between = entry.get("PortRange")
    first, last = (between.get("From"), between.get("To")) if isinstance(between, dict) else (between, between)
    return kleene_all(
        [about, opens_port({"IpProtocol": entry.get("Protocol"), "FromPort": first, "ToPort": last}, wanted)]
    )


def _is(entry: Json, field: str, value: Json) -> Truth:
    found = entry.get(field)
    return found if isinstance(found, Unknown) else equal(found, value)


def ports(value: Json) -> list[float | Unknown]:
    """A port, or a list of them. Raises EvaluationError."""
    return [port(each) for each in (value if isinstance(value, list) else [value])]


def port(value: Json) -> float | Unknown:
    """A port's number. Raises EvaluationError."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError(f"opens_port() takes a port, not {kind(value)}")
    if not 0 <= value <= LAST_PORT:
        raise EvaluationError(f"opens_port(): {value} is no port")
    return value


def _at_most(one: float | Unknown, other: float | Unknown) -> Truth:
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return Unknown.merge(side for side in (one, other) if isinstance(side, Unknown))
    return one <= other
