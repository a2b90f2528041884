"""The packs that ship: each is whole, in order, and at one with the tables of its framework and with the policies."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml
from builders import shipped
from stillframe.engine.loading.pack_files import find_packs, shipped_packs
from stillframe.engine.loading.ruleset import load_rules

DATA = Path(__file__).parents[2] / "data"
CIS = yaml.safe_load((DATA / "cis.yaml").read_text())
FSBP = yaml.safe_load((DATA / "fsbp.yaml").read_text())
TOTALS = {
    "1.2.0": 49,
    "1.4.0": 58,
    "1.5.0": 63,
    "2.0.0": 64,
    "3.0.0": 62,
    "4.0.1": 64,
    "5.0.0": 63,
    "6.0.0": 63,
    "7.0.0": 70,
}
NAMES = list(shipped_packs())


@cache
def pack(name):
    problems = []
    (found,) = find_packs([name], problems)
    assert problems == []
    return found


@cache
def policies():
    return {policy.id: policy for policy in shipped()}


def test_every_version_has_its_pack():
    assert {name for name in NAMES if name.startswith("cis-aws-")} == {f"cis-aws-{version}" for version in CIS}
    assert {version: len(controls) for version, controls in CIS.items()} == TOTALS


@pytest.mark.parametrize("version", CIS)
def test_a_version_is_in_its_pack_in_order(version):
    found = pack(f"cis-aws-{version}")
    letters = {"automated": "A", "manual": "M"}
    shown = [(control.number, control.level, letters[control.assessment]) for control in found.controls()]
    assert shown == [(number, level, assessment) for number, (_, level, assessment) in CIS[version].items()]
    assert all(control.number.startswith(section.number) for section in found.sections for control in section.controls)


def test_what_two_versions_ask_alike_is_answered_alike():
    answers = {}
    for version, controls in CIS.items():
        for control in pack(f"cis-aws-{version}").controls():
            name, *_ = controls[control.number]
            found = (control.title, {ask.policy for ask in control.asks}, control.manual, control.unanswered)
            assert answers.setdefault(name, found) == found, f"{version} {control.number}"


@pytest.mark.parametrize("name", NAMES)
def test_policies_claim_the_controls_that_they_answer(name):
    """A pack and the policies it asks say the same, in both directions."""
    found = pack(name)
    asked = {(ask.policy, control.number) for control in found.controls() for ask in control.asks}
    if name == "logging":
        assert len({policy for policy, _ in asked}) == 9
        return
    numbers = {control.number for control in found.controls()}
    claimed = {(policy.id, number) for policy in policies().values() for number in policy.frameworks.get(found.key, ())}
    assert asked == {(policy, number) for policy, number in claimed if number in numbers}
    if found.framework == "cis-aws":
        assert claimed == asked


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_can_be_judged_by(name):
    rules = load_rules(packs=[name])
    assert {policy.id.partition("@")[0] for policy in rules.policies} == {ask.policy for ask in pack(name).asks()}


def test_frameworks_are_packs_security_hub_or_well_architected():
    keys = {*(pack(name).key for name in NAMES), "aws-well-architected"}
    assert {name for policy in policies().values() for name in policy.frameworks} <= keys


def test_the_practices_of_security_hub_are_whole():
    counts = Counter(control.severity.value for control in pack("aws-fsbp").controls())
    assert counts == {"critical": 27, "high": 62}
    for severity, ids in FSBP.items():
        assert {c.number for c in pack("aws-fsbp").controls() if c.severity == severity} == set(ids)


def test_no_control_is_unanswered_for_want_of_a_type_that_is_there():
    from stillframe.snapshot.catalog import load_catalog

    for name in NAMES:
        for control in pack(name).controls():
            kind = control.unanswered.removeprefix("the catalogue does not read ")
            assert kind == control.unanswered or kind not in load_catalog(), f"{name} {control.number}"
