"""Functions of addresses and ports."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .addresses import FAMILIES, union, without
from .arguments import kind, text
from .unknowns import Truth, kleene_all, kleene_any

# IP protocols by EC2's names and IANA's numbers. Those of security groups are in the documentation of IpPermission,
# those of network ACLs are numbers: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
EVERY_PROTOCOL = "-1"
WITH_PORTS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
WITHOUT_PORTS = frozenset({"icmp", "icmpv6", *map(str, range(256))}) - WITH_PORTS.keys()
LAST_PORT = 65535
# How functions read the addresses of several rules: all of them together, or each literally, as AWS's controls do.
ADDED_UP, LITERAL = "added-up", "literal"


def cidr_contains(cidr: Json, other: Json) -> bool:
    """Whether every address of the other, an address or a CIDR, is one of the CIDR's; of lists, of all together."""
    outer, inner = networks(cidr), networks(other)
    if len(outer) == len(inner) == 1:
        return _holds(outer[0], inner[0])
    return not any(without(union(inner, family), union(outer, family)) for family in FAMILIES)


def cidr_overlaps(cidr: Json, other: Json) -> bool:
    """Whether some address is in both, each an address, a CIDR, or a list of such."""
    ones, others = networks(cidr, "cidr_overlaps"), networks(other, "cidr_overlaps")
    return any(one.overlaps(another) for one in ones for another in others)


def _holds(outer: IPv4Network | IPv6Network, inner: IPv4Network | IPv6Network) -> bool:
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def networks(given: Json, function: str = "cidr_contains") -> list[IPv4Network | IPv6Network]:
    """Read a CIDR, or each of a list. Raises EvaluationError."""
    return [network(each, function) for each in (given if isinstance(given, list) else [given])]


def network(cidr: Json, function: str) -> IPv4Network | IPv6Network:
    """Read a CIDR, or an address as the CIDR of it alone; bits beyond the prefix do not count, as in EC2."""
    try:
        return ip_network(text(function, cidr), strict=False)
    except ValueError:
        raise EvaluationError(f"{function}(): {cidr!r} is neither an IP address nor a CIDR") from None


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
    about = transports(protocol)
    if protocol == EVERY_PROTOCOL or not about:
        return bool(about)
    first, last, asked = port(permission.get("FromPort")), port(permission.get("ToPort")), ports(wanted)
    try:
        return any(first <= each <= last for each in asked)  # type: ignore[operator]
    except TypeError:  # something is unknown, and what is known does not decide
        return kleene_any([kleene_all([_at_most(first, each), _at_most(each, last)]) for each in asked])


def transports(protocol: Json) -> tuple[str, ...]:
    """Which of TCP and UDP a protocol is: both if it is all, neither without ports. Raises EvaluationError."""
    named = text("opens_port", protocol).lower()
    if named == EVERY_PROTOCOL:
        return ("tcp", "udp")
    if named in WITH_PORTS:
        return (WITH_PORTS[named],)
    if named in WITHOUT_PORTS:
        return ()
    raise EvaluationError(f"opens_port(): {named!r} is no IP protocol")


def check_reading(reading: Json) -> None:
    """Raise EvaluationError for what is no way to read addresses."""
    if reading not in (ADDED_UP, LITERAL):
        given = reading if isinstance(reading, str) else kind(reading)
        raise EvaluationError(f"acl_opens_port() and world_reaches() read {ADDED_UP} or {LITERAL}, not {given}")


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
