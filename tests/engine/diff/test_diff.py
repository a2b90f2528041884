"""The diff: each way a finding can change, and that a failed read is never a repair."""

from __future__ import annotations

import pytest
from builders import compared, shipped
from stillframe.engine.diff.diff import newly_failing
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.policy import Severity
from stillframe.engine.testing.examples import fixture

A = "111122223333"
FAIL, PASS = {"KeyRotationEnabled": False}, {"KeyRotationEnabled": True}
UNKNOWN = {"$missing": "AccessDeniedException: kms:GetKeyRotationStatus"}
DISABLED, ABSENT, DENIED, ELSEWHERE = "disabled", "absent", "denied", "elsewhere"


def picture(state):
    """A snapshot whose one key is in that state, next to another that always passes."""
    metadata = {"KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "KeyState": "Enabled"}
    other = {"KeyId": "0", "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/0", "Metadata": metadata, "Rotation": PASS}
    key = {"KeyId": "1", "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/1", "Metadata": metadata, "Rotation": state}
    if state == DISABLED:
        key |= {"Metadata": {**metadata, "KeyState": "Disabled"}, "Rotation": FAIL}
    if state == DENIED:
        return fixture({"AWS::KMS::Key": {"$missing": "AccessDeniedException: kms:ListKeys"}})
    if state == ELSEWHERE:
        return fixture({"AWS::KMS::Key": [{**other, "$account": "444455556666"}]})
    return fixture({"AWS::KMS::Key": [other] if state == ABSENT else [other, key]})


def changes(old, new):
    before, after = picture(old), picture(new)
    policies = shipped("kms-key-rotation")
    return compared(before, after, policies)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (FAIL, FAIL, "persisting"),
        (FAIL, PASS, "resolved"),
        (FAIL, DISABLED, "resolved"),
        (FAIL, UNKNOWN, "unknown"),
        (FAIL, ABSENT, "vanished"),
        (FAIL, DENIED, "unknown"),
        (FAIL, ELSEWHERE, "unknown"),
        (PASS, FAIL, "new"),
        (PASS, PASS, None),
        (PASS, DISABLED, None),
        (PASS, UNKNOWN, "unknown"),
        (PASS, ABSENT, "vanished"),
        (PASS, DENIED, "unknown"),
        (UNKNOWN, FAIL, "new"),
        (UNKNOWN, PASS, "known"),
        (UNKNOWN, UNKNOWN, None),
        (UNKNOWN, ABSENT, "vanished"),
        (ABSENT, FAIL, "new"),
        (ABSENT, PASS, "appeared"),
        (ABSENT, UNKNOWN, "unknown"),
        (DENIED, PASS, "known"),
        (DENIED, FAIL, "new"),
        (ELSEWHERE, PASS, "known"),
        (DISABLED, FAIL, "new"),
    ],
)
def test_what_became_of_a_finding(old, new, expected):
    found = {difference.finding.resource[-5:]: difference.change.value for difference in changes(old, new)}
    assert found.get("key/1") == expected


STATES = [FAIL, PASS, UNKNOWN, DISABLED, ABSENT, DENIED, ELSEWHERE]


@pytest.mark.parametrize("state", STATES)
def test_a_snapshot_does_not_differ_from_itself(state):
    assert [difference for difference in changes(state, state) if difference.change.value != "persisting"] == []


@pytest.mark.parametrize("new", [UNKNOWN, DENIED, ELSEWHERE])
def test_a_failed_read_is_never_resolved(new):
    assert "resolved" not in {difference.change.value for difference in changes(FAIL, new)}


@pytest.mark.parametrize("old", STATES)
@pytest.mark.parametrize("new", STATES)
def test_new_and_persisting_are_the_failures_of_now(old, new):
    found = changes(old, new)
    failing = [d for d in found if d.change.value in ("new", "persisting")]
    now = picture(new)
    assert len(failing) == sum(f.status.value == "fail" for f in evaluate(now, shipped("kms-key-rotation")))


def test_a_gap_that_closes_is_known_again():
    found = {difference.finding.resource: difference.change.value for difference in changes(DENIED, ABSENT)}
    assert found["AWS::KMS::Key"] == "known"


def test_only_new_failures_that_are_bad_enough_count():
    (new,) = [difference for difference in changes(PASS, FAIL) if difference.change.value == "new"]
    assert newly_failing(new, Severity.MEDIUM)
    assert newly_failing(new, Severity.LOW)
    assert not newly_failing(new, Severity.HIGH)
    assert not newly_failing(new, None)
