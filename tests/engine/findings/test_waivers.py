"""Waivers: a failure that is waived is marked and stays a failure; nothing else changes, and no waiver lasts."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest
from builders import shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stillframe.engine.assess import assess, waivers_for
from stillframe.engine.authoring.waivers import draft, quoted
from stillframe.engine.diff.diff import Unchanged, diff, newly_failing
from stillframe.engine.diff.replay import Side
from stillframe.engine.documents.yaml12 import load
from stillframe.engine.findings.batch import batches, finding_record
from stillframe.engine.findings.counts import Tally
from stillframe.engine.findings.selection import Selection
from stillframe.engine.findings.waivers import Waivers
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.config import open_config
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.model.change import Change
from stillframe.engine.model.finding import Finding, Kind, Status, Waived
from stillframe.engine.model.glob import glob
from stillframe.engine.model.policy import Severity
from stillframe.engine.model.ruleset import Ruleset
from stillframe.engine.model.scope import Scope
from stillframe.engine.model.waiver import Waiver, evidence_digest
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.format import encode
from stillframe.snapshot.model import Unknown

A, B = "111122223333", "444455556666"
POLICY = "kms-key-rotation"
KEYS = shipped("kms-key-rotation")
DENIED = {"$missing": "AccessDeniedException: kms:GetKeyRotationStatus"}
METADATA = {"KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "KeyState": "Enabled"}


def arn(name: str) -> str:
    return f"arn:aws:kms:us-east-1:{A}:key/{name}"


def key(name, rotation):
    state = {"KeyRotationEnabled": rotation} if isinstance(rotation, bool) else rotation
    return {"KeyId": name, "KeyArn": arn(name), "Metadata": METADATA, "Rotation": state}


def picture(time="2026-06-15T12:00:00Z", **rotations):
    return fixture({"AWS::KMS::Key": [key(name, rotation) for name, rotation in rotations.items()]}, time)


def waiver(expires="2026-06-30", **scope) -> Waiver:
    terms = Waived(kind=Kind.ACCEPTED, reason="r", owner="o", expires=expires)
    policy, evidence = scope.pop("policy", POLICY), scope.pop("evidence", None)
    place = "stillframe.yaml:7"
    return Waiver(policy=policy, scope=Scope.of(scope), waived=terms, evidence=evidence, place=place)


def judged(snapshot, *waivers: Waiver) -> tuple[dict[str, Finding], list[str]]:
    """What is found, by the last letter of the key; and what is reported of the waivers."""
    rules = Ruleset(policies=KEYS, waivers=waivers)
    marking = waivers_for(rules, snapshot)
    found = {finding.resource[-1]: finding for finding in marking.through(evaluate(snapshot, rules.policies))}
    return found, [
        report.removeprefix("stillframe.yaml:7: waiver of kms-key-rotation ") for report in marking.reports()
    ]


def waived(snapshot, *waivers: Waiver) -> set[str]:
    return {name for name, finding in judged(snapshot, *waivers)[0].items() if finding.waived}


# --------------------------------------------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"resource": arn("b")}, {"b"}),
        ({"account": A}, {"b", "c"}),
        ({"region": "us-east-1"}, {"b", "c"}),
        ({"resource": "*"}, {"b", "c"}),
        ({"resource": "*key/c"}, {"c"}),
        ({"resource": "*key/?"}, {"b", "c"}),
        ({"account": A, "region": "us-east-1", "resource": arn("c")}, {"c"}),
        ({"account": B}, set()),
        ({"region": "eu-west-1"}, set()),
        ({"resource": "key/b"}, set()),
        ({"resource": arn("b").upper()}, set()),
        ({"resource": "*key/[bc]"}, set()),
        ({"account": B, "resource": "*"}, set()),
        ({"policy": "vpc-flow-logs", "resource": "*"}, set()),
    ],
)
def test_a_waiver_covers_what_is_in_its_scope(scope, expected):
    assert waived(picture(a=True, b=False, c=False, d=DENIED), waiver(**scope)) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*", "a", True),
        ("a?", "a", False),
        ("[a]", "[a]", True),
        ("[a]*", "[a]b", True),
        ("[a]*", "ab", False),
        ("[!a]", "b", False),
        ("a*", "a\nb", True),
        ("A*", "ab", False),
        ("a.c*", "abc", False),
        ("*", "", True),
    ],
)
def test_a_glob_has_two_wildcards_and_no_others(pattern, text, expected):
    assert glob(pattern, text) is expected


@given(st.text("ab*?.\\^$", max_size=8), st.text("ab.\\", max_size=8))
def test_a_glob_is_as_file_names_are_matched(pattern, text):
    assert glob(pattern, text) == fnmatchcase(text, pattern)


@given(st.text(max_size=20))
def test_text_without_wildcards_is_only_itself(text):
    assert glob(text, text)
    if not {"*", "?"} & set(text):
        assert not glob(text, text + "x")


def test_many_stars_are_no_work():
    assert not glob("*a" * 50 + "b", "a" * 2000)


def test_the_first_waiver_that_applies_is_the_one():
    over, first, second = waiver("2026-01-01", resource="*"), waiver("2026-07-01", resource="*"), waiver(account=A)
    found, _ = judged(picture(b=False), over, first, second)
    assert found["b"].waived == first.waived


ACCOUNT = {
    "AccountId": A,
    "$tags": {"env": "dev"},
    "OrganizationalUnits": [{"Name": "Root", "Id": "r-1"}, {"Name": "Sandbox", "Id": "ou-1"}],
}


def tagged(account=ACCOUNT, **tags):
    keys = [{**key(name, False), "$tags": found} for name, found in tags.items()]
    return fixture({"AWS::KMS::Key": keys, **({"AWS::Account": [account]} if account else {})}, "2026-06-15T00:00:00Z")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"policy": "kms-*", "resource": "*"}, {"b", "c"}),
        ({"policy": "s3-*", "resource": "*"}, set()),
        ({"account": [B, A]}, {"b", "c"}),
        ({"region": ["eu-*", "us-east-?"]}, {"b", "c"}),
        ({"resource": [arn("b"), "*/c"]}, {"b", "c"}),
        ({"resource": [arn("b"), arn("d")]}, {"b"}),
        ({"account_tag": "env=dev"}, {"b", "c"}),
        ({"account_tag": ["env=prod", "team"]}, set()),
        ({"unit": "Sandbox"}, {"b", "c"}),
        ({"unit": ["Root/Prod", "ou-*"]}, {"b", "c"}),
        ({"unit": "Prod"}, set()),
        ({"tag": "team=x"}, {"b"}),
        ({"tag": ["team=y", "te*"]}, {"b", "c"}),
        ({"tag": "team=x", "unit": "Prod"}, set()),
        ({"tag": "team=x", "resource": arn("c")}, set()),
    ],
)
def test_a_waiver_may_be_of_units_and_tags_and_several_of_each(scope, expected):
    assert waived(tagged(b={"team": "x"}, c={"team": "z"}), waiver(**scope)) == expected


@pytest.mark.parametrize(
    ("account", "tags", "scope", "why"),
    [
        ({**ACCOUNT, "$tags": DENIED}, {}, {"account_tag": "env=dev"}, DENIED["$missing"]),
        (None, {}, {"account_tag": "env=dev"}, "the tags of the account were not collected"),
        (None, {}, {"unit": "Sandbox"}, "the organisational units above the account are unknown"),
        (ACCOUNT, DENIED, {"tag": "team"}, DENIED["$missing"]),
        (ACCOUNT, DENIED, {"tag": "team", "unit": "Sandbox"}, DENIED["$missing"]),
    ],
)
def test_a_waiver_does_not_waive_what_may_be_in_its_scope(account, tags, scope, why):
    found, reports = judged(tagged(account, b=tags), waiver(**scope))
    assert found["b"].waived is None
    assert reports == [f"does not waive 1 failing finding that may be in its scope: {why}"]


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ({"unit": "Sandbocks"}, "there is no unit Sandbocks here; did you mean Sandbox?"),
        ({"account_tag": "env=dve"}, "there is no account tag env=dve here; did you mean env=dev?"),
        ({"account": [B, "555566667777"]}, f"accounts {B}, 555566667777 are not in this snapshot"),
        ({"tag": "team=y"}, "nothing fails in its scope"),
    ],
)
def test_a_waiver_of_what_no_account_is_says_so(scope, why):
    assert judged(tagged(b={"team": "x"}), waiver(**scope))[1] == [f"is unused: {why}"]


WIDE = """\
id: own-wide
title: t
severity: low
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
rollup: {per: organisation, require: all}
"""


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ({"account": A}, False),
        ({"account_tag": "env=dev"}, False),
        ({"unit": "Root"}, False),
        ({"resource": "organisation", "unit": "Root"}, False),
        ({"resource": "organisation"}, True),
    ],
)
def test_a_waiver_of_some_accounts_does_not_waive_what_is_of_all(scope, covers):
    rules = Ruleset(policies=[parse_policy("p.yaml", WIDE)], waivers=[waiver(policy="own-*", **scope)])
    snapshot = tagged(b={})
    found = [each for batch in assess(snapshot, rules) for each in batch.findings()]
    assert [(each.status.value, each.waived is not None) for each in found] == [("fail", covers)]
    assert (waivers_for(rules, snapshot).mark(replace(found[0], waived=None)).waived is not None) is covers


@pytest.mark.parametrize("chosen", [{"only": {"account": [B]}}, {"but": {"unit": ["Root"]}}])
def test_what_is_of_all_accounts_is_of_those_that_are_chosen(chosen):
    rules = Ruleset(policies=[parse_policy("p.yaml", WIDE), *KEYS])
    found = assess(tagged(b={}), rules, Selection(**chosen))
    assert {each.policy for each in found} == {"own-wide"}


def test_a_draft_of_what_is_of_all_accounts_names_none():
    rules = Ruleset(policies=[parse_policy("p.yaml", WIDE)])
    (found,) = [each for batch in assess(tagged(b={}), rules) for each in batch.findings()]
    drafted = "\n".join(draft([found], owner="o", reason="r", expires="2026-06-30", wide={"own-wide"}))
    assert "account" not in load(drafted.encode()).value["waivers"][0]


# ---------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("time", "applies"),
    [
        ("2026-06-29T00:00:00Z", True),
        ("2026-06-30T00:00:00Z", True),
        ("2026-06-30T23:59:59.999999Z", True),
        ("2026-07-01T00:00:00Z", False),
        ("2027-01-01T00:00:00Z", False),
    ],
)
def test_a_waiver_applies_through_its_last_day(time, applies):
    found, reports = judged(picture(time, b=False), waiver("2026-06-30", account=A))
    assert bool(found["b"].waived) is applies
    assert found["b"].status is Status.FAIL
    assert reports == ([] if applies else ["expired on 2026-06-30: 1 failing finding in its scope"])


# -------------------------------------------------------------------------------------------------- reports


@pytest.mark.parametrize(
    ("estate", "entry", "expected"),
    [
        ({"b": False}, waiver(account=A), []),
        ({"b": True}, waiver(account=A), ["is unused: nothing fails in its scope"]),
        (
            {"b": DENIED},
            waiver(account=A),
            ["is unused: nothing fails in its scope, but something there could not be evaluated"],
        ),
        ({"b": True, "c": DENIED}, waiver(resource=arn("b")), ["is unused: nothing fails in its scope"]),
        ({"b": False}, waiver(account=B), [f"is unused: account {B} is not in this snapshot"]),
        ({"b": True}, waiver("2026-01-01", account=A), ["expired on 2026-01-01: no failing finding in its scope"]),
        (
            {"b": False, "c": False},
            waiver(account=A, evidence={}),
            ["has drifted: 2 failing findings in its scope with other evidence"],
        ),
        ({"b": False}, waiver(policy="vpc-flow-logs", account=A), []),  # nobody asked that policy
    ],
)
def test_a_waiver_that_does_not_do_what_it_should_is_reported(estate, entry, expected):
    assert judged(picture(**estate), entry)[1] == expected


def test_a_list_that_could_not_be_read_makes_no_waiver_unused():
    denied = fixture({"AWS::KMS::Key": {"$missing": "AccessDeniedException: kms:ListKeys"}}, "2026-06-15T00:00:00Z")
    found, reports = judged(denied, waiver(resource=arn("b")), waiver(account=B))
    assert [finding.status for finding in found.values()] == [Status.UNKNOWN]
    assert reports == [
        "is unused: nothing fails in its scope, but something there could not be evaluated",
        f"is unused: account {B} is not in this snapshot",
    ]


def test_a_report_names_the_line():
    snapshot = picture(b=True)
    rules = Ruleset(policies=KEYS, waivers=[waiver(account=A)])
    marking = waivers_for(rules, snapshot)
    list(marking.through(evaluate(snapshot, rules.policies)))
    assert list(marking.reports()) == [
        "stillframe.yaml:7: waiver of kms-key-rotation is unused: nothing fails in its scope"
    ]


# ------------------------------------------------------------------------------------------------- evidence


def evidence(name="b") -> dict:
    found, _ = judged(picture(b=False))
    return json.loads(encode(found[name].evidence))


def test_a_bound_waiver_applies_while_the_evidence_is_the_same():
    for binding in (evidence(), evidence_digest(evidence())):
        assert waived(picture(b=False), waiver(account=A, evidence=binding)) == {"b"}


@pytest.mark.parametrize(
    "change", [{"Rotation.KeyRotationEnabled": 0}, {"more": None}, {"Rotation.KeyRotationEnabled": None}]
)
def test_other_evidence_is_drift(change):
    other = {**evidence(), **change}
    for binding in (other, evidence_digest(other), {}):
        found, reports = judged(picture(b=False), waiver(account=A, evidence=binding))
        assert found["b"].waived is None
        assert reports[0].startswith("has drifted: 1 failing finding")


def test_less_evidence_is_drift_too():
    part = dict(list(evidence().items())[1:])
    assert waived(picture(b=False), waiver(account=A, evidence=part)) == set()


def test_evidence_is_compared_as_files_have_it():
    seen = {"a": Unknown.because("denied"), "b": {"$missing": 1}, "n": 10**30}
    written = {"a": {"$missing": "denied"}, "b": {"$$missing": 1}}
    assert waiver(evidence=written).bound({name: seen[name] for name in "ab"})
    assert not waiver(evidence={"n": 10**30}).bound({"n": 1})


# ------------------------------------------------------------------------------------------- what it changes


STATES = [True, False, DENIED, None, {"KeyRotationEnabled": DENIED}]
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from([A, B]),
        "region": st.sampled_from(["us-east-1", "global", "*"]),
        "resource": st.sampled_from(["*", arn("a"), arn("?"), "AWS::KMS::Key", "*/b"]),
        "evidence": st.sampled_from([{}, {"Rotation.KeyRotationEnabled": False}]),
        "tag": st.sampled_from(["env", "*"]),
        "unit": st.sampled_from(["Root", "*"]),
    },
)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(STATES), min_size=1, max_size=4),
    st.lists(st.tuples(SCOPES, st.sampled_from(["2026-01-01", "2026-06-15", "2027-01-01"])), max_size=4),
    st.booleans(),
)
def test_waivers_change_no_status_and_nothing_but_failures(states, entries, listed):
    estate = picture(**dict(zip("abcd", states, strict=False)))
    if not listed:
        estate = fixture({"AWS::KMS::Key": {"$missing": "denied"}}, "2026-06-15T00:00:00Z")
    plain = list(evaluate(estate, KEYS))
    marking = Waivers([waiver(day, **scope) for scope, day in entries], estate)
    marked = list(marking.through(plain))
    assert [replace(finding, waived=None) for finding in marked] == plain
    assert all(finding.status is Status.FAIL for finding in marked if finding.waived)
    assert sum(use.applied for use in marking.uses) == sum(finding.waived is not None for finding in marked)


def tally(snapshot, *waivers):
    counts = Tally(KEYS, keep=9)
    found, _ = judged(snapshot, *waivers)
    for batch in batches(found.values()):
        counts.add(batch)
    return counts


def test_a_waived_failure_is_counted_apart():
    counts = tally(picture(a=True, b=False, c=False, d=DENIED), waiver(resource=arn("b")))
    (row,) = counts.rows()
    assert (row.population, row.failures, row.waived, row.unknown, row.share) == (4, 1, 1, 1, 25.0)
    assert counts.failures(Severity.LOW) == 1
    assert [finding.resource[-1] for finding in counts.worst()] == ["c", "d", "b"]


@pytest.mark.parametrize("given", [[], [waiver(resource=arn("b"))], [waiver(policy="other")], [waiver(account=B)]])
def test_findings_and_batches_of_them_are_marked_alike(given):
    rules = Ruleset(policies=KEYS, waivers=given)
    snapshot = picture(a=True, b=False, c=False, d=DENIED)
    alone, together = waivers_for(rules, snapshot), waivers_for(rules, snapshot)
    marked = list(batches(alone.through(evaluate(snapshot, KEYS))))
    assert list(together.over(batches(evaluate(snapshot, KEYS)))) == marked
    assert [batch.waived for batch in marked] == [len(waived(snapshot, *given))]
    assert list(together.reports()) == list(alone.reports())


@pytest.mark.parametrize(
    ("scope", "gap", "expected"),
    [
        ({}, (POLICY, A, "*"), True),
        ({"account": A, "region": "r"}, (POLICY, A, "*"), True),
        ({"account": A, "region": "r"}, (POLICY, A, "r"), True),
        ({"account": A, "region": "r"}, (f"{POLICY}@p", A, "r"), True),
        ({"account": A, "region": "r"}, (POLICY, A, "s"), False),
        ({"account": A, "region": "r"}, (POLICY, B, "r"), False),
        ({"account": A, "region": "r"}, ("other", A, "r"), False),
        ({"account": A}, (POLICY, B, "*"), False),
        ({}, ("other", A, "*"), False),
    ],
)
def test_what_could_not_be_listed_may_be_what_a_waiver_is_about(scope, gap, expected):
    assert waiver(**scope).meets(gap) is expected


def test_where_all_failures_are_waived_nothing_fails():
    counts = tally(picture(a=True, b=False), waiver(account=A))
    assert (counts.failures(Severity.INFORMATIONAL), counts.rows()[0].share) == (0, 0.0)


def test_files_say_who_answers_for_a_failure():
    found, _ = judged(picture(a=True, b=False), waiver(account=A))
    assert finding_record(found["a"])["waiver"] is None
    assert finding_record(found["b"])["waiver"] == {
        "kind": "accepted",
        "reason": "r",
        "owner": "o",
        "expires": "2026-06-30",
    }


@pytest.mark.parametrize(
    ("old", "new", "entry", "change", "gates"),
    [
        (True, False, waiver(account=A), Change.NEW, False),
        (True, False, waiver(account=B), Change.NEW, True),
        (True, False, waiver("2026-06-20", account=A), Change.NEW, True),  # it ended between the two
        (False, False, waiver("2026-06-20", account=A), Change.PERSISTING, True),
        (False, True, waiver(account=A), Change.RESOLVED, False),
        (False, DENIED, waiver(account=A), Change.UNKNOWN, False),
    ],
)
def test_a_waiver_is_no_change_of_the_estate_but_its_end_counts(old, new, entry, change, gates):
    before, after = picture("2026-06-15T00:00:00Z", b=old), picture("2026-06-25T00:00:00Z", b=new)
    sides = [Side(each, KEYS) for each in (before, after)]
    one, two = judged(before, entry)[0].values(), judged(after, entry)[0].values()
    (changed,) = diff(*sides, batches(one), batches(two))
    (difference,) = changed.differences() if isinstance(changed, Unchanged) else [changed]
    assert difference.change is change
    assert newly_failing(difference, Severity.LOW) is gates


# --------------------------------------------------------------------------------------------------- drafts


def finding(resource: str, seen: dict) -> Finding:
    return Finding(
        policy=POLICY,
        status=Status.FAIL,
        severity=Severity.LOW,
        account="012345670123",
        region="us-east-1",
        type="AWS::KMS::Key",
        resource=resource,
        name=None,
        message="",
        remediation=None,
        evidence=seen,
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(TEXT, st.dictionaries(TEXT, VALUES, max_size=4)), min_size=1, max_size=3),
    TEXT.filter(str.strip),
    TEXT.filter(str.strip),
)
def test_what_is_drafted_waives_what_it_was_drafted_for(tmp_path_factory, entries, owner, reason):
    failures = [finding(resource, seen) for resource, seen in entries if resource.strip()]
    path = tmp_path_factory.mktemp("draft") / "stillframe.yaml"
    text = "\n".join(draft(failures, owner=owner, reason=reason, expires="2026-06-30", bind=True))
    assert text.isprintable() or set(text) - {"\n"} == {char for char in text if char.isprintable()}
    path.write_text(text + "\n", encoding="utf-8")
    problems: list = []
    reader = open_config(path, problems)
    reader.check(dict.fromkeys([POLICY], KEYS[0]), ())
    assert problems == []
    waivers = reader.config().waivers
    assert len(waivers) == len(failures)
    for each, failure in zip(waivers, failures, strict=True):
        marked = Waivers([each], picture("2026-06-30T23:00:00Z", a=True)).mark(failure)
        assert marked.waived == Waived(kind=Kind.ACCEPTED, reason=reason, owner=owner, expires="2026-06-30")


@given(TEXT)
def test_quoted_text_is_read_back(text):
    assert load(f"a: {quoted(text)}".encode()).value == {"a": text}
    assert quoted(text).isprintable()


def test_long_evidence_is_bound_by_its_digest():
    failure = finding("r", {"Policy": "x" * 1000})
    (line,) = [
        line for line in draft([failure], owner="o", reason="r", expires="2026-06-30", bind=True) if "evid" in line
    ]
    assert line == f'    evidence: "{evidence_digest(failure.evidence)}"'


def test_a_resource_that_reads_as_a_pattern_is_remarked_upon():
    lines = list(draft([finding("all*", {})], owner="o", reason="r", expires="2026-06-30"))
    assert any(line.lstrip().startswith("#") for line in lines)
    assert not any("evidence" in line for line in lines)
