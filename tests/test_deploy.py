"""What deploys Stillframe allows what Stillframe needs: what the catalogue calls, no more and no less."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from actions import steps
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


SHIM = """#!/bin/sh
[ "$(basename "$0") $*" = "python -m pip install --quiet $SOURCE[s3,notify]" ] && exec echo installed
exec {python} -m stillframe "$@"
"""
KEYS = """
id: keys-rotate
title: Keys are rotated
severity: high
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
"""


def test_the_action_does_a_night_by_its_own_steps(aws_url, tmp_path):
    """Installing is left out here, as it needs a network; a night of one type is collected from the stand-in."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python", "stillframe"):
        (programs / name).write_text(SHIM.format(python=sys.executable))
        (programs / name).chmod(0o755)
    (tmp_path / "keys.yaml").write_text(KEYS)
    options = f"--types AWS::KMS::Key --regions us-east-1 -p ../keys.yaml --endpoint-url {aws_url}"
    options += " --deadline 1 --allow-unknown"
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    installed, done = steps(DEPLOY / "action/action.yml", {"options": options}, tmp_path / "work", environment)
    assert installed.stdout == "installed\n"
    assert (done.returncode, (tmp_path / "GITHUB_OUTPUT").read_text()) == (0, "code=0\n"), done.stderr
    assert "is the first: nothing is new" in done.stderr
    work = tmp_path / "work"
    assert {path.name for path in work.iterdir()} == NIGHT
    assert json.loads((work / "findings.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_bytes() == (work / "changes.md").read_bytes() != b""


NIGHT = {"archive", "findings.jsonl", "findings.sarif", "changes.md"}


def pattern_files(tmp_path: Path) -> dict[str, str]:
    """A program that prints its arguments, one a line, and a folder with files that a pattern would take."""
    (tmp_path / "stillframe").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "python").write_text("#!/bin/sh\ntouch AWS::S3::Bucket\n")
    for each in ("stillframe", "python"):
        (tmp_path / each).chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_a_star_of_the_options_is_not_the_shells(tmp_path):
    given = {"options": "--types AWS::S3::*"}
    *_, done = steps(DEPLOY / "action/action.yml", given, tmp_path / "work", pattern_files(tmp_path))
    assert "AWS::S3::*" in done.stdout.splitlines()


def kept(uses: list[dict[str, Any]]) -> list[tuple[str, bool, bool]]:
    """Which steps keep something, whether they do after a failure, and whether they are for a folder alone."""
    said = [(each["uses"].partition("@")[0], str(each.get("if", ""))) for each in uses]
    names = ("actions/cache", "actions/upload-artifact")
    return [(name, "always()" in when, "://" in when) for name, when in said if name.startswith(names)]


RESTORE, SAVE, UPLOAD = "actions/cache/restore", "actions/cache/save", "actions/upload-artifact"


def test_the_archive_is_kept_and_the_findings_are_uploaded_also_where_something_is_new():
    """`actions/cache` saves nothing where a step failed, and a night with something new ends with 1."""
    action = yaml.safe_load((DEPLOY / "action/action.yml").read_text())["runs"]["steps"]
    assert kept([each for each in action if "uses" in each]) == [
        (RESTORE, False, True),
        (SAVE, True, True),
        (UPLOAD, True, False),
    ]
    page = (DEPLOY.parent / "docs/ci.md").read_text()
    jobs = [yaml.safe_load(block) for block in re.findall(r"```text\n(n[^`]*?:\s[^`]*)```", page)]
    [github] = [each["jobs"]["evaluate"] for each in jobs if "evaluate" in each.get("jobs", ())]
    assert kept([each for each in github["steps"] if "uses" in each]) == [
        (RESTORE, False, False),
        (SAVE, True, False),
        (UPLOAD, True, False),
    ]
    [gitlab] = [each["nightly"] for each in jobs if "nightly" in each]
    assert gitlab["cache"]["when"] == "always"


def test_whether_there_is_an_external_id_is_no_secret():
    """Terraform refuses `for_each` over what a sensitive variable says."""
    text = (DEPLOY / "terraform/main.tf").read_text()
    assert re.findall("for_each = (.*external_id.*)", text) == ["nonsensitive(var.external_id == null) ? [] : [1]"]


def test_a_night_that_does_not_work_fails_the_action_and_says_the_code(tmp_path):
    shim = tmp_path / "stillframe"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m stillframe "$@"\n')
    shutil.copy(shim, tmp_path / "python")
    (tmp_path / "python").write_text("#!/bin/sh\n")
    for each in (shim, tmp_path / "python"):
        each.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    given = {"options": "--org --fail-on hihg"}
    *_, done = steps(DEPLOY / "action/action.yml", given, tmp_path / "work", environment)
    assert (done.returncode, (tmp_path / "GITHUB_OUTPUT").read_text()) == (2, "code=2\n")
    assert "did you mean high?" in done.stderr
    assert not (tmp_path / "GITHUB_STEP_SUMMARY").exists()


# --------------------------------------------------------------------------------------------- terraform

TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
with_terraform = pytest.mark.skipif(not TERRAFORM, reason="there is neither terraform nor tofu here")


def terraform(*arguments: str, folder: Path, text: str = "") -> str:
    alone = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"}
    done = subprocess.run([TERRAFORM, *arguments], cwd=folder, env=alone, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@with_terraform
def test_the_module_is_formatted_as_terraform_does():
    assert terraform("fmt", "-check", "-diff", folder=DEPLOY / "terraform") == ""


@with_terraform
def test_the_module_cuts_the_actions_into_policies_that_have_room(tmp_path):
    """Its own expressions, evaluated by terraform. The rest needs AWS's provider, which is not here."""
    text = (DEPLOY / "terraform/main.tf").read_text()
    [parts] = re.findall(r"^locals \{.*?^\}", text, re.DOTALL | re.MULTILINE)
    [body] = re.findall(r"policy = (jsonencode\(.*?^  \}\))", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "policy.json").write_text(document())
    each = body.replace("local.parts[count.index]", "part")
    (tmp_path / "main.tf").write_text(f'{parts}\noutput "made" {{ value = [for part in local.parts : {each}] }}\n')
    terraform("apply", "-auto-approve", "-input=false", folder=tmp_path)
    made = json.loads(terraform("output", "-json", folder=tmp_path))["made"]["value"]
    assert max(len(re.sub(r"\s", "", each)) for each in made) < MOST
    allowed = [action for each in made for action in json.loads(each)["Statement"][0]["Action"]]
    assert allowed == actions(load_catalog().values())
