"""Every night: the script of docs/ci.md, executed against the stand-in, and what it rests on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import TIME, write_snapshot
from rich.console import Console
from stillframe.engine.commands.nightly import _told
from stillframe.engine.commands.run_diff import run_diff
from stillframe.engine.loading.ruleset import load_rules
from stillframe.snapshot import CollectError, list_snapshots, open_snapshot
from stillframe.snapshot.collector import demo, night
from stillframe.snapshot.collector.night import alone, tonight
from stillframe.snapshot.given import place_of

from bench.proxy import proxy

PAGE = (Path(__file__).parents[3] / "docs/ci.md").read_text()
TYPES = "AWS::KMS::Key"
# The real program. One region is enabled; what the stand-in does not know, which it answers with 500, is asked once.
PROGRAM = """#!{python}
from types import SimpleNamespace
from botocore import endpoint
from stillframe.cli import main
from stillframe.snapshot.collector import call, clients, session
call.WAITS = (0.01,)
endpoint.time = SimpleNamespace(sleep=lambda _: None)
clients.ATTEMPTS = 1
original = session._shared
def trim(parsed, **_):
    for each in parsed.get("Regions", ()):
        each["OptInStatus"] = "opted-in" if each["RegionName"] == "us-east-1" else "not-opted-in"
def shared(given):
    given.events.register("after-call.ec2.DescribeRegions", trim)
    return original(given)
session._shared = shared
main()
"""
KEYS = """
id: keys-rotate
title: Keys are rotated
severity: high
resource: AWS::KMS::Key
assert: Rotation.KeyRotationEnabled
"""
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENIED = {**ALLOWED, "Statement": [*ALLOWED["Statement"], {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}
Night = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def reader(empty: str) -> Iterator[dict[str, str]]:
    """A user of the stand-in's, who may do what a test allows: by its keys."""
    iam = demo.session().client("iam", endpoint_url=empty)
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    enforce(empty, float("inf"))


def enforce(url: str, after: float) -> None:
    request = urllib.request.Request(f"{url}/moto-api/reset-auth", method="POST", data=str(after).encode())
    request.add_header("Content-Type", "text/plain")
    urllib.request.urlopen(request).close()


def allow(url: str, document: dict[str, Any]) -> None:
    iam = demo.session().client("iam", endpoint_url=url)
    iam.put_user_policy(UserName="reader", PolicyName="it", PolicyDocument=json.dumps(document))
    enforce(url, 0)


@pytest.fixture
def script(empty, reader, tmp_path) -> Night:
    """The script of the page, with the real program on the path, as the user `reader`."""
    (tmp_path / "nightly.sh").write_text(re.search(r"`nightly.sh`\n\n```sh\n(.*?)```", PAGE, re.DOTALL)[1])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/stillframe").write_text(PROGRAM.format(python=sys.executable))
    (tmp_path / "bin/stillframe").chmod(0o755)
    (tmp_path / "keys.yaml").write_text(KEYS)
    (tmp_path / "stillframe.yaml").write_text("policies: [keys.yaml]\nshipped: false\n")
    environment = {
        **os.environ,
        **reader,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }

    def begin(*more: str, url: str = empty) -> subprocess.Popen[str]:
        words = [
            "sh",
            "nightly.sh",
            "archive",
            "--endpoint-url",
            url,
            "--types",
            TYPES,
            "--regions",
            "us-east-1",
            *more,
        ]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(words, cwd=tmp_path, env=environment, **pipe)

    def run(*more: str, **how: str) -> subprocess.CompletedProcess[str]:
        process = begin(*more, **how)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    run.begin = begin
    return run


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


def make_key(url: str) -> None:
    demo.session().client("kms", endpoint_url=url).create_key()


def test_a_first_night_an_unchanged_one_a_new_failure_and_a_denied_role(script, empty, tmp_path):
    make_key(empty)
    first = script()
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert "the first night; now 1 failure (1 high); exit code 0" in last(first)
    assert {"findings.jsonl", "changes.md", "report.html"} <= {path.name for path in tmp_path.iterdir()}
    again = script()
    assert (again.returncode, again.stdout) == (0, ""), again.stderr
    assert "is of this night: not collected again" in again.stderr
    [taken] = list_snapshots(tmp_path / "archive")
    other = script("--needed")
    assert other.returncode == 0, other.stderr
    assert "is of this night" not in other.stderr  # it asks for something else
    [renewed] = list_snapshots(tmp_path / "archive")  # one a day is kept
    assert renewed.id > taken.id
    unchanged = script("--fresh", "0")
    assert (unchanged.returncode, unchanged.stdout) == (0, ""), unchanged.stderr
    assert "0 new, 0 resolved, 0 newly unknown; now 1 failure (1 high)" in last(unchanged)
    make_key(empty)
    broken = script("--fresh", "0")
    assert broken.returncode == 1, broken.stderr
    assert broken.stdout.startswith("new        high     keys-rotate")
    assert "1 new, 0 resolved" in last(broken)
    assert "### Stillframe: 1 new failure" in (tmp_path / "changes.md").read_text()
    allow(empty, DENIED)
    denied = script("--fresh", "0", "--log-format", "json")
    assert denied.returncode == 4, denied.stderr
    lines = [json.loads(line) for line in denied.stderr.splitlines()]
    assert lines[-1]["code"] == 4
    [collected] = [line for line in lines if line["event"] == "collected"]
    assert any("kms:ListKeys" in cause for cause in collected["unknown"])
    assert "resolved" not in denied.stdout
    enforce(empty, float("inf"))


def test_cron_is_told_of_a_night_that_did_not_work(script):
    """It mails what a command prints on standard output, and a night that did not work prints nothing there."""
    done = script("--fresh", "soon")
    assert done.returncode == 2
    assert "'soon' is not a valid float" in done.stdout
    assert done.stderr == done.stdout


def test_a_collector_that_was_killed_is_completed_by_the_next_run(script, empty, tmp_path):
    with proxy(empty, latency=0.05) as url:
        process = script.begin(url=url)
        while not list(tmp_path.glob("archive/2*/.plan.json")) and process.poll() is None:
            time.sleep(0.005)
        subprocess.run(["pkill", "-9", "-P", str(process.pid)])
        process.kill()
        process.communicate()
    [begun] = list_snapshots(tmp_path / "archive")
    assert begun.accounts is None
    done = script()
    assert f"completing archive/{begun.id}" in done.stderr
    assert done.returncode == 0, done.stderr
    [entry] = list_snapshots(tmp_path / "archive")
    assert (entry.id, entry.accounts) == (begun.id, 1)


@pytest.mark.parametrize("hours", ["1e13", "nan", "inf", "-1"])
def test_hours_that_are_none_are_refused(run, tmp_path, hours):
    assert run("nightly", tmp_path / "archive", "--fresh", hours).code == 2


def test_of_two_at_once_one_does_it_and_the_other_says_so(script, empty, tmp_path):
    with alone(tmp_path / "archive"):
        other = script()
    assert other.returncode == 3
    assert "another night is at work on it" in other.stderr
    assert list_snapshots(tmp_path / "archive") == []


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_night_that_did_not_work_says_so_in_its_last_line_in_the_form_of_the_others(run, tmp_path, form):
    begin = ("nightly", tmp_path / "archive", "--types", TYPES, "--log-format", form)
    with alone(tmp_path / "archive"):
        done = run(*begin)
    *_, error, end = lines = done.err.splitlines()
    assert done.code == 3
    if form == "text":
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (error|help|night): ", line) for line in lines)
        assert end.endswith("Z night: it did not work; exit code 3")
        return
    found = json.loads(error)
    assert (found["event"], found["code"], "at work on it" in found["message"]) == ("error", 3, True)
    assert found["help"].startswith("wait for it to end")
    assert (json.loads(end)["event"], json.loads(end)["code"]) == ("night", 3)
    wrong = run(*begin, "--fresh", "nan")
    error, end = map(json.loads, wrong.err.splitlines())
    assert (wrong.code, error["code"], end["code"]) == (2, 2, 2)
    assert "no number of hours" in error["message"]
    (tmp_path / "odd.yaml").write_text("id: 7\n")
    *errors, end = map(json.loads, run(*begin, "-p", tmp_path / "odd.yaml").err.splitlines())
    assert {each["event"] for each in errors} == {"error"}


# -------------------------------------------------------------------------------------------------- what there is


NOW = datetime.now(UTC).replace(microsecond=0)


def begun(archive: Path, moment: datetime, *, plan: bool = True) -> str:
    folder = archive / f"{moment:%Y-%m-%dT%H-%M-%SZ}"
    folder.mkdir(parents=True)
    if plan:
        (folder / ".plan.json").write_text("{}")
    return folder.name


def test_an_archive_that_is_not_there_has_nothing_of_this_night(tmp_path):
    assert tonight(tmp_path / "absent", timedelta(hours=12)) == night.Tonight()


def test_what_is_of_this_night_is_told_from_what_is_not(tmp_path):
    write_snapshot(tmp_path, {"AWS::KMS::Key": []}, TIME)
    old = begun(tmp_path, NOW - timedelta(hours=30))
    assert tonight(tmp_path, timedelta(hours=12)) == night.Tonight(left=[old])
    now = begun(tmp_path, NOW - timedelta(hours=1))
    begun(tmp_path, NOW - timedelta(minutes=1), plan=False)  # an import is at work there
    assert tonight(tmp_path, timedelta(hours=12)) == night.Tonight(unfinished=tmp_path / now, left=[old])
    whole = write_snapshot(tmp_path, {"AWS::KMS::Key": []}, NOW)
    assert tonight(tmp_path, timedelta(hours=12)).finished == whole
    assert tonight(tmp_path, timedelta(0)).finished is None


def test_a_snapshot_of_a_time_to_come_is_of_no_night(tmp_path):
    """Of one that somebody planted nothing would be collected any more."""
    write_snapshot(tmp_path, {"AWS::KMS::Key": []}, NOW + timedelta(days=365))
    later = begun(tmp_path, NOW + timedelta(days=2))
    assert tonight(tmp_path, timedelta(hours=12)) == night.Tonight(left=[later])
    now = begun(tmp_path, NOW)
    assert tonight(tmp_path, timedelta(hours=12)) == night.Tonight(unfinished=tmp_path / now, left=[later])


def test_in_object_storage_a_lease_keeps_others_out_until_it_is_over(bucket, monkeypatch):
    place = place_of(f"{bucket}/archive")
    now = f"until {datetime.now(UTC):%Y-%m-%dT%H}|until {datetime.now(UTC) + night.LEASE:%Y-%m-%dT%H}"
    with alone(place), pytest.raises(CollectError, match=f"another night is at work on it, ({now})"), alone(place):
        pass
    with alone(place):  # it was given back
        pass
    monkeypatch.setattr(night, "LEASE", timedelta(seconds=-1))  # a holder that was killed, three minutes ago
    with alone(place), alone(place):
        pass


def test_a_lease_is_held_for_as_long_as_the_night_takes(bucket, monkeypatch):
    place = place_of(f"{bucket}/archive")
    monkeypatch.setattr(night, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(night, "_RENEWED", 0.2)
    with alone(place):
        until = datetime.now(UTC) + timedelta(seconds=1.5)
        while datetime.now(UTC) < until:
            with pytest.raises(CollectError), alone(place):
                pass
            time.sleep(0.1)


# ---------------------------------------------------------------------------------------- compared with the one before


def test_the_one_before_is_found_and_a_first_snapshot_has_none(run, tmp_path):
    (tmp_path / "keys.yaml").write_text(KEYS)
    words = ["-p", tmp_path / "keys.yaml"]
    good, bad = ({"KeyId": "1", "Rotation": {"KeyRotationEnabled": on}} for on in (True, False))
    write_snapshot(tmp_path / "s", {"AWS::KMS::Key": [good]}, TIME)
    first = run("diff", tmp_path / "s", "--previous", *words)
    assert (first.code, first.out) == (0, "")
    assert "is the first snapshot of its archive: nothing is new" in first.err
    begun(tmp_path / "s", TIME + timedelta(days=1))  # unfinished: none to compare with
    later = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": [bad]}, TIME + timedelta(days=2))
    for named in (tmp_path / "s", later):
        found = run("diff", named, "--previous", *words)
        assert found.code == 1
        assert f"From 2026-01-01T00-00-00Z to {later.name}" in found.err
    assert run("diff", tmp_path / "s/2026-01-01T00-00-00Z", "--previous", *words).code == 0


def test_a_night_in_a_line_counts_as_newly_unknown_only_what_is_unknown_now(tmp_path):
    (tmp_path / "keys.yaml").write_text(KEYS)
    ruleset = load_rules(None, [tmp_path / "keys.yaml"])
    found = [
        {"KeyId": str(each), "KeyArn": f"arn:{each}", "Rotation": {"KeyRotationEnabled": True}} for each in range(3)
    ]
    old = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": found}, TIME)
    denied = {"AWS::KMS::Key": {"$missing": "AccessDenied: kms:ListKeys"}}
    new = write_snapshot(tmp_path / "s", denied, TIME + timedelta(days=1))
    quiet = Console(quiet=True)
    compared = run_diff(open_snapshot(old), open_snapshot(new), ruleset, quiet, quiet)
    told = _told(open_snapshot(new), compared, first=False)
    assert told.endswith("0 new, 0 resolved, 1 newly unknown, 3 out of sight; now 0 failures, 1 unknown")


def test_a_snapshot_of_no_archive_has_none_before_it(run, tmp_path):
    write_snapshot(tmp_path / "s", {"AWS::KMS::Key": []}).rename(tmp_path / "alone")
    found = run("diff", tmp_path / "alone", "--previous")
    assert (found.code, "in no archive" in found.err) == (2, True)
