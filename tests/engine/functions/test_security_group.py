"""What the world reaches is what every address of the internet reaches: random rules against single addresses."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address, ip_network
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from often import often
from stillframe.engine.functions.acl import acl_opens_port
from stillframe.engine.functions.network import opens_port
from stillframe.engine.functions.security_group import world_reaches
from stillframe.engine.functions.unknowns import kleene_all, kleene_any
from stillframe.snapshot.model import Unknown

PARTS = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2", "203.0.113.0/24", "10.0.0.0/8")
PARTS6 = ("::/0", "::/1", "8000::/1", "2000::/3", "2000::/4", "3000::/4", "2001:db8::/32")
HALVES, HALVES6 = ("0.0.0.0/1", "128.0.0.0/1") * 3, ("2000::/4", "3000::/4") * 3  # so that parts often meet
STRETCHES = ((22, 22), (20, 30), (23, 80), (0, 65535))


@st.composite
def permissions(draw: st.DrawFn) -> dict[str, object]:
    protocol = draw(st.sampled_from(["tcp", "tcp", "tcp", "6", "udp", "-1", "icmp"]))
    first, last = (None, None) if protocol == "-1" else draw(st.sampled_from(STRETCHES))
    return {
        "IpProtocol": protocol,
        **({} if first is None else {"FromPort": first, "ToPort": last}),
        "IpRanges": [{"CidrIp": each} for each in draw(st.lists(st.sampled_from(PARTS + HALVES), max_size=2))],
        "Ipv6Ranges": [{"CidrIpv6": each} for each in draw(st.lists(st.sampled_from(PARTS6 + HALVES6), max_size=1))],
        "PrefixListIds": [{"PrefixListId": each} for each in draw(st.lists(st.sampled_from("ab"), max_size=1))],
    }


def probes(cidrs: list[str]) -> list[str]:
    """Addresses of the internet on both sides of every bound: a set that holds all of these holds the internet."""
    networks = [ip_network(each) for each in [*cidrs, "1.0.0.0/8", "223.0.0.0/8", "2000::/3"]]
    ends = {end for each in networks for end in (each[0], each[-1])}
    near = {end + step for end in ends for step in (-1, 0, 1) if 0 <= int(end) + step < 1 << end.max_prefixlen}
    real = [each for each in near if (each in ip_network("2000::/3") if each.version == 6 else _on_the_internet(each))]
    return [*map(str, real)]


def _on_the_internet(address: object) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved  # type: ignore[attr-defined]


@cache
def within(address: str, cidr: str) -> bool:
    return ip_address(address) in ip_network(cidr)


EVERYWHERE = probes([*PARTS, *PARTS6])


@often(50)
@given(
    st.lists(permissions(), max_size=4),
    st.lists(st.sampled_from([*PARTS, *PARTS6]), max_size=2),
    st.lists(st.sampled_from(PARTS), max_size=1),
)
def test_the_world_reaches_a_port_where_every_address_of_the_internet_does(rules, first, second):
    entries = {"a": first, "b": second}
    lists = [{"PrefixListId": name, "Entries": [{"Cidr": each} for each in held]} for name, held in entries.items()]
    reached = world_reaches(rules, lists)
    for transport, port, version in product(("tcp", "udp"), (22, 25, 443, 3389), (4, 6)):
        let_in = [
            cidr
            for rule in rules
            if {"6": "tcp"}.get(rule["IpProtocol"], rule["IpProtocol"]) in (transport, "-1")
            and (rule["IpProtocol"] == "-1" or rule["FromPort"] <= port <= rule["ToPort"])
            for cidr in [
                *(each["CidrIp"] for each in rule["IpRanges"]),
                *(each["CidrIpv6"] for each in rule["Ipv6Ranges"]),
                *(each for named in rule["PrefixListIds"] for each in entries[named["PrefixListId"]]),
            ]
        ]
        theirs = [each for each in EVERYWHERE if ip_address(each).version == version]
        everybody = all(any(within(address, cidr) for cidr in let_in) for address in theirs)
        ours = [each for each in reached if each["IpProtocol"] == transport and opens_port(each, port)]
        assert any(each[f"IPv{version}"] is True for each in ours) is everybody
        assert not any(isinstance(each[f"IPv{version}"], Unknown) for each in ours)


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "RuleNumber": st.integers(1, 50),
            "RuleAction": st.sampled_from(["allow", "allow", "deny"]),
            "Protocol": st.sampled_from(["-1", "-1", "6"]),
            "Egress": st.sampled_from([False, False, False, True]),
            "CidrBlock": st.sampled_from(PARTS),
            "PortRange": st.sampled_from([{"From": 22, "To": 22}, {"From": 0, "To": 65535}, {"From": 443, "To": 443}]),
        }
    ),
    max_size=6,
    unique_by=lambda entry: entry["RuleNumber"],
)


@often(50)
@given(ENTRIES)
def test_a_network_acl_that_is_closed_keeps_some_of_the_internet_out_and_one_that_is_open_lets_some_in(entries):
    """Exactly: where every address comes in it is open, and where none does it is closed."""

    def comes_in(address: str, transport: str) -> bool:
        for entry in sorted(entries, key=lambda each: each["RuleNumber"]):
            about = entry["Protocol"] == "-1" or (
                entry["Protocol"] == transport and entry["PortRange"]["From"] <= 22 <= entry["PortRange"]["To"]
            )
            if about and not entry["Egress"] and within(address, entry["CidrBlock"]):
                return bool(entry["RuleAction"] == "allow")
        return False

    addresses = [each for each in EVERYWHERE if ip_address(each).version == 4]
    everybody = any(all(comes_in(each, transport) for each in addresses) for transport in ("6", "17"))
    anybody = any(comes_in(each, transport) for each in addresses for transport in ("6", "17"))
    opened = acl_opens_port(entries, 22)
    assert opened or not everybody
    assert anybody or not opened


LOST = Unknown.because("lost")
PARTS_OF_RULES = ("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "PrefixListIds")
PARTS_OF_ENTRIES = ("RuleAction", "Protocol", "Egress", "CidrBlock", "PortRange")


def opened(rules: list, lists: list, port: int) -> list[object]:
    """Whether IPv4 and IPv6 reach a port: true, false, or unknown."""
    reached = [each for each in world_reaches(rules, lists) if opens_port(each, port) is not False]
    return [
        kleene_any(
            [
                each if isinstance(each, Unknown) else kleene_all([opens_port(each, port), each[family]])
                for each in reached
            ]
        )
        for family in ("IPv4", "IPv6")
    ]


@often(50)
@given(st.lists(permissions(), min_size=1, max_size=4), st.sampled_from(PARTS_OF_RULES), st.data())
def test_what_is_said_of_rules_of_which_a_part_is_lost_holds_whatever_it_was(rules, part, data):
    lists = [{"PrefixListId": name, "Entries": [{"Cidr": each}]} for name, each in zip("ab", PARTS[:2], strict=True)]
    at = data.draw(st.integers(0, len(rules) - 1))
    lost = [{**rule, part: LOST} if number == at else rule for number, rule in enumerate(rules)]
    for port in (22, 443):
        for said, true in zip(opened(lost, lists, port), opened(rules, lists, port), strict=True):
            assert isinstance(said, Unknown) or said is true


@often(50)
@given(ENTRIES.filter(bool), st.sampled_from(PARTS_OF_ENTRIES), st.data())
def test_what_is_said_of_entries_of_which_a_part_is_lost_holds_whatever_it_was(entries, part, data):
    at = data.draw(st.integers(0, len(entries) - 1))
    lost = [{**entry, part: LOST} if number == at else entry for number, entry in enumerate(entries)]
    for reading in ("added-up", "literal"):
        said = acl_opens_port(lost, 22, reading)
        assert isinstance(said, Unknown) or said is acl_opens_port(entries, 22, reading)
