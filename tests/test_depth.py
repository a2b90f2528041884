"""Depth has one limit, whatever is asked of a snapshot: at the limit all is well, and beyond it one message says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.reports.formats import FORMATS
from stillframe.snapshot.format import TOO_DEEP, digest

ACCOUNT, KEY = "111122223333", "AWS::KMS::Key"
POLICY = """
id: flat
title: The policy is flat
severity: low
description: None.
resource: AWS::KMS::Key
assert: contains(to_string(Policy), 'DEEP')
message: It is {{ Policy }}
effort: small
remediation: {text: Flatten it.}
"""
LEFT = 98  # levels that a line and its config leave
DEPTHS = {"at the limit": LEFT, "one beyond": LEFT + 1, "far beyond": 5_000}
TELL = {"evaluate", "query", "explain", "verify"}  # of these each says why, beyond it
# What is run → its exit codes at the limit and beyond it.
COMMANDS = {
    ("evaluate", "NEW", "-p", "POLICY", "--no-cache"): (1, 4),
    ("evaluate", "NEW", "-p", "POLICY", "--exact"): (1, 4),
    ("evaluate", "NEW", "-p", "POLICY", "--baseline", "OLD"): (1, 4),
    ("diff", "OLD", "NEW", "-p", "POLICY", "--no-cache"): (1, 4),
    ("diff", "NEW", "NEW", "-p", "POLICY"): (0, 4),
    ("drift", "OLD", "NEW"): (0, 0),
    ("trend", "ARCHIVE", "-p", "POLICY"): (0, 0),
    ("remediate", "NEW", "-p", "POLICY"): (0, 0),
    ("snapshot", "show", "NEW"): (0, 0),
    ("snapshot", "verify", "NEW"): (0, 2),
    ("query", "NEW", KEY, "Policy"): (0, 0),
    ("query", "NEW", KEY, "Policy", "--json"): (0, 0),
    ("query", "NEW", KEY, "@"): (0, 0),
    ("policy", "explain", "NEW", "flat", "k", "-p", "POLICY"): (0, 0),
    ("policy", "test", "flat", "-p", "POLICY", "--record", "NEW", "k"): (0, 0),
    ("policy", "waive", "NEW", "-p", "POLICY", "--owner", "me", "--reason", "so", "--expires", "2026-06-01"): (0, 0),
}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """An archive with a key whose policy is flat, and then one whose policy is DEEP; and a policy that looks at it."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    for name in ("old", "new"):
        write_snapshot(tmp_path / name, {KEY: [{"KeyId": "k", "KeyArn": "k", "Policy": ["DEEP"]}]})
    return tmp_path


def deepen(snapshot: Path, levels: int) -> Path:
    """Nest the policy of the key so deep, as somebody would who knows how to change the digests, too."""
    file, index = (snapshot / ACCOUNT / name for name in ("AWS-KMS-Key.jsonl", "account.json"))
    file.write_text(file.read_text().replace('["DEEP"]', "[" * levels + "7" + "]" * levels))
    before = json.loads(index.read_text())["types"][KEY]["sha256"]
    text = index.read_text()
    index.write_text(text.replace(before, digest(file.read_bytes())))
    manifest = snapshot / "manifest.json"
    manifest.write_text(manifest.read_text().replace(digest(text.encode()), digest(index.read_bytes())))
    return snapshot


def filled(command: tuple[str, ...], given: Path, depth: int) -> list[str]:
    (old,), (new,) = ([*(given / name).glob("2*")] for name in ("old", "new"))
    deepen(new, depth)
    places = {"OLD": old, "NEW": new, "POLICY": given / "policy.yaml", "ARCHIVE": given / "new"}
    return [str(places.get(each, each)) for each in command]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_meets_the_limit(run, given, command, depth):
    found = run(*filled(command, given, DEPTHS[depth]))
    at, beyond = COMMANDS[command]
    assert found.code == (at if depth == "at the limit" else beyond), found.out + found.err
    told = " ".join((found.out + found.err).split()).count(TOO_DEEP)
    assert told == 0 if depth == "at the limit" else told >= 1 or TELL.isdisjoint(command)


REPORTS = [("diff", each) for each in FORMATS if not each.startswith("controls") and not FORMATS[each].annex]
REPORTS += [("evaluate", each) for each in ("print", *(form for _, form in REPORTS))]  # `controls` hold no values


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("command", "form"), REPORTS)
def test_each_report_meets_the_limit(run, given, command, form, depth):
    sides = ("NEW",) if command == "evaluate" else ("OLD", "NEW")
    out = given / "out"
    asked = filled((command, *sides, "-p", "POLICY", "--format", form, "-o", str(out)), given, DEPTHS[depth])
    found = run(*asked)
    assert found.code == (1 if depth == "at the limit" else 4), found.out + found.err
    assert out.exists()
