"""A composite action's steps, as GitHub's runner runs them: each `run` by bash, with what the expressions stand for."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

Done = subprocess.CompletedProcess[str]


def steps(action: Path, given: Mapping[str, str], folder: Path, environment: Mapping[str, str]) -> Iterator[Done]:
    """Run the steps in a folder, one after the other, until one fails; beside it is what they write for the runner."""
    said = yaml.safe_load(action.read_text())
    inputs = {name: given.get(name, each.get("default", "")) for name, each in said["inputs"].items()}
    known = {"github.action_path": str(action.parent), **{f"inputs.{name}": each for name, each in inputs.items()}}
    folder.mkdir()
    files = {name: str(folder.parent / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for step in said["runs"]["steps"]:
        if "run" in step:
            named = {name: _filled(text, known) for name, text in step.get("env", {}).items()}
            script = folder.parent / "step.sh"
            script.write_text(_filled(step["run"], known))
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                cwd=folder,
                env={**os.environ, **environment, **files, **named},
                capture_output=True,
                text=True,
            )
            yield done
            if done.returncode:
                return


def _filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], text)
