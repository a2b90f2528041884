"""Names for expressions: what they may be, and where they show."""

from __future__ import annotations

import pytest
from stillframe.engine.errors import PolicyError
from stillframe.engine.judging.dependencies import deciding, fields
from stillframe.engine.judging.growth import steady
from stillframe.engine.language.trace import trace
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.testing.coverage import cover
from stillframe.engine.testing.examples import run_tests
from stillframe.engine.testing.mutate import mutate
from stillframe.snapshot.collector.api_models import output_type

TYPES = config_types(output_type)
GROUPS = """\
id: groups-of-the-vpc
title: Security groups are of the instance's VPC
severity: low
resource: AWS::EC2::Instance
params: {name: {default: a, description: none}}
let:
  running: $state == 'running' || $state == 'pending'
  named: SecurityGroups[].GroupId
  state: State.Name
  other: $groups[?VpcId != $self.VpcId].GroupId
lookup:
  groups: {from: AWS::EC2::SecurityGroup, match: {GroupId: {in: $named}}, refers: true, where: IpPermissions&&$running}
where: $running
assert: "!$other"
message: "{{ InstanceId }} is {{ $state }} with {{ $other }}"
tests:
  - name: the same
    given: &given
      AWS::EC2::Instance: [&one {InstanceId: i, VpcId: v, State: {Name: running}, SecurityGroups: [{GroupId: g}]}]
      AWS::EC2::SecurityGroup: [&group {GroupId: g, GroupName: g, VpcId: v, IpPermissions: [{IpProtocol: "-1"}]}]
    expect: pass
  - {name: pending, given: {<<: *given, AWS::EC2::Instance: [{<<: *one, State: {Name: pending}}]}, expect: pass}
  - name: stopped
    given: {<<: *given, AWS::EC2::Instance: [{<<: *one, State: {Name: stopped}}]}
    expect: not_applicable
  - name: another
    given: {<<: *given, AWS::EC2::SecurityGroup: [{<<: *group, VpcId: w}]}
    expect: fail
    message: i is running with ["g"]
  - name: empty
    given: {<<: *given, AWS::EC2::SecurityGroup: [{<<: *group, VpcId: w, IpPermissions: []}]}
    expect: pass
  - {name: unread, given: {<<: *given, AWS::EC2::SecurityGroup: {$missing: denied}}, expect: unknown}
"""


def changed(old: str, new: str) -> str:
    assert old in GROUPS
    return GROUPS.replace(old, new)


def faults(text: str) -> str:
    with pytest.raises(PolicyError) as error:
        parse_policy("p.yaml", text)
    return str(error.value)


def test_names_may_stand_for_each_other_and_for_what_is_looked_up():
    policy = parse_policy("p.yaml", GROUPS)
    assert [outcome.faults for outcome in run_tests(policy)] == [()] * 6


def test_evidence_has_what_was_read_by_name_and_by_field():
    policy = parse_policy("p.yaml", GROUPS)
    found = {outcome.name: outcome.findings[0] for outcome in run_tests(policy)}
    assert found["another"].evidence == {
        "$groups[].GroupId": ["g"],
        "$groups[].VpcId": ["w"],
        "$other": ["g"],
        "VpcId": "v",
    }
    assert found["stopped"].evidence == {"$running": False, "State.Name": "stopped"}


def test_what_names_stand_for_is_read_by_the_policy():
    policy = parse_policy("p.yaml", GROUPS)
    read = {"AWS::EC2::Instance": (("SecurityGroups", "[]", "GroupId"), ("State", "Name"), ("VpcId",))}
    read["AWS::EC2::SecurityGroup"] = (("GroupId",), ("IpPermissions",), ("VpcId",))
    assert fields(policy) == read
    assert deciding(policy) == read


def test_a_policy_that_compares_with_a_field_of_its_own_need_not_be_counted():
    assert steady(parse_policy("p.yaml", changed("IpPermissions&&$running", "VpcId == $self.VpcId"))) is not None
    assert steady(parse_policy("p.yaml", changed("VpcId != $self.VpcId", "!contains($self.SecurityGroups, @)"))) is None


def test_lint_looks_into_names():
    assert (
        lint(parse_policy("p.yaml", GROUPS.replace("params: {name: {default: a, description: none}}\n", "")), TYPES)
        == []
    )
    for old, new, said in [
        ("State.Name", "State.Nme", "9:16 unknown-field: InstanceState has no field Nme; did you mean Name?"),
        ("!= $self.VpcId", "!= $self.VpcIdd", "has no field VpcIdd; did you mean VpcId?"),
        (
            "$state == 'running'",
            "$state == 'runing'",
            "'runing' is no value of InstanceStateName; did you mean running?",
        ),
        ("where: $running\n", "", "8:3 unused: $nobody is never read"),
    ]:
        text = changed(old, new).replace("  named:", "  nobody: VpcId\n  named:", said.startswith("8:3"))
        found = [
            f"{each.line}:{each.column} {each.code}: {each.message}"
            for each in lint(parse_policy("p.yaml", text), TYPES)
        ]
        assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("State.Name", "$running", "p.yaml:7:3: $running stands for itself: $running → $state → $running"),
        (
            "State.Name",
            "$groups[0].GroupId",
            "p.yaml:7:3: $running stands for itself: $running → $state → $groups → $running",
        ),
        ("named:", "groups:", "p.yaml:8:3: groups is in lookup, too, at 12:3: rename one"),
        ("named:", "name:", "p.yaml:7:3: 'name' cannot be a name here"),
        ("  state: State", "  self: State", "'self' cannot be a name here"),
        ("params: {name", "params: {named", "p.yaml:8:3: named is in params, too, at 5:10: rename one"),
        ("State.Name", "$stat.Name", "p.yaml:9:10: unknown variable $stat; did you mean $state?"),
        ("State.Name", "State[", "p.yaml:9:16: not JMESPath"),
        ("$self.VpcId", "$self.$region", "p.yaml:10:28: write $region, without $self"),
    ],
)
def test_a_name_that_cannot_be_is_refused_where_it_stands(old, new, said):
    assert said in faults(changed(old, new))


def test_the_text_of_a_rollup_is_about_no_resource():
    text = changed("\nmessage:", "\nrollup: {per: account, require: all}\nmessage:")
    assert "p.yaml:16:" in faults(text)
    assert "unknown variable $state" in faults(text)


def test_names_that_double_with_each_are_refused():
    lets = "".join(f"  n{number}: '[$n{number - 1}, $n{number - 1}]'\n" for number in range(1, 20))
    assert "more than 10,000 parts" in faults(changed("let:\n", f"let:\n  n0: VpcId\n{lets}"))
    lets = "".join(f"  n{number}: '!$n{number - 1}'\n" for number in range(1, 45))
    deep = "".join(f"  m{number}: '{'!' * 60}$n44'\n" for number in range(1))
    found = changed("let:\n  running", f"let:\n  n0: VpcId\n{lets}{deep}  running").replace("  state: State.Name\n", "")
    assert "100" in faults(found)


def test_so_many_names_that_nobody_reads_them_are_refused():
    lets = "".join(f"  n{number}: VpcId\n" for number in range(60))
    assert "p.yaml:6:1: there are more than 50 names" in faults(changed("let:\n", f"let:\n{lets}"))


def test_conditions_of_names_are_covered_and_changed():
    policy = parse_policy("p.yaml", GROUPS)
    assert [gap.text for gap in cover(policy).gaps.left] == ["$running"]  # which `where` has asked before a lookup does
    left = [str(each) for each in mutate(policy).survivors.left]
    assert [each for each in left if "$state == 'running'" in each or "VpcId" in each] == []
    policy = parse_policy(
        "p.yaml",
        changed("  - {name: pending", "  - {name: pending, params: {}").replace("expect: pass}", "expect: pass}", 1),
    )
    fewer = parse_policy(
        "p.yaml", "".join(line for line in GROUPS.splitlines(keepends=True) if "name: pending" not in line)
    )
    assert "p.yaml:7:35: never true: $state == 'pending'" in map(str, cover(fewer).gaps.left)
    assert any("$state == 'pending'" in str(each) for each in mutate(fewer).survivors.left)


def test_a_trace_shows_what_a_name_stands_for():
    policy = parse_policy("p.yaml", GROUPS)
    scope = {"running": True, "state": "running", "self": {"State": {"Name": "running"}}}
    step = trace(policy.where, scope["self"], scope)
    (below,) = step.below
    assert (step.text, step.found, step.held) == ("$running", True, True)
    assert below.text == "$state == 'running' || $state == 'pending'"
    assert [each.text for each in below.below] == ["$state == 'running'", "$state == 'pending'"]
    assert below.below[0].below[0].text == "$state"
    assert below.below[0].below[0].below[0].text == "State.Name"
