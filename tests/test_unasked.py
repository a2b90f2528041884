"""What was not asked is unknown: in findings and in whatever is made of them, however they come about."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from builders import TIME, collect_from, shipped, write_snapshot
from msgspec.structs import replace
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.testing.examples import cases, fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import GLOBAL, Coverage, Unknown
from unasked import SWEEP, sweep, without
from whole import make

A, HOME, FAR = "111122223333", "us-east-1", "eu-west-1"
VPC, LOG = "AWS::EC2::VPC", "AWS::EC2::FlowLog"
POLICIES = {
    "own": f"resource: {VPC}\nassert: '!IsDefault'",
    "all": f"resource: {VPC}\nassert: '!IsDefault'\nrollup: {{per: account, require: all}}",
    "each": f"resource: {VPC}\nassert: '!IsDefault'\nrollup: {{per: region, require: all}}",
    "none": f"""resource: AWS::S3::Bucket
lookup: {{logs: {{from: {LOG}, match: {{FlowLogStatus: "'ACTIVE'"}}, within: account}}}}
assert: length($logs) == `0`""",
}


def policy(name):
    return f"id: {name}\ntitle: {name}\nseverity: low\n{POLICIES[name]}\n"


def vpc(name, region=HOME, *, default=False):
    return {"VpcId": name, "OwnerId": A, "State": "available", "IsDefault": default, "$region": region}


WIDE = fixture({VPC: [vpc("vpc-1"), vpc("vpc-2", FAR, default=True)], LOG: [], "AWS::S3::Bucket": [{"Name": "b"}]})
NARROW = without(WIDE, FAR, [VPC, LOG])
GAP = f"{VPC} was not collected from {FAR} in account {A}"


@pytest.fixture
def policies(tmp_path) -> Path:
    for name in POLICIES:
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / f"{name}.yaml").write_text(policy(name))
    return tmp_path / "p"


@pytest.fixture
def archive(tmp_path) -> Path:
    """All was asked, and a day later less."""
    write_snapshot(tmp_path / "archive", WIDE)
    write_snapshot(tmp_path / "archive", NARROW, TIME + timedelta(days=1))
    return tmp_path / "archive"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def said(records, *fields):
    return {tuple(record[field] for field in fields) for record in records}


def test_a_region_that_was_not_asked_is_an_unknown_finding_of_each_type_and_policy():
    found = evaluate(NARROW, [parse_policy(name, policy(name)) for name in POLICIES])
    assert [(each.policy, each.region, each.resource, each.status.value, each.message) for each in found] == [
        ("all", GLOBAL, A, "unknown", GAP),
        ("each", FAR, FAR, "unknown", GAP),
        ("each", HOME, HOME, "pass", "each"),
        ("none", HOME, "b", "unknown", GAP.replace(VPC, LOG)),
        ("own", FAR, VPC, "unknown", GAP),
        ("own", HOME, "vpc-1", "pass", "own"),
    ]


UNKNOWN_REGIONS = Unknown.because("denied: ec2:DescribeRegions")


@pytest.mark.parametrize(
    ("regions", "read", "missing", "gaps"),
    [
        ((HOME, FAR), (HOME, FAR), {}, {}),
        ((HOME, FAR), (GLOBAL,), {}, {}),
        ((HOME,), (HOME, FAR), {}, {}),
        ((HOME, FAR), (), {}, {HOME: GAP.replace(FAR, HOME), FAR: GAP}),
        ((HOME, FAR), (HOME,), {FAR: "denied"}, {FAR: "denied"}),
        ((HOME, FAR), (), {HOME: "denied"}, {HOME: "denied", FAR: GAP}),
        ((HOME,), (HOME,), {FAR: "denied"}, {FAR: "denied"}),
        ((HOME, FAR), (), {"*": "denied"}, {"*": "denied"}),
        ((HOME, FAR), (), {GLOBAL: "denied"}, {GLOBAL: "denied"}),
        (UNKNOWN_REGIONS, (HOME,), {}, {"*": str(UNKNOWN_REGIONS)}),
        (UNKNOWN_REGIONS, (HOME,), {FAR: "denied"}, {"*": str(UNKNOWN_REGIONS), FAR: "denied"}),
        (UNKNOWN_REGIONS, (), {"*": "not entered"}, {"*": "not entered"}),
        (UNKNOWN_REGIONS, (GLOBAL,), {}, {}),
    ],
)
def test_what_was_read_decides_what_is_missing(regions, read, missing, gaps):
    account = replace(WIDE.account(A), regions=regions, coverage={VPC: Coverage(read=read, missing=missing)})
    assert {place: str(gap) for place, gap in account.gaps(VPC).items()} == gaps
    assert str(account.gap_anywhere(VPC)) == ("; ".join(dict.fromkeys(gaps[each] for each in sorted(gaps))) or "None")


@pytest.mark.parametrize("options", [["--exact"], ["--workers", "2"], ["--no-cache"], []])
def test_every_way_to_judge_says_so_and_gives_the_same_bytes(run, archive, policies, options):
    asked = ("evaluate", archive, "-p", policies, "--format", "jsonl")
    plain = run(*asked)
    assert plain.code == 4
    assert ("own", FAR, VPC, "unknown", GAP) in said(
        lines(plain.out), "policy", "region", "resource", "status", "message"
    )
    for _ in range(2):  # the second remembers
        again = run(*asked, *options)
        assert (again.code, again.out) == (4, plain.out)


def test_nothing_that_is_remembered_of_a_wide_snapshot_is_believed_of_a_narrow_one(run, tmp_path, policies):
    for number, picture in enumerate((WIDE, NARROW)):
        write_snapshot(tmp_path / "archive", picture, TIME + timedelta(days=number))
        assert run("evaluate", tmp_path / "archive", "-p", policies, "--workers", "2").code == 1 + 3 * number


def snapshots(archive):
    return sorted(archive.glob("2*"))


def test_a_failure_whose_region_is_not_asked_any_more_is_unknown_and_never_resolved(run, archive, policies):
    done = run("diff", *snapshots(archive), "-p", policies, "--format", "jsonl")
    assert done.code == 4
    found = said(lines(done.out), "change", "policy", "region", "resource")
    assert {change for change, *_ in found} == {"unknown"}
    assert {("unknown", "own", FAR, "vpc-2"), ("unknown", "own", FAR, VPC)} < found


def test_a_region_that_is_asked_again_is_known(run, tmp_path, policies):
    narrow, wide = (
        write_snapshot(tmp_path / "archive", picture, TIME + timedelta(days=day))
        for day, picture in enumerate((NARROW, WIDE))
    )
    done = run("diff", narrow, wide, "-p", policies, "--format", "jsonl")
    assert done.code == 1
    changes = said(lines(done.out), "change", "policy", "resource")
    assert {("new", "own", "vpc-2"), ("known", "own", VPC)} < changes


def test_what_is_not_asked_any_more_is_new_against_a_baseline(run, archive, policies):
    wide, narrow = snapshots(archive)
    done = run("evaluate", narrow, "-p", policies, "--baseline", wide)
    assert done.code == 4
    assert "0 failing and 4 unknown are new" in done.err


def test_a_trend_keeps_what_fails_where_nobody_asked(run, archive, policies, tmp_path):
    lives = tmp_path / "lives.jsonl"
    assert run("trend", archive, "-p", policies, "-o", lives).code == 0
    (own,) = [each for each in lines(lives.read_text()) if each["policy"] == "own"]
    assert (own["status"], own["failing_since"]) == ("unknown", "2026-01-01T00:00:00Z")


def test_what_to_mend_says_that_there_may_be_more(run, archive, policies):
    done = run("remediate", archive, "-p", policies)
    assert "4 findings could not be evaluated" in done.err


def test_drift_tells_a_region_that_was_not_asked_from_one_that_is_empty(run, archive):
    done = run("drift", *snapshots(archive), "-o", "-")
    assert ("unknown", VPC, FAR) in said(lines(done.out), "change", "type", "region")
    assert "removed" not in done.out


def test_a_snapshot_shows_which_regions_were_not_asked(run, archive):
    shown = run("snapshot", "show", archive).out
    assert f"not asked: {FAR} (2 lists)" in shown
    assert [line.split()[-3:-1] for line in shown.splitlines() if line.startswith(VPC)] == [["1", "1"]]


def test_a_query_says_which_region_was_not_asked(run, archive):
    assert FAR in run("query", archive, VPC, "VpcId").err


def test_no_verdict_passes_for_want_of_a_region_or_type():
    ways = 0
    for each in shipped():
        for case in cases(each):
            params = {**each.params, **case.test.get("params", {})}
            ways += sweep(case.snapshot, [replace(each, params=params)])
    assert ways > 3000


@pytest.mark.skipif(not SWEEP, reason="STILLFRAME_SWEEP takes everything that the stand-in can make")
def test_no_verdict_on_a_whole_account_passes_for_want_of_a_region_or_type(aws_url, tmp_path):
    make(aws_url)
    done = collect_from(aws_url, tmp_path, types=load_catalog(), workers=8)
    print(sweep(open_snapshot(done.path), shipped()))


def test_of_many_regions_one_line_is_printed(run, tmp_path, policies):
    regions = [f"eu-west-{n}" for n in range(1, 10)]
    wide = fixture({VPC: [vpc("vpc-1", region) for region in (HOME, *regions)]})
    narrow = wide
    for region in regions:
        narrow = without(narrow, region, [VPC])
    old = write_snapshot(tmp_path / "a", wide)
    new = write_snapshot(tmp_path / "a", narrow, TIME + timedelta(days=1))
    head = f"unknown    low      own  {A} {FAR} and 8 more regions {VPC}"
    for asked in (("evaluate", new), ("diff", old, new)):
        printed = run(*asked, "-p", policies / "own.yaml", *(["--show", "0"] if len(asked) == 2 else [])).out
        assert [line for line in printed.splitlines() if line.endswith(VPC)] == [head]
        assert run(*asked, "-p", policies / "own.yaml", "-v").out.count(f" {VPC}\n") == 9


# ------------------------------------------------------------------------------------- unknown before and after


@pytest.mark.parametrize(("ending", "shown"), [("markdown", "| 2 | 0 | 1 |"), ("github", "1 unknown"), ("html", "")])
def test_a_comparison_shows_what_is_unknown_in_both(run, tmp_path, policies, ending, shown):
    old, new = (write_snapshot(tmp_path / "a", NARROW, TIME + timedelta(days=n)) for n in range(2))
    report = tmp_path / "report"
    done = run("diff", old, new, "-p", policies / "own.yaml", "-o", report, "--format", ending)
    assert done.code == 4
    table = [line.split() for line in done.err.splitlines()]
    assert ["Policy", "Population", "Failures", "Unknown"] in table
    assert ["own", "2", "0", "1"] in table
    assert shown in report.read_text()


def test_an_account_that_is_not_collected_any_more_is_unknown(run, tmp_path, policies):
    two = fixture({VPC: [vpc("vpc-1"), {**vpc("vpc-2"), "$account": "444455556666"}]})
    old = write_snapshot(tmp_path / "a", two)
    new = write_snapshot(tmp_path / "a", fixture({VPC: [vpc("vpc-1")]}), TIME + timedelta(days=1))
    done = run("diff", old, new, "-p", policies / "own.yaml")
    assert done.code == 4
    assert ["own", "2", "0", "0", "→", "1", "1"] in [line.split() for line in done.err.splitlines()]
