"""Rollups that count: what holds for every number that there may be, and nothing else, is said."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stillframe.engine.errors import PolicyError
from stillframe.engine.judging.counting import counted
from stillframe.engine.linting.lint import lint
from stillframe.engine.linting.resource_types import config_types
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Bound, Count
from stillframe.engine.testing.examples import run_tests
from stillframe.engine.testing.mutate import mutate
from stillframe.snapshot.collector.api_models import output_type
from stillframe.snapshot.model import Unknown

PASS, FAIL, UNKNOWN, ASIDE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE
GAP = Unknown.because("denied")


def answer(bound: Bound, number: Fraction, passed: int, failed: int) -> bool | None:
    """What is asked, of numbers that are known; nothing of a share of none."""
    if bound is Bound.SHARE:
        return Fraction(passed, passed + failed) >= number if passed + failed else None
    return passed >= number if bound is Bound.AT_LEAST else passed <= number


@settings(max_examples=300)
@given(
    st.sampled_from(Bound),
    st.sampled_from([0, 1, 2, 3, 0.5, 0.9, 1.0]),
    st.lists(st.sampled_from([PASS, PASS, FAIL, UNKNOWN, Status.ERROR]), max_size=5),
    st.booleans(),
)
def test_a_count_is_decided_only_where_every_completion_agrees(bound, number, statuses, whole):
    asked = Fraction(str(number))
    unsure = [each for each in statuses if each not in (PASS, FAIL)]
    more = [()] if whole else [(PASS,) * yes + (FAIL,) * no for yes in range(5) for no in (0, 1, 50)]
    worlds = {
        answer(bound, asked, found.count(PASS), found.count(FAIL))
        for filled in product([PASS, FAIL, ASIDE], repeat=len(unsure))
        for others in more
        for found in [[*(each for each in statuses if each in (PASS, FAIL)), *filled, *others]]
    }
    gaps = [GAP] * (len(unsure) + (not whole))
    said = counted(Count(bound=bound, number=number), asked, statuses, gaps, whole=whole)
    if isinstance(said, bool):
        assert worlds == {said}
    elif bound is not Bound.SHARE:  # what is left open is open
        assert worlds == {True, False} or (not whole and bound is Bound.AT_LEAST)


LIMIT = """\
id: instances-limited
title: No account runs more instances than the limit
severity: low
params: {most: {type: integer, minimum: 0, default: 1, description: How many may run}}
resource: AWS::EC2::Instance
assert: State.Name == 'running'
rollup: {per: account, require: {at_most: $params.most}}
message: "{{ length($passed) }} run: {{ join(', ', $passed[].InstanceId) }}"
tests:
  - name: one runs
    given: &given
      AWS::EC2::Instance:
        - &one {InstanceId: i-1, State: {Name: running}}
        - {InstanceId: i-2, State: {Name: stopped}}
    expect: pass
  - name: two run
    given: {AWS::EC2::Instance: [*one, {<<: *one, InstanceId: i-2, $region: eu-west-1}]}
    expect: fail
    message: "2 run: i-1, i-2"
  - {name: two may, params: {most: 2}, given: {AWS::EC2::Instance: [*one, {<<: *one, InstanceId: i-2}]}, expect: pass}
  - {name: none, given: {AWS::EC2::Instance: []}, expect: pass}
  - {name: not read, given: {AWS::EC2::Instance: {$missing: denied}}, expect: unknown}
  - {name: one may, given: {AWS::EC2::Instance: [*one, {InstanceId: i-2, State: {$missing: lost}}]}, expect: unknown}
"""


def outcomes(text: str) -> dict[str, tuple[str, ...]]:
    return {each.name: each.faults for each in run_tests(parse_policy("p.yaml", text)) if each.faults}


def test_at_most_may_be_a_parameter_and_its_text_names_what_passed():
    assert outcomes(LIMIT) == {}
    assert lint(parse_policy("p.yaml", LIMIT), config_types(output_type)) == []


def test_without_a_message_it_says_how_many_pass():
    text = "".join(line for line in LIMIT.splitlines(True) if "message:" not in line)
    found = {each.name: each.findings[0] for each in run_tests(parse_policy("p.yaml", text))}
    assert found["two run"].message == "2 of 2 pass, where at most 1 may"
    assert list(found["two run"].evidence) == ["us-east-1 i-1", "eu-west-1 i-2"]
    least = text.replace("{at_most: $params.most}", "{at_least: 2}")
    found = {each.name: each.findings[0] for each in run_tests(parse_policy("p.yaml", least))}
    assert found["one runs"].message == "1 of 2 pass, where at least 2 must"
    assert list(found["one runs"].evidence) == ["us-east-1 i-2"]
    assert found["one may"].status == "unknown"
    share = text.replace("{at_most: $params.most}", "{share: 0.9}")
    found = {each.name: each.findings[0] for each in run_tests(parse_policy("p.yaml", share))}
    assert found["one runs"].message == "1 of 2 pass, where a share of 0.9 must"
    assert found["two run"].status == "pass"
    assert (found["none"].status, found["none"].message) == ("unknown", "there is nothing to evaluate")


def test_other_numbers_are_mutants():
    text = LIMIT.replace("$params.most", "1")
    assert {str(each).rpartition(": no ")[2] for each in mutate(parse_policy("p.yaml", text)).survivors.left} == set()
    fewer = text.partition("  - name: two run")[0] + "  - {name: none, given: {AWS::EC2::Instance: []}, expect: pass}\n"
    left = [str(each) for each in mutate(parse_policy("p.yaml", fewer)).survivors.left]
    assert any("at_most: 1 from at_most: 2" in each for each in left)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{at_most: $params.mst}", "p.yaml:7:43: no parameter mst; did you mean most?"),
        ("{at_least: 1, at_most: 2}", "one of at_least and at_most, not both"),
        ("{at_most: -1}", "require takes all, any, or one of"),
        ("{share: 2}", "require takes all, any, or one of"),
        ("{}", "require takes all, any, or one of"),
        ("some", "require takes all, any, or one of"),
    ],
)
def test_a_count_that_cannot_be_is_refused(written, said):
    with pytest.raises(PolicyError) as error:
        parse_policy("p.yaml", LIMIT.replace("{at_most: $params.most}", written))
    assert said in str(error.value)


def test_a_parameter_that_need_not_be_a_number_is_refused():
    with pytest.raises(PolicyError, match="declare most with a `type` of integer and a `minimum`"):
        parse_policy("p.yaml", LIMIT.replace("type: integer, ", ""))
