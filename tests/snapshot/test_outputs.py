"""Nothing that a run reads is written over by it, whatever command it is of: refused before anything is evaluated."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from builders import TIME, write_snapshot

GIVEN = {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "IsDefault": True}]}
POLICY = """id: vpcs
title: No default VPC
severity: low
resource: AWS::EC2::VPC
assert: "!IsDefault"
message: It is the default
"""
CONFIG = "waivers: []\n"
FROM, TO = "archive/2026-01-01T00-00-00Z", "archive/2026-01-02T00-00-00Z"
COMMANDS = {
    "evaluate": ("evaluate", TO, "-p", "p", "--baseline", "baseline.jsonl"),
    "evaluate --receipt": ("evaluate", "archive", "-p", "p", "--baseline", "baseline.jsonl"),
    "diff": ("diff", FROM, TO, "-p", "p"),
    "drift": ("drift", FROM, TO),
    "trend": ("trend", "archive", "-p", "p"),
    "trend --series": ("trend", "archive", "-p", "p"),
    "backtest": ("backtest", "archive", "-p", "p"),
    "nightly": ("nightly", "archive", "-p", "p"),
    "nightly --changes": ("nightly", "archive", "-p", "p"),
    "import recorded --script": ("import", "recorded", "recorded", "--into", "archive"),
    "remediate": ("remediate", "archive", "-p", "p"),
    "remediate --plan": ("remediate", "archive", "-p", "p", "--plan"),
}
OPTION = {
    "evaluate --receipt": "--receipt",
    "import recorded --script": "--script",
    "nightly --changes": "--changes",
    "trend --series": "--series",
}
ONLY = {"drift": ("archive",), "import recorded --script": ("archive", "stillframe")}  # what else reads no policies
# They write to files of any name.
ANY_NAME = ("evaluate", "evaluate --receipt", "diff", "remediate --plan", "import recorded --script")
READ = (
    *("stillframe.yaml", "p/vpcs.yaml", "baseline.jsonl", "same.jsonl"),
    *(f"{TO}/manifest.json", f"{TO}/111122223333/account.json", f"{TO}/111122223333/AWS.EC2.VPC.jsonl"),
    *(f"{TO}/new.jsonl", f"{FROM}/new.jsonl"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    for days in (0, 1):
        write_snapshot(folder / "archive", GIVEN, TIME + timedelta(days=days))
    (folder / "p").mkdir()
    (folder / "p/vpcs.yaml").write_text(POLICY)
    (folder / "stillframe.yaml").write_text(CONFIG)
    (folder / "baseline.jsonl").write_text("")
    os.link(folder / "p/vpcs.yaml", folder / "same.jsonl")
    (folder / "linked").symlink_to("archive")
    return folder


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("target", READ)
def test_no_command_writes_over_what_it_reads(place, run, monkeypatch, command, target):
    monkeypatch.chdir(place)
    if not target.startswith(ONLY.get(command, "")):
        pytest.skip("it reads no policies")
    if target == "baseline.jsonl" and not command.startswith("evaluate"):
        pytest.skip("it reads no baseline")
    before = bytes_of(place)
    form = ("--format", "jsonl") if command in ("evaluate", "diff") else ()
    result = run(*COMMANDS[command], OPTION.get(command, "-o"), target, *form)
    assert bytes_of(place) == before
    if target.endswith(".yaml") and command not in ANY_NAME:
        assert (result.code, "no format" in result.err) == (2, True)  # refused for what it is called
        return
    assert result.code == 2
    assert f"{target}: " in result.err
    assert "to write" in result.err
    assert "evaluating" not in result.err


def test_what_is_linked_to_and_what_is_beside_a_snapshot_of_an_archive_is_not_written_over(place, run, monkeypatch):
    monkeypatch.chdir(place)
    Path("archive/objects").mkdir()  # where there is no folder, that is what is said
    before = bytes_of(place)
    for snapshot, target in (
        (TO, "archive/objects/new.jsonl"),
        ("archive", "linked/new.jsonl"),
        ("linked", f"{FROM}/new.csv"),
    ):
        result = run("evaluate", snapshot, "-p", "p", "-o", target)
        assert (result.code, "which is read" in result.err) == (2, True)
    assert bytes_of(place) == before


def test_policies_that_ship_are_not_written_over(place, run, monkeypatch):
    from stillframe.snapshot.files import packaged

    monkeypatch.chdir(place)
    target = packaged("policies", "kms", "kms-key-policy-not-open.yaml")
    before = target.read_bytes()
    assert run("remediate", "archive", "--plan", "-o", target).code == 2
    assert target.read_bytes() == before


def test_what_was_written_may_be_read_and_written_again(place, run, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    findings, other = tmp_path / "findings.jsonl", tmp_path / "other.jsonl"
    for _ in range(2):
        assert run("evaluate", TO, "-p", "p", "-o", findings).code == 1
        assert run("evaluate", TO, "-p", "p", "--baseline", findings, "-o", other).code == 0
    assert run("evaluate", TO, "-p", "p", "-o", "archive.jsonl", "-o", "objects.jsonl").code == 1
    for name in ("archive.jsonl", "objects.jsonl"):
        (place / name).unlink()
