"""Mutants: what is changed, who notices, and what may be lost."""

from __future__ import annotations

import textwrap

import pytest
from builders import nine
from stillframe.engine.language.paths import without
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.model.policy import Require, Rollup, Within
from stillframe.engine.testing.examples import Case, fixture
from stillframe.engine.testing.mutants import mutants
from stillframe.engine.testing.mutate import mutate

HEAD = """\
id: a-policy
title: It holds
severity: low
resource: AWS::EC2::VPC
"""


def policy(text: str):
    return parse_policy("p.yaml", HEAD + textwrap.dedent(text))


def changes(expression: str) -> set[tuple[str, str]]:
    return {(each.was, each.becomes) for each in mutants(policy(f"assert: >-\n  {expression}\n"))}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a && b && c", {("a", "nothing"), ("b", "nothing"), ("c", "nothing")}),
        ("a || b", {("a", "nothing"), ("b", "nothing")}),
        ("!a", {("!a", "a")}),
        ("!(a.b)", {("!(a.b)", "a.b")}),
        ("a == b", {("a == b", "a != b")}),
        ("a != b", {("a != b", "a == b")}),
        ("a < b", {("a < b", "a <= b"), ("a < b", "a >= b")}),
        ("a <= b", {("a <= b", "a < b"), ("a <= b", "a > b")}),
        ("a > b", {("a > b", "a >= b"), ("a > b", "a <= b")}),
        ("a >= b", {("a >= b", "a > b"), ("a >= b", "a < b")}),
        (
            "(a || `[]`) == `[]`",
            {("(a || `[]`) == `[]`", "(a || `[]`) != `[]`"), ("a", "nothing"), ("`[]`", "nothing")},
        ),
        ("f == 'it\\'s'", {("f == 'it\\'s'", "f != 'it\\'s'"), ("f == 'it\\'s'", "f == 'it\\'s~'")}),
        ("a > `1`", {("a > `1`", f"a {then}") for then in (">= `1`", "<= `1`", "> `2`", "> `0`")}),
        ("not_null(a, `true`)", {("not_null(a, `true`)", "not_null(a, `false`)")}),
        (
            'contains(`["a", 1, {"k": false}]`, b)',
            {
                ('contains(`["a", 1, {"k": false}]`, b)', f"contains(`{then}`, b)")
                for then in (
                    '["a~",1,{"k":false}]',
                    '["a",2,{"k":false}]',
                    '["a",0,{"k":false}]',
                    '["a",1,{"k":true}]',
                )
            },
        ),
        ("contains(['a', b], c)", {("contains(['a', b], c)", "contains(['a~', b], c)")}),
        ("any(a, &b)", {("any(a, &b)", "all(a, &b)")}),
        ("all(a, &b)", {("all(a, &b)", "any(a, &b)")}),
        ("a[?b == `null`]", {("b == `null`", "b != `null`")}),
        ("a", set()),
    ],
)
def test_what_is_changed_in_an_expression(expression, expected):
    assert changes(expression) == expected


def test_what_is_changed_around_expressions():
    written = policy("""
        where: State
        lookup:
          logs: {from: AWS::EC2::FlowLog, match: {ResourceId: VpcId, $region: $region}, where: TrafficType}
        rollup: {per: account, require: all}
        assert: [IsDefault, OwnerId]
    """)
    assert [str(each) for each in mutants(written)] == [
        "p.yaml:6:8: no example tells State from nothing",
        "p.yaml:10:10: no example tells IsDefault from nothing",
        "p.yaml:10:21: no example tells OwnerId from nothing",
        "p.yaml:8:9: no example tells within: region from within: account",
        "p.yaml:8:9: no example tells within: region from within: snapshot",
        "p.yaml:8:9: no example tells one: false from one: true",
        "p.yaml:8:88: no example tells TrafficType from nothing",
        "p.yaml:8:43: no example tells ResourceId: VpcId from nothing",
        "p.yaml:8:62: no example tells $region: $region from nothing",
        "p.yaml:9:33: no example tells require: all from require: any",
    ]


@pytest.mark.parametrize("per", ["Team", "Team, within: organisation", "unit", "organisation"])
def test_what_is_asked_of_a_group_is_tried_on_the_account(per):
    found = mutants(policy(f"    rollup: {{per: {per}, require: all}}\n    assert: IsDefault\n"))
    (tried,) = [each for each in found if each.becomes == "per: account"]
    assert tried.was == f"per: {per.partition(',')[0]}"
    assert tried.policy.rollup == Rollup(per=Within.ACCOUNT, require=Require.ALL)


def test_each_mutant_is_another_policy_with_texts_of_its_own():
    for each in nine():
        made = list(mutants(each))
        assert all(mutant.policy != each for mutant in made)
        assert len({(mutant.place, mutant.was, mutant.becomes) for mutant in made}) == len(made)


SURVIVING = """
    where: State == 'available'
    assert: >-
      !IsDefault
      && OwnerId == 'x'
    tests:
      - {name: fine, given: {AWS::EC2::VPC: [{VpcId: a, State: available, IsDefault: false, OwnerId: x}]}, expect: pass}
      - {name: bad, given: {AWS::EC2::VPC: [{VpcId: a, State: available, IsDefault: true, OwnerId: y}]}, expect: fail}
"""


def test_what_no_example_notices_survives():
    found = mutate(policy(SURVIVING))
    assert [str(each) for each in found.survivors.left] == [
        "p.yaml:8:3: no example tells !IsDefault from nothing",
        "p.yaml:9:6: no example tells OwnerId == 'x' from nothing",
        "p.yaml:6:8: no example tells State == 'available' from nothing",
    ]
    assert found.mutants == 8


def test_a_message_kills_too():
    text = """
        assert:
          - {that: "!IsDefault", message: it is a default one}
          - {that: "OwnerId == 'x'", message: it is another's}
        tests:
          - name: both
            given: {AWS::EC2::VPC: [{VpcId: a, IsDefault: true, OwnerId: y}]}
            expect: fail
            message: it is a default one; it is another's
          - {name: fine, given: {AWS::EC2::VPC: [{VpcId: a, IsDefault: false, OwnerId: x}]}, expect: pass}
    """
    assert mutate(policy(text)).survivors.left == ()
    silent = text.replace("message: it is a default one; it is another's", "")
    assert [each.was for each in mutate(policy(silent)).survivors.left] == ["!IsDefault", "OwnerId == 'x'"]


def test_an_excuse_takes_out_a_survivor_and_must_be_needed():
    excuse = """
    excuse:
      - {that: "State == 'available'", becomes: nothing, reason: AWS has no other}
      - {that: "!IsDefault", becomes: IsDefault, reason: none}
      - {that: "!IsDefault", never: true, reason: of another kind}
"""
    found = mutate(policy(SURVIVING + excuse)).survivors
    assert [each.was for each in found.taken] == ["State == 'available'"]
    assert len(found.left) == 2
    assert found.unused == ("p.yaml:16:13: nothing needs this excuse: !IsDefault",)


LOSING = """
    assert: >-
      !(Tenancy == 'shared')
    tests:
      - {name: a shared one, given: {AWS::EC2::VPC: [{VpcId: a, Tenancy: shared}]}, expect: fail}
      - {name: another, given: {AWS::EC2::VPC: [{VpcId: a, Tenancy: x}]}, expect: pass}
"""


def test_an_example_must_not_pass_for_a_lost_field():
    found = mutate(policy(LOSING)).survivors.left
    assert list(map(str, found)) == ["a-policy: a shared one: passes without AWS::EC2::VPC Tenancy"]
    excuse = "    excuse: [{that: AWS::EC2::VPC Tenancy, becomes: nothing, reason: AWS leaves it out}]\n"
    assert mutate(policy(LOSING + excuse)).survivors.left == ()


REFERRING = """
    lookup: {logs: {from: AWS::EC2::FlowLog, match: {FlowLogId: {in: Logs}}SAID}}
    assert: all($logs, &TrafficType == 'ALL')
    excuse:
      - {that: AWS::EC2::VPC Logs, becomes: nothing, reason: AWS has no such field}
    tests:
      - name: one of two does not say all
        given:
          AWS::EC2::VPC: [{VpcId: a, Logs: [fl-1, fl-2]}]
          AWS::EC2::FlowLog: [{FlowLogId: fl-1, TrafficType: ALL}, {FlowLogId: fl-2, TrafficType: ACCEPT}]
        expect: fail
"""


def test_an_example_must_not_pass_for_a_lost_row_that_another_names():
    def lost(said):
        survivors = mutate(policy(REFERRING.replace("SAID", said))).survivors.left
        return [str(each) for each in survivors if "passes without" in str(each)]

    assert lost("") == ["a-policy: one of two does not say all: passes without AWS::EC2::FlowLog fl-2"]
    assert lost(", refers: true") == []


def test_an_example_must_need_that_a_lookup_refers():
    text = REFERRING.replace("SAID", ", refers: true")
    told = """
      - name: one is not there
        given: {AWS::EC2::VPC: [{VpcId: a, Logs: [fl-1]}], AWS::EC2::FlowLog: []}
        expect: unknown
"""
    for more, survives in (("", True), (told, False)):
        said = [str(each).partition(": ")[2] for each in mutate(policy(text + more)).survivors.left]
        assert ("no example tells refers: true from refers: false" in said) is survives


def test_a_field_that_aws_always_sends_is_unknown_when_it_is_lost():
    always = LOSING.replace("Tenancy", "State")
    (case,) = [Case(test={}, snapshot=fixture({"AWS::EC2::VPC": [{"VpcId": "a"}]}))]
    (finding,) = case.judge(policy(always))
    lost = mutate(policy(always)).survivors.left
    assert bool(lost) == (finding.status != "unknown")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a",), {"b": [{"c": 1, "d": 2}, 3], "e": {"f": {"g": 1}}}),
        (("b", "[]", "c"), {"a": 0, "b": [{"d": 2}, 3], "e": {"f": {"g": 1}}}),
        (("e", "*", "g"), {"a": 0, "b": [{"c": 1, "d": 2}, 3], "e": {"f": {}}}),
        (("x", "y"), {"a": 0, "b": [{"c": 1, "d": 2}, 3], "e": {"f": {"g": 1}}}),
        (("a", "[]", "y"), {"a": 0, "b": [{"c": 1, "d": 2}, 3], "e": {"f": {"g": 1}}}),
    ],
)
def test_taking_a_field_away(path, expected):
    data = {"a": 0, "b": [{"c": 1, "d": 2}, 3], "e": {"f": {"g": 1}}}
    assert without(data, path) == expected
