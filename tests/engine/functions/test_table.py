"""Our functions, by example."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
from importlib import import_module

import pytest
from jmespath.functions import Functions
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.acl import acl_opens_port
from stillframe.engine.functions.function import function
from stillframe.engine.functions.policy_document import is_public, like, statements
from stillframe.engine.functions.security_group import world_reaches
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.types import BOOLEAN, Kind

SCOPE = {"snapshot_time": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize("name", Functions.FUNCTION_TABLE)
def test_a_function_of_jmespath_takes_what_jmespath_says(name):
    signature = Functions.FUNCTION_TABLE[name]["signature"]
    ours, repeats = FUNCTIONS[name], bool(signature[-1].get("variadic"))
    assert (ours.least, ours.most) == (len(signature), None if repeats else len(signature))
    for argument, wanted in zip(ours.takes, signature, strict=True):
        kinds = {each.partition("-")[0] for each in wanted["types"]}
        assert kinds <= {each.value for each in argument.kinds} or not argument.kinds
        assert argument.is_expression is ("expref" in kinds) is (Kind.EXPREF in argument.kinds)


@pytest.mark.parametrize("each", [each for each in FUNCTIONS.values() if each.run], ids=lambda each: each.name)
def test_an_entry_fits_its_function(each):
    """Loaded, where that is done when it is first called."""
    module, name = each.run.__module__.rpartition(".")[2], each.run.__name__
    run = getattr(import_module(f"stillframe.engine.functions.{module}"), name)
    for number in (each.least, each.most or each.least + 3):
        assert inspect.signature(run).bind(*range(number + each.timed))
    others = [other for other in FUNCTIONS.values() if other.run and other is not each]
    assert (module, name) not in [(other.run.__module__.rpartition(".")[2], other.run.__name__) for other in others]


def test_what_is_said_of_arguments_is_said_of_arguments_that_there_are():
    with pytest.raises(ValueError, match="prots"):
        function("Lists", "f(port)", "number", BOOLEAN, checks={"prots": int}, example=("f(`1`)", True))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("arn('arn:aws:s3:::a/b:c').resource", "a/b:c"),
        ("arn('arn:aws:kms:us-east-1:111122223333:key/1').account", "111122223333"),
        ("arn('vpc-1')", None),
        ("lower('FAILURE')", "failure"),
        ("upper('straße')", "STRASSE"),
        ("title('data owner')", "Data Owner"),
        ("trim('  a ')", "a"),
        ("trim('--a-', '-')", "a"),
        ("trim('aa', 'a')", ""),
        ("trim_left('..a.', '.')", "a."),
        ("trim_right('..a.', '.')", "..a"),
        ("pad_left('1234', `3`, '0')", "1234"),
        ("replace('aaa', 'a', 'b', `2`)", "bba"),
        ("replace('aaa', 'a', 'b', `0`)", "aaa"),
        ("split('a/b/c', '/', `1`)", ["a", "b/c"]),
        ("find_first('a-b-c', '-', `2`)", 3),
        ("find_first('a-b-c', '-', `-2`)", 3),
        ("find_first('a-b-c', '-', `0`, `1`)", None),
        ("find_first('abc', '')", None),
        ("find_last('a-b-c', '-', `0`, `3`)", 1),
        ("find_last('', '')", None),
        ("capture('db.r5.xlarge', 'r5')", ["r5"]),
        ("capture('ac', '^a(b)?(c)')", [None, "c"]),
        ("capture('é-ü', '-(.)')", ["ü"]),
        ("capture('x', 'y')", None),
        ("substitute('a-b', '[a-z]', '<\\0>')", "<a>-<b>"),
        ("substitute('ab', '(b)?a?', '')", ""),
        ("substitute('a.b', '\\.', '\\\\\\\\')", "a\\\\b"),
        ("compare_versions('1.10', '1.9')", 1),
        ("compare_versions('1.2', '1.2.0')", 0),
        ("compare_versions('v1.27', '1.27')", 0),
        ("compare_versions('2.0-rc1', '2.0')", -1),
        ("compare_versions('2.0-rc1', '2.0-rc2')", -1),
        ("compare_versions('15.2-R2', '15.2')", 1),
        ("compare_versions('15.2-R2', '15.3')", -1),
        ("compare_versions('8.0.mysql_aurora.3.04.0', '8.0.mysql_aurora.3.10.1')", -1),
        ("compare_versions('1.0+build7', '1.0')", 0),
        ('items(`{"b": 1, "a": null}`)', [["b", 1], ["a", None]]),
        ('from_items(items(`{"b": 1}`))', {"b": 1}),
        ('from_items(`[["a", 1], ["a", 2]]`)', {"a": 2}),
        ("get(`{\"b\": 1}`, 'a')", None),
        ("get(`{\"b\": 1}`, join('', ['b']))", 1),
        ("days_since(`1767225600`)", 1),
        ("days_since(`1767225600000`)", 1),
        ("hours_between(`1767139200000`, '2025-12-30T23:00:00Z')", 1),
        ("days_between(`0`, '1970-01-02')", -1),
        ("cidr_contains(['10.0.0.0/9', '10.128.0.0/9'], '10.0.0.0/8')", True),
        ("cidr_contains('10.0.0.0/8', ['10.0.0.1', '11.0.0.1'])", False),
        ("cidr_contains(['10.0.0.0/8', '::/0'], ['10.0.0.1', '2001:db8::1'])", True),
        ("cidr_contains(`[]`, '10.0.0.1')", False),
        ("cidr_contains('10.0.0.0/8', `[]`)", True),
        ("split('a/b/c', '/')[-1]", "c"),
        ("hours_since('2026-01-01T12:00:00Z')", 12.0),
        ("hours_since('2026-01-01T14:00:00+02:00')", 12.0),
        ("days_since('2026-01-01T00:00:00Z')", 1.0),
        ("days_since('2026-01-03T00:00:00Z')", -1.0),
        ("any(`[1, 2]`, &@ == `2`)", True),
        ("any(`[]`, &@)", False),
        ("all(`[1, 2]`, &@ > `0`)", True),
        ("all(`[]`, &@)", True),
        ("known(`null`, 'b')", "b"),
        ("split(arn('arn:aws:cloudtrail:us-east-1:1:trail/main').resource, '/')", ["trail", "main"]),
        ("split(arn('arn:aws:logs:us-east-1:1:log-group:/a/b:*').resource, ':')", ["log-group", "/a/b", "*"]),
        ("join(', ', ['a', 'b'])", "a, b"),
        ("join('', `[]`)", ""),
        ('join(\' \', `[1, 1.5, true, null, "a", [2], {"b": 1, "a": 2}]`)', '1 1.5 true null a [2] {"a":2,"b":1}'),
        ("matches('CreateTrail', 'Trail')", True),
        ("matches('CreateTrail', '^Trail')", False),
        ("matches('CreateTrail', '^(Create|Delete)Trail$')", True),
        ("matches('CreateTrail', '(?i)^create')", True),
        ("matches('', '')", True),
        ("matches('Größe', '^\\pL{5}$')", True),
        ("matches(join('', ['a', `\"\\n\"`]), 'a$')", False),
        ("matches(`\"a\\nb\"`, '^b$')", False),
        ("matches(`\"a\\nb\"`, '(?m)^b$')", True),
        ("parse_json('{\"a\": [1, null]}').a", [1, None]),
        ("parse_json('null')", None),
        ("parse_json(' 1e2 ')", 100.0),
        ('parse_json(\'{"$missing": "x"}\')."$missing"', "x"),
        ("cidr_contains('10.0.0.0/8', '10.1.2.3')", True),
        ("cidr_contains('10.0.0.0/8', '11.0.0.0')", False),
        ("cidr_contains('10.0.0.0/8', '10.0.0.0/8')", True),
        ("cidr_contains('10.0.0.0/8', '10.0.0.0/7')", False),
        ("cidr_contains('10.1.2.3/8', '10.255.0.0/16')", True),
        ("cidr_contains('0.0.0.0/0', '255.255.255.255')", True),
        ("cidr_contains('10.1.2.3', '10.1.2.3/32')", True),
        ("cidr_contains('::/0', '2001:db8::1')", True),
        ("cidr_contains('2001:db8::/32', '2001:DB8:0:0::/64')", True),
        ("cidr_contains('::/0', '10.0.0.1')", False),
        ("cidr_contains('0.0.0.0/0', '::/0')", False),
        ("cidr_contains('10.0.0.0/8', '::ffff:10.0.0.1')", False),
        ("cidr_contains('::ffff:0:0/96', '::ffff:10.0.0.1')", True),
        ("hours_between('2026-01-01T12:00:00Z', '2026-01-01T10:30:00Z')", 1.5),
        ("hours_between('2026-01-01T12:00:00+02:00', '2026-01-01T10:00:00Z')", 0.0),
        ("hours_between('2026-01-01T00:00:00.5Z', '2026-01-01')", 0.5 / 3600),
        ("days_between('2026-01-01', '2026-01-31')", -30.0),
        ("days_between('2024-03-01', '2024-02-28T00:00:00+00:00')", 2.0),
        ("days_between('9999-12-31', '0001-01-01')", 3652058.0),
        ("difference(`[3, 1, 2, 1]`, `[2]`)", [3, 1, 1]),
        ('difference(`[1, true, 0, "1", [1], null]`, `[true, "1", null]`)', [1, 0, [1]]),
        ('difference(`[1.0, [1, [true]], {"a": 1.0}]`, `[1, [1, [1]], {"a": 1}]`)', [[1, [True]]]),
        ("intersection(`[[1], [true]]`, `[[true]]`)", [[True]]),
        ('unique(`[[1], [true], [1.0], {"a": 0}, {"a": false}]`)', [[1], [True], {"a": 0}, {"a": False}]),
        ('difference(`[{"a": 1, "b": [2]}]`, `[{"b": [2], "a": 1}]`)', []),
        ("intersection(`[3, 1, 2, 1]`, `[1, 3]`)", [3, 1, 1]),
        ("intersection(`[1]`, `[true]`)", []),
        ("unique(`[2, 1, 2, true, 1.0, null, null, [], {}, []]`)", [2, 1, True, None, [], {}]),
        ("unique(`[]`)", []),
        ("like('s3:putobject', 's3:put*')", True),
        ("like('s3:getobject', 's3:put*')", False),
        ("like('abcabd', '*a?d')", True),
        ("like('abcabd', '*a?d?')", False),
        ("like('', '**')", True),
        ("like('a', '')", False),
        ("like('a.c', 'a.c') && !like('abc', 'a.c')", True),
        ("like(['a', 'b'], ['c*', 'b*'])", True),
        ("like(['a', 'b'], 'c*') || like('a', `[]`)", False),
        ("statements(`null`)", []),
    ],
)
def test_functions(expression, expected):
    assert evaluate(parse(expression), {}, SCOPE) == expected


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


@pytest.mark.parametrize(("ports", "opened"), [([23, 22], True), ([23, 3389], False), ([], False)])
def test_a_permission_opens_one_of_several_ports(ports, opened):
    given = {"p": permission("tcp", 22, 22), "ports": ports, "entries": [entry(100, **SSH)]}
    assert evaluate(parse("opens_port(p, ports)"), given, SCOPE) is opened
    assert evaluate(parse("acl_opens_port(entries, ports)"), given, SCOPE) is opened


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


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("matches('a', a)", "matches() takes text, not null"),
        ("matches(a, 'a')", "matches() takes text, not null"),
        ("matches('a', bad)", "matches(): not a regular expression of RE2: missing ): ("),
        ("parse_json(a)", "parse_json() takes text, not null"),
        ("parse_json(bad)", "parse_json(): not JSON"),
        ("parse_json('')", "parse_json(): not JSON"),
        ("parse_json('NaN')", "parse_json(): not JSON"),
        ("parse_json('1e999')", "parse_json(): not JSON"),
        ("parse_json(deep)", "parse_json(): nested more than 100 deep"),
        ("parse_json(unclosed)", "parse_json(): not JSON"),
        ("cidr_contains(a, '10.0.0.1')", "cidr_contains() takes text, not null"),
        ("cidr_contains(bad, '10.0.0.1')", "cidr_contains(): '(' is neither an IP address nor a CIDR"),
        ("cidr_contains('10.0.0.0/8', bad)", "neither an IP address nor a CIDR"),
        ("opens_port(a, `22`)", "opens_port() takes an IpPermission, not null"),
        ("opens_port(@, `22`)", "opens_port() takes text, not null"),
        ("opens_port({IpProtocol: bad}, `22`)", "opens_port(): '(' is no IP protocol"),
        ("opens_port({IpProtocol: '256'}, `22`)", "opens_port(): '256' is no IP protocol"),
        ("opens_port({IpProtocol: 'tcp'}, `22`)", "opens_port() takes a port, not null"),
        ("opens_port({IpProtocol: 'tcp', FromPort: `-1`, ToPort: `-1`}, `22`)", "opens_port(): -1 is no port"),
        ("acl_opens_port(a, `22`)", "acl_opens_port() takes a network ACL's entries, not null"),
        ("acl_opens_port(`[{}, {}]`, `22`)", "acl_opens_port(): "),
        ('acl_opens_port(`[{"RuleNumber": 1, "Protocol": "-1", "CidrBlock": "x"}]`, `22`)', "'x' is no CIDR of IPv4"),
        ("world_reaches(a, `[]`)", "world_reaches() takes IpPermissions, not null"),
        ("world_reaches([bad], `[]`)", "world_reaches() takes IpPermissions, not text"),
        (
            "world_reaches([{IpProtocol: '-1', IpRanges: [{CidrIp: bad}]}], `[]`)",
            "'(' is neither an IP address nor a CIDR",
        ),
        ("world_reaches([{IpProtocol: '-1', IpRanges: [{CidrIp: a}]}], `[]`)", "world_reaches() takes text, not null"),
        ("world_reaches([{IpProtocol: bad}], `[]`)", "'(' is no IP protocol"),
        ("world_reaches([{IpProtocol: '-1'}], a)", "world_reaches() takes prefix lists, not null"),
        ("like(a, '*')", "like() takes text, not null"),
        ("days_between(a, '2026-01-01')", "days_between() takes text, not null"),
        ("hours_between('2026-01-01', bad)", "hours_between(): "),
        ("days_since('2026-02-30')", "days_since(): "),
        ("difference(a, `[]`)", "difference() takes a list, not null"),
        ("difference(`[]`, a)", "difference() takes a list, not null"),
        ("intersection(`[]`, 'a')", "intersection() takes a list, not text"),
        ("unique(a)", "unique() takes a list, not null"),
        ("join(', ', a)", "join() takes a list, not null"),
        ("join(a, `[]`)", "join() takes text, not null"),
        ("split('a', '')", "split(): the separator is empty"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_an_error_that_says_so(expression, message):
    data = {"a": None, "bad": "(", "deep": "[" * 101 + "]" * 101, "unclosed": '{"a": "b'}
    with pytest.raises(EvaluationError) as error:
        evaluate(parse(expression), data, SCOPE)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("matches(a, 'b(')", "matches(): not a regular expression of RE2: missing ): b("),
        ("matches(a, '(?=b)')", "not a regular expression of RE2: invalid perl operator: (?="),
        (r"matches(a, '(b)\1')", r"not a regular expression of RE2: invalid escape sequence: \1"),
        ("matches(a, `1`)", "matches() takes text, not a number"),
        (r'matches(a, `"\ud800"`)', "not a regular expression of RE2"),
        ("cidr_contains('10.0.0.0/33', a)", "cidr_contains(): '10.0.0.0/33' is neither an IP address nor a CIDR"),
        ("cidr_contains(a, '010.0.0.1')", "neither an IP address nor a CIDR"),
        ("a[?opens_port(@, `65536`)]", "opens_port(): 65536 is no port"),
        ("opens_port(a, `true`)", "opens_port() takes a port, not a boolean"),
        ("opens_port(a, `[22, 65536]`)", "opens_port(): 65536 is no port"),
        ("world_reaches(a, a, 'strict')", "read added-up or literal, not strict"),
        ("acl_opens_port(a, a, 'strict')", "read added-up or literal, not strict"),
    ],
)
def test_a_literal_that_can_never_be_right_is_an_error_of_the_policy(expression, message):
    with pytest.raises(EvaluationError) as error:
        parse(expression)
    assert message in str(error.value)


def test_a_pattern_that_backtracks_elsewhere_is_fast():
    started = time.process_time()
    data = {"text": "a" * 1_000_000 + "b"}
    assert evaluate(parse("matches(text, '^(a+)+$')"), data, SCOPE) is False
    assert evaluate(parse("matches(text, '(a|aa)+c')"), data, SCOPE) is False
    assert evaluate(parse("matches(text, 'b$')"), data, SCOPE) is True
    assert time.process_time() - started < 2


def test_long_lists_are_fast():
    started = time.process_time()
    data = {"a": list(range(50_000)), "b": [{"n": number} for number in range(0, 100_000, 2)]}
    assert len(evaluate(parse("difference(a, b[].n)"), data, SCOPE)) == 25_000
    assert len(evaluate(parse("unique([a, a][])"), data, SCOPE)) == 50_000
    assert time.process_time() - started < 5


def test_the_engine_of_regular_expressions_is_loaded_when_one_is_used():
    script = """
import sys
from stillframe.engine.language.parser import parse
parse("lower(a)")
assert "re2" not in sys.modules
parse("matches(a, 'b')")
assert "re2" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def allow(principal="*", condition=None, **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", **more}
    return {"Statement": [statement | ({"Condition": condition} if condition else {})]}


@pytest.mark.parametrize(
    "policy",
    [
        allow(),
        allow({"AWS": "*"}),
        allow({"AWS": ["arn:aws:iam::111122223333:root", "*"]}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "*"}}),
        allow(condition={"StringLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-*"]}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "${aws:x}"}}),
        allow(condition={"StringEquals": {"aws:SourceVpc": []}}),
        allow(condition={"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
        allow(condition={"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
        allow(condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        allow(condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow(condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
        allow(condition={"StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}),
        allow(condition={"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:a:1:key/1"}}),
        allow({"Federated": "graph.facebook.com"}),
        allow(condition={"StringEquals": {"aws:userid": "AROA1:*"}}),
        allow(condition={"StringEquals": {"aws:UserAgent": "me"}}),
        {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}},
        {"Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "s3:*"}]},
        {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}, allow()["Statement"][0]]},
    ],
)
def test_public_by_aws_published_definition(policy):
    assert is_public(policy) is True


@pytest.mark.parametrize(
    "policy",
    [
        None,
        allow({"Service": "cloudtrail.amazonaws.com"}),
        allow({"AWS": "arn:aws:iam::111122223333:root"}),
        allow(condition={"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
        allow(condition={"StringEquals": {"AWS:SourceVpce": ["vpce-1", "vpce-2"]}}),
        allow(condition={"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:1:trail/main"}}),
        allow(condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}),
        allow({"Federated": "arn:aws:iam::111122223333:saml-provider/office"}),
        allow({"AWS": []}),
        allow(condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:SecureTransport": "true"}}),
        allow(condition={"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:111122223333:accesspoint/*"}}),
        {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*"}]},
    ],
)
def test_not_public_by_aws_published_definition(policy):
    assert is_public(policy) is False


@pytest.mark.parametrize(
    "policy",
    [
        {},
        [],
        "text",
        {"Statement": []},
        {"Statement": [{}]},
        {"Statement": [{"Effect": "Allow"}]},
        {"Statement": [{"Effect": "Allow", "Principal": {}}]},
        {"Statement": [{"Effect": "Permit", "Principal": "*"}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": 1}}]},
        {"Statement": [{"Effect": "Allow", "principal": "*", "Principal": {"AWS": "1"}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": {}}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"aws": "*"}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ""}}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": None}}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": [None]}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpc": None}}}]},
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"aws:SourceVpc": [{}]}}}]},
    ],
)
def test_what_is_no_policy_is_unknown(policy):
    assert isinstance(is_public(policy), Unknown)


def test_the_statements_of_a_policy_are_in_one_form():
    [first, second] = statements(
        {
            "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"},
                {
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": ["1", "2"], "Service": "s3.amazonaws.com"},
                    "NotAction": ["S3:*", "sns:Publish"],
                    "NotResource": "*",
                    "Condition": {
                        "Bool": {"aws:SecureTransport": False},
                        "StringLike": {"aws:PrincipalArn": ["a", "b"]},
                    },
                },
            ]
        }
    )
    nobody = {"AWS": [], "CanonicalUser": [], "Federated": [], "Service": []}
    assert first == {
        "Effect": "Allow",
        "Principal": {**nobody, "AWS": ["*"]},
        "NotPrincipal": nobody,
        "Action": ["s3:getobject"],
        "NotAction": [],
        "Resource": ["arn:aws:s3:::a/*"],
        "NotResource": [],
        "Condition": [],
        "Fixes": [],
        "Accounts": [],
        "Public": True,
    }
    assert second == {
        "Effect": "Deny",
        "Principal": nobody,
        "NotPrincipal": {**nobody, "AWS": ["1", "2"], "Service": ["s3.amazonaws.com"]},
        "Action": [],
        "NotAction": ["s3:*", "sns:publish"],
        "Resource": [],
        "NotResource": ["*"],
        "Condition": [
            {"Operator": "bool", "Key": "aws:securetransport", "Value": ["false"]},
            {"Operator": "stringlike", "Key": "aws:principalarn", "Value": ["a", "b"]},
        ],
        "Fixes": ["arn"],
        "Accounts": [],
        "Public": False,
    }


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (allow(), True),
        (allow(condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}), False),
        (allow(condition={"StringEquals": {"aws:PrincipalAccount": "111122223333"}}), False),
        (allow(condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}), True),
        ({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "*"}}, True),
        ({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}}, False),
    ],
)
def test_a_statement_is_public_where_it_lets_anybody_in(policy, public):
    assert [statement["Public"] for statement in statements(policy)] == [public]


@pytest.mark.parametrize(
    "policy",
    ["text", [], {}, {"Statement": []}, {"Statement": [1]}, {"Statement": {"Effect": "Allow", "Principal": {}}}],
)
def test_statements_of_what_is_no_policy_are_unknown(policy):
    assert isinstance(statements(policy), Unknown)


@pytest.mark.parametrize(
    ("lost", "of"),
    [
        (["Action"], allow()),
        (["NotAction"], {"Statement": [{"Effect": "Allow", "NotAction": "*", "Resource": "*"}]}),
        (["Resource"], {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
        (["Principal", "Resource"], allow()),
        (["Effect"], allow()),
    ],
)
def test_a_statement_that_lost_what_each_has_is_unknown(lost, of):
    (whole,) = of["Statement"]
    assert [each["Effect"] for each in statements(of)] == ["Allow"]
    rest = {name: value for name, value in whole.items() if name not in lost}
    assert isinstance(statements({"Statement": [rest]}), Unknown)


def test_statements_say_whom_they_are_about_all_or_none():
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert isinstance(statements({"Statement": [allow()["Statement"][0], deny]}), Unknown)
    assert isinstance(statements({"Statement": [allow()["Statement"][0], {**deny, "Principal": "*"}]}), list)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_whom_a_statement_without_a_principal_is_about_is_unknown(effect):
    """A policy of an identity looks as that of a resource does whose principals were lost."""
    document = {"Statement": [{"Effect": effect, "Action": "S3:Get*", "Resource": "*"}]}
    (found,) = statements(document)
    unsure = {name for name, value in found.items() if isinstance(value, Unknown)}
    assert unsure == {"Principal", "NotPrincipal", "Public"}
    assert "no principal is named" in str(found["Public"])
    assert (found["Effect"], found["Action"], found["Resource"]) == (effect, ["s3:get*"], ["*"])
    assert is_public(document) == Unknown.because("MalformedValue: it is not a policy document")


def test_the_policy_of_an_identity_names_nobody():
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    (found,) = statements(document, "identity")
    assert found["Public"] is False
    nobody = {"AWS": [], "CanonicalUser": [], "Federated": [], "Service": []}
    assert found["Principal"] == found["NotPrincipal"] == nobody
    assert isinstance(statements(allow(), "identity"), Unknown)


@pytest.mark.parametrize(("of", "told"), [("role", "not of role"), (1, "not of a number")])
def test_there_is_no_other_kind_of_policy(of, told):
    with pytest.raises(EvaluationError, match=told):
        statements(None, of)


def test_a_pattern_with_many_stars_is_fast():
    started = time.process_time()
    assert like("a" * 20_000 + "b", "*a" * 20 + "c") is False
    assert time.process_time() - started < 2
