"""What a judgement says of a pack: the status of a control, attestations, and the ways to show it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.findings.counts import Row
from stillframe.engine.model.attestation import Attestation, Said
from stillframe.engine.model.finding import Status
from stillframe.engine.model.pack import Ask, Control, Pack, Section
from stillframe.engine.model.policy import Severity
from stillframe.engine.packs.attestations import Attestations
from stillframe.engine.packs.report import Outcome, report
from stillframe.engine.packs.text import as_data, as_markdown, summary

P, F, U, E, N = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.ERROR, Status.NOT_APPLICABLE
TAKEN = "2026-06-15T12:00:00Z"


def pack(*controls: Control) -> Pack:
    sections = (Section(number="1", title="All", controls=controls),)
    return Pack(
        name="p-1", framework="p", version="1", title="P", key="p-1", sections=sections, source="p-1.yaml", text=""
    )


def control(*policies: str, number: str = "1.1", **more) -> Control:
    asks = tuple(Ask(policy=policy, params={}) for policy in policies)
    return Control(number=number, title=f"title {number}", asks=asks, **more)


def row(policy: str, counts: dict, waived: int = 0) -> Row:
    return Row(policy=policy, title="t", severity=Severity.LOW, counts=Counter(counts), waived=waived, worth=1)


def attestation(status: Said = Said.PASS, control: str = "1.1", when: str = "2026-06-01", expires: str = "2026-12-31"):
    said = {"pack": "p-1", "control": control, "status": status, "who": "Ada", "when": when, "expires": expires}
    return Attestation(**said, evidence="https://wiki/1", place="stillframe.yaml:3")


def answered(given: Control, rows=(), said=(), disabled=None):
    found = report(pack(given), list(rows), disabled or {}, Attestations(list(said), TAKEN))
    (answer,) = found.answers()
    return answer


STATUSES = [
    # what each of two policies found                         the control
    ([{P: 2}, {P: 1}], "pass"),
    ([{P: 2}, {N: 3}], "pass"),  # the second had nothing to judge
    ([{N: 2}, {}], "not_applicable"),
    ([{}, {}], "not_applicable"),
    ([{P: 9}, {F: 1}], "fail"),
    ([{U: 9}, {F: 1}], "fail"),
    ([{P: 9}, {U: 1}], "unknown"),
    ([{P: 9}, {E: 1}], "unknown"),
    ([{N: 9}, {U: 1}], "unknown"),
]


@pytest.mark.parametrize(("counts", "expected"), STATUSES)
@pytest.mark.parametrize("order", [1, -1])
def test_a_control_is_what_its_policies_are_together(counts, expected, order):
    rows = [row(name, found) for name, found in zip("ab", counts[::order], strict=True)]
    assert answered(control("a", "b"), rows).status == expected


COUNTS = st.dictionaries(st.sampled_from(list(Status)), st.integers(0, 3))


@given(st.lists(COUNTS, max_size=3), st.booleans(), st.booleans(), st.data())
def test_nothing_less_than_known_passes_is_a_pass(counts, manual, disabled, data):
    """Whatever becomes unknown, is waived, left out or left to people: a control that does not pass never comes to."""
    rows = [
        row(f"p{number}", found, waived=data.draw(st.integers(0, found.get(F, 0))))
        for number, found in enumerate(counts)
    ]
    asked = control(*(each.policy for each in rows), *(["off"] if disabled else []), manual="look" if manual else "")
    status = answered(asked, rows).status
    judged = [each for each in rows if each.population]
    assert (status is Outcome.PASS) == (
        bool(judged) and not (manual or disabled) and all(each.population == each.counts.get(P, 0) for each in rows)
    )


def test_a_failure_that_is_waived_is_no_pass_and_no_other_is_hidden():
    waived = row("a", {F: 1, P: 5}, waived=1)
    assert answered(control("a"), [waived]).status is Outcome.WAIVED
    assert answered(control("a", "b"), [waived, row("b", {U: 1})]).status is Outcome.UNKNOWN
    assert answered(control("a"), [row("a", {F: 2}, waived=1)]).status is Outcome.FAIL


def test_of_a_part_that_nobody_chose_anything_of_is_left_out_and_answers_no_control_alone():
    rows = [row("p", {Status.PASS: 1}), row("q", {}), row("r", {Status.NOT_APPLICABLE: 1})]

    def outcomes(*, part: bool) -> list[str]:
        controls = [control("p"), control("q"), control("p", "q"), control("r"), control("p", "r")]
        found = report(pack(*controls), rows, {}, Attestations([], "2026-06-15T00:00:00Z"), part=part)
        return [each.status.value for each in found.answers()]

    assert outcomes(part=False) == ["pass", "not_applicable", "pass", "not_applicable", "pass"]
    assert outcomes(part=True) == ["pass", "left_out", "left_out", "not_applicable", "pass"]


def test_a_policy_that_is_disabled_answers_nothing():
    answer = answered(control("a", "b@p-1"), [row("a", {P: 1})], disabled={"b": "the SIEM does it"})
    assert (answer.status, answer.why) == (Outcome.LEFT_OUT, "b@p-1 is disabled: the SIEM does it")
    assert answered(control("a", "b"), [row("a", {F: 1})], disabled={"b": "r"}).status is Outcome.FAIL


@pytest.mark.parametrize(
    ("given", "rows", "without", "with_it"),
    [
        (control(manual="look"), [], "manual", "attested"),
        (control(unanswered="no type"), [], "unanswered", "attested"),
        (control("a", manual="look"), [row("a", {P: 1})], "manual", "attested"),
        (control("a", manual="look"), [row("a", {F: 1})], "fail", "fail"),
        (control("a", manual="look"), [row("a", {U: 1})], "unknown", "unknown"),
        (control("a", manual="look"), [row("a", {E: 1})], "unknown", "unknown"),
        (control("a", manual="look"), [row("a", {F: 1, P: 9}, waived=1)], "waived", "waived"),
        (control("a", unanswered="no type"), [row("a", {F: 1}, waived=1)], "waived", "waived"),
        (control("a", manual="look"), [row("a", {N: 1})], "manual", "attested"),
        (control("a", manual="look"), [row("a", {F: 1}, waived=1)], "waived", "waived"),
        (control("a", "b"), [row("a", {F: 1, P: 3}, waived=1)], "waived", "waived"),
        (control("a"), [row("a", {P: 1})], "pass", "pass"),
        (control("a"), [row("a", {F: 1})], "fail", "fail"),
    ],
)
def test_what_people_say_answers_what_is_left_to_them_and_nothing_else(given, rows, without, with_it):
    assert answered(given, rows).status == without
    assert answered(given, rows, [attestation()]).status == with_it


def test_people_may_say_that_it_fails_or_does_not_apply():
    for said, expected in ((Said.FAIL, "fail"), (Said.NOT_APPLICABLE, "not_applicable")):
        assert answered(control(manual="look"), said=[attestation(said)]).status == expected


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (attestation(expires="2026-06-14"), "expired on 2026-06-14"),
        (attestation(when="2026-06-16"), "is unused: it was given on 2026-06-16, after this snapshot"),
        (attestation(control="1.2"), "is unused: the control is answered without it"),
    ],
)
def test_an_attestation_speaks_for_its_time_and_control_alone(given, note):
    said = Attestations([given], TAKEN)
    (answer,) = report(pack(control(manual="look")), [], {}, said).answers()
    assert answer.status is Outcome.MANUAL
    assert list(said.reports(["p-1"])) == [f"stillframe.yaml:3: attestation of p-1 {given.control} {note}"]
    assert list(said.reports(["other"])) == []


def test_an_attestation_holds_through_its_last_day_and_from_its_first():
    for day in ({"expires": "2026-06-15"}, {"when": "2026-06-15"}):
        assert answered(control(manual="look"), said=[attestation(**day)]).status is Outcome.ATTESTED


def test_the_first_attestation_in_force_is_the_one():
    said = Attestations([attestation(expires="2026-01-01"), attestation(), attestation(Said.FAIL)], TAKEN)
    (answer,) = report(pack(control(manual="look")), [], {}, said).answers()
    assert answer.status is Outcome.ATTESTED
    assert len(list(said.reports(["p-1"]))) == 2


@pytest.fixture
def whole():
    controls = [
        control("a", number="1.1"),
        control("b", number="1.2"),
        control(number="1.3", manual="look | <b>"),
        control(number="1.4", manual="look"),
    ]
    rows = [row("a", {P: 3, N: 1}), row("b", {F: 1, U: 2, P: 1})]
    return report(pack(*controls), rows, {}, Attestations([attestation(control="1.4")], TAKEN))


def test_shares_are_of_all_controls_and_manual_is_no_pass(whole):
    assert {outcome: whole.share(outcome) for outcome in Outcome if whole.share(outcome)} == dict.fromkeys(
        (Outcome.FAIL, Outcome.MANUAL, Outcome.ATTESTED, Outcome.PASS), 25.0
    )
    assert summary(whole) == ("4 controls: 1 fail (25.0 %), 1 manual (25.0 %), 1 attested (25.0 %), 1 pass (25.0 %)")


def test_data_and_markdown_have_every_control(whole):
    data = json.loads(json.dumps(as_data(whole)))
    assert sum(data["counts"].values()) == data["controls"] == 4
    shown = data["sections"][0]["controls"]
    assert [each["status"] for each in shown] == ["pass", "fail", "manual", "attested"]
    assert shown[1]["policies"] == [{"policy": "b", "population": 4, "violations": 1, "waived": 0, "unknown": 2}]
    assert shown[3]["attestation"]["who"] == "Ada"
    page = "\n".join(as_markdown(whole))
    assert "| 1.2 | title 1.2 | fail | 4 | 1 | 0 | 2 |  |" in page
    assert r"look \| &lt;b>" in page
    assert "Ada, 2026-06-01, until 2026-12-31: https://wiki/1" in page
