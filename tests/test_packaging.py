"""The wheel: exactly the package, and it works where nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from stillframe.engine.authoring.library import start_library
from stillframe.engine.loading.ruleset import load_rules

ROOT = Path(__file__).parent.parent
IGNORED = shutil.ignore_patterns(".*", "build", "dist", "demo", "snapshots", "tests", "__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a clean copy: what lies about in a checkout must not matter."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=IGNORED)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, folder / "source"],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_exactly_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = [
        path for kind in ("*.py", "engine/**/*.py", "snapshot/**/*.py", "policies/*.py") for path in ROOT.glob(kind)
    ]
    kinds = (
        "snapshot/kinds.json",
        "snapshot/*.yaml",
        "snapshot/collector/*.yaml",
        "snapshot/catalog/*.yaml",
        "snapshot/schemas/*.json",
        "policies/*/*.yaml",
        "policies/*.json",
        "py.typed",
        "engine/reports/web/*",
    )
    expected = [*modules, *(path for kind in kinds for path in ROOT.glob(kind))]
    assert found == {f"stillframe/{path.relative_to(ROOT)}" for path in expected}


def test_the_wheel_of_a_library_is_installed_and_named(tmp_path, monkeypatch):
    start_library("acme-policies", tmp_path / "source")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, tmp_path / "source"]
    subprocess.run(build, check=True, capture_output=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--target",
        tmp_path / "in",
    ]
    subprocess.run([*pip, next(tmp_path.glob("*.whl"))], check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(tmp_path / "in"))
    (tmp_path / "stillframe.yaml").write_text('policies: ["python:acme-policies"]\nshipped: false\n')
    rules = load_rules(tmp_path / "stillframe.yaml")
    assert [policy.id for policy in rules.policies] == ["acme-policies-volume-encrypted"]


def test_the_installed_wheel_judges_without_extras(wheel, tmp_path):
    venv.create(tmp_path / "venv")
    into = ["--python", tmp_path / "venv" / "bin" / "python"]  # by the pip that is there: to install one takes seconds
    pip = [sys.executable, "-m", "pip", *into, "install", "--quiet", "--no-compile", wheel]
    subprocess.run(pip, check=True, capture_output=True)
    command = [tmp_path / "venv" / "bin" / "stillframe"]
    listed = subprocess.run([*command, "policy", "test"], capture_output=True, text=True, cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "examples as expected" in listed.stderr
    demo = subprocess.run([*command, "demo"], capture_output=True, text=True, cwd=tmp_path)
    assert (demo.returncode, "the demo needs moto" in demo.stderr) == (3, True)
