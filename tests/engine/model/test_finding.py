"""What a finding has is said in one place: a field that is added there is in whatever shows findings."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.model.finding import FIELDS

ROOT = Path(__file__).parents[3]
HOME = "engine/model/finding.py"
# Formats have their own tables; and who reads only some fields of a line, or sums findings up, says which.
TABLES = {
    HOME,
    "engine/judging/evaluate.py",  # makes findings
    "engine/reports/columns.py",
    "engine/reports/audit.py",  # the columns of its annex
    "engine/remediation/actions.py",  # an action is no finding
    "engine/history/trend.py",
}
POLICY = """
id: named
title: It is named a
severity: low
resource: AWS::EC2::VPC
assert: VpcId == 'vpc-a'
"""
PIECES = {  # the field, after the severity; and its value, which all findings of a policy share
    "    severity: str\n    account: str\n": "    severity: str\n    exposure: str\n    account: str\n",
    "    severity: Severity\n    account: str\n": "    severity: Severity\n    exposure: str\n    account: str\n",
    '"severity": policy.severity}': '"severity": policy.severity, "exposure": policy.exposure}',
}


def named(node: ast.AST) -> set[str]:
    """The names that a table, a call or a class lists."""
    match node:
        case ast.Dict():
            listed = node.keys
        case ast.Tuple() | ast.List() | ast.Set():
            listed = node.elts
        case ast.Call():
            return {each.arg for each in node.keywords if each.arg}
        case ast.ClassDef():
            return {each.target.id for each in node.body if isinstance(each, ast.AnnAssign)}
        case _:
            return set()
    return {each.value for each in listed if isinstance(each, ast.Constant)}


def test_nobody_else_lists_the_fields_of_findings():
    some = {"policy", "account", "region", "type", "resource"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("engine/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if some <= named(node)
    }
    assert found <= TABLES


@pytest.fixture
def altered(tmp_path):
    """A copy of the program, in which findings have one more field."""
    package = tmp_path / "stillframe"
    for folder in ("engine", "snapshot", "policies"):
        shutil.copytree(ROOT / folder, package / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "__main__.py", "cli.py"):
        shutil.copy(ROOT / name, package)
    text = (package / HOME).read_text()
    for old, new in PIECES.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (package / HOME).write_text(text)

    def run(*words):
        command = [sys.executable, "-m", "stillframe", *map(str, words), "--no-cache"]
        done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr

    return run


def test_a_field_that_is_added_is_in_whatever_shows_findings(tmp_path, altered):
    (tmp_path / "policy.yaml").write_text(POLICY)
    vpcs = [[{"VpcId": f"vpc-{number}"} for number in (*range(600), *last)] for last in ("a", "bc")]
    old, new = (
        write_snapshot(tmp_path / name, {"AWS::EC2::VPC": given}) for name, given in zip("on", vpcs, strict=True)
    )
    by = ("-p", tmp_path / "policy.yaml")
    altered("evaluate", old, *by, "-o", "a.jsonl", "-o", "a.csv")
    altered("evaluate", old, *by, "-o", "b.jsonl", "--exact")
    altered("diff", old, new, *by, "-o", "c.jsonl")
    wanted = [*FIELDS[:3], "exposure", *FIELDS[3:]]
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert lines == (tmp_path / "b.jsonl").read_text().splitlines()
    assert len(lines) == 601
    assert all(list(json.loads(line)) == wanted for line in lines)
    header, *rows = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert header[: len(wanted)] == wanted
    assert {row[3] for row in rows} == {"internal"}
    differences = (tmp_path / "c.jsonl").read_text().splitlines()
    assert differences
    assert all(json.loads(line)["exposure"] == "internal" for line in differences)
