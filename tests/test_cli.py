"""The command line as a person meets it: exit codes, and one clear message for every wrong input."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import stillframe
import stillframe.snapshot.collector.collect  # before what it takes of sessions is replaced
from botocore.awsrequest import AWSResponse
from builders import TIME, write_snapshot
from stillframe.engine.model.finding import FIELDS
from stillframe.engine.reports.jsonl_csv import POLICY_COLUMNS
from stillframe.engine.reports.report import DIFFERENCE_FIELDS
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.demo import MANAGEMENT

A = "111122223333"
METADATA = {"KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "KeyState": "Enabled"}
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] \u202eevil \r\n<script>"


def keys(*rotating, **more):
    return {
        "AWS::KMS::Key": [
            {
                "KeyId": str(n),
                "KeyArn": f"arn:aws:kms:us-east-1:{A}:key/{n}",
                "Metadata": METADATA,
                "Rotation": {"KeyRotationEnabled": value} if isinstance(value, bool) else value,
                **more,
            }
            for n, value in enumerate(rotating)
        ]
    }


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(
        "id: keys\ntitle: Keys rotate\nseverity: medium\nresource: AWS::KMS::Key\nassert: Rotation.KeyRotationEnabled\n"
        "message: Key {{ KeyId }} named {{ $name }} does not rotate\n"
    )
    return path


def snapshot(tmp_path: Path, given, name: str = "snapshots", when=TIME) -> Path:
    return write_snapshot(tmp_path / name, given, when)


DENIED = {"$missing": "AccessDeniedException: kms:GetKeyRotationStatus"}


@pytest.mark.parametrize(
    ("rotating", "options", "code"),
    [
        ([True], [], 0),
        ([True, False], [], 1),
        ([True, False], ["--fail-on", "medium"], 1),
        ([True, False], ["--fail-on", "high"], 0),
        ([True, False], ["--fail-on", "never"], 0),
        ([True, DENIED], [], 4),
        ([True, DENIED], ["--allow-unknown"], 0),
        ([False, DENIED], [], 1),
        ([False, DENIED], ["--fail-on", "high"], 4),
        ([], [], 3),
    ],
)
def test_evaluate_exits_as_documented(run, tmp_path, policy, rotating, options, code):
    assert run("evaluate", snapshot(tmp_path, keys(*rotating)), "-p", policy, *options).code == code


@pytest.mark.parametrize(
    ("old", "new", "options", "code"),
    [
        ([False], [False], [], 0),
        ([True], [False], [], 1),
        ([True], [False], ["--fail-on", "critical"], 0),
        ([False], [True], [], 0),
        ([False], [DENIED], [], 4),
        ([False], [DENIED], ["--allow-unknown"], 0),
        ([DENIED], [DENIED], [], 4),
        ([DENIED], [DENIED], ["--allow-unknown"], 0),
        ([DENIED], [DENIED], ["--max-unknown", "1"], 0),
        ([DENIED, True], [DENIED, True], ["--max-unknown", "40%"], 4),
        ([DENIED, True], [DENIED, True], ["--max-unknown", "50%"], 0),
        ([DENIED], [True], [], 0),
        ([], [], [], 3),
    ],
)
def test_diff_exits_as_documented(run, tmp_path, policy, old, new, options, code):
    before, after = snapshot(tmp_path, keys(*old), "a"), snapshot(tmp_path, keys(*new), "b")
    assert run("diff", before, after, "-p", policy, *options).code == code


def test_data_goes_to_standard_output_and_the_summary_to_standard_error(run, tmp_path, policy):
    path = snapshot(tmp_path, keys(False, True))
    result = run("evaluate", path, "-p", policy)
    assert "Key 0 named null does not rotate" in result.out
    assert "Population" in result.err
    assert "50.0" in result.err
    piped = run("evaluate", path, "-p", policy, "-o", "-")
    assert [json.loads(line)["status"] for line in piped.out.splitlines()] == ["fail", "pass"]


def test_every_format_has_every_field(run, tmp_path, policy):
    path = snapshot(tmp_path, keys(False, True))
    files = [tmp_path / f"findings.{ending}" for ending in ("jsonl", "json", "csv")]
    run("evaluate", path, "-p", policy, *(part for file in files for part in ("-o", file)))
    lines = [json.loads(line) for line in files[0].read_text().splitlines()]
    assert lines == json.loads(files[1].read_text())
    assert tuple(lines[0]) == FIELDS
    with files[2].open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == (*FIELDS, *POLICY_COLUMNS)
    assert [row[1] for row in rows[1:]] == ["fail", "pass"]
    later = snapshot(tmp_path, keys(True, True), when=TIME.replace(year=2027))
    run("diff", path, later, "-p", policy, "-o", tmp_path / "diff.csv")
    header = (tmp_path / "diff.csv").read_text().splitlines()[0]
    assert tuple(header.split(",")) == (*DIFFERENCE_FIELDS, *POLICY_COLUMNS)


def test_no_findings_are_valid_files_too(run, tmp_path, policy):
    path = snapshot(tmp_path, keys())
    run("evaluate", path, "-p", policy, "-o", tmp_path / "f.json", "-o", tmp_path / "f.jsonl", "-o", tmp_path / "f.csv")
    assert json.loads((tmp_path / "f.json").read_text()) == []
    assert (tmp_path / "f.jsonl").read_text() == ""
    assert (tmp_path / "f.csv").read_text().startswith("policy,")


def test_evaluating_twice_gives_the_same_bytes(run, tmp_path):
    path = snapshot(tmp_path, keys(False, True, DENIED))
    for name in ("one.jsonl", "two.jsonl"):
        run("evaluate", path, "-o", tmp_path / name)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_names_from_a_snapshot_are_shown_harmlessly(run, tmp_path, policy):
    given = keys(False, **{"$name": HOSTILE, "$tags": {"$$missing": HOSTILE, "=1+1": "x"}})
    path = snapshot(tmp_path, given)
    result = run("evaluate", path, "-p", policy, "--verbose", "-o", tmp_path / "f.csv", "-o", tmp_path / "f.jsonl")
    shown = result.out + result.err
    assert not any(ord(char) < 32 and char != "\n" for char in shown)
    assert "\u202e" not in shown
    assert "[bold]x[/bold]" in shown  # as text, not as markup
    assert "\\x1b[31mred" in shown
    assert json.loads((tmp_path / "f.jsonl").read_text())["name"] == HOSTILE
    with (tmp_path / "f.csv").open(newline="") as file:
        assert next(row["name"] for row in csv.DictReader(file)) == HOSTILE


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_runs_no_cell(run, tmp_path, policy, name):
    run("evaluate", snapshot(tmp_path, keys(False, **{"$name": name})), "-p", policy, "-o", tmp_path / "f.csv")
    with (tmp_path / "f.csv").open(newline="") as file:
        assert next(row["name"] for row in csv.DictReader(file)) == "'" + name


def broken_policy(tmp_path):
    (tmp_path / "bad.yaml").write_text("id: x\ntitel: y\n")
    return tmp_path / "bad.yaml"


def test_the_shipped_policies_are_kept_where_that_is_asked(run, tmp_path, policy):
    path = snapshot(tmp_path, keys(False))
    run("evaluate", path, "-p", policy, "-o", tmp_path / "own.jsonl")
    run("evaluate", path, "-p", policy, "--shipped", "-o", tmp_path / "all.jsonl")
    found = [
        {json.loads(line)["policy"] for line in (tmp_path / name).read_text().splitlines()}
        for name in ("own.jsonl", "all.jsonl")
    ]
    assert found[0] == {"keys"}
    assert found[1] > {"keys", "kms-key-rotation"}


def test_findings_files_are_for_their_owner_alone(run, tmp_path, policy):
    run("evaluate", snapshot(tmp_path, keys(False)), "-p", policy, "-o", tmp_path / "f.jsonl")
    assert (tmp_path / "f.jsonl").stat().st_mode & 0o777 == 0o600


WRONG = [
    (["evaluate", "absent"], 2, "absent: no such archive"),
    (["evaluate", "snapshot"], 2, "snapshot: no such archive; did you mean snapshots?"),
    (["evaluate", "-p", "bad.yml"], 2, "No such file or directory; did you mean bad.yaml?"),
    (["evaluate", "-p", "python:x"], 2, 'a library is named in stillframe.yaml alone, as policies: ["python:x"]'),
    (["evaluate", "-c", "bad.yml"], 2, "did you mean bad.yaml?"),
    (["evaluate", "."], 2, "no finished snapshot here"),
    (["evaluate", "snapshots", "-o", "x.odt"], 2, "no format is known for .odt"),
    (["trend", "snapshots", "-o", "x.pdf"], 2, "use one of .jsonl, .json, .csv, .html"),
    (["evaluate", "snapshots", "-o", "absent/x.json"], 2, "cannot be written"),
    (["evaluate", "snapshots", "-p", "bad.yaml"], 2, "bad.yaml:2:1: unknown key 'titel'; did you mean title?"),
    (["evaluate", "snapshots", "-p", "absent.yaml"], 2, "cannot be read: No such file"),
    (["evaluate", "snapshots", "--fail-on", "hihg"], 2, "did you mean high?"),
    (["evaluate", "snapshots", "--set", "vpc-flow-logs.x=1"], 2, "has no parameter x"),
    (["evaluate", "snapshots", "--nonsense"], 2, "No such option"),
    (["diff", "snapshots", "absent"], 2, "absent: no such archive"),
    (["policy", "show", "vpc-flow-log"], 2, "did you mean vpc-flow-logs?"),
    (["policy", "test", "-p", "bad.yaml"], 2, "bad.yaml:2:1"),
    (["snapshot", "verify", "absent"], 2, "no such archive"),
    (["snapshot", "list", "absent"], 2, "no such archive"),
    (["collect", "--profile", "absent"], 3, "The config profile (absent) could not be found"),
    (["collect"], 3, "no AWS credentials"),
    (["collect", "--accounts", "123"], 2, "'123' is not an account id"),
    (["collect", "--org", "--accounts", A], 2, "exclude each other"),
    (["collect", "--regions", "us-esat-1"], 2, "did you mean us-east-1?"),
    (["collect", "--types", "AWS::EC2::VPCs"], 2, "did you mean AWS::EC2::VPC?"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_wrong_input_gets_one_clear_message(run, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    broken_policy(tmp_path)
    snapshot(tmp_path, keys(True))
    result = run(*arguments)
    assert message in " ".join(result.err.split()).replace("│ ", "").replace(" │", "")
    assert result.code == code
    assert "Traceback" not in result.err
    assert result.out == ""


def test_what_does_not_answer_as_aws_is_said_not_to_be_aws(run, aws_url, tmp_path, monkeypatch):
    answer(monkeypatch, "sts", "<html>Please log in</html>", status=200)
    result = run("collect", "--endpoint-url", aws_url, "--into", tmp_path / "s")
    assert (result.code, "what answers there is not AWS" in result.err) == (3, True), result.err


def test_an_unreachable_endpoint_is_named(run, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setattr("time.sleep", lambda _: None)
    result = run("collect", "--endpoint-url", "http://127.0.0.1:1", "--into", tmp_path / "s")
    assert (result.code, "AWS cannot be reached" in result.err) == (3, True)
    assert "--endpoint-url" in result.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ExpiredToken", "have expired"),
        ("InvalidClientTokenId", "does not accept these credentials"),
        ("AccessDenied", "refused"),
    ],
)
def test_credentials_that_aws_refuses_are_explained(run, aws_url, tmp_path, monkeypatch, error, message):
    body = f"<ErrorResponse><Error><Code>{error}</Code><Message>no</Message></Error></ErrorResponse>"
    answer(monkeypatch, "sts", body)
    result = run("collect", "--endpoint-url", aws_url, "--into", tmp_path / "s")
    assert (result.code, message in result.err) == (3, True), result.err
    assert not (tmp_path / "s").exists()


def answer(monkeypatch, service, body, status=403):
    """Make a service answer every call with that body."""

    class Raw:
        def stream(self):
            yield body.encode()

    original = aws.open_session

    def refused(profile=None, session=None):
        session = original(profile, session)
        session.events.register(
            f"before-send.{service}", lambda request, **_: AWSResponse(request.url, status, {}, Raw())
        )
        return session

    monkeypatch.setattr(aws, "open_session", refused)


def test_a_fault_of_our_own_is_said_to_be_one(run, tmp_path, monkeypatch, policy):
    monkeypatch.setattr(sys.modules["stillframe.engine.judging.evaluate"], "judge", lambda *_: 1 / 0)
    result = run("evaluate", snapshot(tmp_path, keys(True)), "-p", policy, "--exact")
    assert result.code == 70
    assert "a fault of stillframe itself: ZeroDivisionError" in result.err
    assert not list(tmp_path.glob(".*"))


def test_an_output_file_appears_whole_or_not_at_all(run, tmp_path, policy, monkeypatch):
    path = snapshot(tmp_path, keys(True))
    (tmp_path / "f.jsonl").write_text("before")
    monkeypatch.setattr(sys.modules["stillframe.engine.judging.evaluate"], "judge", lambda *_: 1 / 0)
    run("evaluate", path, "-p", policy, "-o", tmp_path / "f.jsonl", "--exact")
    assert (tmp_path / "f.jsonl").read_text() == "before"


def test_collect_and_evaluate_from_the_command_line(run, aws_url, tmp_path):
    result = run(
        "collect", "--endpoint-url", aws_url, "--into", tmp_path / "s", "--types", "AWS::EC2::VPC,AWS::EC2::FlowLog"
    )
    assert result.code == 0, result.err
    assert "resources of 1 account in" in result.err
    shown = run("snapshot", "show", tmp_path / "s")
    assert "AWS::EC2::VPC" in shown.out
    result = run("evaluate", tmp_path / "s", "-o", tmp_path / "f.jsonl")
    assert result.code == 1
    statuses = {
        (found["policy"], found["status"]) for found in map(json.loads, (tmp_path / "f.jsonl").read_text().splitlines())
    }
    assert ("vpc-flow-logs", "fail") in statuses
    assert ("kms-key-rotation", "unknown") in statuses  # not collected is not passed
    assert run("snapshot", "verify", tmp_path / "s").code == 0


def test_suspended_accounts_are_skipped_and_recorded(run, aws_url, tmp_path, monkeypatch):
    from stillframe.snapshot.collector import targets

    listed = {MANAGEMENT: {"Name": "main", "State": "ACTIVE"}, A: {"Name": "old", "State": "SUSPENDED"}}
    monkeypatch.setattr(targets, "_members", lambda *_: listed)
    result = run("collect", "--org", "--endpoint-url", aws_url, "--into", tmp_path / "s", "--types", "AWS::EC2::VPC")
    assert f"not collected: {A} (SUSPENDED)" in result.err
    (manifest,) = (tmp_path / "s").rglob("manifest.json")
    assert json.loads(manifest.read_text())["scope"]["skipped"] == {A: "SUSPENDED"}


def test_an_organisation_that_cannot_be_listed_is_explained(run, aws_url, tmp_path, monkeypatch):
    answer(monkeypatch, "organizations", '{"__type": "AccessDeniedException", "Message": "no"}')
    result = run("collect", "--org", "--endpoint-url", aws_url, "--into", tmp_path / "s")
    assert result.code == 3
    assert "cannot list the accounts of the organisation" in result.err


def test_it_runs_as_a_module_and_says_its_version():
    result = subprocess.run(
        [sys.executable, "-m", "stillframe", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"stillframe {stillframe.__version__}\n"


def test_a_reader_that_goes_away_is_no_error(tmp_path, policy):
    path = snapshot(tmp_path, keys(*[False] * 3000))
    command = f"{sys.executable} -m stillframe evaluate {path} -p {policy} --show 0 2>/dev/null | head -1"
    result = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert result.stdout.startswith("fail")
    assert result.returncode == 141
    assert result.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    environment = {**os.environ, "_STILLFRAME_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "stillframe eval"}
    environment |= {"COMP_WORDS": "stillframe eval", "COMP_CWORD": "1"}
    result = subprocess.run([sys.executable, "-m", "stillframe"], env=environment, capture_output=True, text=True)
    assert "evaluate" in result.stdout


def test_colour_respects_no_color(tmp_path, policy):
    path = snapshot(tmp_path, keys(False))
    for extra, coloured in (({"NO_COLOR": "1", "FORCE_COLOR": ""}, False), ({"FORCE_COLOR": "1"}, True)):
        environment = {
            key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")
        } | extra
        command = [sys.executable, "-m", "stillframe", "evaluate", str(path), "-p", str(policy)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ("\x1b[" in result.stdout) is coloured
