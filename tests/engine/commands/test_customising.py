"""Judging by rules of one's own, as a person meets it: stillframe.yaml, waivers, drafts, receipts and schemas."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import stillframe
from builders import TIME, write_snapshot
from jsonschema import Draft202012Validator
from stillframe.engine.documents.reader import schema
from test_cli import DENIED, A, keys

LATER = TIME.replace(month=3)
POLICY = (
    "id: keys\ntitle: Keys rotate\nseverity: medium\nresource: AWS::KMS::Key\nassert: Rotation.KeyRotationEnabled\n"
    "params: {days: {type: integer, default: 90, description: d}}\n"
    "tests: [{name: n, given: {AWS::KMS::Key: [{Rotation: {KeyRotationEnabled: true}}]}, expect: pass}]\n"
)
OWN = "shipped: false\npolicies: [keys.yaml]\n"
TERMS = "reason: sandbox, owner: me, expires: 2026-01-31"
WAIVER = f"{OWN}waivers:\n  - {{policy: keys, account: '{A}', {TERMS}}}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with one policy; `place(text)` writes its stillframe.yaml, `place(keys=…)` a snapshot."""
    monkeypatch.chdir(tmp_path)
    Path("keys.yaml").write_text(POLICY)

    def set_up(text: str | None = None, *rotating, when=TIME) -> Path:
        if text is not None:
            Path("stillframe.yaml").write_text(text)
        return write_snapshot(Path("snapshots"), keys(*rotating), when)

    return set_up


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


@pytest.mark.parametrize(
    ("text", "rotating", "options", "code"),
    [
        (OWN, [True, False], [], 1),
        (OWN + "settings: {keys: {severity: low}}", [True, False], ["--fail-on", "medium"], 0),
        (OWN + "settings: {keys: {severity: high}}", [True, False], ["--fail-on", "high"], 1),
        (OWN + "settings: {keys: {enabled: false, reason: r}}", [True, False], [], 3),
        (WAIVER, [True, False], [], 0),
        (WAIVER, [False], [], 0),
        (WAIVER, [False, DENIED], [], 4),
        (WAIVER, [DENIED], [], 4),
        (WAIVER.replace("2026-01-31", "2025-12-31"), [True, False], [], 1),
        (WAIVER.replace(A, "444455556666"), [True, False], [], 1),
        (WAIVER.replace("2026-01-31", "soon"), [True, False], [], 2),
    ],
)
def test_evaluate_exits_as_documented(run, place, text, rotating, options, code):
    place(text, *rotating)
    assert run("evaluate", *options).code == code


def test_a_config_may_lie_elsewhere_and_names_its_policies_from_there(run, place):
    place(None, True, False)
    Path("team").mkdir()
    for name in ("keys.yaml", "stillframe.yaml"):
        (Path("team") / name).write_text(POLICY if name == "keys.yaml" else WAIVER)
    Path("keys.yaml").unlink()
    assert run("evaluate", "-c", "team/stillframe.yaml").code == 0
    assert run("evaluate", "--config", "team/stillframe.yaml", "--fail-on", "never").code == 0
    absent = run("evaluate", "-c", "absent.yaml")
    assert (absent.code, "absent.yaml: cannot be read: No such file" in absent.err) == (2, True)


def test_a_config_that_leads_nowhere_is_not_taken_for_none(run, place):
    place(None, True)
    Path("stillframe.yaml").symlink_to("absent.yaml")
    assert run("evaluate").code == 2


def test_a_waived_failure_is_shown_as_waived_and_stays_a_failure_in_files(run, place):
    place(WAIVER, True, False)
    result = run("evaluate", "-o", "f.jsonl", "-o", "f.csv")
    assert result.out.startswith("waived     medium   keys  ")
    assert "accepted by me until 2026-01-31: sandbox" in result.out
    assert [line.split() for line in result.err.splitlines()[1:]] == [
        ["Policy", "Severity", "Population", "Failures", "%", "Waived", "Unknown"],
        ["keys", "medium", "2", "0", "0.0", "1", "0"],
        ["0", "failures,", "1", "waived"],
    ]
    found = lines("f.jsonl")
    assert [(each["status"], each["waiver"] is not None) for each in found] == [("pass", False), ("fail", True)]
    assert found[1]["waiver"] == {"kind": "accepted", "reason": "sandbox", "owner": "me", "expires": "2026-01-31"}


def test_there_is_no_column_where_nothing_is_waived(run, place):
    place(OWN, False)
    assert "Waived" not in run("evaluate").err


def test_what_a_waiver_says_is_shown_harmlessly(run, place):
    place(WAIVER.replace("sandbox", '"\\e[31mred"'), False)
    result = run("evaluate")
    assert "\x1b" not in result.out
    assert "\\x1b[31mred" in result.out


def test_what_became_of_waivers_comes_after_the_summary(run, place):
    entries = "".join(
        f"  - {{policy: keys, {scope}, reason: r, owner: me, expires: {day}}}\n"
        for scope, day in (
            (f"account: '{A}'", "2025-12-31"),
            ("resource: x", "2027-01-01"),
            ("resource: '*', evidence: {}", "2027-01-01"),
        )
    )
    place(f"{OWN}settings:\n  keys: {{severity: high}}\nwaivers:\n{entries}", False)
    result = run("evaluate")
    assert result.code == 1
    assert result.err.splitlines()[-3:] == [
        "stillframe.yaml:6: waiver of keys expired on 2025-12-31: 1 failing finding in its scope",
        "stillframe.yaml:7: waiver of keys is unused: nothing fails in its scope",
        "stillframe.yaml:8: waiver of keys has drifted: 1 failing finding in its scope with other evidence",
    ]


def test_a_disabled_policy_is_named(run, place):
    place(OWN.replace("false", "true") + "settings:\n  keys: {enabled: false, reason: by hand}\n", False)
    for command in ("evaluate", "diff"):
        result = run(command, *(["snapshots"] * (2 if command == "diff" else 1)))
        assert "stillframe.yaml:4: keys is disabled: by hand" in result.err.splitlines()
    listed = run("policy", "list")
    assert "\nkeys " not in listed.out
    assert listed.err.startswith("stillframe.yaml:4: keys is disabled: by hand\n")


@pytest.mark.parametrize(
    ("old", "new", "text", "code"),
    [
        (True, False, OWN, 1),
        (True, False, WAIVER.replace("2026-01-31", "2026-03-01"), 0),
        (True, False, WAIVER, 1),  # it ended between the two
        (False, False, WAIVER, 1),
        (False, False, WAIVER.replace("2026-01-31", "2026-03-01"), 0),
        (False, DENIED, WAIVER, 4),
    ],
)
def test_diff_exits_as_documented(run, place, old, new, text, code):
    before, after = place(text, old), place(None, new, when=LATER)
    assert run("diff", before, after).code == code


def test_a_new_failure_that_is_waived_is_still_new(run, place):
    before, after = place(WAIVER.replace("01-31", "03-31"), True, False), place(None, False, False, when=LATER)
    result = run("diff", before, after, "-o", "d.jsonl")
    assert result.out.startswith("new        medium   keys  ")
    assert "accepted by me until 2026-03-31: sandbox" in result.out
    assert [(each["change"], each["after"], bool(each["waiver"])) for each in lines("d.jsonl")] == [
        ("new", "fail", True),
        ("persisting", "fail", True),
    ]
    assert [line.split() for line in result.err.splitlines()[1:]] == [
        ["Policy", "Population", "Failures", "Waived", "Unknown", "New", "Persisting"],
        ["keys", "2", "0", "1", "→", "2", "0", "1", "1"],
    ]


def test_every_command_about_policies_means_the_same_set_as_evaluate(run, place, monkeypatch, tmp_path):
    """Named by its file, a policy that ships is the same; where there is none, each command says so."""
    folder = Path(stillframe.__file__).parent / "policies/kms"
    path = write_snapshot(tmp_path / "some", {"AWS::KMS::Key": []})
    kms = {each.stem for each in folder.glob("*.yaml")}
    for given, more in ((("-p", folder, "--pack", "logging"), kms), (("--pack", "logging"), set())):
        listed = {line.split()[0] for line in run("policy", "list", *given).out.splitlines()[1:] if line[0] != " "}
        run("evaluate", path, *given, "--receipt", tmp_path / "r.json")
        receipt = json.loads((tmp_path / "r.json").read_text())
        assert listed == receipt["policies"].keys() | {*receipt["idle"]}
        assert more <= listed
        assert f"{len(listed)} policies: " in run("policy", "lint", *given).err
        assert run("policy", "test", *given).code == 0
    again = tmp_path / "again.yaml"
    again.write_text((folder / "kms-key-rotation.yaml").read_text().replace("title: ", "title: My ", 1))
    assert (
        "again.yaml:1:1: id 'kms-key-rotation' is already in policies/kms/"
        in run("policy", "list", "-p", again, "--pack", "logging").err
    )
    (tmp_path / "none.yaml").write_text("packs: []\n")
    assert "1:1: without a pack there are none" in run("policy", "list", "-c", tmp_path / "none.yaml").err
    off = tmp_path / "off.yaml"
    off.write_text("packs: [logging]\nsettings: {'*': {enabled: false, reason: r}}\n")
    nothing = run("policy", "list", "-c", off)
    assert (nothing.code, nothing.out, nothing.err.splitlines()[0]) == (3, "", "no policy is in force")
    monkeypatch.chdir(tmp_path / "some")
    assert "evaluate takes the pack logging" in run("policy", "list").err
    assert "evaluate takes" not in run("policy", "list", "--shipped").err


def test_policies_are_listed_as_they_are_in_force_and_shown_and_tested_as_written(run, place):
    place(OWN + "settings: {keys: {severity: critical, params: {days: 1}}}", True)
    assert run("policy", "list").out.splitlines()[1].split()[:2] == ["keys", "critical"]
    assert run("policy", "show", "keys").out == POLICY
    assert "1 of 1 " in run("policy", "test").err
    assert run("policy", "test", "keys").code == 0
    place(OWN + "settings: {keys: {enabled: false, reason: r}}", True, when=LATER)
    assert run("policy", "show", "keys").out == POLICY


# -------------------------------------------------------------------------------------------------- drafts

DRAFT = ["policy", "waive", "--owner", "me", "--reason", "old: 'keys'", "--expires", "2026-01-31"]


@pytest.mark.parametrize("bind", [[], ["--bind"]])
def test_a_draft_can_be_used_as_it_is(run, place, bind):
    place(OWN, True, False, False, DENIED)
    assert run("evaluate").code == 1
    drafted = run(*DRAFT, *bind)
    assert (drafted.code, drafted.err) == (0, "2 waivers drafted\n")
    assert drafted.out.count("evidence:") == (2 if bind else 0)
    Path("stillframe.yaml").write_text(OWN + drafted.out)
    assert run("evaluate").code == 4
    again = run(*DRAFT)
    assert (again.code, again.out, again.err) == (0, "", "0 waivers drafted\n")


def test_a_draft_may_be_of_one_policy_or_account(run, place):
    place(OWN.replace("false", "true"), False)
    both, one = run(*DRAFT).out, run(*DRAFT, "--policy", "keys").out
    assert both.count("- policy:") == 2
    assert one.count("- policy: keys\n") == one.count("- policy:") == 1
    assert run(*DRAFT, "--account", A, "snapshots").out == both


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--expires", "2025-12-31"], "2025-12-31 is before the snapshot, which is of 2026-01-01"),
        (["--expires", "31.01.2026"], "'31.01.2026' is not a day"),
        (["--owner", " "], "--owner is empty"),
        (["--reason", ""], "--reason is empty"),
        (["--policy", "kyes"], "unknown policy kyes; did you mean keys?"),
        (["--policy", "vpc-flow-logs"], "vpc-flow-logs is disabled in stillframe.yaml:3"),
        (["--account", "111122223334"], f"account 111122223334 is not in this snapshot; did you mean {A}?"),
        (["absent"], "absent: no such archive"),
        (["--set", "keys.day=1"], "has no parameter day"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(run, place, options, message):
    place(OWN.replace("false", "true") + "settings: {vpc-flow-logs: {enabled: false, reason: r}}", False)
    result = run(*DRAFT, *options)
    assert message in result.err
    assert (result.code, result.out) == (2, "")


@pytest.mark.parametrize("missing", ["--owner", "--reason", "--expires"])
def test_a_draft_needs_its_terms(run, place, missing):
    at = DRAFT.index(missing)
    result = run(*DRAFT[:at], *DRAFT[at + 2 :])
    assert (result.code, missing in result.err) == (2, True)


# ------------------------------------------------------------------------------------------------- receipts


def test_a_receipt_says_what_a_judgement_was_made_of(run, place):
    path = place(WAIVER + "settings: {keys: {severity: high, params: {days: 30}}}\n", True, False, DENIED)
    run("evaluate", "--receipt", "r.json", "-o", "f.jsonl")
    receipt = json.loads(Path("r.json").read_text())
    assert receipt["snapshot"]["manifest"] == sha256(path / "manifest.json")
    assert receipt["config"] == sha256("stillframe.yaml")
    assert receipt["findings"] == sha256("f.jsonl")
    assert receipt["policies"] == {
        "keys": {
            "sha256": sha256("keys.yaml"),
            "severity": "high",
            "params": {"days": 30},
            "counts": {"fail": 1, "unknown": 1, "error": 0, "pass": 1, "not_applicable": 0, "waived": 1},
        }
    }
    (waiver,) = receipt["waivers"]
    assert (waiver["policy"], waiver["account"], waiver["state"], waiver["findings"]) == ("keys", A, "applied", 1)
    assert receipt["disabled"] == {}


def test_a_receipt_has_the_digest_of_each_file_of_a_parameter(run, place):
    Path("days.json").write_text("30")
    place(OWN + "settings: {keys: {params: {days: {file: days.json}}}}\n", True)
    run("evaluate", "--receipt", "r.json")
    receipt = json.loads(Path("r.json").read_text())
    assert receipt["files"] == {"days.json": sha256("days.json")}
    assert receipt["policies"]["keys"]["params"] == {"days": 30}


def test_a_receipt_is_the_same_bytes_from_any_place(run, place, monkeypatch):
    place(WAIVER, True, False)
    run("evaluate", "--receipt", "one.json")
    monkeypatch.chdir("..")
    folder = next(path.parent for path in Path().glob("*/one.json"))
    run("evaluate", folder / "snapshots", "-c", folder / "stillframe.yaml", "--receipt", folder / "two.json")
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_a_receipt_names_what_was_not_asked_and_what_is_not_applied(run, place):
    text = OWN.replace("false", "true") + "settings: {vpc-flow-logs: {enabled: false, reason: by hand}}\n"
    evidence = "{n: 100000000000000000000, $missing: x}"
    waiver = f"waivers: [{{policy: keys, resource: '*', evidence: {evidence}, {TERMS}}}]\n"
    place(text + waiver, False)
    run("evaluate", "--receipt", "r.json")
    receipt = json.loads(Path("r.json").read_text())
    assert receipt["disabled"] == {"vpc-flow-logs": "by hand"}
    assert "vpc-flow-logs" not in receipt["policies"]
    assert receipt["idle"] == ["resource-region-allowed", "resource-tags-required"]  # until somebody sets what they ask
    assert "resource-tags-required" not in receipt["policies"]
    assert [(each["state"], each["findings"]) for each in receipt["waivers"]] == [("drifted", 0)]
    assert receipt["waivers"][0]["evidence"] == {"n": 10**20, "$missing": "x"}


def test_a_receipt_without_a_config_is_complete(run, place):
    place(None, False)
    run("evaluate", "-p", "keys.yaml", "--receipt", "r.json")
    receipt = json.loads(Path("r.json").read_text())
    assert (receipt["config"], receipt["waivers"]) == (None, [])
    assert run("evaluate", "--receipt", "absent/r.json").code == 2


def sha256(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize(("options", "name"), [([], "schema.json"), (["--config"], "config.schema.json")])
def test_the_schemas_are_printed(run, options, name):
    result = run("policy", "schema", *options)
    assert (result.code, json.loads(result.out)) == (0, schema(name))


def test_the_schema_that_is_printed_knows_one_policy_and_several(run):
    check = Draft202012Validator(json.loads(run("policy", "schema").out)).is_valid
    one = {"id": "a", "title": "A", "extends": "b", "x-a": 1}
    assert [check(each) for each in (one, {"policies": [one, one], "x-b": 2})] == [True, True]
    assert [check(each) for each in ({**one, "y": 1}, {"policies": [{"id": "a"}]}, {"policies": [one], **one})] == [
        False
    ] * 3
