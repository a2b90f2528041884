"""Findings on their way: what is counted, what is read again, and what a waiver replaces."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from stillframe.engine.findings.batch import batches, read_finding, replaced
from stillframe.engine.model.finding import Finding, Kind, Status, Waived
from stillframe.engine.model.policy import Severity
from stillframe.snapshot.model import Unknown

WAIVED = Waived(kind=Kind.MITIGATED, reason="r", owner="o", expires="2026-12-31")


def finding(status: Status, number: int = 0, policy: str = "p", **more) -> Finding:
    fields = {"account": "1", "region": "r", "type": "T", "resource": f"i{number}", "name": None, "message": "m"}
    fields |= {"evidence": {}, "remediation": None, **more}
    return Finding(policy=policy, status=status, severity=Severity.LOW, **fields)


EACH = [finding(status, number) for number, status in enumerate(Status)]


@pytest.mark.parametrize(
    "written", [frozenset(Status), *map(frozenset, [[], [Status.FAIL], [Status.PASS, Status.ERROR]])]
)
def test_what_is_not_written_is_counted(written):
    (found,) = batches([*EACH, EACH[0]], written)
    assert found.counts == {status.value: 2 if status is EACH[0].status else 1 for status in Status}
    assert found.count(*Status) == 6
    assert {each.status for each in found.findings()} == written
    assert len(found.lines()) == sum(found.count(status) for status in written)


def test_a_batch_is_of_one_policy_in_one_account():
    given = [finding(Status.PASS), finding(Status.FAIL, policy="q"), finding(Status.FAIL, policy="q", account="2")]
    assert [(each.account, each.policy, each.counts) for each in batches(given)] == [
        ("1", "p", {"pass": 1}),
        ("1", "q", {"fail": 1}),
        ("2", "q", {"fail": 1}),
    ]
    assert list(batches([])) == []


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("policy", ["p", 'é"\\', "p@q"])
def test_findings_are_found_by_their_status_whatever_the_policy_is_called(status, policy):
    (found,) = batches([replace(each, policy=policy) for each in EACH])
    assert [each.status for each in found.findings(status)] == [status]


@pytest.mark.parametrize(
    "more",
    [
        {"evidence": {"a": [Unknown.because("denied", "lost")], "b": {"$missing": "x"}}},
        {"waived": WAIVED, "remediation": "do it", "name": "n"},
        {"evidence": {"missing": "missing"}},
    ],
)
def test_a_finding_is_read_back_as_it_was(more):
    given = finding(Status.FAIL, **more)
    (found,) = batches([given])
    assert list(map(read_finding, found.lines())) == [given]
    assert found.waived == ("waived" in more)


def test_a_waiver_replaces_its_line_and_no_other():
    (found,) = batches(EACH)
    (failed,) = found.having(Status.FAIL)
    marked = replaced(found, {failed: replace(read_finding(failed), waived=WAIVED)})
    assert (marked.counts, marked.waived) == (found.counts, 1)
    assert [each.waived for each in marked.findings()] == [
        WAIVED if each.status is Status.FAIL else None for each in EACH
    ]
    assert [each for each in marked.lines() if each not in found.lines()] == list(marked.having(Status.FAIL))
