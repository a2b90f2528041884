"""Conditions: which there are, what they were seen to be, and where they stand."""

from __future__ import annotations

import textwrap

import pytest
from builders import nine
from stillframe.engine.errors import PolicyError
from stillframe.engine.language.node import Node
from stillframe.engine.language.parser import Expression, parse
from stillframe.engine.language.paths import reads
from stillframe.engine.language.simplify import settled
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.testing.coverage import cover, watch
from stillframe.engine.testing.examples import cases, fixture

HEAD = """\
id: a-policy
title: It holds
severity: low
resource: AWS::EC2::VPC
"""
TESTS = """\
tests:
  - {name: a default one, given: {AWS::EC2::VPC: [{VpcId: a, OwnerId: x, IsDefault: true}]}, expect: fail}
"""


def policy(text: str):
    return parse_policy("p.yaml", HEAD + textwrap.dedent(text))


def conditions(expression: str) -> list[str]:
    written = policy(f"assert: >-\n  {expression}\n")
    return [condition.text for condition in watch(written)[1]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IsDefault", ["IsDefault"]),
        ("!IsDefault", ["IsDefault"]),
        ("a && b && !c", ["a && b && !c", "a", "b", "c"]),
        ("a && (b && c)", ["a && (b && c)", "a", "b", "c"]),
        ("(a || b) && c", ["(a || b) && c", "a || b", "a", "b", "c"]),
        ("a == 'x'", ["a == 'x'"]),
        ("!(a == 'x')", ["a == 'x'"]),
        ("length(a || `[]`) > `0`", ["length(a || `[]`) > `0`", "a"]),
        ("(a || b) == c", ["(a || b) == c", "a"]),
        ("known(a == b, c)", ["known(a == b, c)", "a == b"]),
        ("any(a, &b && c)", ["any(a, &b && c)", "b && c", "b", "c"]),
        ("all(a, &b)", ["all(a, &b)", "b"]),
        ("length(map(&b, a)) == `1`", ["length(map(&b, a)) == `1`"]),
        ("a[?b == 'x' || !c].d", ["a[?b == 'x' || !c].d", "b == 'x' || !c", "b == 'x'", "c"]),
        ("a || `true`", ["a || `true`", "a"]),
    ],
)
def test_the_conditions_of_an_expression(expression, expected):
    assert conditions(expression) == expected


def test_where_and_lookups_have_conditions_too():
    written = policy("""
        where: State == 'available'
        lookup:
          logs: {from: AWS::EC2::FlowLog, match: {ResourceId: VpcId || 'none'}, where: FlowLogStatus == 'ACTIVE'}
        assert:
          - any($logs, &TrafficType == 'ALL')
          - {that: IsDefault, message: x}
    """)
    assert [(condition.part.path, condition.text) for condition in watch(written)[1]] == [
        (("where",), "State == 'available'"),
        (("assert", 0), "any($logs, &TrafficType == 'ALL')"),
        (("assert", 0), "TrafficType == 'ALL'"),
        (("assert", 1, "that"), "IsDefault"),
        (("lookup", "logs", "match", "ResourceId"), "VpcId"),
        (("lookup", "logs", "where"), "FlowLogStatus == 'ACTIVE'"),
    ]


def test_what_no_example_saw_is_listed_with_its_place():
    found = cover(policy("where: OwnerId == 'x'\nassert: >-\n  !IsDefault\n  || Tenancy == 'y'\n" + TESTS))
    assert [str(gap) for gap in found.gaps.left] == [
        "p.yaml:5:8: never false: OwnerId == 'x'",
        "p.yaml:7:3: never true: !IsDefault || Tenancy == 'y'",
        "p.yaml:7:4: never false: IsDefault",
        "p.yaml:8:6: never true: Tenancy == 'y'",
    ]
    assert found.conditions == 4


def test_an_unknown_is_neither_and_what_is_not_reached_was_not_seen():
    found = cover(policy("assert: IsDefault && State == 'x'\n" + TESTS))
    assert [gap.never for gap in found.gaps.left if gap.text == "State == 'x'"] == [False, True]
    found = cover(policy("assert: \"!IsDefault && Tenancy == 'x'\"\n" + TESTS))
    assert [gap.never for gap in found.gaps.left if gap.text == "Tenancy == 'x'"] == [False, True]


def test_what_calls_unknown_need_not_be_seen_to_be_what_it_cannot_be():
    for written in (
        "IsDefault || unknown('why')",
        "\"!IsDefault && unknown('why')\"",
        "\"!(!IsDefault && unknown('why'))\"",
    ):
        found = cover(policy(f"assert: {written}\n" + TESTS))
        assert [str(gap) for gap in found.gaps.left if gap.text != "IsDefault"] == []
    found = cover(policy("assert: Tenancy && unknown('why') || IsDefault\n" + TESTS))
    assert [(gap.never, gap.text) for gap in found.gaps.left][:2] == [
        (False, "Tenancy && unknown('why') || IsDefault"),
        (True, "Tenancy"),
    ]


def test_a_resource_of_which_what_it_is_called_by_is_lost_has_a_name_all_the_same():
    (only,) = (
        fixture({"AWS::Route53::RecordSet": [{"Type": "A"}]}).account("111122223333").read("AWS::Route53::RecordSet")
    )
    assert only.id.startswith("recordset-without-")


def test_without_examples_nothing_was_seen():
    assert len(cover(policy("assert: IsDefault")).gaps.left) == 2


def test_an_excuse_takes_out_one_gap_and_must_be_needed():
    excuse = """
        excuse:
          - {that: "!IsDefault   || Tenancy == 'y'", never: true, reason: no such VPC}
          - {that: IsDefault, never: true, reason: there is one}
          - {that: IsDefault, becomes: nothing, reason: of another kind}
    """
    text = "assert: \"!IsDefault || Tenancy == 'y'\"\n" + TESTS + textwrap.dedent(excuse)
    found = cover(policy(text)).gaps
    assert [gap.text for gap in found.taken] == ["!IsDefault || Tenancy == 'y'"]
    assert [gap.text for gap in found.left] == ["IsDefault", "Tenancy == 'y'"]
    assert found.unused == ("p.yaml:11:12: nothing needs this excuse: IsDefault",)


@pytest.mark.parametrize(
    "entry",
    ["{that: a, reason: b}", "{that: a, never: true, becomes: b, reason: c}"],
)
def test_an_excuse_is_of_one_kind(entry):
    with pytest.raises(PolicyError, match=r"p\.yaml:6:12: an excuse has either never: true or false, or becomes"):
        policy(f"assert: a\nexcuse: [  {entry}]")


@pytest.mark.parametrize(
    "entry", ["{that: a, never: true}", "{that: a, never: 1, reason: b}", "{never: true, reason: b}"]
)
def test_an_excuse_has_its_reason(entry):
    with pytest.raises(PolicyError, match=r"p\.yaml:6:"):
        policy(f"assert: a\nexcuse: [  {entry}]")


@pytest.mark.parametrize("each", nine(), ids=lambda each: each.id)
def test_watching_changes_no_verdict(each):
    watched, _ = watch(each)
    for case in cases(each):
        assert case.judge(watched) == case.judge(each)


def test_what_is_remembered_of_an_expression_is_not_of_one_that_is_watched():
    text = "a.b && length(c) > `7` || d"
    watched = Expression(text, Node("watched", (parse(text).tree,), print), watched=True)
    assert settled(watched, {}).type == "watched"
    assert settled(parse(text), {}).type == "or_expression"
    assert reads(watched, {}) == reads(parse(text), {}) == (("a", "b"), ("c",), ("d",))
