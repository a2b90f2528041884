"""Libraries: made, built, installed and named as `python:NAME`, as by strangers; and every fault with what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.authoring.library import start_library
from stillframe.engine.errors import ConfigError, PolicyError
from stillframe.engine.loading.ruleset import load_rules
from stillframe.snapshot.errors import ArgumentError

NAME = "acme-policies"
VOLUMES = {"AWS::EC2::Volume": [{"VolumeId": f"vol-{each}", "Encrypted": each} for each in (True, False)]}
TYPES = """\
service: ivs
resources:
  AWS::IVS::Channel:
    list: {call: ListChannels, items: channels}
    id: arn
    always: [arn]
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """The repository of a library, whose code must never be run."""
    folder = tmp_path_factory.mktemp("library") / NAME
    start_library(NAME, folder)
    (folder / "acme_policies/__init__.py").write_text("raise RuntimeError('this was run')\n")
    (folder / "acme_policies/types").mkdir()
    (folder / "acme_policies/types/media.yaml").write_text(TYPES)
    return folder


@pytest.fixture(scope="module")
def installed(library, tmp_path_factory) -> Path:
    """A folder into which it is installed, by what every Python has; tests/test_packaging.py has its wheel."""
    into = tmp_path_factory.mktemp("installed")
    commands = ["install_lib", "--no-compile", "-d", str(into), "install_egg_info", "-d", str(into)]
    setup = [sys.executable, "-c", "from setuptools import setup; setup()", "--quiet", *commands]
    subprocess.run(setup, cwd=library, check=True, capture_output=True)
    return into


@pytest.fixture
def place(installed, tmp_path, monkeypatch):
    """The current folder, where the library is installed for; `place(text)` writes its stillframe.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(installed))

    def write(text: str) -> Path:
        path = tmp_path / "stillframe.yaml"
        path.write_text(text)
        return path

    yield write
    assert "acme_policies" not in sys.modules


def test_a_new_library_passes_its_own_tests(library, run, monkeypatch):
    monkeypatch.chdir(library)
    for command in (("policy", "test", "--coverage", "--mutate"), ("policy", "lint")):
        assert run(*command).code == 0
    assert run("evaluate", write_snapshot(library / "snapshots", VOLUMES)).code == 1
    lock = (library / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lock if not line.startswith("#")]
    assert {"msgspec", "jmespath"} <= {line.partition("==")[0] for line in pinned}
    assert all(line.partition("==")[2] for line in pinned)


def test_a_new_library_installs_nothing_by_a_name_that_may_be_a_strangers(library):
    """An index may have another `stillframe` or `acme-policies`."""
    assert not re.search(r"(?m)^stillframe\b", (library / "requirements.lock").read_text())
    texts = [path.read_text() for path in (library / "README.md", library / ".github/workflows/test.yml")]
    installed = [word for text in texts for line in re.findall("pip install (.*)", text) for word in line.split()]
    assert installed
    assert {"-r", "requirements.lock", f"./{NAME}"} >= {*installed}


def test_an_installed_library_is_evaluated_by_its_name(place, run):
    write_snapshot(Path("snapshots"), VOLUMES)
    place(f'policies: ["python:{NAME}"]\nshipped: false\n')
    assert [policy.id for policy in load_rules(Path("stillframe.yaml")).policies] == [f"{NAME}-volume-encrypted"]
    found = run("evaluate")
    assert (found.code, "Volume vol-False is not encrypted" in found.out) == (1, True), found


@pytest.mark.parametrize("packs", [f"python:{NAME}", f"python:{NAME}/{NAME}-1", f"python:{NAME}/{NAME}-1.yaml"])
def test_so_are_its_packs(place, packs):
    rules = load_rules(place(f'policies: ["python:{NAME}"]\npacks: ["{packs}"]\n'))
    assert [pack.name for pack in rules.packs] == [f"{NAME}-1"]


def test_so_are_its_resource_types(place, run):
    place(f'catalogue: ["python:{NAME}"]\n')
    assert "AWS::IVS::Channel" in run("resource", "list").out


def test_a_policy_of_one_s_own_extends_one_of_a_library(place, tmp_path):
    (tmp_path / "own.yaml").write_text(f"id: own\ntitle: t\nextends: {NAME}-volume-encrypted\nseverity: high\n")
    rules = load_rules(place(f'policies: [own.yaml, "python:{NAME}"]\nshipped: false\n'))
    assert {policy.id: policy.severity.value for policy in rules.policies} == {
        "own": "high",
        f"{NAME}-volume-encrypted": "medium",
    }


def test_an_id_of_a_library_and_of_one_s_own_is_an_error_with_both_places(place, installed, tmp_path):
    inside = installed / f"acme_policies/policies/{NAME}-volume-encrypted.yaml"
    shutil.copy(inside, tmp_path / "own.yaml")
    with pytest.raises(PolicyError, match="is already in") as caught:
        load_rules(place(f'policies: [own.yaml, "python:{NAME}"]\nshipped: false\n'))
    assert str(inside) in str(caught.value)
    assert str(tmp_path / "own.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'policies: ["python:acme-policy"]',
            "1:12: no library acme-policy is installed beside stillframe; did you",
        ),
        (f'policies: ["python:{NAME}/gone"]', f"1:12: the library {NAME} has no policies/gone"),
        (f'packs: ["python:{NAME}/acme"]', f"1:9: the library {NAME} has no packs/acme"),
        (f'policies: ["python:{NAME}/../../stillframe.yaml"]', "1:12: it leads out of"),
        (f'catalogue: ["python:{NAME}/none.yaml"]', f"1:13: the library {NAME} has no types/none.yaml"),
        ('policies: ["python:"]', "1:12: no library  is installed"),
    ],
)
def test_a_fault_says_where_and_what_instead(place, text, said):
    with pytest.raises(ConfigError) as caught:
        load_rules(place(text + "\n"))
    assert f"stillframe.yaml:{said}" in str(caught.value)


def test_two_packages_of_one_name_are_an_error_that_names_both(place, installed, tmp_path, monkeypatch):
    (there,) = installed.glob("*.egg-info")
    other = tmp_path / "more" / "other_policies-1.0.egg-info"
    shutil.copytree(there, other)
    metadata = (there / "PKG-INFO").read_text()
    (other / "PKG-INFO").write_text(metadata.replace("Name: acme-policies", "Name: other-policies"))
    (other / "entry_points.txt").write_text(f"[stillframe.policies]\n{NAME} = elsewhere\n")
    monkeypatch.syspath_prepend(str(tmp_path / "more"))
    with pytest.raises(ConfigError, match="two packages are the library acme-policies: acme-policies, other-policies"):
        load_rules(place(f'policies: ["python:{NAME}"]\n'))
    (other / "entry_points.txt").write_text("[stillframe.policies]\nbare = elsewhere\n")
    with pytest.raises(
        ConfigError, match="other-policies says that the library bare is the package elsewhere, which is"
    ):
        load_rules(place('policies: ["python:bare"]\n'))


def test_a_library_is_not_begun_where_something_is(library, tmp_path):
    with pytest.raises(ArgumentError, match="is there already"):
        start_library(NAME, library)
    for name in ("Acme", "a_b", "../a", "a--b", ""):
        with pytest.raises(ArgumentError, match="cannot be a library's name"):
            start_library(name, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["stillframe", "yaml", "class", "json"])
def test_a_new_library_is_not_called_as_python_calls_something(tmp_path, name):
    with pytest.raises(ArgumentError, match="cannot be a library's name: Python has"):
        start_library(name, tmp_path / name)
    assert not (tmp_path / name).exists()
