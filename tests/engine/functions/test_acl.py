"""Whom the entries of a network ACL let in."""

from __future__ import annotations

import pytest
from stillframe.engine.functions.acl import acl_opens_port
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from stillframe.snapshot.model import Unknown

SCOPE = {"snapshot_time": "2026-01-02T00:00:00Z"}


def entry(number, action="allow", protocol="-1", ports=None, cidr="0.0.0.0/0", **more):
    block = "Ipv6CidrBlock" if ":" in cidr else "CidrBlock"
    found = {"RuleNumber": number, "RuleAction": action, "Protocol": protocol, "Egress": False, block: cidr, **more}
    return found | ({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {})


LAST = entry(32767, "deny")
HALF, REST = "0.0.0.0/1", "128.0.0.0/1"
INTERNET = [f"{first}.0.0.0/8" for first in range(1, 224) if first not in (10, 127)]
SSH, UNREAD = {"protocol": "6", "ports": (22, 22)}, Unknown.because("lost")


@pytest.mark.parametrize(
    ("entries", "opened"),
    [
        ([], False),
        ([LAST], False),
        ([entry(100), LAST], True),
        ([LAST, entry(100)], True),
        ([entry(100, cidr="::/0")], True),
        ([entry(100, **SSH)], True),
        ([entry(100, protocol="17", ports=(0, 65535))], True),
        ([entry(100, protocol="1")], False),
        ([entry(100, protocol="6", ports=(443, 443))], False),
        ([entry(100, Egress=True)], False),
        ([entry(100, cidr="10.0.0.0/8")], False),
        ([entry(90, "deny"), entry(100)], False),
        ([entry(100), entry(110, "deny")], True),
        ([entry(90, "deny", **SSH), entry(100, **SSH)], False),
        ([entry(90, "deny", **SSH), entry(100)], True),  # UDP is let in
        ([entry(90, "deny", cidr="10.0.0.0/8"), entry(100)], True),
        ([entry(90, "deny", cidr="::/0"), entry(100)], True),
        ([entry(90, "deny", Egress=True), entry(100)], True),
        (UNREAD, UNREAD),
        ([entry(100, Protocol=UNREAD)], UNREAD),
        ([entry(100, RuleAction=UNREAD)], UNREAD),
        ([entry(100, Egress=UNREAD)], UNREAD),
        ([entry(100, CidrBlock=UNREAD)], UNREAD),
        ([entry(100, protocol="6", PortRange=UNREAD)], UNREAD),
        ([entry(UNREAD)], UNREAD),
        ([entry(100), UNREAD], UNREAD),
        ([entry(100, CidrBlock=None)], Unknown.because("an entry of the network ACL has no CIDR")),
        ([entry(90, "deny", RuleAction=UNREAD), entry(100)], UNREAD),
        ([entry(90, "deny", Protocol=UNREAD), entry(100)], UNREAD),
        ([entry(90, Protocol=UNREAD), entry(100)], True),
        ([entry(90, "deny", Protocol=UNREAD), LAST], False),
        ([entry(90), entry(100, RuleAction=UNREAD)], True),
        ([entry(100, cidr="0.0.0.0/1"), LAST], False),
        ([entry(100, cidr="0.0.0.0/1"), entry(110, cidr="128.0.0.0/1"), LAST], True),
        ([entry(110, cidr="128.0.0.0/1"), entry(100, cidr="0.0.0.0/1"), LAST], True),
        ([entry(100, cidr=HALF), entry(105, "deny", cidr=REST), entry(110, cidr=REST)], False),
        ([entry(100, cidr=HALF), entry(105, "deny", cidr="128.0.0.0/9"), entry(110, cidr=REST)], True),
        ([entry(100, cidr="0.0.0.0/1"), entry(110, cidr="8000::/1")], False),
        ([entry(100, cidr="0.0.0.0/1", **SSH), entry(110, cidr="128.0.0.0/1", protocol="17", ports=(22, 22))], False),
        ([entry(80, "deny", cidr="0.0.0.0/1"), entry(90, "deny", cidr="128.0.0.0/1"), entry(100)], False),
        ([entry(80, "deny", cidr="0.0.0.0/1"), entry(100)], True),
        ([entry(80, cidr="203.0.113.0/24"), entry(90, "deny"), entry(100)], False),
        ([entry(*at, cidr=cidr) for cidr in INTERNET for at in [(90, "deny")]] + [entry(100)], False),
        ([entry(100, cidr="2000::/3")], True),
        ([entry(100, cidr="8000::/1")], False),
        ([entry(100, cidr="0.0.0.0/1"), entry(110, CidrBlock=UNREAD)], UNREAD),
        ([entry(100, "deny", CidrBlock=UNREAD), entry(110, cidr="0.0.0.0/1")], False),
    ],
)
def test_a_network_acl_lets_everybody_in_by_its_lowest_entry(entries, opened):
    assert evaluate(parse("acl_opens_port(Entries, `22`)"), {"Entries": entries}, SCOPE) == opened


@pytest.mark.parametrize(
    ("entries", "opened"),
    [
        ([entry(100)], True),
        ([entry(90, "deny"), entry(100)], True),
        ([entry(100, cidr="::/0", **SSH)], True),
        ([entry(100, protocol="6", ports=(443, 443))], False),
        ([entry(100, Egress=True)], False),
        ([entry(100, cidr="0.0.0.0/1"), entry(110, cidr="128.0.0.0/1")], False),
        ([LAST], False),
        ([entry(100, CidrBlock=UNREAD)], UNREAD),
        ([entry(100, CidrBlock=None)], Unknown.because("an entry of the network ACL has no CIDR")),
    ],
)
def test_read_literally_one_entry_of_a_network_acl_decides(entries, opened):
    assert acl_opens_port(entries, 22, "literal") == opened


def test_an_entry_of_a_network_acl_opens_a_port():
    entry = {"Protocol": "6", "PortRange": {"From": 0, "To": 1024}, "CidrBlock": "0.0.0.0/0"}
    asked = parse("opens_port({IpProtocol: Protocol, FromPort: PortRange.From, ToPort: PortRange.To}, `22`)")
    assert evaluate(asked, entry, SCOPE) is True
    assert evaluate(asked, {"Protocol": "-1"}, SCOPE) is True
    assert evaluate(asked, entry | {"PortRange": {"From": 443, "To": 443}}, SCOPE) is False


@pytest.mark.parametrize(("ports", "opened"), [([23, 22], True), ([23, 3389], False), ([], False)])
def test_a_permission_opens_one_of_several_ports(ports, opened):
    given = {"p": {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}, "ports": ports, "entries": [entry(100, **SSH)]}
    assert evaluate(parse("opens_port(p, ports)"), given, SCOPE) is opened
    assert evaluate(parse("acl_opens_port(entries, ports)"), given, SCOPE) is opened
