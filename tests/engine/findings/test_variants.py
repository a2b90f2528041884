"""Settings that hold somewhere: each finding is that of the policy as it is set for its place, on both paths."""

from __future__ import annotations

import pickle
import re
from collections import Counter

import msgspec
import pytest
from builders import TIME, write_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stillframe.engine.assess import Share, assess, choose, notes
from stillframe.engine.diff.diff import Unchanged, diff, newly_failing
from stillframe.engine.diff.replay import Side
from stillframe.engine.errors import ConfigError
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.findings.selection import Selection, selection
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.cause import Cause, why_lines
from stillframe.engine.model.change import Change
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Severity
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot

A, B, C = "111122223333", "444455556666", "777788889999"
VPC = "AWS::EC2::VPC"
DENIED = {"$missing": "AccessDenied: ec2:DescribeTags"}
POLICY = """\
id: vpc-small
title: A VPC is small
severity: low
resource: AWS::EC2::VPC
params:
  most: {type: integer, default: 5, description: More is large}
where: Kind != 'other'
assert: Number < $params.most
"""
ROLLUP = """\
id: vpc-few
title: There are few VPCs
severity: low
resource: AWS::EC2::VPC
params:
  most: {type: integer, minimum: 0, default: 5, description: More are many}
assert: Kind != 'other'
rollup: {per: account, require: {at_most: $params.most}}
"""


def account(name: str, tags, *units: str) -> dict:
    found = [{"Name": unit, "Id": f"id-{unit}"} for unit in units]
    return {"$account": name, "AccountId": name, "$tags": tags, "OrganizationalUnits": found}


def vpc(owner: str, name: str, number: int, region: str = "us-east-1", tags=None, kind: str = "some") -> dict:
    place = {"$account": owner, "$region": region, "$tags": {} if tags is None else tags}
    return {**place, "VpcId": name, "Number": number, "Kind": kind, "OwnerId": owner}


ACCOUNTS = [account(A, {"env": "dev"}, "Root", "Sandbox"), account(B, {"env": "prod"}, "Root", "Prod")]
ESTATE = {
    "AWS::Account": [*ACCOUNTS, account(C, DENIED, "Root", "Prod")],
    VPC: [
        *(vpc(each, f"vpc-{number}", number) for each in (A, B, C) for number in (3, 7)),
        vpc(A, "vpc-eu", 7, "eu-west-1"),
        vpc(A, "vpc-big", 7, "eu-west-1", {"size": "big"}),
        vpc(A, "vpc-odd", 7, "eu-west-1", DENIED),
        vpc(A, "vpc-other", 7, "eu-west-1", kind="other"),
    ],
}


@pytest.fixture
def rules(tmp_path):
    """A ruleset of one policy under settings, as YAML."""

    def load(written: str, policy: str = POLICY, **more):
        name = policy.partition("\n")[0].removeprefix("id: ")
        (tmp_path / "policy.yaml").write_text(policy)
        path = tmp_path / "stillframe.yaml"
        path.write_text(f"policies: [policy.yaml]\nshipped: false\nsettings:\n  {name}: {written}\n")
        return load_rules(path, **more)

    return load


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    return open_snapshot(write_snapshot(tmp_path_factory.mktemp("estate"), ESTATE))


def said(snapshot, ruleset, method=Method(few=0)) -> dict[tuple[str, str], str]:
    found = [each for batch in assess(snapshot, ruleset, method=method) for each in batch.findings()]
    assert found == sorted(found, key=lambda each: each.identity)
    return {(each.account, each.resource): each.status.value for each in found}


def differing(snapshot, ruleset) -> dict[str, str]:
    """What becomes of the VPCs where it is not what the policy says unset: `account's first digit/VPC`, and how."""
    written = replace(ruleset, layers={}, policies=ruleset.written)
    before, now = said(snapshot, written), said(snapshot, ruleset)
    return {f"{key[0][0]}/{key[1]}": now.get(key, "gone") for key in before if before[key] != now.get(key, "gone")} | {
        f"{key[0][0]}/{key[1]}": now[key] for key in now.keys() - before.keys()
    }


CASES = [
    (f'[{{account: "{B}", params: {{most: 9}}}}]', {"4/vpc-7": "pass"}),
    (f'[{{account: ["{B}", "{C}"], params: {{most: 9}}}}]', {"4/vpc-7": "pass", "7/vpc-7": "pass"}),
    ("[{account: '4444*', params: {most: 9}}]", {"4/vpc-7": "pass"}),
    (
        "[{account: ['1111*', '????5555*'], params: {most: 9}}]",
        {
            "4/vpc-7": "pass",
            **dict.fromkeys(["1/vpc-7", "1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "pass"),
        },
    ),
    # what accounts are called is not known here
    (
        "[{account: prod-*, params: {most: 9}}]",
        {
            **dict.fromkeys(["1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "unknown"),
            **{f"{account}/vpc-{number}": "unknown" for account in (1, 4, 7) for number in (3, 7)},
        },
    ),
    ("[{unit: Root/Prod, params: {most: 1}}]", {"4/vpc-3": "fail", "7/vpc-3": "fail"}),
    # of the third account nobody knows the tags: what would be otherwise by them is unknown
    ("[{account_tag: env=prod, params: {most: 9}}]", {"4/vpc-7": "pass", "7/vpc-7": "unknown", "7/vpc-3": "unknown"}),
    ("[{account_tag: env=prod, params: {most: 5}}]", {}),
    ("[{account_tag: env, unit: Sandbox, params: {most: 1}}]", {"1/vpc-3": "fail"}),
    ("[{region: eu-*, params: {most: 9}}]", dict.fromkeys(["1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "pass")),
    ("[{tag: size=big, params: {most: 9}}]", {"1/vpc-big": "pass", "1/vpc-odd": "unknown"}),
    ("[{tag: size=big, region: us-*, params: {most: 9}}]", {}),
    # what stands later has more weight, where both hold
    (
        "[{region: eu-*, params: {most: 9}}, {tag: size, params: {most: 2}}]",
        {"1/vpc-eu": "pass", "1/vpc-odd": "unknown"},
    ),
    ("[{tag: size, params: {most: 9}}, {region: eu-*, params: {most: 2}}]", {}),
    ("[{unit: Prod, enabled: false, reason: r}]", dict.fromkeys(["4/vpc-3", "4/vpc-7", "7/vpc-3", "7/vpc-7"], "gone")),
    (
        "[{account_tag: env=prod, enabled: false, reason: r}]",
        {"4/vpc-3": "gone", "4/vpc-7": "gone", "7/vpc-3": "unknown", "7/vpc-7": "unknown"},
    ),
    (
        "[{enabled: false, reason: r}, {region: us-*, enabled: true}]",
        dict.fromkeys(["1/vpc-eu", "1/vpc-big", "1/vpc-odd", "1/vpc-other"], "gone"),
    ),
]


@pytest.mark.parametrize(("written", "expected"), CASES, ids=[each for each, _ in CASES])
def test_a_finding_is_that_of_its_place(rules, estate, written, expected):
    assert differing(estate, rules(written)) == expected


BAD = {"1/vpc-7", "4/vpc-7", "7/vpc-7", "1/vpc-eu", "1/vpc-big", "1/vpc-odd"}
SEVERITIES = [
    (f'[{{account: "{B}", severity: high}}]', {"4/vpc-7": "high"}),
    (
        "[{severity: medium}, {unit: Sandbox, severity: informational}]",
        {
            **dict.fromkeys(["4/vpc-7", "7/vpc-7"], "medium"),
            **dict.fromkeys(["1/vpc-7", "1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "informational"),
        },
    ),
    # where it is unknown which holds, it is the worst that it may be
    ("[{account_tag: env=prod, severity: high}]", {"4/vpc-7": "high", "7/vpc-7": "high"}),
    ("[{account_tag: env=prod, severity: informational}]", {"4/vpc-7": "informational"}),
    ("[{region: eu-*, severity: critical}]", dict.fromkeys(["1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "critical")),
    ("[{tag: size=big, severity: high}]", {"1/vpc-big": "high", "1/vpc-odd": "high"}),
    ("[{tag: size=big, severity: informational}]", {"1/vpc-big": "informational"}),
    # what stands later has more weight, and what is set beside it does not matter
    (
        "[{tag: size=big, severity: high, params: {most: 5}}, {region: eu-*, severity: informational}]",
        dict.fromkeys(["1/vpc-eu", "1/vpc-big", "1/vpc-odd"], "informational"),
    ),
    (
        "[{region: eu-*, severity: medium}, {tag: size=big, severity: high}]",
        {
            **dict.fromkeys(["1/vpc-big", "1/vpc-odd"], "high"),
            "1/vpc-eu": "medium",
        },
    ),
]


@pytest.mark.parametrize(("written", "expected"), SEVERITIES, ids=[each for each, _ in SEVERITIES])
def test_a_failure_is_as_bad_as_is_set_for_its_place(rules, estate, written, expected, tmp_path):
    ruleset, cached = rules(written), Method(few=0, cache=tmp_path / "cache")
    plain = replace(ruleset, layers={}, policies=ruleset.written)
    marks = [each.fingerprint for batch in assess(estate, plain, method=cached) for each in batch.findings()]
    only = Method(few=0, written=frozenset({Status.FAIL}))
    for method in (
        cached,
        cached,
        Method(exact=True),
        Method(workers=2),
        *([] if ruleset.severe_by_line() else [only]),
    ):
        assessed = assess(estate, ruleset, method=method)
        batches = list(assessed)
        found = [each for batch in batches for each in batch.findings()]
        said_so = {f"{each.account[0]}/{each.resource}": each.severity for each in found if each.status is Status.FAIL}
        assert said_so == {**dict.fromkeys(BAD, "low"), **expected}, method
        assert method is only or [each.fingerprint for each in found] == marks
        worst = Counter(said_so.values())
        for severity in Severity:
            least = sum(number for each, number in worst.items() if each.rank <= severity.rank)
            assert assessed.tally.failures(severity) == least
        by_account = sum(assessed.tally.accounts.values(), Counter())
        assert +by_account == worst
        (row,) = assessed.rows()
        assert (row.severity, row.failures) == (min(worst, key=lambda each: each.rank), len(BAD))
        assert {part.severity: part.failures for part in row.parts if part.failures} == worst
        assert sum((Counter(part.counts) for part in row.parts), Counter()) == Counter(row.counts)
        for severity in Severity:
            chosen = selection([f"severity={severity}"])
            if severity in {each.severity for each in found}:
                part = assess(estate, *choose(chosen, ruleset), chosen, method)
                told = [each for batch in part for each in batch.findings()]
                assert told == [each for each in found if each.severity is severity]
                assert (method is only) or part.rows()[0].population == len(
                    [each for each in told if each.status is not Status.NOT_APPLICABLE]
                )


def test_a_severity_by_place_is_seen_wherever_severities_are(rules, estate, run, tmp_path):
    rules("[{unit: Sandbox, severity: informational}, {tag: size=big, severity: critical}]")
    by = ("-c", tmp_path / "stillframe.yaml")
    files = [
        tmp_path / f"f.{ending}"
        for ending in ("jsonl", "om", "sarif", "ocsf.jsonl", "asff", "html", "md", "audit.html")
    ]
    ran = run("evaluate", estate.path, *by, "--fail-on", "high", *(part for each in files for part in ("-o", each)))
    assert ran.code == 1
    assert "vpc-small  critical, low, informational " in ran.err
    assert "6 failures (2 critical, 2 low, 2 informational)" in ran.err
    assert run("evaluate", estate.path, *by, "--except", "severity=critical", "--fail-on", "high").code == 0
    text = {each.name.partition(".")[2]: each.read_text() for each in files if each.is_file()}
    assert 'stillframe_findings{policy="vpc-small",severity="critical",status="fail"} 2' in text["om"]
    assert 'stillframe_findings{policy="vpc-small",severity="low",status="pass"} 2' in text["om"]
    sarif = msgspec.json.decode(text["sarif"])["runs"][0]["results"]
    assert Counter(each["level"] for each in sarif if each["kind"] == "fail") == {"error": 2, "note": 4}
    events = [msgspec.json.decode(line) for line in text["ocsf.jsonl"].splitlines()]
    assert {"Critical", "Low", "Informational"} == {each["severity"] for each in events}
    requests = [msgspec.json.decode(each.read_bytes()) for each in (tmp_path / "f.asff").glob("*.json")]
    labels = {each["Severity"]["Label"] for request in requests for each in request["Findings"]}
    assert labels == {"CRITICAL", "LOW", "INFORMATIONAL"}
    page = msgspec.json.decode(re.search(r'id="report">(.*?)</script>', text["html"])[1])
    assert page["policies"][0]["failing"] == [2, 0, 0, 2, 2]
    assert page["blocks"]["severity"]["length"] == len(text["jsonl"].splitlines())
    assert "| critical, low, informational |" in text["md"]
    explained = run("policy", "explain", estate.path, "vpc-small", "vpc-big", *by)
    assert "critical" in explained.out.partition("\n")[0]


def moved_to_production(ruleset, folder):
    """What changes where the first account moves to another unit."""
    moved = {**ESTATE, "AWS::Account": [account(A, {}, "Root", "Prod"), *ESTATE["AWS::Account"][1:]]}
    old = open_snapshot(write_snapshot(folder / "archive", ESTATE))
    new = open_snapshot(write_snapshot(folder / "archive", moved, TIME.replace(day=2)))
    sides = [assess(each, ruleset, method=Method(few=0)) for each in (old, new)]
    given = [Side(each.snapshot, ruleset.policies, each.variants) for each in sides]
    return [each for each in diff(*given, *sides) if not isinstance(each, Unchanged)]


def test_a_diff_says_that_a_failure_got_worse(rules, tmp_path):
    ruleset = rules("[{unit: Sandbox, severity: informational}]")
    changes = moved_to_production(ruleset, tmp_path)
    failing = [each for each in changes if each.change is Change.PERSISTING]
    assert {line for each in failing for line in why_lines(each.why)} == {'policy: severity "informational" → "low"'}
    assert sum(newly_failing(each, Severity.LOW) for each in changes) == 4
    assert not [each for each in changes if each not in failing]


METHODS = {
    "exact": Method(exact=True),
    "compiled": Method(few=0),
    "workers": Method(workers=2),
    "only failures": Method(few=0, written=frozenset({Status.FAIL, Status.UNKNOWN})),
}


@pytest.mark.parametrize("written", [each for each, _ in CASES])
def test_every_way_of_evaluating_gives_the_same_bytes(rules, estate, written, tmp_path):
    ruleset = rules(written)
    found = {name: list(assess(estate, ruleset, method=method)) for name, method in METHODS.items()}
    assert found["exact"] == found["compiled"] == found["workers"]
    part = [each for each in found["compiled"] if set(each.counts)]
    assert [each.counts for each in found["only failures"]] == [each.counts for each in part]
    assert [*found["only failures"]] == [
        msgspec.structs.replace(each, data=b"".join(each.having(Status.FAIL, Status.UNKNOWN))) for each in part
    ]


@pytest.mark.parametrize("first", [each for each, _ in CASES[:6]])
def test_nothing_is_remembered_of_other_settings(rules, estate, tmp_path, first):
    """Whichever settings came before, in one cache."""
    cached = Method(few=0, cache=tmp_path / "cache")
    for written, _ in ((first, {}), *CASES[:4], (first, {})):
        ruleset = rules(written)
        for _ in range(2):
            assert list(assess(estate, ruleset, method=cached)) == list(assess(estate, ruleset, method=Method(few=0)))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[{unit: Prod, params: {most: 0}}]", {A: "pass", B: "fail", C: "fail"}),
        ("[{account_tag: env=prod, params: {most: 0}}]", {A: "pass", B: "fail", C: "unknown"}),
        ("[{tag: env=dev, params: {most: 0}}]", {A: "fail", B: "pass", C: "unknown"}),  # of an account
        ("[{region: global, params: {most: 0}}]", {A: "fail", B: "fail", C: "fail"}),
    ],
)
def test_a_rollup_is_set_for_what_it_counts(rules, estate, written, expected):
    found = said(estate, rules(written, ROLLUP))
    assert {key[0]: status for key, status in found.items()} == expected
    assert found == said(estate, rules(written, ROLLUP), Method(exact=True))


def test_over_nothing_a_rollup_is_unknown_where_its_number_is(rules, tmp_path):
    none = {"AWS::Account": [account(A, DENIED, "Root")], VPC: [vpc(A, "v", 1, kind="other")]}
    empty = open_snapshot(write_snapshot(tmp_path / "none", none))
    least = ROLLUP.replace("at_most", "at_least").replace("default: 5", "default: 0")
    assert set(said(empty, rules("[{account_tag: env=dev, params: {most: 1}}]", least)).values()) == {"unknown"}


def test_the_cause_says_what_is_not_known(rules, estate):
    found = assess(estate, rules("[{account_tag: env=prod, params: {most: 9}}]"), method=Method(few=0))
    (message,) = {each.message for batch in found for each in batch.findings(Status.UNKNOWN)}
    assert message == "which settings hold here is unknown: AccessDenied: ec2:DescribeTags"


def test_accounts_may_be_named_and_by_patterns(rules, tmp_path):
    """In settings and in waivers; of what no account is called it is said."""
    plain, called = fixture(ESTATE), {A: "dev-1", B: "prod-1", C: "prod-2"}
    named = replace(plain, account=lambda each: replace(plain.account(each), name=called[each]))
    estate = open_snapshot(write_snapshot(tmp_path / "named", named))
    assert differing(estate, rules("[{account: prod-*, params: {most: 9}}]")) == {"4/vpc-7": "pass", "7/vpc-7": "pass"}
    path = tmp_path / "stillframe.yaml"
    terms = "reason: r, owner: o, expires: 2026-12-31"
    entries = [f"{{policy: vpc-small, account: {each}, {terms}}}" for each in ("prod-1", "'7777*'", "prodd-1")]
    path.write_text(f"policies: [policy.yaml]\nshipped: false\nwaivers: [{', '.join(entries)}]\n")
    found = assess(estate, load_rules(path))
    waived = [each.account for batch in found for each in batch.findings() if each.waived]
    assert waived == [B, C]
    assert "there is no account prodd-1 here; did you mean prod-1?" in found.notes()[-1]


def test_what_is_unknown_has_the_severity_that_is_set(rules, estate):
    set_so = "[{severity: critical}, {account_tag: env=prod, params: {most: 9}}]"
    found = assess(estate, rules(set_so), method=Method(few=0))
    assert {each.severity for batch in found for each in batch.findings()} == {Severity.CRITICAL}


def test_a_severity_that_is_the_worst_for_want_of_tags_is_told(rules, estate):
    found = assess(
        estate, rules("[{account_tag: env=prod, severity: critical}, {unit: Sandbox, severity: informational}]")
    )
    list(found)
    (note,) = found.notes()
    worst = "4: vpc-small has the worst severity that may hold in 1 account, as it is unknown whether this does"
    assert note.partition("stillframe.yaml:")[2] == f"{worst}: AccessDenied: ec2:DescribeTags"


def test_the_command_line_has_the_last_word_everywhere(rules, estate):
    ruleset = rules("[{unit: Prod, params: {most: 1}}]", settings=["vpc-small.most=9"])
    assert set(said(estate, ruleset).values()) == {"pass", "not_applicable"}


def test_what_is_disabled_somewhere_is_told_and_so_is_what_holds_nowhere(rules, estate):
    written = (
        "[{unit: Prod, enabled: false, reason: small}, {unit: Prodd, params: {most: 9}}, {region: x*, severity: low}]"
    )
    ruleset = rules(written)
    assert [each.partition("stillframe.yaml:")[2] for each in notes(ruleset)] == [
        "4: vpc-small is disabled where unit Prod: small"
    ]
    found = assess(estate, ruleset)
    list(found)
    assert [each.partition("stillframe.yaml:")[2] for each in found.notes()][1:] == [
        "4: the setting of vpc-small holds nowhere: there is no unit Prodd here; did you mean Prod?",
        "4: the setting of vpc-small holds nowhere: there is no region x* here; there are eu-west-1, global, us-east-1",
    ]


def test_workers_of_a_cluster_choose_as_one_process_does(rules, estate):
    """By what is sent to them."""
    ruleset, shown = rules("[{tag: size=big, params: {most: 9}}]"), frozenset({Status.FAIL})
    found = assess(estate, ruleset)
    whole = list(found)
    share = pickle.loads(pickle.dumps(Share((), Selection(), found.variants, ruleset.policies, 9, _lines, shown)))
    told = share(estate, (), 0, judge(estate, found.variants.evaluated, Method(few=0)))
    assert told.written == b"".join(line for each in whole for line in each.having(Status.FAIL))
    whole_sums = found.tally.sums()
    assert told.tally == (*whole_sums[:3], told.tally[3], whole_sums[4])


def _lines(_, batches) -> bytes:
    return b"".join(each.data for each in batches)


def test_a_diff_names_the_parameter_that_is_another_where_an_account_moved(rules, tmp_path):
    ruleset = rules("[{unit: Sandbox, params: {most: 9}}]")
    changes = moved_to_production(ruleset, tmp_path)
    new_ones = {each.finding.resource for each in changes if each.change is Change.NEW}
    assert new_ones == {"vpc-7", "vpc-big", "vpc-eu", "vpc-odd"}
    assert {line for each in changes for line in why_lines(each.why)} == {"policy: params.most 9 → 5"}


def test_a_diff_calls_nothing_resolved_that_is_not_known_any_more(rules, tmp_path):
    ruleset = rules("[{account_tag: env=prod, params: {most: 9}}]")
    denied = {**ESTATE, "AWS::Account": [account(A, DENIED, "Root"), *ESTATE["AWS::Account"][1:]]}
    old = open_snapshot(write_snapshot(tmp_path / "archive", ESTATE))
    new = open_snapshot(write_snapshot(tmp_path / "archive", denied, TIME.replace(day=2)))
    sides = [assess(each, ruleset, method=Method(few=0)) for each in (old, new)]
    given = [Side(each.snapshot, ruleset.policies, each.variants) for each in sides]
    changes = [each for each in diff(*given, *sides) if not isinstance(each, Unchanged)]
    assert {each.change for each in changes} == {Change.UNKNOWN}
    assert {why.cause for each in changes for why in each.why} == {Cause.POLICY}


def test_people_see_what_is_asked_where(rules, estate, run, tmp_path):
    rules('[{unit: Sandbox, params: {most: 9}}, {account_tag: "team", params: {most: 1}}]')
    by = ("-c", tmp_path / "stillframe.yaml")
    explained = run("policy", "explain", estate.path, "vpc-small", "vpc-big", *by)
    assert "pass" in explained.out, explained
    run("evaluate", estate.path, *by, "--receipt", tmp_path / "r.json", "-o", tmp_path / "f.ocsf.json")
    said = msgspec.json.decode((tmp_path / "r.json").read_bytes())["policies"]["vpc-small"]
    assert (said["params"], said["variants"]) == (
        {"most": 5},
        [
            {"accounts": [A], "params": {"most": 9}},
            {"accounts": [B], "params": {"most": 5}},
            {"accounts": [C], "unsure": f"which settings hold here is unknown: {DENIED['$missing']}"},
        ],
    )


def test_a_policy_that_is_disabled_somewhere_answers_no_control_alone(estate, tmp_path):
    path = tmp_path / "stillframe.yaml"
    path.write_text("settings: {vpc-flow-logs: [{unit: Sandbox, enabled: false, reason: closed soon}]}\n")
    found = assess(estate, load_rules(path, packs=["cis-aws-5.0.0"]))
    list(found)
    answers = [
        each
        for each in found.packs()[0].answers()
        if any(ask.policy.startswith("vpc-flow-logs") for ask in each.control.asks)
    ]
    assert answers
    assert all("is disabled where unit Sandbox: closed soon" in each.why for each in answers)


WITH_LEAST = """\
id: own-least
title: t
severity: low
resource: AWS::EC2::VPC
params: {least: {type: integer, default: 5, description: Less is small}}
assert: Number > $params.least
"""
IDLE = """\
id: own-idle
title: What is asked for is there
severity: low
resource: [AWS::S3::Bucket, AWS::SNS::Topic]
params:
  need: {type: array, items: {type: string}, default: [], description: None asks nothing}
where: $params.need
assert: Name
"""
KINDS = ("AWS::S3::Bucket", "AWS::SNS::Topic")
NEED = "{params: {need: [a]}}"
PACK = """\
framework: own
version: "1"
title: T
sections: [{title: S, controls: [{number: "1.1", title: V, policies: [own-idle]}]}]
"""


@pytest.mark.parametrize(
    ("written", "status", "where"),
    [
        (f"[{{account: '{A}', params: {{need: [a]}}}}]", "left_out", f"{B}, {C}"),
        (f"[{NEED}, {{account: ['{B}', '{C}'], params: {{need: []}}}}]", "left_out", f"{B}, {C}"),
        (f"[{{account: ['{A}', '{B}', '{C}'], params: {{need: []}}}}]", "left_out", f"{A}, {B}, {C}"),
        (f"[{NEED}, {{account: '{B}', region: 'eu-*', params: {{need: []}}}}]", "left_out", f"parts of {B}"),
        (f"[{NEED}, {{account: '{B}', params: {{need: [b]}}}}]", "pass", ""),
    ],
)
def test_a_policy_that_asks_nothing_somewhere_answers_no_control_alone(rules, tmp_path, written, status, where):
    (tmp_path / "own-1.yaml").write_text(PACK)
    rules(written, IDLE)
    path = tmp_path / "stillframe.yaml"
    path.write_text(f"packs: [./own-1.yaml]\n{path.read_text()}")
    there = {kind: [{"$account": each, "Name": each, "TopicArn": each} for each in (A, B, C)] for kind in KINDS}
    estate = open_snapshot(write_snapshot(tmp_path, {**ESTATE, **there}))
    found = assess(estate, load_rules(path))
    list(found)
    (answer,) = found.packs()[0].answers()
    said = f"asks nothing in {where}, until its parameters are set there" if where else ""
    assert (answer.status.value, answer.why) == (status, f"own-idle {said}" if said else "")
    assert [each for each in found.notes() if "asks nothing" in each] == ([f"own-idle {said}"] if said else [])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "[{unit: Prod, effort: small}]",
            "4:28: effort is the same everywhere: by unit only params, severity and enabled may differ",
        ),
        ("[{region: eu-westt-1, params: {most: 1}}]", "4:24: no region is called eu-westt-1; did you mean eu-west-1?"),
        ("[{account: '12', params: {most: 1}}]", "4:25: '12' is not an account id: 12 digits, in quotes"),
        ("[{units: Prod, params: {most: 1}}]", "4:16: unknown key 'units'; did you mean unit?"),
        ("[{unit: Prod}]", "4:15: nothing is set here"),
        (
            f"[{', '.join(['{tag: a, params: {most: 1}}'] * 64)}]",
            "with this, settings by region or tag make more than 64 variants of vpc-small",
        ),
    ],
)
def test_what_a_setting_cannot_say_is_an_error(rules, written, said):
    with pytest.raises(ConfigError) as caught:
        rules(written)
    assert said in str(caught.value)


def test_what_counts_over_accounts_is_set_the_same_everywhere(rules, estate):
    wide = ROLLUP.replace("per: account", "per: organisation")
    with pytest.raises(ConfigError, match="vpc-few counts over accounts: it is set the same everywhere"):
        rules("[{unit: Prod, params: {most: 0}}]", wide)


BASE = "id: own-base\ntitle: t\n" + POLICY.partition("title: A VPC is small\n")[2]
CHILD = "id: own-{}\ntitle: t\nextends: own-{}\n"
WIDE = "rollup: {per: organisation, require: all}\n"
OF_ACCOUNTS = "id: own-base\ntitle: t\nseverity: high\nresource: AWS::Account\nassert: AccountId\n"
GROUPED = "rollup: {per: Kind, require: all}\n"


def several(tmp_path, settings: str, *texts: str, more: str = ""):
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text)
    names = ", ".join(f"{number}.yaml" for number in range(len(texts)))
    path = tmp_path / "stillframe.yaml"
    path.write_text(f"shipped: false\npolicies: [{names}]\n{more}settings: {settings}\n")
    return load_rules(path)


TAGGED = ", ".join(f"{{tag: a{each}, params: {{most: {each}}}}}" for each in range(40))


@pytest.mark.parametrize(
    ("written", "texts", "said"),
    [
        (f"{{own-base: [{TAGGED}], own-a: [{TAGGED}]}}", [BASE, CHILD.format("a", "base")], "64 variants of own-a"),
        ("{own-base: [{region: eu-*, params: {most: 1}}]}", [BASE + GROUPED], "a group is in no region"),
        (
            "{own-base: [{region: [us-*, eu-*], params: {most: 1}}]}",
            [BASE + "rollup: {per: account, require: all}\n"],
            "own-base has its findings in the region global",
        ),
        (
            "{own-base: [{region: us-*, severity: low}]}",
            [OF_ACCOUNTS],
            "own-base has its findings in the region global",
        ),
        (f"{{own-base@own-1: [{{account: '{A}', params: {{most: 1}}}}]}}", [BASE + WIDE], "counts over accounts"),
    ],
)
def test_what_a_setting_cannot_be_for_the_policy_that_it_reaches_is_an_error(tmp_path, written, texts, said):
    (tmp_path / "own-1.yaml").write_text(PACK.replace("own-idle", "{own-base: {most: 3}}"))
    with pytest.raises(ConfigError, match=said):
        several(tmp_path, written, *texts, more="packs: [./own-1.yaml]\n")


@pytest.mark.parametrize(
    ("written", "texts", "said"),
    [
        (f"{{own-*: [{{account: '{A}', params: {{most: 1}}}}]}}", [BASE + WIDE], "own-base counts over accounts"),
        (
            f"{{own-base: [{{account: '{A}', params: {{most: 1}}}}]}}",
            [BASE, CHILD.format("a", "base") + WIDE],
            "own-a counts over accounts",
        ),
        (f"{{own-*: [{{account: '{A}', params: {{least: 1}}}}]}}", [BASE + WIDE, WITH_LEAST], ""),
        (f"{{own-base: [{{account: '{A}', params: {{most: 1}}}}]}}", [BASE, CHILD.format("a", "base")], ""),
    ],
)
def test_what_is_set_somewhere_and_does_not_reach_what_counts_over_accounts_is_told(tmp_path, written, texts, said):
    told = [each for each in notes(several(tmp_path, written, *texts)) if "over accounts" in each]
    assert len(told) == bool(said)
    assert all(f"stillframe.yaml:3: {said}: it is set the same everywhere" in each for each in told)


def test_what_counts_over_accounts_is_not_enabled_somewhere(tmp_path):
    entries = f"[{{enabled: false, reason: r}}, {{account: '{A}', enabled: true}}]"
    assert several(tmp_path, f"{{'own-*': {entries}}}", BASE + WIDE).policies == []


def test_a_group_is_in_no_region_and_that_is_the_cause(tmp_path, estate):
    found = assess(estate, several(tmp_path, "{'own-*': [{region: 'eu-*', params: {most: 1}}]}", BASE + GROUPED))
    causes = {each.message for batch in found for each in batch.findings(Status.UNKNOWN)}
    assert causes
    assert all("what stands for all regions is in none of them alone" in each for each in causes)


NUMBERS = st.integers(0, 9)
TAGS = st.sampled_from([{}, {"a": "1"}, {"a": "2"}, DENIED])
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from([A, B]),
        "account_tag": st.sampled_from(["a", "a=1"]),
        "unit": st.sampled_from(["Root", "Sandbox"]),
        "region": st.sampled_from(["eu-*", "us-east-1"]),
        "tag": st.sampled_from(["a=1", "a"]),
    },
)
VPCS = st.lists(st.tuples(st.sampled_from([A, B]), NUMBERS, TAGS, st.booleans()), max_size=6)
ENTRIES = st.lists(st.tuples(SCOPES, NUMBERS), max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    ENTRIES,
    st.tuples(TAGS, TAGS),
    st.lists(st.tuples(st.sampled_from([A, B]), NUMBERS, TAGS, st.booleans()), max_size=6),
)
def test_nothing_passes_that_does_not_pass_however_it_is_set(tmp_path_factory, entries, tags, vpcs):
    """Held against a plain reading: a finding is known where every setting that may hold gives the same parameter."""
    folder = tmp_path_factory.mktemp("any")
    estate = {
        "AWS::Account": [account(A, tags[0], "Root", "Sandbox"), account(B, tags[1], "Root")],
        VPC: [
            vpc(owner, f"vpc-{number}", size, "eu-west-1" if eu else "us-east-1", found)
            for number, (owner, size, found, eu) in enumerate(vpcs)
        ],
    }
    (folder / "policy.yaml").write_text(POLICY)
    listed = [{**scope, "params": {"most": most}} for scope, most in entries]
    text = msgspec.json.encode({"policies": ["policy.yaml"], "shipped": False, "settings": {"vpc-small": listed}})
    (folder / "stillframe.yaml").write_bytes(text if listed else b"policies: [policy.yaml]\nshipped: false\n")
    ruleset = load_rules(folder / "stillframe.yaml")
    snapshot = open_snapshot(write_snapshot(folder / "archive", estate))
    found = said(snapshot, ruleset)
    assert found == said(snapshot, ruleset, Method(exact=True))
    for number, (owner, size, own, eu) in enumerate(vpcs):
        numbers = {5}
        for scope, most in entries:
            parts = [_holds(key, wanted, owner, tags[owner == B], own, eu=eu) for key, wanted in scope.items()]
            numbers = numbers if False in parts else {most} if None not in parts else {*numbers, most}
        expected = {"pass" if size < most else "fail" for most in numbers}
        known = expected.pop() if len(numbers) == 1 else "unknown"
        assert found[owner, f"vpc-{number}"] == known


def _holds(key, wanted, owner, account_tags, own, *, eu) -> bool | None:
    if key in ("tag", "account_tag"):
        given = own if key == "tag" else account_tags
        return None if given == DENIED else wanted in {*given, *(f"{name}={value}" for name, value in given.items())}
    there = {"account": {owner}, "unit": {"Root", *(["Sandbox"] if owner == A else [])}, "region": {"us-east-1"}}
    return eu if wanted == "eu-*" else not eu if key == "region" else wanted in there[key]
