"""Packs, as a person meets them: judging by one, its report, attestations, and the commands about packs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import TIME, write_snapshot
from test_cli import A, keys

PACK = """\
framework: own
version: "1"
title: Our pack
sections:
  - title: Keys
    number: "1"
    controls:
      - {number: "1.1", title: Keys rotate, level: 1, policies: [kms-key-rotation]}
      - {number: "1.2", title: Somebody looks, assessment: manual, manual: It is a thing of people.}
      - {number: "1.3", title: Cables are straight, unanswered: no API shows them}
"""
SAID = """\
attestations:
  - {pack: own-1, control: "1.2", status: pass, who: Ada, when: 2025-12-01, evidence: "https://x", expires: 2026-06-30}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with a pack and a snapshot of two keys, one of which does not rotate."""
    monkeypatch.chdir(tmp_path)
    Path("packs").mkdir()
    Path("packs/own-1.yaml").write_text(PACK)
    write_snapshot(Path("snapshots"), keys(True, False), TIME)
    return tmp_path


def judged(run, *arguments):
    result = run("evaluate", "--pack", "packs/own-1.yaml", "-o", "out.controls.json", *arguments)
    return result, json.loads(Path("out.controls.json").read_text())


def test_a_report_has_every_control_and_its_shares(run, place):
    result, data = judged(run, "-o", "out.controls.md")
    assert result.code == 1
    assert "1.1      Keys rotate          fail                 2         1        0\n" in result.err
    assert "3 controls: 1 fail (33.3 %), 1 unanswered (33.3 %), 1 manual (33.3 %)\n" in result.err
    (pack,) = data["packs"]
    assert (pack["pack"], pack["controls"], pack["counts"]["fail"], pack["counts"]["pass"]) == ("own-1", 3, 1, 0)
    assert (
        "| 1.3 | Cables are straight | unanswered |  |  |  |  | no API shows them |"
        in Path("out.controls.md").read_text()
    )


def test_people_answer_what_is_left_to_them_until_a_day(run, place):
    Path("stillframe.yaml").write_text(SAID)
    result, data = judged(run)
    (section,) = data["packs"][0]["sections"]
    assert [control["status"] for control in section["controls"]] == ["fail", "attested", "unanswered"]
    assert "attestation" not in result.err
    Path("stillframe.yaml").write_text(SAID.replace("2026-06-30", "2025-12-31"))
    result, data = judged(run)
    assert data["packs"][0]["counts"]["manual"] == 1
    assert result.err.endswith("stillframe.yaml:2: attestation of own-1 1.2 expired on 2025-12-31\n")
    assert data["notes"] == ["stillframe.yaml:2: attestation of own-1 1.2 expired on 2025-12-31"]


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("own-1,", "own-2,", "2:12: unknown pack own-2; did you mean own-1?"),
        ('"1.2"', '"1.9"', "2:28: own-1 has no control 1.9; did you mean 1.3?"),
        ('"1.2"', "1.2", "2:28: 1.2 is not of type 'string': put it in quotes"),
        ("status: pass", "status: good", "is none of pass, fail, not_applicable"),
        ("2025-12-01", "yesterday", "'yesterday' is not a day: YYYY-MM-DD"),
        ("expires: 2026-06-30", "expires: 2026-06-31", "'2026-06-31' is not a day: YYYY-MM-DD"),
        ("who: Ada, ", "", "missing 'who'"),
    ],
)
def test_a_wrong_attestation_says_where_and_what_instead(run, place, was, becomes, fault):
    Path("stillframe.yaml").write_text(SAID.replace(was, becomes))
    result = run("evaluate", "--pack", "packs/own-1.yaml")
    assert result.code == 2
    assert fault in result.err


def test_a_waiver_of_a_policy_covers_it_however_a_pack_asks_it(run, place):
    text = PACK.replace("policies: [kms-key-rotation]", "policies: [{vpc-flow-logs: {traffic_type: ALL}}]")
    Path("packs/own-1.yaml").write_text(text)
    write_snapshot(
        Path("snapshots"),
        {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "OwnerId": A, "$account": A}], "AWS::EC2::FlowLog": []},
        TIME.replace(day=2),
    )
    waiver = "waivers: [{policy: %s, resource: '*', reason: r, owner: o, expires: 2026-12-31}]\n"
    for name, status in (("vpc-flow-logs", "waived"), ("vpc-flow-logs@own-1", "waived"), ("vpc-flow-logs@x", "fail")):
        Path("stillframe.yaml").write_text(waiver % name)
        result, data = judged(run, "-o", "findings.jsonl")
        (found,) = map(json.loads, Path("findings.jsonl").read_text().splitlines())
        assert found["policy"] == "vpc-flow-logs@own-1"
        assert data["packs"][0]["sections"][0]["controls"][0]["status"] == status, name
        assert result.code == (1 if status == "fail" else 0)


def test_it_is_said_where_a_pack_is_not_judged_as_it_asks(run, place):
    text = PACK.replace("policies: [kms-key-rotation]", "policies: [iam-password-length]")
    Path("packs/own-1.yaml").write_text(text)
    said = "iam-password-length is evaluated with length 8, where own-1 asks 14\n"
    assert said in run("evaluate", "--pack", "packs/own-1.yaml", "--set", "iam-password-length.length=8").err
    Path("stillframe.yaml").write_text("settings: {iam-password-length: {params: {length: 8}}}")
    assert said in run("evaluate", "--pack", "packs/own-1.yaml").err
    assert said not in run("evaluate", "--pack", "packs/own-1.yaml", "--set", "iam-password-length.length=14").err
    assert "asks" not in run("evaluate", "--set", "vpc-flow-logs.traffic_type=ALL").err


def test_without_a_pack_the_controls_are_those_of_logging(run, place):
    run("evaluate", "-o", "out.controls.json")
    assert [pack["pack"] for pack in json.loads(Path("out.controls.json").read_text())["packs"]] == ["logging"]
    Path("keys.yaml").write_text("id: keys\ntitle: t\nseverity: low\nresource: AWS::KMS::Key\nassert: KeyId\n")
    result = run("evaluate", "-p", "keys.yaml", "-o", "out.controls.json")
    assert (result.code, "name one with --pack" in result.err) == (2, True)


def test_a_comparison_counts_the_later_snapshot(run, place):
    write_snapshot(Path("snapshots"), keys(True, True), TIME.replace(day=2))
    old, new = sorted(Path("snapshots").glob("2*"))
    told = run("diff", old, new, "--pack", "packs/own-1.yaml", "-o", "out.controls.json").err
    assert "1.1  1.1  Keys rotate          fail → pass\n" in told
    assert "3 controls: 1 → 0 fail, 1 unanswered, 1 manual, 0 → 1 pass\n" in told
    (pack,) = json.loads(Path("out.controls.json").read_text())["packs"]
    assert pack["counts"]["pass"] == 1


def test_findings_name_the_standard_that_was_asked_for(run, place):
    judged(run, "-o", "out.ocsf.jsonl", "-o", "out.md", "-o", "out.sarif")
    for line in Path("out.ocsf.jsonl").read_text().splitlines():
        compliance = json.loads(line)["compliance"]
        assert (compliance["standards"], compliance["requirements"]) == (["own-1"], ["own-1 1.1"])
        assert compliance["control"] == "kms-key-rotation"
    assert "**Our pack:** 3 controls: 1 fail (33.3 %)" in Path("out.md").read_text()
    (rule,) = json.loads(Path("out.sarif").read_text())["runs"][0]["tool"]["driver"]["rules"]
    assert "own-1 1.1" in rule["properties"]["tags"]


def test_a_wrong_name_suggests(run, place):
    for command in (["evaluate"], ["pack", "show"]):
        named = ["--pack", "cis-aws-5.0"] if command == ["evaluate"] else ["cis-aws-5.0"]
        result = run(*command, *named)
        assert (result.code, "did you mean cis-aws-" in result.err) == (2, True)
    Path("stillframe.yaml").write_text("packs: [loging]")
    assert "1:9: unknown pack loging; did you mean logging?" in run("evaluate").err


def test_packs_are_listed_and_shown(run, place):
    listed = run("pack", "list").out
    assert all(name in listed for name in ("logging", "aws-fsbp", "cis-aws-7.0.0"))
    for line in listed.splitlines()[1:]:
        controls, *answered = (int(each.replace(",", "")) for each in line.split()[1:5])
        assert controls == sum(answered)
    shown = run("pack", "show", "packs/own-1.yaml").out
    assert "nothing yet: no API shows them" in shown
    data = json.loads(run("pack", "show", "packs/own-1.yaml", "--json").out)
    assert data["answered"] == {"policies": 1, "policies and people": 0, "people": 1, "nothing yet": 1}
    assert (
        "| 1.2 | Somebody looks |  | manual | people: It is a thing of people. |"
        in run("pack", "show", "packs/own-1.yaml", "--markdown").out
    )


def test_what_changed_and_what_that_means(run, place):
    later = PACK.replace('version: "1"', 'version: "2"').replace('"1.1"', '"1.4"').replace("level: 1", "level: 2")
    Path("packs/own-2.yaml").write_text(later.replace("policies: [kms-key-rotation]", "manual: m"))
    result = run("pack", "diff", "packs/own-1.yaml", "packs/own-2.yaml", "snapshots", "--json")
    assert result.code == 0
    assert json.loads(result.out) == {
        "old": "own-1",
        "new": "own-2",
        "changes": [
            {
                "old": "1.1",
                "new": "1.4",
                "title": "Keys rotate",
                "changes": ["renumbered", "level 1 → 2", "kms-key-rotation → manual"],
                "before": "fail",
                "after": "manual",
            }
        ],
    }
    table = run("pack", "diff", "packs/own-1.yaml", "packs/own-2.yaml", "snapshots").out
    assert "fail → manual" in table
    assert "own-2: 3 controls: 1 unanswered (33.3 %), 2 manual (66.7 %)" in table
    assert "fail" not in run("pack", "diff", "packs/own-1.yaml", "packs/own-2.yaml").out
