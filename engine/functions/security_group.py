"""What security groups let the whole internet reach, with the addresses of their rules added up port by port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct, field

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .addresses import FAMILIES, LEAST, Network, network, size, whole
from .arguments import kind, text
from .budget import charge
from .network import ADDED_UP, EVERY_PROTOCOL, LAST_PORT, LITERAL, check_reading, port, transports
from .unknowns import Truth, known_items, maybe_items

_TRANSPORTS = ("tcp", "udp")
_ABOUT = ("IpProtocol", "FromPort", "ToPort")
_RANGES = {4: ("IpRanges", "CidrIp", "0.0.0.0/0"), 6: ("Ipv6Ranges", "CidrIpv6", "::/0")}


class _Rule(Struct):
    """A rule as far as it is known: what it is about, whom it lets in, and what nobody can say of either."""

    transports: tuple[str, ...] = _TRANSPORTS
    first: float = 0
    last: float = LAST_PORT
    networks: list[Network] = field(default_factory=list)
    doubts: list[Unknown] = field(default_factory=list)  # whether it is about these ports
    gaps: list[tuple[int, Unknown]] = field(default_factory=list)  # whom else, by family


def world_reaches(permissions: Json, prefix_lists: Json, reading: Json = ADDED_UP) -> Json:
    """What the whole of IPv4, or of IPv6, reaches by EC2's IpPermissions together.

    A list of `{IpProtocol, FromPort, ToPort, IPv4, IPv6}`, for TCP and UDP, of the ports of each rule and of those that
    rules share: the last two say whether the whole reaches these, by rules alone or together, be it by prefix lists.
    Whom a rule lets in never decides what is listed; a rule whose ports are unknown is an item that may be anything.
    A prefix list that a rule names and that is not among those given may hold anybody. Read literally, as AWS's
    controls do, only rules for 0.0.0.0/0 and ::/0 count.
    """
    if isinstance(permissions, Unknown):
        return permissions
    if not isinstance(permissions, list):
        raise EvaluationError(f"world_reaches() takes IpPermissions, not {kind(permissions)}")
    check_reading(reading)
    charge(len(permissions) ** 2)
    if _too_few(permissions):
        return list(_unreached(*[permission.get(each) for permission in permissions for each in _ABOUT]))
    return _listed(list(_rules(permissions, None if reading == LITERAL else _by_id(prefix_lists))))


@lru_cache(maxsize=4096, typed=True)
def _unreached(*about: Json) -> Sequence[Json]:
    """What is listed for rules that are about these, and let in too few for a world. Most groups are like others."""
    width = len(_ABOUT)
    permissions = [dict(zip(_ABOUT, about[at : at + width], strict=True)) for at in range(0, len(about), width)]
    return _listed([rule for permission in permissions if _is_about(rule := _Rule(), permission)])


def _listed(rules: Sequence[_Rule]) -> list[Json]:
    doubts = [Unknown.merge(found)] if (found := [doubt for rule in rules for doubt in rule.doubts]) else []
    return [*doubts, *(each for transport in _TRANSPORTS for each in _reached(transport, rules)), *doubts]


def _too_few(permissions: Sequence[Json]) -> bool:
    """Whether it is plain to see that rules let in too few for a world, whatever they are about. Nearly all do."""
    try:
        for family, (ranges, cidr, _) in _RANGES.items():
            if sum(size(each[cidr]) for rule in permissions for each in rule[ranges]) >= LEAST[family]:
                return False
        return not any(rule["PrefixListIds"] for rule in permissions)
    except (TypeError, KeyError, AttributeError):  # something is unknown, or not there
        return False


def _reached(transport: str, rules: Sequence[_Rule]) -> Iterator[Json]:
    """Ports that rules are about, and who reaches them: those of each rule, and the stretches that rules share."""
    ours = [rule for rule in rules if transport in rule.transports]
    ranges = {(rule.first, rule.last): None for rule in ours if not rule.doubts}
    if len(ranges) > 1 and not any(rule.doubts for rule in ours):  # where others begin or end is known
        bounds = sorted({first for first, _ in ranges} | {last + 1 for _, last in ranges})
        ranges |= dict.fromkeys((first, after - 1) for first, after in pairwise(bounds))
    for first, last in ranges:
        here = [rule for rule in ours if rule.first <= first and last <= rule.last]
        if here:
            lets_in = {f"IPv{family}": _lets_in(here, family) for family in FAMILIES}
            yield {"IpProtocol": transport, "FromPort": first, "ToPort": last, **lets_in}


def _lets_in(rules: Sequence[_Rule], family: int) -> Truth:
    if not any(rule.networks or rule.gaps for rule in rules):
        return False
    charge(4 * sum(len(rule.networks) for rule in rules))
    if whole([each for rule in rules if not rule.doubts for each in rule.networks], family):
        return True
    gaps = [gap for rule in rules for of, gap in rule.gaps if of == family]
    if gaps or whole([each for rule in rules for each in rule.networks], family):
        return Unknown.merge([*gaps, *(doubt for rule in rules for doubt in rule.doubts)])
    return False


def _rules(permissions: Iterable[Json], lists: Mapping[str, Json] | None) -> Iterator[_Rule]:
    """Rules as far as they are known; without prefix lists, by what they say literally."""
    for permission in permissions:
        rule = _Rule()
        if isinstance(permission, Unknown):
            rule.doubts.append(permission)
            _let_in(rule, [permission], FAMILIES)
        elif not isinstance(permission, dict):
            raise EvaluationError(f"world_reaches() takes IpPermissions, not {kind(permission)}")
        elif _is_about(rule, permission):
            for family, (ranges, cidr, world) in _RANGES.items():
                whom = _each(permission.get(ranges), cidr)
                if lists is None:
                    whom = [each for each in whom if each == world or isinstance(each, Unknown)]
                _let_in(rule, whom, (family,))
            for named in _each(permission.get("PrefixListIds"), "PrefixListId") if lists is not None else ():
                _let_in(rule, [named] if isinstance(named, Unknown) else _entries(lists or {}, named), FAMILIES)
        yield rule


def _is_about(rule: _Rule, permission: Json) -> bool:
    """Note what a permission is about; False where it is about no port."""
    protocol = permission.get("IpProtocol")
    if isinstance(protocol, Unknown):
        rule.doubts.append(protocol)
    elif protocol != EVERY_PROTOCOL:
        rule.transports = transports(protocol)
        first, last = (port(permission.get(bound)) if rule.transports else 0 for bound in ("FromPort", "ToPort"))
        rule.doubts += [bound for bound in (first, last) if isinstance(bound, Unknown)]
        rule.first = 0 if isinstance(first, Unknown) else first
        rule.last = LAST_PORT if isinstance(last, Unknown) else last
    return bool(rule.transports)


def _let_in(rule: _Rule, cidrs: Iterable[Json], families: Sequence[int]) -> None:
    for cidr in cidrs:
        if isinstance(cidr, Unknown):
            rule.gaps += [(family, cidr) for family in families]
        elif (found := network(text("world_reaches", cidr))) is None:
            raise EvaluationError(f"world_reaches(): {cidr!r} is neither an IP address nor a CIDR")
        else:
            rule.networks.append(found)


def _each(items: Json, name: str) -> list[Json]:
    """One field of each item, of which some, or all, may be unknown."""
    listed = [items] if isinstance(items, Unknown) else items or []
    return [item if isinstance(item, Unknown) else item.get(name) for item in listed]


def _by_id(prefix_lists: Json) -> dict[str, Json]:
    """Prefix lists by their ids; by an empty one, what is unknown of which lists there are."""
    listed = [prefix_lists] if isinstance(prefix_lists, Unknown) else prefix_lists
    if not isinstance(listed, list) or not all(isinstance(row, dict | Unknown) for row in listed):
        raise EvaluationError(f"world_reaches() takes prefix lists, not {kind(prefix_lists)}")
    gaps = maybe_items(listed)
    found = {row.get("PrefixListId"): row for row in known_items(listed)}
    return {**found, "": Unknown.merge(gaps)} if gaps else found


def _entries(lists: Mapping[str, Json], named: str) -> list[Json]:
    """Whom a prefix list lets in. AWS's own hold addresses of its services, and are not collected."""
    row = lists.get(named)
    if row is None:
        return [lists.get("", Unknown.because(f"no AWS::EC2::PrefixList {named} in this snapshot"))]
    if (entries := row.get("Entries")) is not None:
        return _each(entries, "Cidr")
    owner = row.get("OwnerId")
    if owner == "AWS":
        return []
    return [owner if isinstance(owner, Unknown) else Unknown.because(f"no entries of prefix list {named}")]
