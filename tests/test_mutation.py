"""Mutation testing itself: the mistakes that it makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
HERE = Path(__file__).parent / "mutation"


@pytest.fixture
def mutants(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    from mutant import mutants

    return mutants


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("f(a == 1)", {"f(a != 1)", "f(a == 2)", "f(a == 0)", "pass"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = a and not b", {"x = a or not b", "x = a", "x = not b", "x = a and b"}),
        ("x = -a - 1", {"x = a - 1", "x = -a + 1", "x = -a - 2", "x = -a - 0"}),
        ("x = {a, b}", {"x = {a}", "x = {b}"}),
        ("x = {'a': b}", {"x = {}"}),
        ("x = [a for a in b if c]", {"x = [a for a in b]"}),
        ("x = any(min(a))", {"x = all(min(a))", "x = any(max(a))"}),
        ("x = sorted(a, key=b)", {"x = list(a)"}),
        ("x = Status.UNKNOWN", {"x = Status.PASS"}),
        ("x = Unknown.because(a)", {"x = None"}),
        ("if a:\n    x[0] = b", {"if not a:", "pass", "x[1] = b"}),
        ("while a:\n    continue", {"while not a:", "pass"}),
        ("def f() -> bool:\n    return a(b)", {"return not a(b)"}),
        ("def f() -> X | None:\n    return a", {"return None"}),
        ("def f() -> list[X]:\n    if True:\n        return a", {"if False:", "if not True:", "pass", "return []"}),
        ("def f():\n    yield a", {"yield from ()"}),
        ("try:\n    a = b\nexcept (C, D):\n    raise", {"except (C,):", "except (D,):", "except ():", "pass"}),
        ("import a\nassert a\nXy = A | B\n'text'\n__all__ = ['a']\nx = f'{a == b}'", set()),
    ],
)
def test_each_mistake_is_made_once(tmp_path, mutants, source, wrong):
    (tmp_path / "m.py").write_text(source)
    found = list(mutants(tmp_path, "m.py"))
    assert {mutant.after for mutant in found} == wrong
    assert len({mutant.key for mutant in found}) == len(found)
    for mutant in found:
        assert mutant.code() != compile(source, str(tmp_path / "m.py"), "exec")


def test_a_mutant_that_nothing_notices_is_told_and_one_that_is_noticed_is_counted(tmp_path):
    """The whole way, on a package of two functions of which one is tested."""
    package = tmp_path / "stillframe"
    package.mkdir()
    (package / "__init__.py").write_text("def tested(a):\n    return a < 1\n\n\ndef other(a):\n    return a < 1\n")
    test = (
        "from stillframe import tested\n\n\ndef test_it():\n    assert [tested(0), tested(1), tested(2)] == [1, 0, 0]\n"
    )
    (package / "test_it.py").write_text(test)
    groups = {"all": {"modules": ["__init__.py"], "tests": ["test_it.py"]}}
    excuse = ["other", "return a < 1", "return a < 0", "a reason"]
    (tmp_path / "groups.yaml").write_text(yaml.safe_dump({"groups": groups, "excuses": {"__init__.py": [excuse]}}))
    command = [sys.executable, HERE, "--groups", tmp_path / "groups.yaml"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 1, result.stderr
    assert "__init__.py:6 other survived\n  - return a < 1\n  + return a <= 1\n" in result.stdout
    assert result.stdout.splitlines()[-2].split() == ["all", "8", "4", "0", "1", "3", "57.1%"]


def test_every_group_has_modules_tests_and_reasons():
    data = yaml.safe_load((HERE / "groups.yaml").read_text())
    for group in data["groups"].values():
        for pattern in (*group["modules"], *group["tests"]):
            assert list(ROOT.glob(pattern)), pattern
    for path, entries in data["excuses"].items():
        assert (ROOT / path).exists()
        for entry in entries:
            assert len(entry) == 4
            assert all(entry[1:])
