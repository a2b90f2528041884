"""Judging: lookups, rollups, gaps, errors, texts, and what is the same every time."""

from __future__ import annotations

import json
import textwrap

import pytest
from builders import nine, shipped, write_snapshot
from stillframe.engine.findings.batch import finding_record
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot

A, B = "111122223333", "444455556666"
VPC = {"VpcId": "vpc-1", "OwnerId": A, "IsDefault": False, "State": "available"}
LOG = {"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", "ResourceId": "vpc-1", "TrafficType": "ALL"}


@pytest.fixture
def policy(tmp_path):
    def load(**parts: str):
        lines = {
            "id": "p",
            "title": "It holds",
            "severity": "low",
            "resource": "AWS::EC2::VPC",
            "assert": "VpcId",
            **parts,
        }
        text = "".join(f"{key}:\n{textwrap.indent(raw(value), '  ')}\n" for key, value in lines.items())
        (tmp_path / "p.yaml").write_text(text)
        return load_policies([tmp_path / "p.yaml"], shipped=False)[0]

    return load


def raw(value: str) -> str:
    structured = (value.startswith(("{", "[", "- ")) and not value.startswith("{{")) or ": {from" in value
    return value if structured else json.dumps(value)


def judged(policy, **given):
    return list(evaluate(fixture({kind.replace("_", "::"): rows for kind, rows in given.items()}), [policy]))


def statuses(policy, **given):
    return {finding.resource: finding.status.value for finding in judged(policy, **given)}


def test_a_finding_says_what_it_saw(policy):
    (found,) = judged(
        policy(**{"assert": "IsDefault", "message": "VPC {{ VpcId }} in {{ $region }}"}), AWS_EC2_VPC=[VPC]
    )
    assert found.message == "VPC vpc-1 in us-east-1"
    assert found.evidence == {"IsDefault": False}
    assert found.identity == (A, "p", "us-east-1", "AWS::EC2::VPC", "vpc-1")


def test_each_assertion_that_fails_is_reported(policy):
    listed = "- {that: IsDefault, message: not the default}\n- VpcId\n- {that: Tags, message: no tags}"
    (found,) = judged(policy(**{"assert": listed}), AWS_EC2_VPC=[VPC])
    assert found.message == "not the default; no tags"
    assert set(found.evidence) == {"IsDefault", "Tags"}


def test_one_assertion_that_fails_decides_though_another_is_unknown(policy):
    given = [{**VPC, "Odd": {"$missing": "AccessDenied: ec2:Odd"}}]
    assert statuses(policy(**{"assert": "- Odd\n- IsDefault"}), AWS_EC2_VPC=given) == {"vpc-1": "fail"}
    assert statuses(policy(**{"assert": "- Odd\n- VpcId"}), AWS_EC2_VPC=given) == {"vpc-1": "unknown"}


def test_an_expression_without_a_value_is_an_error_for_that_resource_alone(policy):
    rows = [VPC, {**VPC, "VpcId": "vpc-2", "Odd": [1]}]
    found = judged(policy(**{"assert": "length(Odd) > `0`"}), AWS_EC2_VPC=rows)
    assert [(f.resource, f.status.value) for f in found] == [("vpc-1", "error"), ("vpc-2", "pass")]
    assert "length()" in found[0].message


def test_where_that_is_unknown_makes_the_finding_unknown(policy):
    rows = [{"VpcId": "vpc-1"}]
    assert statuses(policy(where="OwnerId == $account"), AWS_EC2_VPC=rows) == {"vpc-1": "unknown"}


@pytest.mark.parametrize(
    ("within", "row", "expected"),
    [
        ("region", {}, "pass"),
        ("region", {"$region": "eu-west-1"}, "fail"),
        ("account", {"$region": "eu-west-1"}, "pass"),
        ("account", {"$account": B}, "fail"),
        ("snapshot", {"$account": B, "$region": "eu-west-1"}, "pass"),
    ],
)
def test_a_lookup_reaches_as_far_as_it_says(policy, within, row, expected):
    lookup = f"logs: {{from: AWS::EC2::FlowLog, match: {{ResourceId: VpcId}}, within: {within}}}"
    found = statuses(policy(lookup=lookup, **{"assert": "$logs"}), AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[{**LOG, **row}])
    assert found["vpc-1"] == expected


def test_what_an_account_has_once_is_in_every_region(policy):
    account = {"AccountId": A, "Regions": [], "PublicAccessBlock": None}
    judging = policy(lookup="owner: {from: AWS::Account, one: true}", **{"assert": "$owner.AccountId"})
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_Account=[account]) == {"vpc-1": "pass"}


@pytest.mark.parametrize("within", ["region", "account", "snapshot"])
def test_a_lookup_in_what_was_not_collected_is_unknown(policy, within):
    lookup = f"logs: {{from: AWS::EC2::FlowLog, match: {{ResourceId: VpcId}}, within: {within}}}"
    judging = policy(lookup=lookup, **{"assert": "$logs"})
    assert statuses(judging, AWS_EC2_VPC=[VPC]) == {"vpc-1": "unknown"}
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog={"$missing": "Denied: x"}) == {"vpc-1": "unknown"}


@pytest.mark.parametrize(
    ("wanted", "odd"), [("Odd", None), ("{in: Odd}", None), ("{in: Odd}", []), ("{in: Odd}", [None])]
)
def test_where_nothing_is_asked_for_it_does_not_matter_what_could_be_read(policy, wanted, odd):
    lookup = f"logs: {{from: AWS::EC2::FlowLog, match: {{FlowLogId: {wanted}}}}}"
    judging = policy(lookup=lookup, **{"assert": "length($logs) == `0`"})
    given = {"AWS_EC2_VPC": [VPC | {"Odd": odd}], "AWS_EC2_FlowLog": {"$missing": "Denied: x"}}
    assert statuses(judging, **given) == {"vpc-1": "pass"}


def test_null_matches_nothing_and_an_unknown_key_may_match(policy):
    judging = policy(lookup="logs: {from: AWS::EC2::FlowLog, match: {Odd: Odd}}", **{"assert": "length($logs) == `0`"})
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[LOG]) == {"vpc-1": "pass"}
    rows = [{**LOG, "Odd": {"$missing": "Denied: x"}}]
    assert statuses(judging, AWS_EC2_VPC=[{**VPC, "Odd": 1}], AWS_EC2_FlowLog=rows) == {"vpc-1": "unknown"}
    assert statuses(judging, AWS_EC2_VPC=[{**VPC, "Odd": True}], AWS_EC2_FlowLog=[{**LOG, "Odd": 1}]) == {
        "vpc-1": "pass"
    }


def test_one_is_the_row_itself_and_unknown_unless_there_is_exactly_one(policy):
    lookup = "log: {from: AWS::EC2::FlowLog, match: {ResourceId: VpcId}, one: true}"
    judging = policy(lookup=lookup, **{"assert": "$log.TrafficType == 'ALL' && $log.$region == 'us-east-1'"})
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[LOG]) == {"vpc-1": "pass"}
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[]) == {"vpc-1": "unknown"}
    (found,) = judged(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[LOG, {**LOG, "FlowLogId": "fl-2"}])
    assert found.message == "2 resources of type AWS::EC2::FlowLog match vpc-1"
    (found,) = judged(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog={"$missing": "Denied: x"})
    assert found.message == "no AWS::EC2::FlowLog vpc-1 in this snapshot; Denied: x"
    lost = {**LOG, "ResourceId": {"$missing": "lost"}}
    (found,) = judged(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[lost])
    assert found.message == "no AWS::EC2::FlowLog vpc-1 in this snapshot; lost"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["fl-1", "fl-2", "fl-1", "none"], ["fl-1", "fl-2"]),
        (["fl-2", "fl-1"], ["fl-2", "fl-1"]),
        ([], []),
        (None, []),
        ("fl-1", []),
        ({"$missing": "lost"}, "(unknown)"),
        (["fl-2", {"$missing": "lost"}], "(unknown)"),
    ],
)
def test_a_lookup_matches_each_item_of_a_list_once(policy, wanted, expected):
    lookup = "logs: {from: AWS::EC2::FlowLog, match: {FlowLogId: {in: Wanted}}}"
    given = {
        "AWS_EC2_VPC": [VPC | {"Wanted": wanted}],
        "AWS_EC2_FlowLog": [LOG, {**LOG, "FlowLogId": "fl-2"}, {**LOG, "FlowLogId": "fl-3"}],
    }
    (found,) = judged(policy(lookup=lookup, message="{{ $logs[].FlowLogId }}", **{"assert": "!VpcId"}), **given)
    assert found.message == (expected if isinstance(expected, str) else json.dumps(expected, separators=(",", ":")))
    counted = policy(lookup=lookup, **{"assert": "length($logs) == `2`"})
    known = not isinstance(expected, str)
    assert statuses(counted, **given) == {"vpc-1": ("pass" if len(expected) == 2 else "fail") if known else "unknown"}


@pytest.mark.parametrize(
    ("within", "wanted", "rows", "absent"),
    [
        ("region", ["fl-1"], [LOG], None),
        ("region", ["fl-1", "fl-2"], [LOG], "no AWS::EC2::FlowLog fl-2 in this snapshot"),
        ("region", ["fl-3", "fl-2"], [], "no AWS::EC2::FlowLog fl-3 in this snapshot; no AWS::EC2::FlowLog fl-2 in"),
        ("region", ["fl-1"], [{**LOG, "$region": "eu-west-1"}], "no AWS::EC2::FlowLog fl-1 in this snapshot"),
        ("account", ["fl-1"], [{**LOG, "$region": "eu-west-1"}], None),
        ("account", ["fl-1"], [{**LOG, "$account": B}], "no AWS::EC2::FlowLog fl-1 in this snapshot"),
        ("snapshot", ["fl-1"], [{**LOG, "$account": B}], None),
        ("snapshot", ["fl-2"], [{**LOG, "$account": B}], "no AWS::EC2::FlowLog fl-2 in this snapshot"),
        ("region", ["fl-1"], [{**LOG, "FlowLogStatus": "OFF"}], None),
        ("region", [None, 2], [LOG], "no AWS::EC2::FlowLog 2 in this snapshot"),
        ("region", [True], [LOG], "no AWS::EC2::FlowLog true in this snapshot"),
        ("region", [["b", 1]], [LOG], 'no AWS::EC2::FlowLog ["b",1] in this snapshot'),
        ("region", [], [], None),
        ("region", None, [], None),
    ],
)
def test_what_is_referred_to_and_was_not_collected_is_unknown(policy, within, wanted, rows, absent):
    lookup = (
        "logs: {from: AWS::EC2::FlowLog, match: {FlowLogId: {in: Wanted}}, where: FlowLogStatus == 'ACTIVE',"
        f" within: {within}, refers: true}}"
    )
    found = policy(lookup=lookup, **{"assert": "all($logs, &TrafficType == 'ALL')"})
    given = {"AWS_EC2_VPC": [VPC | {"Wanted": wanted}], "AWS_EC2_FlowLog": rows}
    (only,) = [each for each in judged(found, **given) if each.resource == "vpc-1"]
    assert (only.status, only.message.startswith(absent or "It holds")) == ("unknown" if absent else "pass", True)


def test_one_key_may_refer_too_and_a_lookup_that_says_nothing_may_find_nothing(policy):
    for refers, expected in (("true", "unknown"), ("false", "pass")):
        lookup = f"logs: {{from: AWS::EC2::FlowLog, match: {{FlowLogId: Log}}, refers: {refers}}}"
        judging = policy(lookup=lookup, **{"assert": "length($logs) == `0`"})
        assert statuses(judging, AWS_EC2_VPC=[VPC | {"Log": "fl-9"}], AWS_EC2_FlowLog=[LOG]) == {"vpc-1": expected}
        assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[LOG]) == {"vpc-1": "pass"}


def test_a_key_of_a_row_that_is_unknown_may_be_in_a_list(policy):
    found = policy(
        lookup="logs: {from: AWS::EC2::FlowLog, match: {FlowLogId: {in: Wanted}}}", **{"assert": "length($logs) == `1`"}
    )
    logs = [LOG, {**LOG, "$id": "lost", "FlowLogId": {"$missing": "lost"}}]
    assert statuses(found, AWS_EC2_VPC=[VPC | {"Wanted": ["fl-1", "fl-2"]}], AWS_EC2_FlowLog=logs) == {
        "vpc-1": "unknown"
    }


LISTED = "logs: {from: AWS::EC2::FlowLog, match: {Vpcs: {contains: VpcId}, $region: $region}}"


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ([["vpc-1"], ["vpc-2"], ["vpc-2", None, "vpc-1", "vpc-1"], [], None], ["fl-0", "fl-2"]),
        ([[["vpc-1"]], [{"a": "vpc-1"}], [1, True]], []),
        ([["vpc-1"], {"$missing": "lost"}], "(unknown)"),
        ([["vpc-2", {"$missing": "lost"}]], "(unknown)"),
        ([["vpc-1"], "vpc-1"], None),
    ],
)
def test_a_lookup_matches_rows_whose_list_contains_ours(policy, lists, expected):
    rows = [{**LOG, "FlowLogId": f"fl-{number}", "Vpcs": each} for number, each in enumerate(lists)]
    given = {"AWS_EC2_VPC": [VPC], "AWS_EC2_FlowLog": rows}
    (found,) = judged(policy(lookup=LISTED, message="{{ $logs[].FlowLogId }}", **{"assert": "!VpcId"}), **given)
    said = expected if isinstance(expected, str) else json.dumps(expected, separators=(",", ":"))
    assert found.message == said if expected is not None else "(" in found.message
    counted = policy(lookup=LISTED, **{"assert": "length($logs) == `2`"})
    (status,) = statuses(counted, **given).values()
    known = "pass" if expected and len(expected) == 2 else "fail"
    assert status == ("error" if expected is None else "unknown" if expected == "(unknown)" else known)


def test_what_a_list_must_contain_may_be_referred_to(policy):
    judging = policy(lookup=LISTED.replace("}}", "}, refers: true}"), **{"assert": "$logs"})
    assert statuses(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[{**LOG, "Vpcs": ["vpc-1"]}]) == {"vpc-1": "pass"}
    (found,) = judged(judging, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[{**LOG, "Vpcs": ["vpc-2"]}])
    assert (found.status, found.message) == ("unknown", "no AWS::EC2::FlowLog vpc-1, us-east-1 in this snapshot")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["fl-1"], "pass"),
        (["fl-1", "fl-1", None], "pass"),
        (["fl-1", {"$missing": "lost"}], "unknown"),
        ({"$missing": "lost"}, "unknown"),
        (["fl-1", "fl-2"], "unknown"),
        ([], "unknown"),
    ],
)
def test_exactly_one_of_a_list_is_found_only_where_all_of_it_is_known(policy, wanted, expected):
    lookup = "log: {from: AWS::EC2::FlowLog, match: {FlowLogId: {in: Wanted}}, one: true}"
    given = {"AWS_EC2_VPC": [VPC | {"Wanted": wanted}], "AWS_EC2_FlowLog": [LOG, {**LOG, "FlowLogId": "fl-2"}]}
    assert statuses(policy(lookup=lookup, **{"assert": "$log.TrafficType == 'ALL'"}), **given) == {"vpc-1": expected}


@pytest.mark.parametrize(
    "match", ["FlowLogId: {in: Wanted}, ResourceId: VpcId", "ResourceId: VpcId, FlowLogId: {in: Wanted}"]
)
def test_a_list_may_stand_before_or_after_what_else_is_wanted(policy, match):
    found = policy(
        lookup=f"logs: {{from: AWS::EC2::FlowLog, match: {{{match}}}}}", **{"assert": "length($logs) == `1`"}
    )
    rows = [LOG, {**LOG, "FlowLogId": "fl-2", "ResourceId": "vpc-2"}]
    given = {"AWS_EC2_VPC": [VPC | {"Wanted": ["fl-1", "fl-2"]}], "AWS_EC2_FlowLog": rows}
    assert statuses(found, **given) == {"vpc-1": "pass"}


def test_a_lookup_in_an_account_that_the_snapshot_does_not_hold_is_unknown(policy):
    lookup = "logs: {from: AWS::EC2::FlowLog, match: {$account: OwnerId}, within: snapshot}"
    found = policy(lookup=lookup, **{"assert": "$logs"})
    assert statuses(found, AWS_EC2_VPC=[VPC], AWS_EC2_FlowLog=[]) == {"vpc-1": "fail"}
    (other,) = judged(found, AWS_EC2_VPC=[VPC | {"OwnerId": B}], AWS_EC2_FlowLog=[LOG])
    assert (other.status, other.message) == ("unknown", f"account {B} is not in this snapshot")


def test_later_lookups_use_earlier_ones(policy):
    lookup = (
        "log: {from: AWS::EC2::FlowLog, match: {ResourceId: VpcId}, within: snapshot, one: true}\n"
        "owner: {from: AWS::Account, match: {$account: $log.$account}, within: snapshot, one: true}"
    )
    account = {"AccountId": B, "$account": B, "Regions": [], "PublicAccessBlock": None}
    found = statuses(
        policy(lookup=lookup, **{"assert": f"$owner.AccountId == '{B}'"}),
        AWS_EC2_VPC=[VPC],
        AWS_EC2_FlowLog=[{**LOG, "$account": B}],
        AWS_Account=[account],
    )
    assert found == {"vpc-1": "pass"}


@pytest.mark.parametrize(
    ("require", "rows", "expected"),
    [
        ("all", [True, True], "pass"),
        ("all", [True, False], "fail"),
        ("all", [True, None], "unknown"),
        ("all", [False, None], "fail"),
        ("all", [], "unknown"),
        ("any", [True, False], "pass"),
        ("any", [True, None], "pass"),
        ("any", [False, None], "unknown"),
        ("any", [False, False], "fail"),
        ("any", [], "fail"),
    ],
)
def test_a_rollup_folds_with_three_truths_and_never_passes_over_nothing(policy, require, rows, expected):
    given = [
        {**VPC, "VpcId": f"vpc-{n}", "Ok": {"$missing": "Denied: x"} if row is None else row}
        for n, row in enumerate(rows)
    ]
    judging = policy(rollup=f"{{per: account, require: {require}}}", **{"assert": "Ok"})
    assert statuses(judging, AWS_EC2_VPC=given) == {A: expected}


def test_a_rollup_leaves_out_what_is_not_applicable(policy):
    judging = policy(where="IsDefault", rollup="{per: account, require: all}", **{"assert": "`false`"})
    assert statuses(judging, AWS_EC2_VPC=[VPC]) == {A: "unknown"}


def test_a_rollup_per_region_judges_every_enabled_region(policy):
    judging = policy(rollup="{per: region, require: any}")
    rows = [VPC, {"VpcId": "vpc-2", **{k: VPC[k] for k in ("OwnerId", "IsDefault", "State")}, "$region": "eu-west-1"}]
    assert statuses(judging, AWS_EC2_VPC=rows) == {"us-east-1": "pass", "eu-west-1": "pass"}


def test_texts_of_a_rollup_name_what_failed(policy):
    judging = policy(
        rollup="{per: account, require: all}",
        message="{{ $failed[].VpcId }} of {{ $account }}",
        remediation="{text: mend it, cli: 'mend {{ $failed[0].VpcId }}'}",
        **{"assert": "IsDefault"},
    )
    (found,) = judged(judging, AWS_EC2_VPC=[VPC])
    assert found.message == f'["vpc-1"] of {A}'
    assert found.remediation == "mend vpc-1"
    assert found.evidence == {"us-east-1 vpc-1": {"IsDefault": False}}


def test_without_a_message_a_rollup_groups_those_of_its_assertions(policy):
    judging = policy(
        rollup="{per: account, require: all}", **{"assert": "[{that: IsDefault, message: not the default}]"}
    )
    (found,) = judged(judging, AWS_EC2_VPC=[VPC, {**VPC, "VpcId": "vpc-2"}])
    assert found.message == "not the default (us-east-1 vpc-1, us-east-1 vpc-2)"


def test_a_lookup_without_a_value_is_an_error_for_that_resource_alone(policy):
    lookup = "logs: {from: AWS::EC2::FlowLog, match: {ResourceId: lower(Odd)}}"
    rows = [VPC, {**VPC, "VpcId": "vpc-2", "Odd": "X"}]
    found = statuses(policy(lookup=lookup, **{"assert": "length($logs) == `0`"}), AWS_EC2_VPC=rows, AWS_EC2_FlowLog=[])
    assert found == {"vpc-1": "error", "vpc-2": "pass"}


def test_values_in_a_command_are_quoted(policy):
    judging = policy(remediation="{text: mend it, cli: 'mend {{ $name }}'}", **{"assert": "IsDefault"})
    (found,) = judged(judging, AWS_EC2_VPC=[{**VPC, "$name": "x; rm -rf $(id) 'y'"}])
    assert found.remediation == """mend 'x; rm -rf $(id) '"'"'y'"'"''"""


def test_what_a_text_does_not_know_it_says(policy):
    (found,) = judged(
        policy(message="{{ Odd }}", **{"assert": "IsDefault"}), AWS_EC2_VPC=[{**VPC, "Odd": {"$missing": "x"}}]
    )
    assert found.message == "(unknown)"


def test_an_identity_does_not_depend_on_the_verdict(policy):
    prints = set()
    for value in (True, False, {"$missing": "x"}):
        (found,) = judged(policy(**{"assert": "Ok"}), AWS_EC2_VPC=[{**VPC, "Ok": value}])
        prints.add(found.fingerprint)
    assert len(prints) == 1


def test_findings_come_in_canonical_order_and_alike_every_time(tmp_path):
    given = {
        "AWS::EC2::VPC": [
            {**VPC, "VpcId": f"vpc-{n}", "$region": r, "$account": a}
            for n in (2, 1)
            for r in ("z", "a")
            for a in (B, A)
        ],
        "AWS::EC2::FlowLog": [LOG],
    }
    path = write_snapshot(tmp_path, given)
    runs = [[finding_record(f) for f in evaluate(open_snapshot(path), nine())] for _ in range(2)]
    assert runs[0] == runs[1]
    identities = [finding.identity for finding in evaluate(open_snapshot(path), nine())]
    assert identities == sorted(identities)
    assert len(set(identities)) == len(identities)


def test_a_type_that_was_not_collected_is_one_unknown_finding(tmp_path):
    path = write_snapshot(tmp_path, {"AWS::EC2::VPC": [VPC]})
    found = list(evaluate(open_snapshot(path), shipped("kms-key-rotation")))
    assert [(f.status.value, f.region, f.resource, f.message) for f in found] == [
        ("unknown", "*", "AWS::KMS::Key", f"AWS::KMS::Key was not collected from account {A}")
    ]
