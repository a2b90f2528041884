"""A drafted policy is one that can be used: its examples come out, and lint has nothing to complain of."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from stillframe.engine.authoring.scaffold import draft
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.testing.examples import run_tests
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.collector.api_models import output_type
from stillframe.snapshot.types import ANY, BOOLEAN, STRING, Kind, Type, maybe, struct
from together import together

TYPES = config_types(output_type)


def loaded(tmp_path, text):
    (tmp_path / "drafted.yaml").write_text(text)
    (policy,) = load_policies([tmp_path / "drafted.yaml"], shipped=False)
    return policy


@together("kind", load_catalog())
def test_every_type_gives_a_policy_that_passes_its_tests_and_lint(tmp_path, kind):
    policy = loaded(tmp_path, draft("drafted", kind, TYPES, tmp_path))
    outcomes = list(run_tests(policy))
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert {test["expect"] for test in policy.tests} == {"pass", "fail", "unknown"}
    assert lint(policy, TYPES) == []
    for part in (policy.title, policy.description, policy.rationale, policy.message, policy.remediation):
        assert part
    first, *_ = policy.text.splitlines()
    assert first.startswith("# yaml-language-server: $schema=")
    assert first.endswith("schema.json")


def test_a_draft_names_the_schema_as_seen_from_its_folder(tmp_path):
    inside = Path(str(files("stillframe.policies") / "ec2"))
    assert draft("a", "AWS::EC2::VPC", TYPES, inside).startswith("# yaml-language-server: $schema=../schema.json\n")


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ({"Name": STRING, "On": BOOLEAN, "Sure": maybe(BOOLEAN)}, "On"),
        ({"IsPublic": BOOLEAN}, "!IsPublic"),
        ({"A": struct({"IsPublic": BOOLEAN})}, "!(A.IsPublic)"),
        ({"A": struct({"On": BOOLEAN}, nullable=True), "State": Type(Kind.STRING, enum=("a", "b"))}, "A.On"),
        ({"State": Type(Kind.STRING, name="S", enum=("pending", "available"))}, "State == 'available'"),
        ({"State": Type(Kind.STRING, name="S", enum=("only",))}, "State == 'only'"),
        ({"Text": STRING, "Status": STRING}, "Status == 'example'"),
        ({"Anything": ANY}, "KeyId == 'example'"),
    ],
)
def test_the_question_is_the_best_that_the_fields_allow(tmp_path, fields, condition):
    # Of a type whose `always` names no field of these, so that what is always there is what the types say.
    kind = "AWS::KMS::Key"
    given = {"KeyId": STRING, "KeyArn": STRING, **fields}
    assert load_catalog()[kind].attach.keys().isdisjoint(given)
    text = draft("drafted", kind, lambda _: struct(given, kind), tmp_path)
    policy = loaded(tmp_path, text)
    assert policy.assertions[0].that.text == condition
    assert [fault for outcome in run_tests(policy) for fault in outcome.faults] == []


def test_a_type_without_plain_fields_is_asked_for_its_id(tmp_path):
    policy = loaded(tmp_path, draft("drafted", "AWS::EC2::VPC", lambda _: struct({"Policy": ANY}), tmp_path))
    assert policy.assertions[0].that.text == "$id == 'example'"
    assert [fault for outcome in run_tests(policy) for fault in outcome.faults] == []


def test_the_command_writes_a_file_and_says_what_to_do_next(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("policy", "new", "vpc-kept", "--resource", "AWS::EC2::VPC")
    assert (result.code, result.out) == (0, "")
    assert "stillframe policy test -p vpc-kept.yaml" in result.err
    assert yaml.safe_load((tmp_path / "vpc-kept.yaml").read_text())["id"] == "vpc-kept"
    assert run("policy", "test", "-p", "vpc-kept.yaml").code == 0
    assert run("policy", "lint", "-p", "vpc-kept.yaml").code == 0
    assert run("policy", "new", "vpc-kept", "--resource", "AWS::EC2::VPC", "-o", "-").out.startswith("# yaml-")


def test_nothing_is_overwritten(run, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    result = run("policy", "new", "a", "--resource", "AWS::EC2::VPC", "-o", path)
    assert (result.code, path.read_text()) == (2, "mine")
    assert "is there already" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "--resource", "AWS::EC2::VCP"), "did you mean AWS::EC2::VPC?"),
        (("A b", "--resource", "AWS::EC2::VPC"), "cannot be a policy's id"),
        (("../a", "--resource", "AWS::EC2::VPC"), "cannot be a policy's id"),
        (("a\n", "--resource", "AWS::EC2::VPC"), "cannot be a policy's id"),
        (("a",), "--resource"),
        (("a", "--resource", "AWS::EC2::VPC", "-o", "absent/a.yaml"), "cannot be written"),
    ],
)
def test_wrong_input_is_explained(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run("policy", "new", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
