"""Queries: what comes out, what cannot be known, what is complained of first; and the prompt."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from builders import write_snapshot
from stillframe.engine.authoring.completion import completions
from stillframe.engine.authoring.prompt import history_file
from stillframe.engine.authoring.query import variables_of
from stillframe.engine.linting.resource_types import config_types
from stillframe.snapshot.collector.api_models import output_type

A, B = "111122223333", "444455556666"
TYPES = config_types(output_type)
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] \u202eevil \r\n<script>"
PROMPT = "AWS::CloudTrail::Trail> "
DENIED = {"$missing": "AccessDenied: cloudtrail:GetTrailStatus"}


def trail(account, name, **config):
    arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/{name}"
    return {"$account": account, "Name": name, "TrailARN": arn, "HomeRegion": "us-east-1", **config}


@pytest.fixture
def estate(tmp_path):
    trails = [
        trail(A, "main", Status={"IsLogging": True}),
        trail(A, "old", Status=DENIED),
        trail(B, "website", Status={"IsLogging": False}, HomeRegion="eu-west-1"),
    ]
    return write_snapshot(tmp_path / "s", {"AWS::CloudTrail::Trail": trails, "AWS::KMS::Key": []})


def values(result):
    assert result.code == 0, result.err
    return [line.split("  ")[-1] for line in result.out.splitlines()]


def ask(run, estate, *arguments):
    return run("query", estate, "AWS::CloudTrail::Trail", *arguments)


def test_each_resource_has_a_line(run, estate):
    result = ask(run, estate, "Status.IsLogging")
    assert result.out == (
        f"{A}  us-east-1       arn:aws:cloudtrail:us-east-1:{A}:trail/main  true\n"
        f"{A}  us-east-1       arn:aws:cloudtrail:us-east-1:{A}:trail/old"
        "  unknown: AccessDenied: cloudtrail:GetTrailStatus\n"
        f"{B}  eu-west-1       arn:aws:cloudtrail:us-east-1:{B}:trail/website  false\n"
    )
    assert result.err == "3 resources, 1 unknown\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--where", "Name == 'main'"], ['"main"']),
        (["--where", "Status.IsLogging"], ['"main"', "unknown: AccessDenied: cloudtrail:GetTrailStatus"]),
        (["--account", B], ['"website"']),
        (["--region", "us-east-1"], ['"main"', '"old"']),
        (["--region", "eu-west-1", "--account", A], []),
        (["--where", "$account == '444455556666' && $snapshot_time"], ['"website"']),
    ],
)
def test_resources_are_chosen(run, estate, options, expected):
    assert values(ask(run, estate, "Name", *options)) == expected


def test_json_has_one_record_a_line(run, estate):
    records = [json.loads(line) for line in ask(run, estate, "{Logs: Status.IsLogging}", "--json").out.splitlines()]
    assert [record["value"] for record in records] == [{"Logs": True}, {"Logs": DENIED}, {"Logs": False}]
    assert list(records[0]) == ["account", "region", "type", "resource", "name", "value"]


def test_an_expression_without_a_value_is_an_error_of_that_resource(run, estate):
    result = ask(run, estate, "sort([Name, Status.IsLogging])", "--anyway")
    assert result.code == 0
    assert "error: " in result.out
    record = json.loads(ask(run, estate, "sort([Name, Status.IsLogging])", "--anyway", "--json").out.splitlines()[0])
    assert "error" in record
    assert "value" not in record


def test_complaints_come_first_with_a_caret(run, estate):
    result = ask(run, estate, "Status.IsLoging")
    assert (result.code, result.out) == (2, "")
    first, second = result.err.splitlines()
    assert first == "Status.IsLoging"
    assert second.startswith("       ^ error[unknown-field]: ")
    assert "did you mean IsLogging?" in second
    anyway = ask(run, estate, "Status.IsLoging", "--anyway")
    assert "^ error[unknown-field]" in anyway.err
    assert values(anyway) == ["null", "unknown: AccessDenied: cloudtrail:GetTrailStatus", "null"]


def test_a_warning_does_not_stop_it(run, estate):
    result = ask(run, estate, "length(KmsKeyId)")
    assert result.code == 0
    assert "^ warning[nullable-argument]" in result.err
    assert "error: length() takes text, a list or an object, not null" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["AWS::CloudTrail::Trial", "Name"], "did you mean AWS::CloudTrail::Trail?"),
        (["AWS::CloudTrail::Trail", "Name["], "not JMESPath"),
        (["AWS::CloudTrail::Trail", "$bucket"], "unknown variable $bucket"),
        (["AWS::CloudTrail::Trail", "Name", "--where", "Nmae"], "did you mean Name?"),
        (["AWS::CloudTrail::Trail", "Name", "--where", "]"], "not JMESPath"),
        (["AWS::CloudTrail::Trail", "Name", "--account", "111122223334"], f"did you mean {A}?"),
        (["AWS::CloudTrail::Trail", "Name", "--region", "eu-wst-1"], "did you mean eu-west-1?"),
    ],
)
def test_wrong_input_is_explained(run, estate, arguments, message):
    result = run("query", estate, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert "Traceback" not in result.err


def test_a_snapshot_that_is_not_there_is_explained(run, tmp_path):
    result = run("query", tmp_path / "absent", "AWS::EC2::VPC", "VpcId")
    assert (result.code, "no such archive" in result.err) == (2, True)


def test_no_resource_at_all_is_nothing_and_gaps_are_said(run, tmp_path, estate):
    assert run("query", estate, "AWS::KMS::Key", "KeyId").code == 3
    denied = write_snapshot(tmp_path / "d", {"AWS::KMS::Key": {"$missing": "AccessDenied: kms:ListKeys"}})
    result = run("query", denied, "AWS::KMS::Key", "KeyId")
    assert result.code == 3
    assert f"not read: {A} *: AccessDenied: kms:ListKeys" in result.err
    assert "AWS::EC2::VPC was not collected" in run("query", denied, "AWS::EC2::VPC", "VpcId").err


def test_hostile_names_do_nothing(run, tmp_path):
    path = write_snapshot(tmp_path / "h", {"AWS::S3::Bucket": [{"Name": HOSTILE, "Versioning": {"Status": HOSTILE}}]})
    result = run("query", path, "AWS::S3::Bucket", "Versioning.Status")
    assert result.code == 0
    assert not set(result.out) & set("\x1b\x07\u202e\r")
    assert len(result.out.splitlines()) == 1
    assert "[bold]x[/bold]" in result.out


# ------------------------------------------------------------------------------------------ the prompt


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("", ["Name", "Status", "any("], ["$account", "IsLogging"]),
        ("Na", ["Name"], ["Status"]),
        ("Status.", ["IsLogging"], ["Name", "any("]),
        ("Status.IsL", ["IsLogging"], ["LatestDeliveryError"]),
        ("!Sta", ["Status"], ["Name"]),
        ("Name && Status.Is", ["IsLogging"], []),
        ("Selectors.EventSelectors[].Read", ["ReadWriteType"], []),
        ("Selectors.EventSelectors[?Read", ["ReadWriteType"], ["Name"]),
        ("Selectors.EventSelectors[?ReadWriteType == 'All'].Inc", ["IncludeManagementEvents"], []),
        ("any(Selectors.EventSelectors, &Read", ["ReadWriteType"], ["Name"]),
        ("contains(Na", ["Name"], []),
        ("[Name, {a: Status.", ["IsLogging"], []),
        ("len", ["length("], ["Name"]),
        ("$a", ["$account"], ["$region", "Name"]),
        ("Name == '", [], ["Name"]),
        ("Name == 'a\\' && Na", [], ["Name"]),
        ("Name ", [], ["Name"]),
        ("Name.", [], ["Name"]),
        ("S3BucketName.x[", [], []),
        ("{Na", [], ["Name"]),
        (")))", [], ["Name"]),
    ],
)
def test_tab_completes_what_could_stand_there(text, some, none):
    found = completions(text, TYPES("AWS::CloudTrail::Trail"), variables_of(TYPES("AWS::CloudTrail::Trail")))
    assert set(some) <= set(found)
    assert not set(none) & set(found)


def test_without_an_expression_lines_are_asked_one_by_one(estate, tmp_path):
    typed = "Name\n\nNam\nsum(\nStatus.IsLogging\n"
    result = subprocess.run(
        [sys.executable, "-m", "stillframe", "query", str(estate), "AWS::CloudTrail::Trail"],
        input=typed,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 6, "two expressions of three resources, and no prompt in a pipe"
    assert "did you mean Name?" in result.stderr
    assert "error: not JMESPath" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_terminal_has_a_prompt_with_tab_and_history(estate, tmp_path):
    state = tmp_path / "state"
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "stillframe", "query", str(estate), "AWS::CloudTrail::Trail"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "XDG_STATE_HOME": str(state), "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(theirs)
    try:
        seen = read_until(ours, "")
        os.write(ours, b"Status.IsL\t\n")
        seen += read_until(ours, "3 resources")
        os.write(ours, b"nonsense[\n")
        seen += read_until(ours, "not JMESPath")
        os.write(ours, b"\x10\x10\n")  # the line before last
        seen += read_until(ours, "3 resources")
        os.write(ours, b"\x04")
        assert program.wait(60) == 0
    finally:
        program.kill()
        program.wait()
        os.close(ours)
    assert "Status.IsLogging" in seen
    kept = (state / "stillframe/query_history").read_text()
    assert kept.splitlines()[-3:] == ["Status.IsLogging", "nonsense[", "Status.IsLogging"]


def read_until(terminal, wanted):
    """What is shown up to the next prompt after `wanted`: only then does the program listen again."""
    seen, end = "", time.monotonic() + 60
    while PROMPT not in (seen.partition(wanted)[2] if wanted else seen):
        assert time.monotonic() < end, f"no {wanted!r} in {seen!r}"
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 4096).decode()
            except OSError:  # the program has ended
                pytest.fail(f"no {wanted!r} in {seen!r}")
    return seen


def test_the_history_is_where_states_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "stillframe/query_history"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert history_file() == tmp_path / "home/.local/state/stillframe/query_history"


DOUBLING = "length([Name]" + ".[@, @][]" * 14 + ")"


@pytest.mark.parametrize("where", [[], ["--where", f"{DOUBLING} > `1`"]])
def test_a_costly_expression_ends_by_its_budget(run, estate, where):
    result = ask(run, estate, "Name" if where else DOUBLING, *where, "--budget", "5000")
    assert result.code == 0
    told = [line.partition("error: ")[2] for line in result.out.splitlines()]
    assert told == ["takes more steps than one resource may, by a budget of 5000"] * 3
    assert "error" not in ask(run, estate, "Name" if where else DOUBLING, *where).out


def test_all_resources_of_an_account_share_what_a_query_may_take(run, tmp_path):
    many = write_snapshot(tmp_path / "m", {"AWS::CloudTrail::Trail": [trail(A, f"t{n:02}") for n in range(12)]})
    told = [line.partition("error: ")[2] for line in ask(run, many, DOUBLING, "--budget", "5000").out.splitlines()]
    assert ["one resource" in each for each in told] == [True] * 5 + [False] * 7
    assert ["all resources of one account" in each for each in told] == [False] * 5 + [True] * 7
