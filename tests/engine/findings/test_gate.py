"""What stops a pipeline: exit codes, limits, a baseline and the counts that they come from."""

from __future__ import annotations

from itertools import product

import pytest
from builders import shipped
from msgspec.structs import replace
from stillframe.engine.exit_codes import exit_code
from stillframe.engine.findings.batch import batches
from stillframe.engine.findings.counts import Row, Tally, ranked
from stillframe.engine.findings.gate import Baseline, Limits, most_unknown, read_baseline
from stillframe.engine.findings.selection import Selection, selection
from stillframe.engine.model.finding import Finding, Kind, Status, Waived
from stillframe.engine.model.policy import Severity
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.errors import ArgumentError

P, F, U, E, N = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.ERROR, Status.NOT_APPLICABLE
WAIVED = Waived(kind=Kind.ACCEPTED, reason="r", owner="o", expires="2026-12-31")
POLICY, OTHER = shipped("kms-key-rotation", "vpc-flow-logs")


def finding(
    status: Status, number: int = 0, policy=POLICY, account: str = "1", waived: Waived | None = None
) -> Finding:
    return Finding(
        policy=policy.id,
        status=status,
        severity=policy.severity,
        account=account,
        region="r",
        type="T",
        resource=f"i{number}",
        name=None,
        message="m",
        evidence={},
        remediation=None,
        waived=waived,
    )


@pytest.mark.parametrize(
    ("findings", "failures", "unknown", "allow", "code"),
    [
        (9, 1, 0, False, 1),
        (9, 1, 1, False, 1),
        (9, 1, 1, True, 1),
        (9, 0, 1, False, 4),
        (9, 0, 1, True, 0),
        (9, 0, 0, False, 0),
        (0, 0, 0, False, 3),
        (0, 0, 0, True, 3),
        (0, 0, 1, False, 3),
    ],
)
def test_failures_come_first_then_nothing_to_judge_then_what_is_not_known(findings, failures, unknown, allow, code):
    assert exit_code(findings=findings, failures=failures, unknown=unknown, allow_unknown=allow) == code


@pytest.mark.parametrize(
    ("text", "unknown", "population", "allowed"),
    [
        ("0", 0, 9, True),
        ("0", 1, 9, False),
        ("2", 2, 9, True),
        ("2", 3, 9, False),
        ("10%", 1, 10, True),
        ("10%", 2, 10, False),
        ("2.5%", 1, 40, True),
        ("2.5%", 1, 39, False),
        ("0%", 0, 0, True),
        ("0%", 1, 1, False),
        ("100%", 5, 5, True),
    ],
)
def test_so_many_may_be_unknown_and_no_more(text, unknown, population, allowed):
    assert most_unknown(text, Severity.HIGH).allows(unknown, population) is allowed
    assert most_unknown(text, Severity.HIGH).fail_on is Severity.HIGH


def test_by_default_nothing_may_be_unknown_and_without_a_limit_all():
    assert [Limits().allows(number, 9) for number in (0, 1)] == [True, False]
    assert Limits(unknown=None).allows(9, 9)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "5 %", "%", "1e3", "5%%", "٣"])
def test_what_is_no_number_of_unknowns_is_refused(text):
    with pytest.raises(ArgumentError, match="no number of unknowns"):
        most_unknown(text, None)


STATES = [(P, None), (F, None), (F, WAIVED), (U, None), (E, None), (N, None)]


@pytest.mark.parametrize(("before", "now"), list(product(STATES, STATES)))
def test_what_was_there_before_is_not_new(before, now):
    """A waived failure of before is not one: where the waiver ended, it counts. An error is as unknown as unknown."""
    baseline = Baseline("b")
    for batch in batches([finding(before[0], waived=before[1])]):
        baseline.learn(batch.lines())
    given = finding(now[0], waived=now[1])
    (passed,) = baseline.through(batches([given, finding(P, 1)]))
    assert passed.count(*Status) == 2
    failed, unknown = before == (F, None), before[0] in (U, E)
    assert baseline.failures(Severity.INFORMATIONAL) == (now == (F, None) and not failed)
    assert baseline.newly_unknown == (now[0] in (U, E) and not unknown)
    if now[0] in (F, U, E):
        assert baseline.lacks(given) is not (failed if now[0] is F else unknown)


@pytest.mark.parametrize("fail_on", [None, *Severity])
def test_failures_count_from_a_severity_on(fail_on):
    given = [finding(F), finding(F, 1, waived=WAIVED), finding(F, 2), finding(U, 3)]
    baseline, tally = Baseline("b"), Tally([POLICY, OTHER])
    for _ in tally.through(baseline.through(batches(given))):
        pass
    counted = fail_on is not None and POLICY.severity.rank <= fail_on.rank
    assert baseline.failures(fail_on) == tally.failures(fail_on) == 2 * counted


def test_a_tally_counts_by_policy_and_by_account():
    tally = Tally([OTHER, POLICY])
    given = [finding(F), finding(F, 1, waived=WAIVED), finding(P, 2), finding(N, 3), finding(U, 4), finding(E, 5)]
    for _ in tally.through(batches([*given, finding(F, account="2"), finding(P, policy=OTHER, account="3")])):
        pass
    rows = {row.policy: row for row in tally.rows()}
    row = rows[POLICY.id]
    assert (row.population, row.failures, row.waived, row.unknown, row.share) == (6, 2, 1, 2, 100 * 2 / 6)
    assert rows[OTHER.id].population == 1
    assert [row.policy for row in tally.rows()] == sorted(rows, key=lambda name: (rows[name].severity.rank, name))
    assert {account: counts.total() for account, counts in tally.accounts.items()} == {"1": 1, "2": 1}
    assert (tally.total(F), tally.total(U, E), tally.total(*Status)) == (3, 2, 8)


@pytest.mark.parametrize(
    ("counts", "waived", "share"),
    [
        ({}, 0, None),
        ({N: 5}, 0, None),
        ({U: 2}, 0, None),
        ({U: 1, E: 1}, 0, None),
        ({P: 1, U: 1}, 0, 0.0),
        ({F: 1}, 1, 0.0),
    ],
)
def test_where_nothing_is_known_there_is_no_share(counts, waived, share):
    row = Row(policy="p", title="t", severity=Severity.LOW, counts=counts, waived=waived, worth=1)
    assert row.share == share


def test_the_worst_are_kept_failures_before_gaps_before_what_is_waived():
    given = [finding(F, 0, waived=WAIVED), finding(U, 1), finding(F, 2), finding(E, 3), finding(P, 4), finding(F, 5)]
    for keep, expected in ((0, ""), (1, "2"), (2, "25"), (3, "253"), (4, "2531"), (9, "25310")):
        tally = Tally([POLICY], keep=keep)
        for one in given:  # in batches of their own, as accounts come
            for batch in batches([one]):
                tally.add(batch)
        assert "".join(found.resource[1:] for found in tally.worst()) == expected
    tally = Tally([POLICY], keep=9, told=lambda found: found.resource != "i2")
    for batch in batches(given):
        tally.add(batch)
    assert "".join(found.resource[1:] for found in tally.worst()) == "5310"


def test_rows_with_violations_are_ranked_by_what_mending_them_is_worth():
    def row(name: str, failures: int, worth: float, waived: int = 0) -> Row:
        return Row(policy=name, title="t", severity=Severity.LOW, counts={F: failures}, waived=waived, worth=worth)

    rows = [
        row("few", 1, 5),
        row("many", 9, 1),
        row("none", 0, 99),
        row("waived", 2, 99, waived=2),
        row("worth", 1, 10),
    ]
    assert [each.policy for each in ranked(rows)] == ["worth", "many", "few"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "b.jsonl: cannot be read"),
        ("{}", "b.jsonl:1: no finding"),
        ("nonsense", "b.jsonl:1: no finding"),
        ('{"status":"fail","fingerprint":"zz","severity":"low","waiver":null}', "b.jsonl:1: no finding"),
        ('{"status":"pass","fingerprint":"00","severity":"low","waiver":null}\n{', "b.jsonl:2: no finding"),
    ],
)
def test_a_baseline_that_is_none_is_an_error_with_its_place(tmp_path, text, message):
    if text is not None:
        (tmp_path / "b.jsonl").write_text(text)
    with pytest.raises(ArgumentError, match=message):
        read_baseline(tmp_path / "b.jsonl")


@pytest.mark.parametrize("key", ["policy", "severity", "framework", "account", "tag"])
def test_each_key_chooses(key):
    value = "high" if key == "severity" else "a"
    assert selection([f"{key}={value}"], [f"{key}={value}"]) == Selection(only={key: [value]}, but={key: [value]})


def test_a_policy_is_chosen_by_its_own_name_and_by_that_of_the_one_it_varies():
    variant = replace(POLICY, id=f"{POLICY.id}@own-1")
    every = [POLICY, variant, OTHER]
    assert Selection(only={"policy": [POLICY.id]}).policies(every) == [POLICY, variant]
    assert Selection(only={"policy": ["*@own-1"]}).policies(every) == [variant]
    assert Selection(but={"policy": [POLICY.id]}).policies(every) == [OTHER]


def test_an_account_whose_name_is_unknown_may_be_one_that_was_asked_for():
    whole = fixture({"AWS::Account": [{"$account": each, "AccountId": each} for each in ("1" * 12, "2" * 12)]})
    named = {"1" * 12: "prod-1", "2" * 12: None}
    snapshot = replace(whole, account=lambda each: replace(whole.account(each), name=named[each]))
    for only, but, chosen in (
        (["account=prod-*"], [], "12"),
        (["account=1111*"], [], "1"),
        (["account=prod-*,2222*"], [], "12"),
        ([], ["account=prod-*"], "2"),
        (["account=prod-*"], ["account=2222*"], "1"),
    ):
        assert "".join(each[0] for each in selection(only, but).accounts(snapshot)) == chosen, (only, but)
