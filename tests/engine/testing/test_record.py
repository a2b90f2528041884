"""Examples cut out of snapshots: they pass where they are pasted, and hold no more than they must."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from builders import nine, shipped, write_snapshot
from stillframe.engine.documents.yaml12 import load
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import load_policies, parse_policy
from stillframe.engine.testing.example_yaml import as_yaml
from stillframe.engine.testing.examples import cases, fixture, run_tests
from stillframe.engine.testing.record import record
from stillframe.engine.testing.shrink import shrink
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.errors import ArgumentError

FAR, NEAR = "999988887777", "444455556666"
VPC = {
    "$account": FAR,
    "$region": "eu-west-1",
    "VpcId": "vpc-1",
    "OwnerId": FAR,
    "State": "available",
    "IsDefault": True,
}
LOG = {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "FlowLogStatus": "INACTIVE", "TrafficType": "ALL"}
LOG |= {"$account": FAR, "$region": "eu-west-1", "LogGroupName": "unread"}


def examples(text: str):
    return load(b"tests:\n" + text.encode()).value["tests"]


def recorded(name: str, given, wanted: str):
    """The example, after it passed in a copy of the policy that has no other."""
    (policy,) = shipped(name)
    text = record([policy], fixture(given), wanted)
    alone = policy.text[: policy.text.index("\ntests:\n")] + "\ntests:\n" + text
    (outcome,) = run_tests(parse_policy("pasted.yaml", alone))
    assert outcome.faults == ()
    (example,) = examples(text)
    return example


def telling(policy, *, every: bool):
    """The examples of a policy in which anything is found; where not `every`, those that say something new."""
    said = set()
    for case in cases(policy):
        found = {(each.status, each.message) for each in case.judge(policy)}
        if not case.test.get("params") and found and (every or not found <= said):
            said |= found
            yield case


@pytest.mark.parametrize("policy", nine(), ids=lambda policy: policy.id)
def test_every_finding_of_every_example_can_be_recorded_and_pasted(request, policy, tmp_path):
    """With `--sweep`; else of those that say something new."""
    for number, case in enumerate(telling(policy, every=request.config.getoption("--sweep"))):
        snapshot = open_snapshot(write_snapshot(tmp_path / f"{number}", case.snapshot))
        for finding in evaluate(snapshot, [policy]):
            text = record([policy], snapshot, finding.fingerprint)
            alone = policy.text[: policy.text.index("\ntests:\n")] + "\ntests:\n" + text
            (outcome,) = run_tests(parse_policy("pasted.yaml", alone))
            assert outcome.faults == (), case.test["name"]
            assert finding.status in {found.status for found in outcome.findings}
            assert finding.message in {found.message for found in outcome.findings}


GROUPED = """\
id: teams
title: Some VPC of a team is not default
severity: low
resource: AWS::EC2::VPC
assert: "!IsDefault"
rollup: {per: $tags.team, require: any}

tests:
"""


@pytest.mark.parametrize("wanted", ["a", "b", "null", "AWS::Account"])
def test_a_group_can_be_recorded_and_pasted(wanted):
    vpcs = [
        {**VPC, "VpcId": f"vpc-{team}-{default}", "IsDefault": default, "$tags": {"team": team} if team else {}}
        for team, default in [("a", True), ("a", False), ("b", True), (None, True), ({"$missing": "lost"}, True)]
    ]
    (policy,) = [parse_policy("p.yaml", f"{GROUPED}  []\n".replace("tests:\n  []", "tests: []"))]
    text = record([policy], fixture({"AWS::EC2::VPC": vpcs}), wanted)
    (outcome,) = run_tests(parse_policy("pasted.yaml", GROUPED + text))
    assert outcome.faults == ()
    assert len(text.splitlines()) < 12


@pytest.mark.parametrize(
    ("rollup", "wanted"),
    [
        ("per: organisation", "organisation"),
        ("per: unit", "Root/a"),
        ("per: unit", "Root/b"),
        ("per: $tags.team, within: organisation", "a"),
    ],
)
def test_what_is_said_of_several_accounts_can_be_recorded_and_pasted(rollup, wanted):
    accounts = {"111122223333": "a", FAR: "b"}
    assert len(accounts) == 2
    given = {
        "AWS::Account": [
            {
                "$account": account,
                "Organization": {"MasterAccountId": FAR},
                "OrganizationalUnits": [{"Name": "Root", "Id": "r-1"}, {"Name": unit, "Id": f"ou-{unit}"}],
            }
            for account, unit in accounts.items()
        ],
        "AWS::EC2::VPC": [
            {**VPC, "$account": account, "OwnerId": account, "IsDefault": unit == "b", "$tags": {"team": "a"}}
            for account, unit in accounts.items()
        ],
    }
    text = GROUPED.replace("per: $tags.team", rollup)
    policy = parse_policy("p.yaml", text.replace("tests:\n", "tests: []\n"))
    (outcome,) = run_tests(parse_policy("pasted.yaml", text + record([policy], fixture(given), wanted)))
    assert outcome.faults == ()


def test_it_holds_what_decides_and_no_more():
    given = {
        "AWS::EC2::VPC": [VPC, {**VPC, "VpcId": "vpc-2"}],
        "AWS::EC2::FlowLog": [LOG, {**LOG, "FlowLogId": "fl-2"}, {**LOG, "FlowLogId": "fl-3", "ResourceId": "vpc-2"}],
        "AWS::KMS::Key": [],
    }
    assert recorded("vpc-flow-logs", given, "vpc-1") == {
        "name": "vpc-1, as in 2026-01-01T00:00:00Z",
        "given": {
            "AWS::EC2::VPC": [{"$account": FAR, "$region": "eu-west-1", "VpcId": "vpc-1", "OwnerId": FAR}],
            "AWS::EC2::FlowLog": [
                {"$account": FAR, "$region": "eu-west-1", "ResourceId": "vpc-1", "FlowLogStatus": "INACTIVE"}
            ],
        },
        "expect": "fail",
        "message": "VPC vpc-1 has no active flow log for REJECT traffic",
    }


def test_what_could_not_be_read_stays_so():
    denied = "UnauthorizedOperation: ec2:DescribeFlowLogs"
    found = recorded("vpc-flow-logs", {"AWS::EC2::VPC": [VPC], "AWS::EC2::FlowLog": {"$missing": denied}}, "vpc-1")
    assert found["given"]["AWS::EC2::FlowLog"] == {"$missing": denied}
    assert (found["expect"], found["message"]) == ("unknown", denied)
    status = {"$missing": "denied: x"}
    found = recorded(
        "vpc-flow-logs", {"AWS::EC2::VPC": [VPC], "AWS::EC2::FlowLog": [{**LOG, "FlowLogStatus": status}]}, "vpc-1"
    )
    assert found["given"]["AWS::EC2::FlowLog"][0]["FlowLogStatus"] == status


def test_what_is_referred_to_and_not_there_is_a_list_without_it():
    cluster = {
        "ClusterIdentifier": "dwh",
        "ClusterStatus": "available",
        "Endpoint": {"Port": 5439},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
    }
    given = {
        "AWS::Redshift::Cluster": [cluster],
        "AWS::EC2::SecurityGroup": [],
        "AWS::EC2::PrefixList": [],
    }
    example = recorded("redshift-cluster-port-restricted", given, "dwh")
    assert (example["given"]["AWS::EC2::SecurityGroup"], example["expect"]) == ([], "unknown")


def test_a_type_that_was_not_collected_is_not_given():
    found = recorded("vpc-flow-logs", {"AWS::EC2::VPC": [VPC]}, "vpc-1")
    assert (list(found["given"]), found["expect"]) == (["AWS::EC2::VPC"], "unknown")


def test_a_list_that_could_not_be_read_is_the_subject_itself():
    given = {"AWS::EC2::VPC": {"$missing": "denied: y"}}
    found = recorded("vpc-flow-logs", given, "AWS::EC2::VPC")
    assert (found["given"], found["expect"]) == (given, "unknown")


def test_an_account_with_nothing_in_it():
    given = {"AWS::Account": [{"$account": FAR, "AccountId": FAR}], "AWS::CloudTrail::Trail": []}
    found = recorded("cloudtrail-multi-region", given, FAR)
    assert found["given"]["AWS::CloudTrail::Trail"] == []
    assert (found["expect"], found["message"]) == (
        "fail",
        f"Account {FAR} has no multi-region trail that logs all management events",
    )


def test_the_time_is_kept_where_it_matters(tmp_path):
    text = """
id: key-age
title: The key is young
severity: low
resource: AWS::KMS::Key
assert: days_since(Metadata.CreationDate) < `10`
"""
    policy = parse_policy("p.yaml", text)
    config = {"KeyId": "1", "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/1"}
    given = {"AWS::KMS::Key": [{**config, "Metadata": {"CreationDate": "2026-01-01T00:00:00Z"}}]}
    late = open_snapshot(write_snapshot(tmp_path, given, datetime(2027, 1, 1, tzinfo=UTC)))
    (example,) = examples(record([policy], late, config["KeyArn"]))
    assert example["time"] == "2027-01-01T00:00:00Z"
    soon = open_snapshot(write_snapshot(tmp_path, given, datetime(2026, 1, 2, tzinfo=UTC)))
    (example,) = examples(record([policy], soon, config["KeyArn"]))
    assert "time" not in example


def test_a_resource_with_several_findings_needs_more_than_its_id():
    given = {"AWS::EC2::VPC": [VPC, {**VPC, "$account": NEAR, "OwnerId": NEAR}], "AWS::EC2::FlowLog": []}
    (policy,) = shipped("vpc-flow-logs")
    with pytest.raises(ArgumentError, match=r"vpc-1 has 2 findings: .* is vpc-flow-logs in 444455556666 eu-west-1"):
        record([policy], fixture(given), "vpc-1")


def test_what_is_not_there_is_said():
    with pytest.raises(ArgumentError, match="no finding has the fingerprint or the resource vpc-9"):
        record(nine(), fixture({"AWS::EC2::VPC": [VPC]}), "vpc-9")


def test_what_no_example_can_say_is_said():
    given = {"AWS::Region": [], "AWS::Config::ConfigurationRecorder": []}
    snapshot = fixture({**given, "AWS::EC2::VPC": [VPC], "AWS::EC2::FlowLog": [LOG]})
    half = snapshot.account(FAR).coverage["AWS::EC2::FlowLog"]
    half.missing["ap-south-1"] = "denied: z"
    text = """
id: enough-logs
title: Enough
severity: low
resource: AWS::EC2::VPC
lookup: {logs: {from: AWS::EC2::FlowLog, within: account}}
assert: all($logs, &TrafficType == 'REJECT')
message: One of {{ length($logs) }} does not
"""
    account = snapshot.account(FAR)
    partly = type(snapshot)(
        id="x",
        captured_at=snapshot.captured_at,
        accounts=(FAR,),
        account=lambda _: type(account)(
            id=FAR,
            name=None,
            regions=(*account.regions, "ap-south-1"),
            coverage={**account.coverage, "AWS::EC2::FlowLog": half},
            read=account.read,
        ),
    )
    with pytest.raises(ArgumentError, match="no example can say how enough-logs comes to fail for vpc-1"):
        record([parse_policy("p.yaml", text)], partly, "vpc-1")


@pytest.mark.parametrize(
    "text",
    [
        "012345670123",
        "111122223333",
        "1e3",
        "on",
        "~",
        "a: b",
        "- a",
        "é ☃",
        "x\ny",
        "\u202eabc",
        "'",
        '"',
        " a ",
        "#a",
        "!a",
        "{}",
    ],
)
def test_every_text_reads_back(text):
    written = as_yaml({"name": text, "given": {text: [{"a": text, "b": [text, None, 1, True, {}]}]}, "expect": "pass"})
    assert examples(written) == [
        {"name": text, "given": {text: [{"a": text, "b": [text, None, 1, True, {}]}]}, "expect": "pass"}
    ]
    assert all(char.isprintable() for char in written.replace("\n", ""))


def test_shrinking_leaves_what_matters():
    value = {"a": [1, 2, 3, {"b": {"$missing": "x"}, "c": 4}] * 9, "d": {"e": 5}}
    assert shrink(
        value, lambda v: any(i == {"b": {"$missing": "x"}} or "b" in i for i in v.get("a", []) if isinstance(i, dict))
    ) == {"a": [{"b": {"$missing": "x"}}]}
    assert shrink({"a": 1}, lambda _: True) == {}


def test_the_command(run, tmp_path):
    write_snapshot(tmp_path / "snapshots", {"AWS::EC2::VPC": [VPC], "AWS::EC2::FlowLog": []})
    result = run("policy", "test", "vpc-flow-logs", "--record", tmp_path / "snapshots", "vpc-1")
    assert (result.code, result.err) == (0, "")
    (tmp_path / "flow.yaml").write_text(shipped("vpc-flow-logs")[0].text.partition("\ntests:\n")[0] + "\n")
    (tmp_path / "flow.test.yaml").write_text("tests:\n" + result.out)
    assert len(load_policies([tmp_path / "flow.yaml"], shipped=False)[0].tests) == 1
    assert run("policy", "test", "-p", tmp_path / "flow.yaml").code == 0
    assert run("policy", "test", "--record", tmp_path / "absent", "vpc-1").code == 2
    assert run("policy", "test", "--record", tmp_path / "snapshots", "vpc-2").code == 2
    assert run("policy", "test", "--record", tmp_path / "snapshots").code == 2
    assert run("policy", "test", "--coverage", "--record", tmp_path / "snapshots", "vpc-1").code == 2


def test_a_resource_keeps_its_account_where_it_would_bring_another_finding():
    regions = [{"$account": FAR, "RegionName": name, "OptInStatus": "opted-in"} for name in ("eu-west-1", "eu-west-2")]
    off = {"$account": FAR, "RegionName": "ap-east-1", "OptInStatus": "not-opted-in"}
    given = {"AWS::Region": [*regions, off], "AWS::Config::ConfigurationRecorder": []}
    found = recorded("config-all-regions", given, FAR)
    assert {each["$account"] for each in found["given"]["AWS::Region"]} == {FAR}
    assert found["expect"] == "fail"
