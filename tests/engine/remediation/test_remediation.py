"""What to mend first, and a plan that a real shell reads as it was meant, whatever names it holds."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from builders import write_snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stillframe.engine.language.template import parse_template, render
from stillframe.engine.loading.policies import load_policies
from stillframe.engine.remediation.script import hindrances, minded

A, B = "111122223333", "444455556666"
TRAILS = """\
id: trails
title: Buckets of trails are logged
severity: low
effort: small
exposure: public
resource: AWS::CloudTrail::Trail
lookup:
  bucket: {from: AWS::S3::Bucket, match: {Name: S3BucketName}, within: snapshot, one: true}
assert: $bucket.Logging.TargetBucket
message: Bucket {{ S3BucketName }} is not logged
remediation:
  text: Log it.
  cli: aws s3api put-bucket-logging --bucket {{ S3BucketName }}
  on: bucket
"""
KEYS = """\
id: keys
title: Keys rotate
severity: medium
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
message: Key {{ KeyId }} does not rotate
remediation: {text: Rotate it., cli: "aws kms enable-key-rotation --key-id {{ KeyId }} --region {{ $region }}"}
"""
VPCS = "id: vpcs\ntitle: t\nseverity: critical\nresource: AWS::EC2::VPC\nassert: '!IsDefault'\n"


@pytest.fixture
def policies(tmp_path) -> Path:
    (tmp_path / "p").mkdir()
    for name, text in (("trails", TRAILS), ("keys", KEYS), ("vpcs", VPCS)):
        (tmp_path / "p" / f"{name}.yaml").write_text(text)
    return tmp_path / "p"


def trail(name, bucket, account=A):
    arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/{name}"
    return {"Name": name, "TrailARN": arn, "HomeRegion": "us-east-1", "S3BucketName": bucket, "$account": account}


def key(name, account=A):
    return {
        "KeyId": name,
        "KeyArn": f"arn:aws:kms:us-east-1:{account}:key/{name}",
        "$account": account,
        "Rotation": {"KeyRotationEnabled": False},
    }


ESTATE = {
    "AWS::CloudTrail::Trail": [trail("a", "logs"), trail("b", "logs"), trail("c", "logs", B), trail("d", "nowhere")],
    "AWS::S3::Bucket": [{"Name": "logs", "$account": B, "Logging": None, "Location": {"LocationConstraint": None}}],
    "AWS::KMS::Key": [key("k"), key("l", B)],
    "AWS::EC2::VPC": [{"VpcId": "vpc-1", "IsDefault": True}],
}


def mended(run, tmp_path, policies, *options):
    path = write_snapshot(tmp_path / "s", ESTATE) if not (tmp_path / "s").exists() else tmp_path / "s"
    result = run("remediate", path, "-p", policies, "-o", tmp_path / "m.jsonl", *options)
    assert result.code == 0, result.err
    return [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()], result


def told(records):
    return [(each["score"], each["fixes"], *each["policies"], each["account"], each["resource"]) for each in records]


def test_one_action_mends_all_that_share_a_thing(run, tmp_path, policies):
    records, result = mended(run, tmp_path, policies)
    # The bucket is in another account than two of its trails, and there it is to be mended: 3 trails × 3 × 3 ÷ 0.5.
    assert told(records) == [
        (100, 1, "vpcs", A, "vpc-1"),
        (54, 3, "trails", B, "logs"),
        (10, 1, "keys", A, f"arn:aws:kms:us-east-1:{A}:key/k"),
        (10, 1, "keys", B, f"arn:aws:kms:us-east-1:{B}:key/l"),
    ]
    assert records[1]["command"] == "aws s3api put-bucket-logging --bucket logs"
    assert (records[1]["type"], len(records[1]["fingerprints"])) == ("AWS::S3::Bucket", 3)
    assert [line.split()[:6] for line in result.out.splitlines()[:5]] == [
        ["Snapshot", "2026-01-01T00-00-00Z:", "4", "actions", "for", "6"],
        ["Score", "Actions", "Fixes", "Severity", "Effort", "Policy"],
        ["100", "1", "1", "critical", "medium", "vpcs"],
        ["54", "1", "3", "low", "small", "trails"],
        ["10", "2", "2", "medium", "medium", "keys"],
    ]


def test_policies_that_one_command_mends_are_one_action(run, tmp_path, policies):
    (policies / "more.yaml").write_text(KEYS.replace("id: keys", "id: more").replace("medium", "high"))
    records, _ = mended(run, tmp_path, policies, "--only", "policy=keys,more")
    assert [(each["score"], each["fixes"], each["severity"], each["policies"]) for each in records] == [
        (40, 2, "high", ["keys", "more"]),
        (40, 2, "high", ["keys", "more"]),
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("priorities: {severity: {low: 20}}", (360, "trails")),
        ("priorities: {exposure: {public: 30}}", (540, "trails")),
        ("priorities: {effort: {small: 0.1}}", (270, "trails")),
        (f"priorities: {{accounts: {{'{B}': 100}}}}", (1836, "trails")),  # one of its three is there
        (f"priorities: {{accounts: {{'4*': 50, '{B}': 100}}}}", (936, "trails")),
        ("settings: {keys: {effort: small, exposure: public}}", (100, "vpcs")),
        ("settings: {vpcs: {effort: large}}", (54, "trails")),
    ],
)
def test_the_weights_are_those_of_the_configuration(run, tmp_path, policies, monkeypatch, text, first):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stillframe.yaml").write_text(f"policies: [p]\nshipped: false\n{text}\n")
    records, _ = mended(run, tmp_path, policies)
    best = records[0]
    assert (best["score"], best["policies"][0]) == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("priorities: {severity: {lowe: 1}}", "lowe"),
        ("priorities: {effort: {small: 0}}", "0"),
        ("priorities: {}", ""),
        ("settings: {keys: {effort: tiny}}", "tiny"),
    ],
)
def test_wrong_weights_are_errors(run, tmp_path, policies, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stillframe.yaml").write_text(f"policies: [p]\nshipped: false\n{text}\n")
    result = run("remediate", write_snapshot(tmp_path / "s", ESTATE))
    assert result.code == 2
    assert message in result.err


def test_what_a_remediation_is_on_must_be_one_thing(run, tmp_path, policies):
    (policies / "trails.yaml").write_text(TRAILS.replace("on: bucket", "on: buckt"))
    result = run("policy", "lint", "-p", policies)
    assert "trails.yaml:14:7: buckt is no lookup of `one` resource; did you mean bucket?" in result.err + result.out


WAIVERS = f"""\
policies: [p]
shipped: false
waivers:
  - {{policy: keys, account: "{A}", kind: mitigated, owner: soc, expires: 2027-01-01,
     reason: "A SIEM reads it\\nrm -rf /"}}
  - {{policy: vpcs, account: "{A}", reason: closed soon, owner: me, expires: 2027-01-01}}
"""


def test_compensating_controls_stand_apart_from_accepted_risk(run, tmp_path, policies, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stillframe.yaml").write_text(WAIVERS)
    records, result = mended(run, tmp_path, policies)
    assert [each["policies"] for each in records] == [["trails"], ["keys"]]
    assert result.err.splitlines()[:2] == [
        "1 failure made up for by a compensating control",
        "1 failure accepted as a risk",
    ]
    lines = run("remediate", tmp_path / "s", "--plan").out.splitlines()
    controls, risks = (next(n for n, line in enumerate(lines) if word in line) for word in ("Compensating", "Accepted"))
    assert f"  # keys {A} us-east-1 arn:aws:kms:us-east-1:{A}:key/k" in lines[controls:risks]
    assert "  #     soc, until 2027-01-01: A SIEM reads it\\nrm -rf /" in lines[controls:risks]
    assert f"  # vpcs {A} us-east-1 vpc-1" in lines[risks:]


def test_what_could_not_be_judged_is_told(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": {"$missing": "denied"}})
    assert "1 finding could not be evaluated" in run("remediate", path, "-p", policies / "keys.yaml").err
    assert (
        "# 1 finding could not be evaluated, and may be failures, too."
        in run("remediate", path, "-p", policies / "keys.yaml", "--plan").out
    )


def test_the_formats_say_the_same(run, tmp_path, policies):
    records, _ = mended(run, tmp_path, policies, "-o", tmp_path / "m.json", "-o", tmp_path / "m.csv")
    assert json.loads((tmp_path / "m.json").read_text()) == records
    rows = list(csv.DictReader((tmp_path / "m.csv").read_text().splitlines()))
    assert [row["message"] for row in rows] == [each["message"] for each in records]
    assert run("remediate", tmp_path / "s", "-p", policies, "-o", "x.sh").code == 2


# ------------------------------------------------------------------------------------------------- the plan


def played(tmp_path: Path, script: str, account: str, stopped: str = "", **given: str) -> list[list[str]]:
    """The commands that a real shell runs of a plan, with their arguments; and where it says `stopped`, it fails."""
    log = tmp_path / "log"
    log.mkdir(exist_ok=True)
    for old in log.iterdir():
        old.unlink()
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin/aws").write_text(
        f'#!/bin/sh\nif [ "$1" = sts ]; then echo {account}; exit; fi\n'
        f'n=$(ls {log} | wc -l); for each in "$@"; do printf "%s\\0" "$each"; done >{log}/$(printf %04d $n)\n'
        'if [ "$1" = fail ]; then echo failed >&2; exit 1; fi\n'
    )
    (tmp_path / "bin/aws").chmod(0o755)
    (tmp_path / "plan.sh").write_text(script)
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        ["sh", "../plan.sh"],
        cwd=work,
        capture_output=True,
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **given},
    )
    assert (done.returncode != 0, done.stdout, stopped.encode() in done.stderr) == (bool(stopped), b"", True)
    assert stopped or not done.stderr
    assert list(work.iterdir()) == []
    return [file.read_bytes().decode().split("\0")[:-1] for file in sorted(log.iterdir())]


def test_the_plan_acts_in_the_account_of_its_credentials_alone(run, tmp_path, policies):
    result = run("remediate", write_snapshot(tmp_path / "s", ESTATE), "-p", policies, "--plan")
    script = result.out
    assert "3 commands for 5 of 6 failures in snapshot 2026-01-01T00-00-00Z" in script
    key_id = ["kms", "enable-key-rotation", "--key-id"]
    assert played(tmp_path, script, A) == [[*key_id, "k", "--region", "us-east-1"]]
    assert played(tmp_path, script, B) == [
        ["s3api", "put-bucket-logging", "--bucket", "logs"],
        [*key_id, "l", "--region", "us-east-1"],
    ]
    assert played(tmp_path, script, "999999999999") == []
    assert "# vpcs (critical): not so: t" in script


HOSTILE = [
    "'; touch pwned; '",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "a\ntouch pwned\n#",
    "a\r\ntouch pwned",
    "# fi\ntouch pwned",
    "\\'; touch pwned #",
    "--endpoint-url=http://evil",
    "-x",
    "\u202ehcuot\u202c",
    "\x1b[2Jtouch pwned",
    "a\0b",
    "fi; touch pwned; if",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "${IFS}touch",
    "!!",
    "*",
    "~",
    "é 𝄞",
    "(unknown)",
]


def test_no_name_breaks_out_of_its_quotes(run, tmp_path, policies):
    names = [name for name in HOSTILE if name]
    estate = {
        "AWS::KMS::Key": [
            {**key(name), "KeyArn": f"arn:aws:kms:us-east-1:{A}:key/{n}", "$name": name} for n, name in enumerate(names)
        ]
    }
    script = run("remediate", write_snapshot(tmp_path / "s", estate), "-p", policies / "keys.yaml", "--plan").out
    ran = [arguments[3] for arguments in played(tmp_path, script, A)]
    assert set(ran) <= set(names)
    # What a person could not see for what it is does not run.
    hidden = {name for name in names if name[0] in "-(" or any(each in name for each in "\n\r\0\x1b\u202e")}
    assert {*names} - {*ran} == hidden
    assert len(ran) == 14


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=1, max_size=20))
def test_whatever_is_quoted_is_one_word_to_a_real_shell(tmp_path, values):
    template = parse_template("aws x {{ Name }} y")
    commands = [render(template, {"Name": value}, {}, shell=True) for value in values]
    live = [
        (value, command) for value, command in zip(values, commands, strict=True) if not hindrances(command, template)
    ]
    ran = played(tmp_path, "".join(f"{command}\n" for _, command in live), A)
    assert ran == [["x", value, "y"] for value, _ in live]


BLANK = """\
id: blank
title: t
severity: low
effort: {effort}
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
remediation:
  text: t
  cli: >-
    aws kms x {{{{ KeyId }}}} --json '{{"VPC":"'"${{KEY_BUCKET:?}}"'"}}' --list "a,${{KEY_BUCKET:?}}" '$LATEST'
  {key}: {{KEY_BUCKET: "the bucket (s3:*)"}}
"""


def blank(run, tmp_path, *names, effort="small", key="fill"):
    (tmp_path / "blank.yaml").write_text(BLANK.format(effort=effort, key=key))
    estate = {
        "AWS::KMS::Key": [
            {**ESTATE["AWS::KMS::Key"][0], "KeyId": name, "KeyArn": f"{n}"} for n, name in enumerate(names)
        ]
    }
    return run(
        "remediate", write_snapshot(tmp_path / f"s{effort}{key}", estate), "-p", tmp_path / "blank.yaml", "--plan"
    ).out


def test_what_a_person_has_to_give_is_asked_for_first(run, tmp_path):
    names = ["$KEY_BUCKET", '"${KEY_BUCKET:?}"', "KEY_BUCKET"]
    script = blank(run, tmp_path, *names)
    assert script.count('  : "${KEY_BUCKET:?the bucket (s3:*)}"') == 1
    wanted = "KEY_BUCKET: the bucket (s3:*)"
    assert played(tmp_path, script, A, stopped=wanted) == played(tmp_path, script, A, stopped=wanted, KEY_BUCKET="")
    assert played(tmp_path, script, A, stopped=wanted) == []
    assert played(tmp_path, script, B) == []
    for value in ("logs", *(name for name in HOSTILE if "\0" not in name)):
        assert played(tmp_path, script, A, KEY_BUCKET=value) == [
            ["kms", "x", name, "--json", f'{{"VPC":"{value}"}}', "--list", f"a,{value}", "$LATEST"] for name in names
        ]


@pytest.mark.parametrize(
    ("effort", "key", "said"),
    [
        ("small", "each", "# to fill in: KEY_BUCKET, the bucket (s3:*)"),
        ("large", "fill", "# a large effort, of which this is a part"),
    ],
)
def test_a_command_that_is_to_be_completed_is_commented_out(run, tmp_path, effort, key, said):
    script = blank(run, tmp_path, "k", effort=effort, key=key)
    assert said in script
    assert "# aws kms x k --json" in script
    assert played(tmp_path, script, A) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('  fill: {KEY_BUCKET: "the bucket (s3:*)"}\n', "", "say in remediation.fill, or in each, what KEY_BUCKET"),
        ("fill: {KEY_BUCKET", "fill: {KEY_BUCKE", "what KEY_BUCKET stands for; did you mean KEY_BUCKE?"),
        ("fill: {KEY_BUCKET", "fill: {OTHER: x, KEY_BUCKET", 'the command has no "${OTHER:?}"'),
        (
            '"a,${KEY_BUCKET:?}"',
            "a,${KEY_BUCKET:?}",
            'write variable KEY_BUCKET as "${KEY_BUCKET:?}", in double quotes',
        ),
        ('"a,${KEY_BUCKET:?}"', '"a,$KEY_BUCKET"', "write variable KEY_BUCKET as"),
        ('"a,${KEY_BUCKET:?}"', '"a,${KEY_BUCKET}"', "write variable KEY_BUCKET as"),
        ("(s3:*)", "$(touch pwned)", "does not match"),
        ("(s3:*)", "`touch pwned`", "does not match"),
        ("(s3:*)", '}\\"; touch pwned', "does not match"),
        ("(s3:*)", "\\n; touch pwned", "does not match"),
        ("KEY_BUCKET", "PATH", "PATH"),
        ("KEY_BUCKET", "key_bucket", "key_bucket"),
    ],
)
def test_what_a_person_has_to_give_is_declared(run, tmp_path, old, new, message):
    text = BLANK.format(effort="small", key="fill")
    assert old in text
    (tmp_path / "blank.yaml").write_text(text.replace(old, new))
    result = run("policy", "lint", "-p", tmp_path / "blank.yaml")
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize(
    "command",
    [
        "aws {} x && aws y",
        "aws {} x; aws y",
        "for each in a; do aws {} x; aws y; done",
        'for each in a b; do aws {} "$(true && echo x)"; aws y; done',
        "aws {} x && aws y # and no more",
    ],
)
def test_the_plan_stops_at_the_first_command_that_fails(run, tmp_path, policies, command):
    cli = '"aws kms enable-key-rotation --key-id {{ KeyId }} --region {{ $region }}"'
    (policies / "keys.yaml").write_text(KEYS.replace(cli, json.dumps(command.format("fail {{ KeyId }}"))))
    estate = {"AWS::KMS::Key": [key("k"), {**key("l"), "KeyId": "l"}]}
    script = run("remediate", write_snapshot(tmp_path / "s", estate), "-p", policies / "keys.yaml", "--plan").out
    assert script.count("aws fail") == 2
    assert played(tmp_path, script, A, stopped="failed") == [["fail", "k", "x"]]


def test_a_command_of_all_regions_acts_in_each(run, tmp_path):
    regions = [{"RegionName": name, "OptInStatus": "opted-in", "$region": name} for name in ("eu-west-1", "us-east-1")]
    estate = {"AWS::Region": regions, "AWS::Config::ConfigurationRecorder": []}
    (shipped,) = [policy.source for policy in load_policies() if policy.id == "config-all-regions"]
    script = run("remediate", write_snapshot(tmp_path / "s", estate), "-p", shipped, "--plan").out
    ran = played(tmp_path, script, A, CONFIG_ROLE_ARN="role", CONFIG_BUCKET="bucket")
    assert [(each[1], each[3]) for each in ran] == [
        (name, region)
        for region in ("eu-west-1", "us-east-1")
        for name in ("put-configuration-recorder", "put-delivery-channel", "start-configuration-recorder")
    ]
    told = [each[-1] for each in ran if each[1] == "put-configuration-recorder"]
    assert told == [f"allSupported=true,includeGlobalResourceTypes={each}" for each in ("true", "false")]


@pytest.mark.parametrize(
    ("now", "length", "reuse", "age"),
    [
        (None, 14, 24, None),
        ({"MinimumPasswordLength": 8, "ExpirePasswords": True, "MaxPasswordAge": 60}, 14, 24, 60),
        ({"MinimumPasswordLength": 20, "PasswordReusePrevention": 5, "ExpirePasswords": False}, 20, 24, None),
    ],
)
def test_one_command_mends_a_password_policy_and_loosens_nothing(run, tmp_path, now, length, reuse, age):
    estate = {"AWS::Account": [{"AccountId": A, "PasswordPolicy": now, "$region": "global"}]}
    sources = [each.source for each in load_policies() if each.id.startswith("iam-password-")]
    assert len(sources) == 7
    mended = [option for source in sources if "expiry" not in source for option in ("-p", source)]
    run("remediate", write_snapshot(tmp_path / "s", estate), *mended, "-o", tmp_path / "m.jsonl")
    (action,) = map(json.loads, (tmp_path / "m.jsonl").read_text().splitlines())
    asked = json.loads(shlex.split(action["command"])[-1])
    assert (asked["MinimumPasswordLength"], asked["PasswordReusePrevention"]) == (length, reuse)
    assert asked.get("MaxPasswordAge") == age
    assert all(asked[f"Require{each}"] for each in ("Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters"))


@pytest.mark.parametrize(
    ("command", "hindered"),
    [
        ("echo it's", True),
        ("# don't stop\naws s3 ls", False),
        ("aws s3 ls && aws s3 ls # it's && done", True),
        ("aws s3 ls && aws s3 ls # and && done", False),
        ("aws s3 ls && aws s3 ls\naws s3 ls", False),
        ("aws s3 ls 'a\nb' && aws s3 ls", False),
    ],
)
def test_whatever_a_policy_calls_a_command_the_plan_is_a_script(command, hindered):
    lines = [] if hindrances(command, parse_template(command)) else minded(command)
    assert hindered is (not lines)
    subprocess.run(["/bin/sh", "-n"], input="\n".join(lines).encode(), check=True)
