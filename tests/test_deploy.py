"""What deploys Stillframe allows what Stillframe needs: what the catalogue calls, no more and no less."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from deploying import DEPLOY, EACH, document, template
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.permissions import actions, policy

MOST = 6_144  # characters of a managed policy that are no spaces


def length(actions: list[str]) -> int:
    """What a policy of these takes of a managed policy's room."""
    return len(re.sub(r"\s", "", policy(actions)))


def test_the_templates_allow_what_is_needed():
    """`python tests/deploying.py` writes them anew."""
    text = (DEPLOY / "reader-role.yaml").read_text()
    assert text == template(text)
    assert (DEPLOY / "terraform/policy.json").read_text() == document()


def test_each_policy_has_room_for_its_actions():
    allowed = actions(load_catalog().values())
    parts = [allowed[start : start + EACH] for start in range(0, len(allowed), EACH)]
    assert max(map(length, parts)) < MOST
    assert len(parts) <= 10  # managed policies that a role may have
    assert f", {EACH})" in (DEPLOY / "terraform/main.tf").read_text()


def test_the_template_is_one_for_cloudformation():
    pytest.importorskip("cfnlint")
    lint = Path(sys.executable).parent / "cfn-lint"
    done = subprocess.run([lint, DEPLOY / "reader-role.yaml"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_action_runs_a_command_that_there_is(run):
    action = yaml.safe_load((DEPLOY / "action/action.yml").read_text())
    [script] = [step["run"] for step in action["runs"]["steps"] if "nightly" in step.get("run", "")]
    options = set(re.findall(r"(?<=\s)--?[a-z]+", script.partition("stillframe nightly")[2].partition(">")[0]))
    assert options == {"-o", "--changes"}
    assert options <= set(re.findall(r"--?[a-z]+", run("nightly", "--help").out))
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
