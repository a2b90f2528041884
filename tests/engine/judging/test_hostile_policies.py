"""Policies of people who mean to hold a pipeline: each ends within its budget, with the same bytes whoever judges."""

import json

import pytest
from builders import write_snapshot
from msgspec.structs import replace
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.loading.policies import parse_policy
from stillframe.snapshot import open_snapshot

VPCS = [
    {
        "VpcId": f"vpc-{number:05}",
        "OwnerId": "111122223333",
        "State": "available",
        "CidrBlock": "10.0.0.0/16",
        "DhcpOptionsId": "dopt-1",
        "InstanceTenancy": "default",
        "IsDefault": False,
        "Tags": [{"Key": f"k{each}", "Value": f"v{number}"} for each in range(5)],
    }
    for number in range(250)
]
BUDGET = 20_000
HEAD = "id: p\ntitle: P\nseverity: low\nresource: AWS::EC2::VPC\n"
PATTERN = "{ " + " || ".join(f'($.eventName = "E{each}*x*")' for each in range(30)) + " }"
STATEMENTS = json.dumps(
    [{"Effect": "Allow", "Principal": "*", "Action": f"s3:{each}*", "Resource": "*"} for each in range(90)]
)
RULE = '{IpProtocol: `"tcp"`, FromPort: length(VpcId), ToPort: `%d`, IpRanges: [{CidrIp: `"0.0.0.0/1"`}]}'
STATEMENT = """join('', ['{"Effect":"Allow","Principal":"', Value, '"}'])"""
DOCUMENT = f"""join('', ['{{"Statement":[', join(',', Tags[].{STATEMENT}), ']}}'])"""


def lookups(number: int, rest: str = "") -> str:
    each = [f"  l{place}: {{from: AWS::EC2::VPC, match: {{State: State}}{rest}}}\n" for place in range(number)]
    return "lookup:\n" + "".join(each)


def asserting(condition: str) -> str:
    return f"assert: >-\n  {condition}\n"


COSTLY = {
    "joins in joins": lookups(3) + asserting("length($l0[].[VpcId, $l1]) > length($l2[?contains(VpcId, OwnerId)])"),
    "many rows for each": lookups(3) + asserting("$l0 && $l1 && $l2"),
    "a condition on each row for each": lookups(2, ", where: VpcId == $id") + asserting("$l0 && $l1"),
    "a condition without a value": lookups(2, ", where: abs(VpcId) > `1`") + asserting("$l0 || $l1"),
    "joins across the snapshot": lookups(2, ", within: snapshot") + asserting("any($l0, &any($l1, &VpcId == 'x'))"),
    "lists that double": asserting("length(Tags[]" + ".[@, @][]" * 14 + ") == `0`"),
    "all sorted for each": lookups(2) + asserting("length($l0[*].sort_by($l1, &VpcId)[]) == `0`"),
    "all as text": lookups(1) + asserting("`false`") + "message: >-\n  {{ $l0 }}\n",
    "all as a command": lookups(1) + asserting("`false`") + "remediation: {text: x, cli: 'echo {{ $l0 }}'}\n",
    "long texts": asserting("`false`") + "message: >-\n  " + "x{{ Tags }}" * 1000 + "\n",
    "statements of a long document": asserting(f'length(statements(`{{"Statement": {STATEMENTS}}}`)) == `0`'),
    "whether documents that are made are public": asserting(
        " || ".join(f"is_public_policy(parse_json({DOCUMENT}))" for _ in range(9))
    ),
    "expressions that are made": asserting("any(Tags, &matches('x', join('', ['((a{30}', Value, 'b){30})'])))"),
    "texts that are like others": asserting(
        "any(Tags, &like(join(Value, [Key, Key, Key, Key]), '" + "*a*v" * 200 + "'))"
    ),
    "filters that are made": asserting(
        f"filter_covers([join('', ['{{ $.a = \"', VpcId, '*x*y\" }}'])], '{PATTERN}', VpcId)"
    ),
    "filters and alarms": lookups(2) + asserting("length(alarm_patterns($l0, $l1, '1')) == `0`"),
    "rules that are made": asserting(
        "world_reaches([" + ", ".join(RULE % port for port in range(90, 130)) + "], `[]`)"
    ),
    "all that fail, for all that fail": "rollup: {per: account, require: all}\n"
    + asserting("VpcId == 'x'")
    + "message: >-\n  {{ length($failed[].[$failed[].VpcId][]) }}\n",
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return open_snapshot(write_snapshot(tmp_path_factory.mktemp("archive"), {"AWS::EC2::VPC": VPCS}))


@pytest.mark.parametrize("what", COSTLY)
def test_a_hostile_policy_ends(snapshot, tmp_path, what):
    policy = replace(parse_policy("p.yaml", HEAD + COSTLY[what]), budget=BUDGET)

    def found(**how):
        return b"".join(batch.data for batch in judge(snapshot, [policy], Method(few=0, **how)))

    said = found(exact=True)
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines[-1]["status"] == "error"
    assert lines[-1]["message"].startswith("takes more steps than ")
    assert [found(), found(workers=2), *[found(cache=tmp_path / "cache") for _ in range(2)]] == [said] * 4


def test_those_that_are_judged_come_first(snapshot):
    policy = replace(parse_policy("p.yaml", HEAD + COSTLY["many rows for each"]), budget=10_000_000)
    policy = replace(policy, budget=8192 * 40)
    for how in ({"exact": True}, {}):
        found = [
            json.loads(line)
            for batch in judge(snapshot, [policy], Method(few=0, **how))
            for line in batch.data.splitlines()
        ]
        statuses = [each["status"] for each in found]
        judged = statuses.count("pass")
        assert 5 < judged < len(VPCS)
        assert statuses == ["pass"] * judged + ["error"] * (len(VPCS) - judged)
        assert {each["message"] for each in found[judged:]} == {
            f"takes more steps than all resources of one account may, by a budget of {policy.budget}"
        }
