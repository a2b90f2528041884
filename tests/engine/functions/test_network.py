"""Which ports a permission is about, and what the world reaches by permissions together."""

from __future__ import annotations

import pytest
from stillframe.engine.functions.security_group import world_reaches
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from stillframe.snapshot.model import Unknown

SCOPE = {"snapshot_time": "2026-01-02T00:00:00Z"}


def permission(protocol, first=None, last=None, **more):
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **more}


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        (permission("-1"), True),
        (permission("-1", -1, -1), True),
        (permission("-1", 80, 80), True),
        (permission("tcp", 22, 22), True),
        (permission("TCP", 0, 65535), True),
        (permission("6", 20, 22), True),
        (permission("udp", 22, 30), True),
        (permission("17", 22, 22), True),
        (permission("tcp", 23, 65535), False),
        (permission("tcp", 0, 21), False),
        (permission("icmp", -1, -1), False),
        (permission("icmp", 8, 22), False),
        (permission("icmpv6"), False),
        (permission("1", 0, 65535), False),
        (permission("50"), False),
        (permission("tcp", 22, 22, IpRanges=[]), True),
    ],
)
def test_a_permission_opens_a_port(given, opened):
    assert evaluate(parse("opens_port(@, `22`)"), given, SCOPE) is opened


OPEN4, OPEN6 = {"IPv4": True, "IPv6": False}, {"IPv4": False, "IPv6": True}
LOST = Unknown.because("lost")


def rule(*cidrs, first=22, last=22, protocol="tcp", **more):
    ranges = {
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr],
        "PrefixListIds": [],
    }
    return permission(protocol, first, last, **ranges | more)


def listed(name, *cidrs, **more):
    return {"PrefixListId": name, "OwnerId": "1", "Entries": [{"Cidr": cidr} for cidr in cidrs], **more}


def named(*lists):
    return {"PrefixListIds": [{"PrefixListId": name} for name in lists]}


def reached(first, last, opened, *transports):
    return [
        {"IpProtocol": transport, "FromPort": first, "ToPort": last, **opened} for transport in transports or ["tcp"]
    ]


NEARLY = [f"{first}.0.0.0/8" for first in range(1, 224) if first not in (10, 127)]
GONE = Unknown.because("no AWS::EC2::PrefixList a in this snapshot")


@pytest.mark.parametrize(
    ("permissions", "lists", "expected"),
    [
        ([], [], []),
        ([rule("0.0.0.0/0")], [], reached(22, 22, OPEN4)),
        ([rule("::/0")], [], reached(22, 22, OPEN6)),
        ([rule("0.0.0.0/0", "0:0::/0")], [], reached(22, 22, {"IPv4": True, "IPv6": True})),
        ([rule("0.0.0.0/1")], [], []),
        ([rule("0.0.0.0/1", "128.0.0.0/1")], [], reached(22, 22, OPEN4)),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1")], [], reached(22, 22, OPEN4)),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/2"), rule("192.0.0.0/2")], [], reached(22, 22, OPEN4)),
        ([rule("::/1"), rule("8000::/1")], [], reached(22, 22, OPEN6)),
        ([rule("2000::/3")], [], reached(22, 22, OPEN6)),
        ([rule("2000::/4")], [], []),
        ([rule(*NEARLY)], [], reached(22, 22, OPEN4)),
        ([rule(*NEARLY[1:])], [], []),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1", first=23, last=23)], [], []),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1", protocol="udp")], [], []),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1", first=20, last=30)], [], reached(22, 22, OPEN4)),
        ([rule("0.0.0.0/1", first=0, last=25), rule("128.0.0.0/1", first=20, last=30)], [], reached(20, 25, OPEN4)),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1", first=None, last=None, protocol="-1")], [], reached(22, 22, OPEN4)),
        ([rule("0.0.0.0/0", protocol="-1", first=None, last=None)], [], reached(0, 65535, OPEN4, "tcp", "udp")),
        ([rule("0.0.0.0/0", protocol="icmp", first=-1, last=-1)], [], []),
        (
            [rule("0.0.0.0/0", first=80, last=81), rule("0.0.0.0/0", first=80, last=80)],
            [],
            [*reached(80, 81, OPEN4), *reached(80, 80, OPEN4), *reached(81, 81, OPEN4)],
        ),
        ([rule(**named("a"))], [listed("a", "0.0.0.0/0")], reached(22, 22, OPEN4)),
        ([rule(**named("a"))], [listed("b", "0.0.0.0/0")], reached(22, 22, {"IPv4": GONE, "IPv6": GONE})),
        ([rule(**named("a", "b"))], [listed("a", "0.0.0.0/1"), listed("b", "128.0.0.0/1")], reached(22, 22, OPEN4)),
        ([rule("0.0.0.0/1", **named("a"))], [listed("a", "128.0.0.0/1")], reached(22, 22, OPEN4)),
        ([rule(**named("a"))], [listed("a", Entries=None, OwnerId="AWS")], []),
        ([rule(**named("a"))], [listed("a", Entries=LOST)], reached(22, 22, {"IPv4": LOST, "IPv6": LOST})),
        ([rule(**named("a"))], [LOST], reached(22, 22, {"IPv4": LOST, "IPv6": LOST})),
        ([rule("0.0.0.0/0", **named("a"))], LOST, reached(22, 22, {"IPv4": True, "IPv6": LOST})),
        ([rule("203.0.113.0/24")], LOST, []),
        ([rule(IpRanges=LOST)], [], reached(22, 22, {"IPv4": LOST, "IPv6": False})),
        ([rule(IpRanges=[{"CidrIp": LOST}])], [], reached(22, 22, {"IPv4": LOST, "IPv6": False})),
        ([rule("203.0.113.0/24", first=LOST)], [], [LOST, LOST]),
        ([rule("0.0.0.0/0", last=LOST)], [], [LOST, LOST]),
        (
            [rule("0.0.0.0/0", last=LOST), rule("::/0")],
            [],
            [LOST, *reached(22, 22, {"IPv4": LOST, "IPv6": True}), LOST],
        ),
        (
            [rule("0.0.0.0/1", protocol=LOST, first=None, last=None), rule("128.0.0.0/1")],
            [],
            [LOST, *reached(22, 22, {"IPv4": LOST, "IPv6": False}), LOST],
        ),
        ([LOST], [], [LOST, LOST]),
    ],
)
def test_what_the_world_reaches_is_added_up_port_by_port(permissions, lists, expected):
    assert [each for each in world_reaches(permissions, lists) if not unreached(each)] == expected


def test_rules_that_are_not_known_may_let_in_whom_they_will():
    assert world_reaches(LOST, []) == LOST


def unreached(item):
    return not isinstance(item, Unknown) and item["IPv4"] is item["IPv6"] is False


@pytest.mark.parametrize("part", ["IpRanges", "Ipv6Ranges", "PrefixListIds"])
@pytest.mark.parametrize("reading", ["added-up", "literal"])
def test_whom_a_rule_lets_in_does_not_decide_which_ports_are_listed(part, reading):
    rules = [rule("203.0.113.0/24"), rule("0.0.0.0/1", first=20, last=30), rule("::/0", protocol="udp"), rule()]
    ports = [("tcp", 22, 22), ("tcp", 20, 30), ("tcp", 20, 21), ("tcp", 23, 30), ("udp", 22, 22)]
    for seen in (rules, [{**each, part: LOST} for each in rules]):
        listed = world_reaches(seen, [], reading)
        assert [(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in listed] == ports


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ([rule("0.0.0.0/0")], reached(22, 22, OPEN4)),
        ([rule("::/0", **named("a"))], reached(22, 22, OPEN6)),
        ([rule("0.0.0.0/1", "128.0.0.0/1", "0:0::/0")], []),
        ([rule("0.0.0.0/1"), rule("128.0.0.0/1")], []),
        ([rule(**named("a"))], []),
        ([rule(Ipv6Ranges=[LOST])], reached(22, 22, {"IPv4": False, "IPv6": LOST})),
    ],
)
def test_read_literally_nothing_is_added_up(permissions, expected):
    assert [each for each in world_reaches(permissions, LOST, "literal") if not unreached(each)] == expected


def test_what_lets_the_world_reach_a_port_is_one_filter():
    asked = parse(
        "length(IpPermissions[?opens_port(@, `22`) && (IpRanges[?CidrIp == '0.0.0.0/0'] "
        "|| Ipv6Ranges[?CidrIpv6 == '::/0'])])"
    )
    world, office, world6 = [{"CidrIp": "0.0.0.0/0"}], [{"CidrIp": "203.0.113.0/24"}], [{"CidrIpv6": "::/0"}]
    permissions = [
        permission("tcp", 22, 22, IpRanges=world, Ipv6Ranges=[]),
        permission("tcp", 22, 22, IpRanges=office, Ipv6Ranges=[]),
        permission("-1", IpRanges=office, Ipv6Ranges=world6),
        permission("tcp", 443, 443, IpRanges=world, Ipv6Ranges=world6),
        permission("icmp", -1, -1, IpRanges=world, Ipv6Ranges=world6),
    ]
    assert evaluate(asked, {"IpPermissions": permissions}, SCOPE) == 2
