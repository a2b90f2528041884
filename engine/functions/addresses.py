"""Sets of addresses: what CIDRs hold together, however they are written and into whatever parts they are cut.

A set is a list of ranges, each the first and the last address as numbers, in order, with a gap between any two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain

Network = IPv4Network | IPv6Network
Addresses = list[tuple[int, int]]
FAMILIES = (4, 6)
BITS = {4: 32, 6: 128}


@lru_cache(maxsize=8192)
def network(text: str) -> Network | None:
    """Read a CIDR, or an address as the CIDR of it alone; None for anything else.

    Bits beyond the prefix do not count. A mask in place of a prefix is read as a prefix by nobody in AWS.
    """
    _, slash, prefix = text.partition("/")
    if slash and not (prefix.isascii() and prefix.isdigit()):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def size(text: str) -> int:
    """How many addresses a CIDR holds. Raises TypeError for what is none."""
    found = network(text)
    if found is None:
        raise TypeError
    return found.num_addresses


def union(networks: Iterable[Network], family: int) -> Addresses:
    """The addresses of one family, 4 or 6, that networks hold together."""
    found: Addresses = []
    bounds = ((int(each[0]), int(each[-1])) for each in networks if each.version == family)
    for first, last in sorted(bounds):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def without(addresses: Addresses, others: Addresses) -> Addresses:
    """The addresses that are not among the others."""
    left: Addresses = []
    for first, last in addresses:
        here = first  # what comes before is decided
        for start, end in others:
            if here <= end and start <= last:
                left += [(here, start - 1)] if here < start else []
                here = end + 1
        left += [(here, last)] if here <= last else []
    return left


def meet(addresses: Addresses, others: Addresses) -> bool:
    """Whether an address is among both."""
    return any(first <= end and start <= last for first, last in addresses for start, end in others)


def _networks(*texts: str) -> list[Network]:
    return [ip_network(text) for text in texts]


# What sends nothing over the internet: what IANA's registries call not globally reachable, and multicast.
# https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
_ELSEWHERE = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
)
# https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml: all of global unicast.
INTERNET = {
    4: without(union(_networks("0.0.0.0/0"), 4), union(_ELSEWHERE, 4)),
    6: union(_networks("2000::/3"), 6),
}
LEAST = {family: sum(last - first + 1 for first, last in addresses) for family, addresses in INTERNET.items()}


def whole(networks: Sequence[Network], family: int) -> bool:
    """Whether networks hold together every address of a family from which somebody can come over the internet."""
    if sum(each.num_addresses for each in networks if each.version == family) < LEAST[family]:
        return False  # most rules: too small even if they do not overlap
    return not without(INTERNET[family], union(networks, family))


# What S3 calls very broad, and so public: more than a /8 of IPv4 or a /32 of IPv6, private ranges (RFC 1918) aside.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#public-bucket-policies
_BROADEST = {4: 8, 6: 32}
_PRIVATE = {4: union(_networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), 4), 6: []}
_MAPPED = IPv6Network("::ffff:0:0/96")


def broad(networks: Sequence[Network]) -> bool:
    """Whether networks hold a range that S3 calls very broad, one of them alone or several that lie side by side.

    IPv6 that stands for IPv4 (::ffff:0:0/96) counts as both.
    """
    if any(each.prefixlen < _BROADEST[each.version] for each in networks):
        return True
    every = list(chain(networks, *map(_as_ipv4, networks)))
    return any(
        last - first >= 1 << BITS[family] - _BROADEST[family]
        for family in FAMILIES
        for first, last in without(union(every, family), _PRIVATE[family])
    )


def _as_ipv4(found: Network) -> list[Network]:
    if isinstance(found, IPv6Network) and found.overlaps(_MAPPED):
        return [IPv4Network((int(found[0]) & 0xFFFFFFFF, max(found.prefixlen - 96, 0)))]
    return []
