"""Tests in a file beside their policy, and whole test runs."""

from __future__ import annotations

import pytest
from stillframe.engine.errors import PolicyError
from stillframe.engine.loading import shipped
from stillframe.engine.loading.policies import load_policies

POLICY = """\
id: a-policy
title: It holds
severity: low
resource: AWS::EC2::VPC
params: {limit: {type: integer, default: 1, description: a limit}}
assert: "!IsDefault"
"""
INLINE = """\
tests:
  - {name: inline, given: {AWS::EC2::VPC: [{VpcId: a, IsDefault: true}]}, expect: fail}
"""
BESIDE = """\
tests:
  - {name: beside, given: {AWS::EC2::VPC: [{VpcId: a, IsDefault: false}]}, expect: pass}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p.yaml").write_text(POLICY + INLINE)
    (tmp_path / "p.test.yaml").write_text(BESIDE)
    return tmp_path


@pytest.mark.parametrize("what", ["p.yaml", "."])
def test_both_kinds_of_tests_belong_to_the_policy(folder, what, run):
    (policy,) = load_policies([folder / what], shipped=False)
    assert [test["name"] for test in policy.tests] == ["inline", "beside"]
    result = run("policy", "test", "-p", folder / what)
    assert (result.code, result.out, result.err) == (0, "", "2 of 2 examples as expected\n")


def test_shipped_tests_are_no_policies(folder, monkeypatch):
    (folder / "ec2").mkdir()
    for name in ("p.yaml", "p.test.yaml"):
        (folder / name).rename(folder / "ec2" / name)
    monkeypatch.setattr(shipped, "packaged", lambda _: folder)
    (policy,) = load_policies()
    assert [test["name"] for test in policy.tests] == ["inline", "beside"]
    (folder / "ec2" / "p.test.yaml").write_text("tests: 3")
    with pytest.raises(PolicyError, match=r"^policies/ec2/p\.test\.yaml:1:8: 3 is not"):
        load_policies()


def test_yml_has_its_own(tmp_path):
    (tmp_path / "p.yml").write_text(POLICY)
    (tmp_path / "p.test.yml").write_text(BESIDE)
    assert len(load_policies([tmp_path], shipped=False)[0].tests) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("tests: 3", "p.test.yaml:1:8: 3 is not of type 'array'"),
        ("- a", "p.test.yaml:1:1: a file of tests is a mapping with tests"),
        ("", "p.test.yaml:1:1: a file of tests is a mapping with tests"),
        ("tests: []\nid: x", "p.test.yaml:2:1: unknown key 'id'"),
        ("{}", "p.test.yaml:1:1: missing 'tests'"),
        ("tests: [", "p.test.yaml:2:1: not YAML"),
        ("tests:\n  - {name: a, given: {AWS::EC2::Vpc: []}, expect: none}", "p.test.yaml:2:23: unknown resource type"),
        ("tests:\n  - {name: a, given: {}, expect: good}", "p.test.yaml:2:34: 'good' is neither a status"),
        (
            "tests:\n  - {name: a, params: {limt: 2}, given: {}, expect: none}",
            "p.test.yaml:2:24: no parameter limt; did",
        ),
        (
            "tests:\n  - {name: a, params: {limit: x}, given: {}, expect: none}",
            "p.test.yaml:2:31: parameter limit: 'x' is",
        ),
    ],
)
def test_faults_have_their_place(folder, text, fault):
    (folder / "p.test.yaml").write_text(text)
    with pytest.raises(PolicyError) as error:
        load_policies([folder], shipped=False)
    assert str(error.value).startswith(f"{folder}/{fault}")


def test_faults_of_both_files_are_shown_together(folder):
    (folder / "p.yaml").write_text(POLICY.replace("severity: low", "severity: bad"))
    (folder / "p.test.yaml").write_text("tests: 3")
    with pytest.raises(PolicyError) as error:
        load_policies([folder], shipped=False)
    assert [problem.path for problem in error.value.problems] == [f"{folder}/p.test.yaml", f"{folder}/p.yaml"]


def test_tests_without_their_policy_and_tests_named_as_one(folder, run):
    (folder / "q.test.yaml").write_text(BESIDE)
    with pytest.raises(
        PolicyError, match=r"q\.test\.yaml: these tests have no policy: there is no q\.yaml beside them"
    ):
        load_policies([folder], shipped=False)
    result = run("policy", "test", "-p", folder / "p.test.yaml")
    assert result.code == 2
    assert "these are tests, not a policy: name p.yaml, and they are run with it" in result.err


def test_a_run_says_what_is_not_covered_and_what_survives(folder, run):
    (folder / "p.yaml").write_text(POLICY)
    result = run("policy", "test", "-p", folder, "--coverage", "--mutate")
    assert result.code == 1
    assert result.out.splitlines() == [
        f"{folder}/p.yaml:6:11: never true: IsDefault",
    ]
    assert result.err.splitlines() == [
        "1 of 1 example as expected",
        "0 of 1 condition seen true and false",
        "1 of 1 mutant told from their policy",
    ]


def test_an_example_that_fails_ends_the_run(folder, run):
    (folder / "p.test.yaml").write_text(BESIDE.replace("pass", "fail"))
    result = run("policy", "test", "-p", folder, "--coverage", "--mutate")
    assert (result.code, len(result.out.splitlines()), result.err) == (1, 1, "1 of 2 examples as expected\n")


def test_an_excuse_that_nothing_needs_is_a_fault(folder, run):
    (folder / "p.yaml").write_text(
        POLICY
        + INLINE
        + "excuse:\n  - {that: IsDefault, never: true, reason: a}\n  - {that: b, becomes: c, reason: d}\n"
    )
    result = run("policy", "test", "-p", folder, "--coverage", "--mutate")
    assert result.code == 1
    assert [line.partition("p.yaml")[2] for line in result.out.splitlines()] == [
        ":10:12: nothing needs this excuse: IsDefault",
        ":11:12: nothing needs this excuse: b",
    ]


def test_without_tests_there_is_nothing_to_run(tmp_path, run):
    (tmp_path / "p.yaml").write_text(POLICY)
    assert run("policy", "test", "-p", tmp_path).code == 3
    assert run("policy", "test", "-p", tmp_path, "--coverage").code == 1
    assert run("policy", "test", "-p", tmp_path, "--mutate").code == 1
