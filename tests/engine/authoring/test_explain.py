"""Explanations: a trace says what the interpreter says, marks what decides, and names where values come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.snapshot.model import Unknown

A, B = "111122223333", "444455556666"
UNKNOWN = Unknown.because("denied")
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] \u202eevil \r\n<script>"

# ---------------------------------------------------------------------------------------- the command

POLICY = """\
id: trail-bucket-versioned
title: The trail's bucket keeps old versions
severity: medium
params:
  wanted: {default: Enabled, type: string, description: The status}
resource: AWS::CloudTrail::Trail
where: Name != 'ignored'
lookup:
  bucket:
    from: AWS::S3::Bucket
    match: {Name: S3BucketName}
    where: "!starts_with(Name, 'old-')"
    within: snapshot
    one: true
assert:
  - LogFileValidationEnabled
  - $bucket.Versioning.Status == $params.wanted || Name == 'x'
"""


def trail(name, bucket="logs", **config):
    return {
        "$account": A,
        "Name": name,
        "TrailARN": f"arn:aws:cloudtrail:us-east-1:{A}:trail/{name}",
        "S3BucketName": bucket,
        "LogFileValidationEnabled": True,
        **config,
    }


def bucket(name, **config):
    return {"Name": name, "$account": B, "Versioning": {}, **config}


@pytest.fixture
def policy(tmp_path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path / "policy.yaml"


@pytest.fixture
def explained(run, tmp_path, policy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def explained(wanted, trails, buckets, *options, source=policy, name="trail-bucket-versioned"):
        given = {"AWS::CloudTrail::Trail": trails, "AWS::S3::Bucket": buckets}
        path = write_snapshot(tmp_path / f"s{len(list(tmp_path.iterdir()))}", given)
        return run("policy", "explain", path, name, wanted, "-p", source, *options)

    return explained


FAILS = f"""\
fail  medium  trail-bucket-versioned  {A} us-east-1 arn:aws:cloudtrail:us-east-1:{A}:trail/main
not so: The trail's bucket keeps old versions
fingerprint FINGERPRINT

AWS::CloudTrail::Trail arn:aws:cloudtrail:us-east-1:{A}:trail/main main
from {A}/AWS-CloudTrail-Trail.jsonl:2
where
  true    Name != 'ignored'
            Name = "main"
assert 1
  true    LogFileValidationEnabled
assert 2
▶ false   $bucket.Versioning.Status == $params.wanted || Name == 'x'
▶ false     $bucket.Versioning.Status == $params.wanted
              $bucket.Versioning.Status = null
              $params.wanted = "Enabled"
▶ false     Name == 'x'
              Name = "main"
$bucket  AWS::S3::Bucket in the snapshot, exactly one
          Name = S3BucketName = "logs"
  counts  logs  from {B}/AWS-S3-Bucket.jsonl:1
"""


def test_a_failure_is_explained(explained):
    result = explained("main", [trail("a"), trail("main")], [bucket("logs"), bucket("more")])
    fingerprint = result.out.splitlines()[2].removeprefix("fingerprint ")
    assert (result.code, result.err) == (0, "")
    assert result.out.replace(fingerprint, "FINGERPRINT") == FAILS


def test_a_pass_is_explained_by_all_of_it(explained):
    out = explained("main", [trail("main")], [bucket("logs", Versioning={"Status": "Enabled"})]).out
    assert out.startswith("pass  medium")
    assert "▶ true    LogFileValidationEnabled" in out
    assert "▶ true      $bucket.Versioning.Status == $params.wanted" in out
    assert "  –         Name == 'x'" in out


def test_parameters_are_those_that_are_set(explained):
    options = ("--set", "trail-bucket-versioned.wanted=Suspended")
    out = explained("main", [trail("main")], [bucket("logs", Versioning={"Status": "Suspended"})], *options).out
    assert out.startswith("pass  medium")
    assert '$params.wanted = "Suspended"' in out


def test_who_answers_for_a_failure_is_said(explained, tmp_path):
    (tmp_path / "stillframe.yaml").write_text(
        "waivers:\n  - policy: trail-bucket-versioned\n    resource: '*'\n    reason: Copied nightly\n"
        "    owner: storage team\n    expires: 2026-02-01\n"
    )
    out = explained("main", [trail("main")], [bucket("logs")], "--config", tmp_path / "stillframe.yaml").out
    assert out.startswith("fail  medium")
    assert "by storage team until 2026-02-01: Copied nightly" in out


def test_what_the_policy_is_not_about_is_explained_by_its_where(explained):
    out = explained("ignored", [trail("ignored")], []).out
    assert out.startswith("not_applicable")
    assert "▶ false   Name != 'ignored'" in out
    assert "assert is not asked" in out
    assert "$bucket" not in out


def test_an_unknown_is_explained_by_its_cause(explained):
    denied = {"$missing": "AccessDenied: s3:GetBucketVersioning"}
    out = explained("main", [trail("main")], [bucket("logs", Versioning=denied)]).out
    assert out.startswith("unknown  medium")
    assert "▶ unknown   $bucket.Versioning.Status == $params.wanted" in out
    assert "$bucket.Versioning.Status = unknown: AccessDenied: s3:GetBucketV" in out


def test_where_the_policy_may_be_about_it_nobody_says_that_it_is_not(explained):
    out = explained(
        f"arn:aws:cloudtrail:us-east-1:{A}:trail/main",
        [trail("main", Name={"$missing": "AccessDenied"})],
        [bucket("logs")],
    ).out
    assert "where\n▶ unknown Name != 'ignored'" in out
    assert "assert is not asked: whether the policy is about this resource is unknown" in out


def test_rows_that_do_not_count_say_why(explained):
    out = explained("main", [trail("main", "old-logs")], [bucket("old-logs")]).out
    assert out.startswith("unknown  medium")
    assert f"  not so  old-logs  from {B}/AWS-S3-Bucket.jsonl:1" in out
    assert "▶ false     !starts_with(Name, 'old-')" in out
    assert "$bucket.Versioning.Status = unknown: no AWS::S3::Bucket old-log" in out


def test_what_is_referred_to_and_not_there_is_said_at_the_lookup(explained, tmp_path):
    refers = POLICY.replace("    one: true", "    refers: true")
    refers = refers.replace("$bucket.Versioning.Status == $params.wanted", "all($bucket, &Versioning)")
    (tmp_path / "refers.yaml").write_text(refers)
    out = explained("main", [trail("main")], [bucket("other")], source=tmp_path / "refers.yaml").out
    assert out.startswith("unknown  medium")
    assert "$bucket  AWS::S3::Bucket in the snapshot, which exist\n" in out
    assert "          no row was found\n  unknown no AWS::S3::Bucket logs in this snapshot" in out


def test_what_could_not_be_listed_is_said_at_the_lookup(explained):
    out = explained("main", [trail("main")], {"$missing": "AccessDenied: s3:ListAllMyBuckets"}).out
    assert "          no row was found" in out
    assert "  unknown AccessDenied: s3:ListAllMyBuckets" in out


def test_a_list_that_was_not_read_is_a_finding_too(run, tmp_path, policy):
    path = write_snapshot(tmp_path / "s", {"AWS::CloudTrail::Trail": {"$missing": "AccessDenied: it"}})
    result = run("policy", "explain", path, "trail-bucket-versioned", "AWS::CloudTrail::Trail", "-p", policy)
    assert result.code == 0
    assert result.out.startswith(f"unknown  medium  trail-bucket-versioned  {A} *")
    assert "was not read everywhere: AccessDenied: it" in result.out
    assert f"from {A}/account.json" in result.out


def test_an_error_is_explained(explained, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "id: broken\ntitle: t\nseverity: low\nresource: AWS::CloudTrail::Trail\nassert: Name && length(KmsKeyId)\n"
    )
    out = explained("main", [trail("main")], [], source=broken, name="broken").out
    assert out.startswith("error  low")
    assert "▶ error     length(KmsKeyId)" in out


def test_long_values_are_shortened_and_text_is_harmless(explained):
    trails = [trail(HOSTILE, LogFileValidationEnabled=["x" * 500, HOSTILE])]
    result = explained(HOSTILE, trails, [bucket("logs")])
    assert result.code == 0
    assert not set(result.out) & set("\x1b\x07\u202e\r")
    assert "[bold]x[/bold]" in result.out
    (line,) = [line for line in result.out.splitlines() if "LogFileValidationEnabled = " in line]
    assert len(line) == 80
    assert line.endswith("…")


# ------------------------------------------------------------------------------------ finding the finding


def test_the_line_named_is_that_of_the_resource(explained, tmp_path):
    out = explained("main", [trail(name) for name in ("a", "b", "main", "z")], [bucket("a"), bucket("logs")]).out
    (snapshot,) = [path.parent for path in tmp_path.rglob("manifest.json")]
    for line in out.splitlines():
        _, found, place = line.partition("from ")
        if found:
            file, _, number = place.partition(":")
            text = (snapshot / file).read_text().splitlines()[int(number) - 1]
            assert '"name":"main"' in text or '"name":"logs"' in text


def test_a_fingerprint_names_one_of_many(run, tmp_path, policy, monkeypatch):
    twins = [trail("main"), {**trail("main"), "$account": B}]
    path = write_snapshot(tmp_path / "s", {"AWS::CloudTrail::Trail": twins, "AWS::S3::Bucket": []})
    ask = ("policy", "explain", path, "trail-bucket-versioned")
    many = run(*ask, "main", "-p", policy)
    assert (many.code, many.out) == (2, "")
    assert "main may be 2 findings" in many.err
    assert "name one by its fingerprint" in many.err
    first, second = many.err.splitlines()[1:3]
    assert first.split()[3:5] == [A, "us-east-1"]
    chosen = run(*ask, second.split()[1], "-p", policy)
    assert (chosen.code, f"trail-bucket-versioned  {B}" in chosen.out) == (0, True)
    key = f"{B} us-east-1 arn:aws:cloudtrail:us-east-1:{A}:trail/main"
    assert run(*ask, key, "-p", policy).out == chosen.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vpc-flow-log", "vpc-1"], "did you mean vpc-flow-logs?"),
        (["vpc-flow-logs", "vpc-11"], "no finding on vpc-11; did you mean vpc-1?"),
        (["vpc-flow-logs", "0" * 32], "no finding on 0000"),
        (["vpc-flow-logs", HOSTILE], "no finding on \\x1b"),
        (["vpc-flow-logs", "vpc-1", "--set", "vpc-flow-logs.nothing=1"], "has no parameter nothing"),
        (["vpc-flow-logs"], "Missing argument"),
    ],
)
def test_wrong_input_is_explained(run, tmp_path, arguments, message):
    path = write_snapshot(tmp_path / "s", {"AWS::EC2::VPC": [{"VpcId": "vpc-1", "OwnerId": A}]})
    result = run("policy", "explain", path, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err


def test_a_snapshot_that_is_not_there_is_explained(run, tmp_path):
    result = run("policy", "explain", tmp_path / "absent", "vpc-flow-logs", "vpc-1")
    assert (result.code, "no such archive" in result.err) == (2, True)


# ---------------------------------------------------------------------------------------------- rollups

ROLLUP = """\
id: encrypted
title: The account has an encrypted trail
severity: medium
resource: AWS::CloudTrail::Trail
where: Name != 'ignored'
assert: KmsKeyId
rollup: {require: REQUIRE}
"""


@pytest.fixture
def rolled(run, tmp_path):
    def rolled(wanted, require, *trails):
        (tmp_path / "r.yaml").write_text(
            ROLLUP.replace("REQUIRE", require if "per:" in require else f"{require}, per: account")
        )
        path = write_snapshot(tmp_path / "r", {"AWS::CloudTrail::Trail": list(trails)})
        return run("policy", "explain", path, "encrypted", wanted, "-p", tmp_path / "r.yaml")

    return rolled


def test_a_rollup_is_explained_by_its_resources_those_that_decide_first(rolled):
    out = rolled(A, "all", trail("a", KmsKeyId="k"), trail("b"), trail("ignored")).out
    assert out.startswith(f"fail  medium  encrypted  {A} global {A}")
    _, decides, others = out.split("\n\n")
    assert decides.startswith("fail  AWS::CloudTrail::Trail ")
    assert f"from {A}/AWS-CloudTrail-Trail.jsonl:2" in decides
    assert "▶ false   KmsKeyId = null" in decides
    assert [line.split()[0] for line in others.splitlines()] == ["pass", "not_applicable"]


def test_a_rollup_that_one_is_enough_for_is_explained_by_that_one(rolled):
    _, decides, others = rolled(A, "any", trail("a"), trail("b", KmsKeyId="k")).out.split("\n\n")
    assert decides.startswith("pass  AWS::CloudTrail::Trail ")
    assert [line.split()[0] for line in others.splitlines()] == ["fail"]


def test_a_rollup_can_be_asked_for_one_of_its_resources(rolled):
    out = rolled("a", "any", trail("a"), trail("b", KmsKeyId="k")).out
    assert out.startswith(f"pass  medium  encrypted  {A} global {A}")
    assert out.split("\n\n")[1].startswith("fail  AWS::CloudTrail::Trail ")


def test_a_rollup_over_nothing_says_so(rolled):
    result = rolled(A, "all")
    assert result.code == 0
    assert "there is nothing to evaluate" in result.out


def test_a_group_is_explained_by_its_resources_and_those_that_may_be_of_it(rolled):
    trails = trail("a", S3BucketName="x"), trail("b", S3BucketName="y"), trail("c", S3BucketName={"$missing": "lost"})
    out = rolled("x", "all, per: S3BucketName", *trails).out
    head, *shown = out.split("\n\n")
    assert head.startswith(f"fail  medium  encrypted  {A} * x")
    assert [each.split()[2].rpartition("/")[2] for each in shown if "CloudTrail" in each] == ["a", "c"]
    assert rolled("AWS::Account", "all, per: S3BucketName", *trails).out.startswith("unknown  medium  encrypted")


def test_what_is_said_of_the_organisation_is_explained_by_resources_of_all_accounts(rolled):
    out = rolled("organisation", "all, per: organisation", trail("a"), trail("b", **{"$account": "444455556666"})).out
    assert out.startswith(f"fail  medium  encrypted  {A} * organisation")
    assert "444455556666/AWS-CloudTrail-Trail.jsonl:1" in out
    assert f"{A}/AWS-CloudTrail-Trail.jsonl:1" in out


def test_an_explanation_ends_by_the_budget_of_its_policy(run, tmp_path):
    costly = ROLLUP.replace("REQUIRE", "all, per: account") + "\n"
    costly = costly.replace("assert: KmsKeyId", "assert: length([Name]" + ".[@, @][]" * 14 + ") == `0` || KmsKeyId")
    (tmp_path / "r.yaml").write_text(costly)
    path = write_snapshot(tmp_path / "r", {"AWS::CloudTrail::Trail": [trail("a", KmsKeyId="k")]})
    command = ["policy", "explain", path, "encrypted", A, "-p", tmp_path / "r.yaml"]
    assert run(*command).code == 0
    result = run(*command, "--budget", "5000")
    assert result.code == 2
    assert result.err.startswith("error: takes more steps than one resource may, by a budget of 5000\n")
