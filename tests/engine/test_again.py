"""A run that is given back says and writes what the run would; and is given back only where nothing has changed."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from builders import TIME, write_snapshot
from stillframe import cli
from stillframe.engine import again
from stillframe.snapshot.remote import put, remote_of

POLICY = """id: vpc-small
title: A VPC is small
severity: low
resource: AWS::EC2::VPC
params: {most: {type: integer, default: 300, description: More is large}}
assert: to_number(Number) < $params.most
"""
WAIVER = "waivers: [{policy: vpc-small, region: '*', reason: a, owner: b, expires: 2026-02-01}]\n"
MANY = 600  # more than are judged without a cache


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with an archive, policies and nothing else; what was written a moment ago is believed to stay."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(again, "_RECENT", 0.0)
    Path("policies").mkdir()
    Path("policies/vpc-small.yaml").write_text(POLICY)
    snapshot(0)
    return tmp_path


def snapshot(days: int, more: int = 0) -> Path:
    vpcs = [{"VpcId": f"vpc-{number}", "Number": str(number + more)} for number in range(MANY)]
    return write_snapshot(Path("archive"), {"AWS::EC2::VPC": vpcs}, TIME + timedelta(days))


@pytest.fixture
def ran(run, monkeypatch):
    """Run a command; and say whether it was given back."""
    judged: list[list[str]] = []
    original = cli.kept
    monkeypatch.setattr(cli, "kept", lambda arguments: (judged.append(arguments), original(arguments))[1])

    def ran(*arguments: object):
        judged.clear()
        result = run(*arguments)
        return result, not judged

    return ran


EVALUATE = ("evaluate", "archive", "-p", "policies")


@pytest.mark.parametrize(
    "arguments",
    [
        (*EVALUATE, "-o", "a.jsonl", "-o", "a.html", "-o", "a.sarif", "-o", "a.xml", "-o", "a.md", "-o", "a.csv"),
        (*EVALUATE, "-o", "-", "--status", "fail", "--fail-on", "never", "--only", "account=1*"),
        (*EVALUATE, "--workers", "2", "-v", "--show", "0"),
        ("evaluate", "archive", "--pack", "cis-aws-5.0.0", "-o", "a.controls.json"),
        ("diff", "archive/2026-01-01T00-00-00Z", "archive", "-p", "policies", "-o", "a.jsonl", "-o", "a.html"),
        ("trend", "archive", "-p", "policies", "-o", "a.jsonl", "-o", "a.html", "--series", "a.csv"),
        ("backtest", "archive", "-p", "policies", "--against", "before.yaml", "-o", "a.jsonl", "-v"),
        ("remediate", "archive", "-p", "policies", "-o", "a.csv"),
        ("remediate", "archive", "-p", "policies", "--plan", "-o", "a.sh"),
    ],
)
def test_a_run_is_given_back_to_the_byte(place, ran, arguments):
    snapshot(1, more=5)
    Path("before.yaml").write_text(POLICY.replace("300", "301"))
    first, before = ran(*arguments)
    written = {path: path.read_bytes() for path in place.glob("a.*")}
    for path in written:
        path.write_bytes(b"of others")
    second, given = ran(*arguments)
    assert (first.code in (0, 1, 4), before, given) == (True, False, True), first
    assert second == first
    assert {path: path.read_bytes() for path in place.glob("a.*")} == written
    for path in written:
        path.unlink()
    uncached, given = ran(*arguments, "--no-cache")
    assert not given
    assert uncached == first
    assert {path: path.read_bytes() for path in place.glob("a.*")} == written


def _finish() -> None:
    """A snapshot that was begun before the first run, and is complete now."""
    Path("manifest.json").rename("archive/2026-01-09T00-00-00Z/manifest.json")


CHANGES = {
    "a policy": lambda _: Path("policies/vpc-small.yaml").write_text(POLICY.replace("300", "200")),
    "one more policy": lambda _: Path("policies/b.yaml").write_text(POLICY.replace("vpc-small", "b")),
    "one more policy, deeper": lambda _: (
        Path("policies/below").mkdir(),
        Path("policies/below/c.yaml").write_text(POLICY.replace("vpc-small", "c")),
    ),
    "a config": lambda _: Path("stillframe.yaml").write_text(WAIVER),
    "a later snapshot": lambda _: snapshot(1, more=5),
    "a snapshot that is finished": lambda _: _finish(),
    "the width": lambda monkeypatch: monkeypatch.setenv("COLUMNS", "50"),
    "the colour": lambda monkeypatch: monkeypatch.setenv("FORCE_COLOR", "1"),
    "a dependency": lambda monkeypatch: monkeypatch.setattr(again, "_modules", lambda: [__file__]),
    "a link where a file was": lambda _: (
        Path("policies/vpc-small.yaml").rename("elsewhere.yaml"),
        Path("policies/vpc-small.yaml").symlink_to(Path("elsewhere.yaml").absolute()),
    ),
    "a link where a folder was": lambda _: (
        Path("policies").rename("elsewhere"),
        Path("policies").symlink_to("elsewhere"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_is_not_given_back_when_anything_changed(place, ran, run, monkeypatch, change):
    snapshot(8, more=9)
    Path("archive/2026-01-09T00-00-00Z/manifest.json").rename("manifest.json")
    ran(*EVALUATE)
    with monkeypatch.context() as within:
        if change is CHANGES["a dependency"]:
            within.setattr(again, "_program", lambda _: "another")
        else:
            change(within)
        found, given = ran(*EVALUATE)
        assert not given
        anew = run(*EVALUATE, "--no-cache")
        assert (found.code, found.out) == (anew.code, anew.out)
        if change is not CHANGES["the colour"]:  # with it a progress bar is drawn, which moves with time
            assert found.err == anew.err


@pytest.mark.parametrize("command", ["trend", "backtest"])
def test_nor_what_was_said_of_every_snapshot_where_there_is_another(place, ran, command):
    asked = (command, "archive", "-p", "policies", "-o", "-")
    before, _ = ran(*asked)
    snapshot(1, more=5)
    found, given = ran(*asked)
    assert (given, found == before) == (False, False)
    assert ran(*asked, "--no-cache")[0] == found
    assert ran(*asked) == (found, True)


def test_nor_where_the_file_that_it_was_told_changed(place, ran):
    Path("c.yaml").write_text(WAIVER)
    command = (*EVALUATE, "-c", "c.yaml")
    ran(*command)
    assert ran(*command)[1]
    Path("c.yaml").write_text(WAIVER.replace("2026-02-01", "2025-02-01"))
    assert not ran(*command)[1]


def test_nor_where_a_file_of_a_parameter_changed_nor_are_its_findings(place, ran, run):
    """Neither the run of before nor the findings of before are believed."""
    Path("most.json").write_text("300")
    Path("stillframe.yaml").write_text("settings: {vpc-small: {params: {most: {file: most.json}}}}\n")
    ran(*EVALUATE)
    assert ran(*EVALUATE)[1]
    Path("most.json").write_text("200")
    found, given = ran(*EVALUATE)
    assert (given, "400 failures" in found.err) == (False, True)
    assert run(*EVALUATE, "--no-cache").err == found.err


def test_nor_where_a_policy_changed_that_lies_where_the_snapshot_does(place, ran, monkeypatch):
    """A manifest answers for the files of its accounts alone, however they are named."""
    monkeypatch.chdir("archive/2026-01-01T00-00-00Z")
    for path in map(Path, ("../p.yaml", "p.yaml", "mine/p.yaml")):
        path.parent.mkdir(exist_ok=True)
        path.write_text(POLICY)
        command = ("evaluate", ".", "-p", path)
        ran(*command)
        assert ran(*command)[1], path
        path.write_text(POLICY.replace("300", "200"))
        found, given = ran(*command)
        assert (given, "400 failures" in found.err) == (False, True), path


def test_nor_where_it_said_how_far_the_snapshot_is_in_the_future(place, ran):
    snapshot(365 * 100)
    assert "in the future" in ran(*EVALUATE)[0].err
    assert not ran(*EVALUATE)[1]


def test_nor_where_a_baseline_was_written_by_the_run_itself(place, ran, run):
    run(*EVALUATE, "--no-cache", "-o", "a.jsonl")
    command = (*EVALUATE, "--baseline", "a.jsonl", "-o", "a.jsonl")
    ran(*command)
    assert not ran(*command)[1]


@pytest.mark.parametrize("options", [("--no-cache",), ("--exact",), ("--receipt", "r.json"), ("-o", "folder.asff")])
def test_what_reads_every_byte_or_is_no_file_is_not_kept(place, ran, options):
    ran(*EVALUATE, *options)
    assert not ran(*EVALUATE, *options)[1]


def test_nor_what_ended_with_a_fault(place, ran):
    Path("policies/b.yaml").write_text("id: b\n")
    assert ran(*EVALUATE)[0].code == 2
    result, given = ran(*EVALUATE)
    assert (result.code, given) == (2, False)


def test_nor_what_was_written_a_moment_before(place, ran, monkeypatch):
    monkeypatch.setattr(again, "_RECENT", 60.0)
    ran(*EVALUATE)
    assert not ran(*EVALUATE)[1]


def runs() -> list[Path]:
    return list(again._folder().glob("*.run"))


@pytest.mark.parametrize("at", [0, 34, 500])
def test_a_damaged_file_is_no_run(place, ran, at):
    first, _ = ran(*EVALUATE)
    [kept] = runs()
    data = bytearray(kept.read_bytes())
    data[at] ^= 1
    kept.write_bytes(data)
    assert ran(*EVALUATE) == (first, False)
    kept.write_bytes(data[: len(data) // 2])
    assert ran(*EVALUATE)[0] == first
    kept.write_bytes(b"")
    assert ran(*EVALUATE) == (first, False)


def test_nor_is_that_of_another_command(place, ran):
    ran(*EVALUATE)
    [kept] = runs()
    other = (*EVALUATE, "--fail-on", "never")
    expected, _ = ran(*other)
    [second] = set(runs()) - {kept}
    second.write_bytes(kept.read_bytes())
    assert ran(*other) == (expected, False)


def test_nor_one_in_a_folder_that_others_may_write_to(place, ran):
    ran(*EVALUATE)
    again._folder().chmod(0o777)
    assert not ran(*EVALUATE)[1]


def test_what_is_no_file_is_not_written_over(place, ran):
    command = (*EVALUATE, "-o", "a.jsonl")
    ran(*command)
    Path("a.jsonl").unlink()
    Path("a.jsonl").symlink_to("b.jsonl")
    result, given = ran(*command)
    assert (result.code, given) == (2, False)
    assert not os.path.lexists("b.jsonl")


def test_the_oldest_runs_are_removed(place, ran, monkeypatch):
    monkeypatch.setattr(again, "KEPT", 2)
    for show in "123":
        ran(*EVALUATE, "--show", show)
    assert [ran(*EVALUATE, "--show", show)[1] for show in "321"] == [True, True, False]


def test_giving_back_imports_neither_typer_nor_what_judges(place, run):
    import subprocess
    import sys

    policy = Path("policies/vpc-small.yaml").absolute()
    script = (
        "import sys; from stillframe.engine import again; again._RECENT = 0.0; from stillframe.cli import main\n"
        "try: main()\nfinally: print('imported', 'typer' in sys.modules, 'msgspec' in sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "evaluate", "archive", "-p", str(policy)]
    ends = [subprocess.run(command, capture_output=True, text=True).stderr.splitlines()[-1] for _ in range(2)]
    assert ends == ["imported True True", "imported False False"]


def test_streams_without_bytes_are_written_to_as_ever(place, monkeypatch):
    texts = io.StringIO(), io.StringIO()
    for _ in range(2):
        with monkeypatch.context() as within:
            within.setattr("sys.argv", ["stillframe", *EVALUATE])
            for name, text in zip(("stdout", "stderr"), texts, strict=True):
                within.setattr(f"sys.{name}", text)
            with pytest.raises(SystemExit) as end:
                cli.main()
            assert end.value.code == 1
    assert texts[1].getvalue().count("vpc-small") >= 2


def test_a_run_that_reads_or_writes_elsewhere_is_not_given_back(place, ran, bucket):
    """Python tells of files, and of no bucket."""
    for path in sorted(Path("archive").rglob("*")):
        if path.is_file():
            put(remote_of(f"{bucket}/{path}"), path.read_bytes())
    for arguments in (
        ("evaluate", f"{bucket}/archive", "-p", "policies"),
        (*EVALUATE, "-o", f"{bucket}/out/"),
    ):
        assert [ran(*arguments)[1] for _ in range(2)] == [False, False], arguments
