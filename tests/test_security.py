"""SECURITY.md keeps what it promises: each row names its test, and a hostile archive and policy touch nothing else."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stillframe
from builders import write_snapshot
from fuzz.watch import outside, watched

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
WATCHED = """
import json, sys
from fuzz.watch import watched
with watched() as seen:
    try:
        from stillframe.cli import main
        main()
    except SystemExit as stop:
        code = stop.code
print(json.dumps([code, seen]), file=sys.__stdout__)
"""
HOSTILE = """
id: hostile
title: A policy that wants more than it is told
severity: high
description: "{{ Name }}"
rationale: r
resource: AWS::KMS::Key
params: {file: {type: string, default: "../../../etc/passwd", description: d}}
assert: KeyId == $params.file || matches(KeyId, '^(a+)+$')
message: "{{ KeyId }} $(touch PWNED)"
remediation: {text: t, cli: "aws kms x --key-id {{ KeyId }}"}
references: ["https://127.0.0.1:9/x"]
"""


def test_each_test_that_the_page_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.replace("<br>", " "))
    assert len(named) > 20
    missing = [(path, name) for path, name in named if f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []


def test_a_hostile_archive_and_policy_touch_nothing_that_was_not_named(tmp_path):
    name = "../../../etc/passwd; $(touch PWNED)\x1b[31m"
    archive, policies = tmp_path / "archive", tmp_path / "policies"
    snapshot = write_snapshot(archive, {"AWS::KMS::Key": [{"KeyId": name, "KeyArn": "http://127.0.0.1:9/x"}]})
    (archive / ".cache").mkdir()
    (archive / ".cache" / "x.findings").write_bytes(b"forged")
    policies.mkdir()
    (policies / "hostile.yaml").write_text(HOSTILE)
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir()
    arguments = ["evaluate", snapshot, "--untrusted", "-p", policies, "-o", out / "a.jsonl", "-o", out / "b.asff"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=home.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")},
    )
    code, seen = json.loads(done.stdout.splitlines()[-1])
    assert code == 1, done.stderr
    ours = [Path(stillframe.__file__).parent.resolve(), Path(stillframe.__file__).parent, ROOT]
    python = [Path(sys.prefix), Path(sys.base_prefix), *map(Path, sysconfig.get_paths().values())]
    system = [Path("/etc/localtime"), Path("/usr/share/zoneinfo"), Path("/proc/self")]
    read = [snapshot, policies, *ours, *python, *system]
    assert outside(seen, [out, home], read) == set()
    assert not list(tmp_path.rglob("PWNED"))
    assert not any("forged" in path or ".cache" in path for _, path in seen)


OFFLINE = {
    "evaluate": ("evaluate", "NEW", "-o", "a.html", "-o", "a.asff", "-o", "a.sarif", "-o", "parts/"),
    "diff": ("diff", "OLD", "NEW", "-o", "d.html", "-o", "d.md"),
    "trend": ("trend", "ARCHIVE", "-o", "t.html", "-o", "t.jsonl"),
    "backtest": ("backtest", "ARCHIVE", "-p", "p.yaml", "--against", "p.yaml"),
    "remediate": ("remediate", "NEW", "--plan", "-o", "plan.sh"),
    "query": ("query", "NEW", "AWS::KMS::Key", "KeyId"),
    "policy explain": ("policy", "explain", "NEW", "hostile", "http://127.0.0.1:9/x", "-p", "p.yaml"),
    "snapshot verify": ("snapshot", "verify", "NEW"),
}


@pytest.mark.parametrize("command", OFFLINE)
def test_it_makes_no_socket_and_starts_no_process(run, tmp_path, monkeypatch, command):
    """Nor asks for the address of a name: by the events that Python itself reports."""
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(HOSTILE)
    key = {"KeyId": "a", "KeyArn": "http://127.0.0.1:9/x"}
    days = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    paths = [write_snapshot(Path("s"), {"AWS::KMS::Key": [key]}, day) for day in days]
    named = dict(zip(("OLD", "NEW", "ARCHIVE"), (*paths, "s"), strict=True))
    with watched() as seen:
        done = run(*(named.get(word, word) for word in OFFLINE[command]))
    assert done.code in (0, 1, 4), done.err
    assert {event for event, _ in seen} <= {"read", "write"}


def test_a_socket_would_be_seen():
    with watched() as seen:
        socket.socket().close()
    assert [event for event, _ in seen] == ["socket.__new__"]
