"""Where the program prints: streams that are full, closed, gone, a terminal, or of few letters."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from builders import write_snapshot
from stillframe.engine.printable import harmless, printable

# What moves the cursor, changes colours by C1, reorders text, hides in tags, ends a line.
HARM = "a\x1b[31m\x9b1m\u202e\U000e0041\u2028b"
SAFE = "a\\u001b[31m\\u009b1m\\u202e\\udb40\\udc41\\u2028b"


@pytest.fixture
def snapshot(tmp_path) -> Path:
    vpc = {"VpcId": HARM, "OwnerId": "111122223333", "IsDefault": False, "State": "available", "$tags": {HARM: HARM}}
    return write_snapshot(tmp_path / "archive", {"AWS::EC2::VPC": [vpc], "AWS::EC2::FlowLog": []})


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "stillframe", *map(str, arguments)]


def on_terminal(*arguments: object) -> str:
    """What a terminal is sent."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(*arguments), stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 1 << 16):
                parts.append(part)
        except OSError:  # Linux says so where nobody writes any more
            pass
        process.wait()
    os.close(ours)
    return b"".join(parts).decode()


@pytest.mark.parametrize("form", ["jsonl", "csv", "ocsf-csv", "markdown", "github"])
def test_a_report_on_a_terminal_cannot_act_on_it(snapshot, form):
    printed = on_terminal("evaluate", snapshot, "-p", POLICY(snapshot), "--format", form)
    assert "vpc-named" in printed
    assert not set(printed) & {"\x1b", "\x9b", "\u202e", "\U000e0041", "\u2028"}


def POLICY(snapshot: Path) -> Path:  # noqa: N802 - a file, made once
    path = snapshot.parent.parent / "p.yaml"
    path.write_text(
        "id: vpc-named\ntitle: It is named\nseverity: low\nresource: AWS::EC2::VPC\nassert: VpcId == 'good'\n"
        "message: VPC {{ VpcId }} is not good\n"
    )
    return path


def test_a_report_in_a_file_has_the_bytes_as_they_are(snapshot, tmp_path):
    policy = POLICY(snapshot)
    subprocess.run(command("evaluate", snapshot, "-p", policy, "-o", tmp_path / "r.jsonl"), capture_output=True)
    piped = subprocess.run(command("evaluate", snapshot, "-p", policy, "-o", "-"), capture_output=True).stdout
    assert (tmp_path / "r.jsonl").read_bytes() == piped
    assert "\u202e".encode() in piped


def test_a_policy_is_shown_on_a_terminal_as_what_it_is(tmp_path):
    (tmp_path / "p.yaml").write_text(
        "id: vpc-named\ntitle: It is \u202e named\nseverity: low\nresource: AWS::EC2::VPC\nassert: VpcId\n"
    )
    assert "It is \\u202e named\r\n" in on_terminal("policy", "show", "vpc-named", "-p", tmp_path / "p.yaml")


@pytest.mark.parametrize("text", ["plain\n", "é 𝄞\tx\n", "", "a\r\nb\r\n"])
def test_what_is_harmless_stays(text):
    assert harmless(text) == text.replace("\r\n", "\n")


def test_what_acts_on_a_terminal_is_spelled_out():
    assert harmless(HARM) == SAFE
    assert harmless("a\rb") == "a\\u000db"
    assert printable(HARM).isprintable()


COMMANDS = (
    ("policy", "list"),
    ("policy", "show", "vpc-flow-logs"),
    ("evaluate", "SNAPSHOT", "-v"),
)


def given(snapshot: Path, arguments: tuple[str, ...]) -> list[str]:
    return command(*({"SNAPSHOT": snapshot, "ARCHIVE": snapshot.parent}.get(each, each) for each in arguments))


def test_a_stream_of_few_letters_gets_the_others_spelled_out(snapshot):  # every command: test_elsewhere.py
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(given(snapshot, COMMANDS[2]), capture_output=True, env=environment)
    assert (done.returncode, b"\x96" in done.stderr) == (1, True), done.stderr


def test_a_full_stream_is_an_error_that_says_so(snapshot):
    for arguments in COMMANDS[:3]:
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            done = subprocess.run(given(snapshot, arguments), stdout=full, stderr=subprocess.PIPE)
        assert (done.returncode, b"No space left" in done.stderr) == (2, True), arguments


def test_a_closed_stream_is_written_to_nowhere(snapshot):
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", *given(snapshot, COMMANDS[2])], capture_output=True)
        assert done.returncode in (1, 4)
        assert not done.stdout + done.stderr or closed != ">&- 2>&-"


def test_a_reader_that_goes_away_ends_it_as_any_tool(snapshot):
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(given(snapshot, COMMANDS[0]), stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")
