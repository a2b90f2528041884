"""Every example of every shipped policy, and what every policy must have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from builders import narrowed, nine, recipes, shipped
from msgspec.structs import replace
from stillframe.engine.compiler.program import Rule
from stillframe.engine.execution.account import compile_policies
from stillframe.engine.judging.growth import steady
from stillframe.engine.model.policy import Exposure, Policy
from stillframe.engine.testing.coverage import cover
from stillframe.engine.testing.examples import TIME, cases, fixture, run_tests
from stillframe.engine.testing.mutate import mutate
from together import together

NINE = {
    "cloudtrail-multi-region": "high",
    "cloudtrail-log-file-validation": "low",
    "cloudtrail-bucket-not-public": "critical",
    "cloudtrail-cloudwatch-logs": "medium",
    "config-all-regions": "critical",
    "cloudtrail-bucket-access-logging": "low",
    "cloudtrail-kms-encryption": "medium",
    "kms-key-rotation": "medium",
    "vpc-flow-logs": "medium",
}


@together("policy", shipped(), name=lambda policy: policy.id)
def test_each_example_comes_out_as_it_says(policy):
    outcomes = list(run_tests(policy))
    assert len(outcomes) == len(policy.tests) > 0
    assert {outcome.name: outcome.faults for outcome in outcomes if outcome.faults} == {}


@together("policy", shipped(), name=lambda policy: policy.id)
def test_each_policy_is_complete(policy):
    assert policy.description
    assert policy.rationale
    assert policy.remediation
    assert policy.remediation_cli
    # What is open to the world can be made use of from anywhere. A browser that is public only reaches out.
    if re.search(r"public|security-group-(admin|authorized|no-)", policy.id) and "browser" not in policy.id:
        assert policy.exposure is Exposure.PUBLIC
    assert policy.references
    assert policy.frameworks
    assert Path(policy.source).stem == policy.id, "a file's name is its id"
    expected = {status for test in policy.tests for status in _statuses(test["expect"])}
    assert {"pass", "fail", "unknown"} <= expected


@together("policy", shipped(), name=lambda policy: policy.id)
def test_the_examples_see_each_condition_true_and_false(policy):
    gaps = cover(policy).gaps
    assert list(map(str, gaps.left)) == []
    assert gaps.unused == ()


@pytest.mark.parametrize("policy", shipped(), ids=lambda policy: policy.id)
def test_the_examples_notice_each_small_change(policy):
    survivors = mutate(policy).survivors
    assert list(map(str, survivors.left)) == []
    assert survivors.unused == ()


def test_the_nine_have_their_ids_and_severities():
    assert {policy.id: policy.severity.value for policy in nine()} == NINE


def _statuses(expect):
    return [expect] if isinstance(expect, str) else list(expect.values())


def test_no_denied_list_makes_a_pass_of_what_is_none():
    """Of each example of each policy, one type at a time could not be listed, or was not collected."""
    denied = {"$missing": "AccessDenied: any:List"}
    for policy in [*shipped(), *recipes()]:
        for case in cases(policy):
            given = case.test["given"]
            sound = {found.identity for found in case.judge(policy) if found.status == "pass"}
            for kind in given:
                rest = {name: rows for name, rows in given.items() if name != kind}
                for changed in ({**rest, kind: denied}, rest):
                    snapshot = fixture(changed, case.test.get("time", TIME))
                    for found in replace(case, snapshot=snapshot).judge(policy):
                        assert found.status != "pass" or found.identity in sound, (policy.id, case.test["name"], kind)


def compiled() -> list[tuple[Policy, Rule | None]]:
    """Every policy on each of its types, and what it became; of one on every type that there is, on each twentieth."""
    asked = compile_policies([narrowed(policy, policy.types[::20]) for policy in shipped()])
    return [pair for each in asked.programs.values() for pair in zip(each.policies, each.rules, strict=True)]


def test_every_policy_that_ships_is_compiled_but_those_whose_steps_are_counted():
    counted = {policy.id for policy in shipped() if steady(policy) is None}
    assert {policy.id for policy, rule in compiled() if rule is None} == counted


def test_every_policy_that_ships_could_be_compiled_if_no_steps_were_counted(monkeypatch):
    monkeypatch.setattr("stillframe.engine.compiler.compile.steady", lambda _: 1)
    assert [policy.id for policy, rule in compiled() if rule is None] == []
