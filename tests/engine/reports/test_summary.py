"""The totals of a judgement, and where to begin."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console
from stillframe.engine.findings.counts import Row
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Severity
from stillframe.engine.model.priorities import SEVERITIES
from stillframe.engine.reports.summary import first_steps, totals
from stillframe.engine.terminal.findings import print_totals

CRITICAL, HIGH, LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW


def row(policy: str, severity: Severity, failing: int, *, waived: int = 0, unknown: int = 0) -> Row:
    counts = {Status.FAIL: failing, Status.UNKNOWN: unknown, Status.PASS: 1}
    return Row(policy=policy, title=policy, severity=severity, counts=counts, waived=waived, worth=SEVERITIES[severity])


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "0 failures"),
        ([row("a", HIGH, 1)], "1 failure (1 high)"),
        ([row("a", LOW, 1_200), row("b", CRITICAL, 2)], "1,202 failures (2 critical, 1,200 low)"),
        ([row("a", LOW, 3, waived=2, unknown=1)], "1 failure (1 low), 1 unknown, 2 waived"),
        ([row("a", LOW, 0, unknown=1)], "0 failures, 1 unknown"),
    ],
)
def test_totals_are_by_severity_and_name_what_is_not_known(rows, text):
    assert totals(rows) == text


def test_what_weighs_most_comes_first_and_nothing_is_said_where_there_is_no_choice():
    rows = [row("few", CRITICAL, 2), row("many", LOW, 90), row("none", CRITICAL, 0), row("some", HIGH, 3)]
    accounts = {"1": Counter({LOW: 5}), "2": Counter({CRITICAL: 1, LOW: 1}), "3": Counter({HIGH: 1})}
    assert list(first_steps(rows, accounts)) == [
        "fix first: many (90 low), few (2 critical), some (3 high)",
        "worst accounts: 2 (1 critical, 1 low), 3 (1 high), 1 (5 low)",
    ]
    assert len(list(first_steps(rows[:2], {"1": Counter({LOW: 5}), "2": Counter({LOW: 1})}))) == 2
    assert list(first_steps(rows[:1], {"1": Counter({CRITICAL: 2})})) == []
    assert next(first_steps([row(f"p{each}", LOW, each) for each in range(9)], {})).endswith("and 5 more")


def test_only_a_person_is_told_what_to_type():
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
        print_totals(console, [row("a", HIGH, 1)], {"1": Counter({HIGH: 1})}, hint=True)
        assert ("next: " in console.file.getvalue()) is terminal
