"""Typical mistakes at the command line: each is an error that says what, where and what was meant, and none a pass."""

from __future__ import annotations

import csv

import pytest
from builders import TIME, write_snapshot
from msgspec.structs import replace
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.model import Unknown

PAYMENTS, WEBSITE = "111122223333", "444455556666"
LATER = TIME.replace(month=2)
KEYS = """
id: keys-rotate
title: Keys are rotated
severity: high
frameworks: {cis-aws-5.0.0: ["3.6"]}
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
"""


def key(account: str, number: int, *, rotated: bool) -> dict:
    arn = f"arn:aws:kms:us-east-1:{account}:key/key-{number}"
    rotation = {"KeyRotationEnabled": rotated}
    return {"$account": account, "KeyId": f"key-{number}", "KeyArn": arn, "Rotation": rotation}


def account(identity: str, *units: str, known: bool = True) -> dict:
    above = [{"Id": f"ou-{name.lower()}", "Name": name} for name in units]
    found = above if known else {"$missing": "AccessDenied: organizations:ListRoots"}
    return {"$account": identity, "$region": "global", "$id": identity, "Id": identity, "OrganizationalUnits": found}


def organisation(*, rotated: bool = True):
    given = {
        "AWS::KMS::Key": [key(PAYMENTS, 1, rotated=rotated), key(WEBSITE, 2, rotated=False)],
        "AWS::Account": [account(PAYMENTS, "Root", "Workloads"), account(WEBSITE, "Root", "Sandbox")],
    }
    snapshot = fixture(given)
    names = {PAYMENTS: "payments", WEBSITE: "website"}
    opened = snapshot.account
    return replace(snapshot, account=lambda identity: replace(opened(identity), name=names[identity]))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory):
    """Two snapshots, beside them an unfinished one, policies, and things that are something else."""
    folder = tmp_path_factory.mktemp("mistakes")
    for when, rotated in ((TIME, True), (LATER, False)):
        write_snapshot(folder / "snapshots", organisation(rotated=rotated), when)
    (folder / "unfinished/2026-03-01T00-00-00Z").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("no findings\n")
    (folder / "keys.yaml").write_text(KEYS)
    (folder / "typo.yaml").write_text(KEYS.replace("assert: Rotation", "asert: Rotation"))
    return folder


OLD, NEW = "snapshots/2026-01-01T00-00-00Z", "snapshots/2026-02-01T00-00-00Z"
BY = "-p keys.yaml"
MISTAKES = {
    "an archive that is not there": ("evaluate snapshot", "snapshot: no such archive"),
    "a folder that is no archive": ("evaluate empty", "no finished snapshot here"),
    "the folder of an archive": ("evaluate .", "`snapshots` is an archive: name that"),
    "a file for an archive": ("evaluate notes.txt", "notes.txt: not a folder"),
    "an unfinished snapshot": (
        "evaluate unfinished/2026-03-01T00-00-00Z",
        "complete it with `stillframe collect --resume --into unfinished`",
    ),
    "an archive of an unfinished snapshot": (
        "evaluate unfinished",
        "no finished snapshot here, but 2026-03-01T00-00-00Z, unfinished",
    ),
    "a policy that is not there": ("evaluate snapshots -p nope.yaml", "nope.yaml: cannot be read"),
    "a policy file without its option": ("policy lint keys.yaml", "policy files are named by -p: -p keys.yaml"),
    "a policy file beside a snapshot": ("evaluate snapshots keys.yaml", "policy files are named by -p: -p keys.yaml"),
    "a policy file for a snapshot": ("evaluate keys.yaml", "policy files are named by -p"),
    "a policy that ships, and is not evaluated": (
        "policy explain snapshots s3-bucket-block-public-access logs",
        "`--shipped` takes what ships",
    ),
    "a type of one's own without its file": ("resource test AWS::Foo::Bar", "--catalogue PATH"),
    "a service that boto3 does not know": ("resource new nope ListThings", "write it as boto3 has it, such as s3"),
    "a call that a service does not have": ("resource new s3 ListThings", "s3 has no call ListThings"),
    "a folder without policies": ("evaluate snapshots -p empty", "empty: no policies"),
    "a misspelt key of a policy": ("evaluate snapshots -p typo.yaml", "unknown key 'asert'; did you mean assert?"),
    "a pack of another version": ("evaluate snapshots --pack cis-aws-5.0", "did you mean cis-aws-5.0.0?"),
    "a report of an unknown format": (f"evaluate snapshots {BY} -o findings.xlsx", "no format is known for .xlsx"),
    "a format that does not exist": (f"evaluate snapshots {BY} --format jsonlines", "did you mean jsonl?"),
    "a report in no folder": (f"evaluate snapshots {BY} -o absent/findings.csv", "name a file in a folder that exists"),
    "the snapshot as its own baseline": (f"evaluate snapshots {BY} --baseline {NEW}", "nothing could be new"),
    "a baseline that is not there": (f"evaluate snapshots {BY} --baseline before.jsonl", "before.jsonl: no such"),
    "a baseline that has no findings": (f"evaluate snapshots {BY} --baseline notes.txt", "notes.txt:1: no finding"),
    "a later baseline": (f"evaluate {OLD} {BY} --baseline {NEW}", "is later than"),
    "old and new reversed": (f"diff {NEW} {OLD} {BY}", "name the earlier snapshot first"),
    "only one snapshot to compare": (f"diff snapshots {BY}", "or say --previous"),
    "an account that is not there": (
        f"evaluate snapshots {BY} --only account=111122223334",
        f"there is no such account here; did you mean {PAYMENTS}?",
    ),
    "an account by a wrong name": (f"evaluate snapshots {BY} --only account=paiments", "did you mean payments?"),
    "a misspelt unit": (f"evaluate snapshots {BY} --except unit=Root/Sandbx", "did you mean Root/Sandbox?"),
    "a misspelt region": (f"evaluate snapshots {BY} --only region=us-esat-1", "did you mean us-east-1?"),
    "a misspelt type": (f"evaluate snapshots {BY} --only type=AWS::KMS::Keys", "did you mean AWS::KMS::Key?"),
    "a control that is not asked": (
        f"evaluate snapshots {BY} --only control=3.66",
        "no such control here; did you mean 3.6?",
    ),
    "a framework that is not answered": (
        f"evaluate snapshots {BY} --only framework=cis",
        "there is no such framework here",
    ),
    "a misspelt policy": (f"evaluate snapshots {BY} --only policy=key-rotate", "did you mean keys-rotate?"),
    "a misspelt severity": (f"evaluate snapshots {BY} --fail-on hihg", "did you mean high?"),
    "a misspelt status": (f"evaluate snapshots {BY} --status failed -o f.jsonl", "did you mean fail?"),
    "a misspelt command": ("evalute snapshots", "Did you mean 'evaluate'?"),
    "a misspelt option": ("evaluate snapshots --polices keys.yaml", "--policies"),
    "a region of collect": ("collect --regions us-esat-1", "did you mean us-east-1?"),
    "a night with a wrong rule": ("nightly snapshots --keep forever", "is no rule"),
    "a wrong format of a log": ("collect --log-format jsn", "did you mean json?"),
}


@pytest.mark.parametrize(("words", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_an_error_that_says_what_was_meant(run, archive, monkeypatch, words, said):
    monkeypatch.chdir(archive)
    found = run(*words.split())
    assert said in " ".join(found.err.replace("│", " ").split())
    assert (found.code, found.out) == (2, "")
    assert "Traceback" not in found.err


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("--only account=payments", {"key-1"}),
        ("--only account=pay*,web*", {"key-1", "key-2"}),
        (f"--except account={PAYMENTS}", {"key-2"}),
        ("--only unit=Workloads", {"key-1"}),
        ("--only unit=Root/Sandbox", {"key-2"}),
        ("--only unit=ou-root", {"key-1", "key-2"}),
        ("--except unit=Root/W*", {"key-2"}),
        ("--only control=3.6", {"key-1", "key-2"}),
        ("--only control=cis-aws-5.0.0/3.*", {"key-1", "key-2"}),
        ("--only region=us-*", {"key-1", "key-2"}),
        ("--only type=AWS::KMS::*", {"key-1", "key-2"}),
    ],
)
@pytest.mark.parametrize("path", [[], ["--exact"]])
def test_what_is_meant_is_chosen(run, archive, monkeypatch, tmp_path, words, keys, path):
    monkeypatch.chdir(archive)
    run("evaluate", "snapshots", "-p", "keys.yaml", *words.split(), *path, "-o", tmp_path / "f.csv", "--status", "fail")
    rows = (tmp_path / "f.csv").read_text().splitlines()[1:]
    assert {name for name in ("key-1", "key-2") if any(name in row for row in rows)} == keys


def test_an_account_whose_units_are_unknown_may_be_in_any(run, tmp_path):
    given = {"AWS::KMS::Key": [key(PAYMENTS, 1, rotated=False)], "AWS::Account": [account(PAYMENTS, known=False)]}
    path = write_snapshot(tmp_path / "s", given)
    (tmp_path / "keys.yaml").write_text(KEYS)
    assert run("evaluate", path, "-p", tmp_path / "keys.yaml", "--only", "unit=Sandbox").code == 1


def test_a_gap_of_a_whole_account_may_be_in_any_region(run, tmp_path):
    snapshot = fixture({"AWS::KMS::Key": []})
    opened = snapshot.account
    gone = replace(
        snapshot, account=lambda name: replace(opened(name), regions=Unknown.because("AccessDenied"), coverage={})
    )
    path = write_snapshot(tmp_path / "s", gone)
    (tmp_path / "keys.yaml").write_text(KEYS)
    found = run("evaluate", path, "-p", tmp_path / "keys.yaml", "--only", "region=eu-west-1")
    assert (found.code, "was not collected" in found.out) == (4, True), found


def test_a_policy_without_examples_is_told_where_they_stand(run, archive, monkeypatch):
    monkeypatch.chdir(archive)
    found = run("policy", "test", "-p", "keys.yaml")
    assert (found.code, found.err) == (3, "0 of 0 examples as expected: a policy has its examples in `tests`\n")


def test_an_example_that_fails_by_a_misspelt_field_names_it(run, archive, monkeypatch, tmp_path):
    monkeypatch.chdir(archive)
    given = "{AWS::KMS::Key: [{KeyId: a, KeyArn: a, Rotation: {KeyRotationEnabled: true}}]}"
    example = f"tests:\n  - {{name: on, given: {given}, expect: pass}}\n"
    (tmp_path / "keys.yaml").write_text(KEYS.replace("assert: Rotation", "assert: Rotatoin") + example)
    found = run("policy", "test", "-p", tmp_path / "keys.yaml")
    assert found.code == 1
    assert "keys-rotate: nobody knows a field Rotatoin of AWS::KMS::Key; did you mean Rotation?\n" in found.out


def test_what_is_informational_stands_apart_from_its_policy(run, archive, monkeypatch, tmp_path):
    monkeypatch.chdir(archive)
    (tmp_path / "keys.yaml").write_text(KEYS.replace("severity: high", "severity: informational"))
    assert "fail       informational keys-rotate  " in run("evaluate", NEW, "-p", tmp_path / "keys.yaml").out


def test_a_row_of_findings_says_what_it_answers(run, archive, monkeypatch, tmp_path):
    monkeypatch.chdir(archive)
    run("evaluate", "snapshots", "-p", "keys.yaml", "-o", tmp_path / "f.csv")
    run("evaluate", "snapshots", "--pack", "cis-aws-5.0.0", "-o", tmp_path / "p.csv", "-o", tmp_path / "c.controls.csv")
    with (tmp_path / "f.csv").open(newline="") as file:
        [row, _] = csv.DictReader(file)
    assert (row["title"], row["frameworks"], row["controls"]) == (
        "Keys are rotated",
        "cis-aws-5.0.0",
        "cis-aws-5.0.0 3.6",
    )
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["policy"] == "kms-key-rotation"]
    assert {row["sections"] for row in rows} == {"3 Logging"}
    with (tmp_path / "c.controls.csv").open(newline="") as file:
        controls = {row["control"]: row for row in csv.DictReader(file)}
    assert len(controls) > 60
    assert all(row["title"] and row["status"] for row in controls.values())
    [rotation] = [row for row in controls.values() if row["policies"] == "kms-key-rotation"]
    assert "key-2" in rotation["evidence"]
    assert rotation["status"] in ("fail", "unknown")


@pytest.mark.parametrize(
    "command",
    [
        ("query", "snapshots/2026-01-01T00-00-00Z", "AWS::KMS::Key", "KeyId"),
        ("resource", "list"),
        ("resource", "show", "AWS::KMS::Key"),
        ("policy", "new", "mine", "--resource", "AWS::KMS::Key"),
        ("import", "recorded", ".", "--into", "new"),
    ],
    ids=" ".join,
)
def test_a_command_that_takes_types_alone_of_a_config_says_what_is_wrong_with_them(run, archive, monkeypatch, command):
    monkeypatch.chdir(archive)
    (archive / "types.yaml").write_text("catalogue: [typs]\n")
    for config, fault in (("nope.yaml", "nope.yaml: cannot be read"), ("types.yaml", "types.yaml:1:13: typs: no such")):
        done = run(*command, "-c", config)
        assert (done.code, fault in done.err) == (2, True), done.err
