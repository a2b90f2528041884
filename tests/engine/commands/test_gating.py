"""What a pipeline stops for: only what is new, only so much unknown, only what was chosen."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from builders import TIME, write_snapshot
from stillframe.engine.commands.app import app_for
from stillframe.engine.documents.yaml12 import load
from typer.core import TyperGroup

A, B = "111122223333", "444455556666"
DENIED = {"$missing": "AccessDenied: kms:GetKeyRotationStatus"}
LATER = TIME.replace(month=2)
POLICIES = {
    "keys": "severity: medium\nresource: AWS::KMS::Key\nassert: Rotation.KeyRotationEnabled",
    "vpcs": "severity: high\nframeworks: {cis-aws-5.0.0: ['3.7']}\nresource: AWS::EC2::VPC\nassert: '!IsDefault'",
    "named": "severity: low\nresource: AWS::EC2::VPC\nassert: $tags.Name",
}


@pytest.fixture
def policies(tmp_path) -> Path:
    for name, text in POLICIES.items():
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / f"{name}.yaml").write_text(f"id: {name}\ntitle: {name}\n{text}\n")
    return tmp_path / "p"


def keys(*rotating):
    return [
        {
            "KeyId": str(n),
            "KeyArn": f"arn:aws:kms:us-east-1:{A}:key/{n}",
            "Rotation": state if isinstance(state, dict) else {"KeyRotationEnabled": state},
        }
        for n, state in enumerate(rotating)
    ]


def vpc(name, account=A, *, default=True, **tags):
    found = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"VpcId": name, "OwnerId": account, "$account": account, "IsDefault": default, "Tags": found}


ESTATE = {
    "AWS::KMS::Key": keys(True, False),
    "AWS::EC2::VPC": [
        vpc("vpc-1", env="prod"),
        vpc("vpc-2", env="dev"),
        {**vpc("vpc-3", B, env="prod"), "Tags": {"$missing": "denied"}},
        vpc("vpc-4", B, env="prod", default=False, Name="four"),
    ],
}


def found(path: Path) -> set[str]:
    records = map(json.loads, path.read_text().splitlines())
    return {f"{each['policy']} {each['resource'].rpartition('/')[2]}" for each in records}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--only", "policy=key*"], {"keys 0", "keys 1"}),
        (["--only", "policy=keys,named", "--except", "policy=k*"], {f"named vpc-{n}" for n in (1, 2, 3, 4)}),
        (["--only", "severity=high"], {f"vpcs vpc-{n}" for n in (1, 2, 3, 4)}),
        (["--except", "severity=high,low"], {"keys 0", "keys 1"}),
        (["--only", "framework=cis-aws-*"], {f"vpcs vpc-{n}" for n in (1, 2, 3, 4)}),
        (["--only", f"account={B}"], {f"{p} vpc-{n}" for p in ("vpcs", "named") for n in (3, 4)}),
        (["--except", f"account={B}", "--only", "policy=vpcs"], {"vpcs vpc-1", "vpcs vpc-2"}),
        (
            ["--except", f"account={B}"],
            {"keys 0", "keys 1", *(f"{p} vpc-{n}" for p in ("vpcs", "named") for n in (1, 2))},
        ),
        # What may have the tag is not left out: that of vpc-3 could not be read.
        (["--only", "tag=env=prod", "--only", "policy=vpcs"], {"vpcs vpc-1", "vpcs vpc-3", "vpcs vpc-4"}),
        (["--except", "tag=env=prod", "--only", "policy=vpcs"], {"vpcs vpc-2", "vpcs vpc-3"}),
        (["--only", "tag=Name", "--only", "policy=named"], {"named vpc-3", "named vpc-4"}),
        (
            ["--only", "tag=env=p*", "--only", "tag=env=dev", "--only", "policy=vpcs"],
            {f"vpcs vpc-{n}" for n in (1, 2, 3, 4)},
        ),
    ],
)
def test_only_what_is_chosen_is_written_and_counts(run, tmp_path, policies, options, expected):
    path = write_snapshot(tmp_path / "s", ESTATE)
    result = run("evaluate", path, "-p", policies, "-o", tmp_path / "f.jsonl", *options)
    assert found(tmp_path / "f.jsonl") == expected
    assert "this is a part: --" in result.err.splitlines()[-1]
    counted = [line.split()[2] for line in result.err.splitlines() if line.split()[0] in POLICIES]
    assert sum(map(int, counted)) == len(expected)
    exact = run("evaluate", path, "-p", policies, "-o", tmp_path / "e.jsonl", "--exact", "--no-cache", *options)
    assert (exact.code, (tmp_path / "e.jsonl").read_bytes()) == (result.code, (tmp_path / "f.jsonl").read_bytes())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("severity=hig", "'hig' is no severity; did you mean high?"),
        ("polcy=x", "'polcy=x' chooses nothing; did you mean policy?"),
        ("keys", "'keys' chooses nothing"),
        ("policy=nothing-*", "there is no such policy here"),
    ],
)
def test_a_choice_that_is_none_is_an_error(run, tmp_path, policies, option, message):
    result = run("evaluate", write_snapshot(tmp_path / "s", ESTATE), "-p", policies, "--only", option)
    assert result.code == 2
    assert message in result.err


PART = ["--only", "policy=k*", "--except", "severity=high"]
SAID = "this is a part: --only policy=k* --except severity=high"


@pytest.mark.parametrize(
    "command", ["evaluate ARCHIVE", "diff SNAPSHOT ARCHIVE", "trend ARCHIVE", "backtest ARCHIVE", "remediate ARCHIVE"]
)
def test_every_command_that_judges_says_that_it_shows_a_part(run, tmp_path, policies, command):
    path = write_snapshot(tmp_path / "s", ESTATE)
    places = {"ARCHIVE": tmp_path / "s", "SNAPSHOT": path}
    asked = [places.get(word, word) for word in command.split()]
    against = ["--against", policies] if "backtest" in command else []
    assert SAID in run(*asked, "-p", policies, *against, *PART).err.splitlines()
    assert "this is a part" not in run(*asked, "-p", policies, *against).err


def test_a_plan_and_the_page_of_an_archive_say_that_they_are_a_part(run, tmp_path, policies):
    write_snapshot(tmp_path / "s", ESTATE)
    run("remediate", tmp_path / "s", "-p", policies, *PART, "--plan", "-o", tmp_path / "plan.sh")
    run("trend", tmp_path / "s", "-p", policies, *PART, "-o", tmp_path / "trend.html")
    assert f"# {SAID}" in (tmp_path / "plan.sh").read_text().splitlines()
    assert SAID in (tmp_path / "trend.html").read_text()


def test_a_control_whose_policy_is_not_chosen_is_left_out_in_every_format(run, tmp_path):
    path = write_snapshot(tmp_path / "s", ESTATE)
    reports = [tmp_path / name for name in ("r.json", "r.md", "r.html")]
    for report, form in zip(reports, ("controls", "controls-markdown", "html"), strict=True):
        done = run("evaluate", path, "--pack", "logging", *PART[2:], "-o", report, "--format", form)
        assert " left out (" in done.err
        assert "unanswered" not in done.err
    counts = json.loads(reports[0].read_text())["packs"][0]["counts"]
    assert (counts["left_out"] > 0, counts["unanswered"]) == (True, 0)
    assert "| left out |" in reports[1].read_text()
    assert '"left_out":' in reports[2].read_text()


def test_a_choice_of_no_account_judges_nothing(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", ESTATE)
    assert run("evaluate", path, "-p", policies, "--only", f"account={A}", "--except", f"account={A}").code == 3


def test_a_receipt_is_of_everything(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", ESTATE)
    assert run("evaluate", path, "-p", policies, "--only", "policy=keys", "--receipt", tmp_path / "r.json").code == 2


@pytest.mark.parametrize(
    ("before", "after", "options", "code"),
    [
        ([False], [False], [], 0),
        ([False], [False, False], [], 1),
        ([False], [False, False], ["--fail-on", "high"], 0),
        ([True], [False], [], 1),
        ([DENIED], [False], [], 1),
        ([DENIED], [DENIED], [], 0),
        ([False], [DENIED], [], 4),
        ([False], [DENIED], ["--allow-unknown"], 0),
        ([False], [True], [], 0),
    ],
)
@pytest.mark.parametrize("kind", ["snapshot", "file"])
def test_with_a_baseline_only_what_is_new_counts(run, tmp_path, policies, before, after, options, code, kind):
    old = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": keys(*before)})
    new = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": keys(*after)}, LATER)
    run("evaluate", old, "-p", policies / "keys.yaml", "-o", tmp_path / "old.jsonl")
    baseline = old if kind == "snapshot" else tmp_path / "old.jsonl"
    result = run("evaluate", new, "-p", policies / "keys.yaml", "--baseline", baseline, *options)
    assert result.code == code
    of_both = 4 if before == after == [DENIED] else code  # to `diff` what is unknown in both is no less unknown
    assert run("diff", old, new, "-p", policies / "keys.yaml", *options).code == of_both
    shown = {line.split()[5].rpartition("/")[2] for line in result.out.splitlines() if line.startswith(("fail", "unk"))}
    assert shown == {str(n) for n, state in enumerate(after) if state is not True and [state] != before[n : n + 1]}
    assert f"against {baseline.name}:" in result.err


def test_a_snapshot_is_no_baseline_of_itself(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", ESTATE)
    result = run("evaluate", tmp_path / "s", "-p", policies, "--baseline", path)
    assert result.code == 2
    assert "the baseline is snapshot 2026-01-01T00-00-00Z itself" in result.err


def test_a_waiver_that_ended_since_the_baseline_counts(run, tmp_path, policies, monkeypatch):
    monkeypatch.chdir(tmp_path)
    waiver = '{policy: keys, resource: "*", reason: r, owner: o, expires: 2026-01-15}'
    (tmp_path / "stillframe.yaml").write_text(f"policies: [p/keys.yaml]\nshipped: false\nwaivers: [{waiver}]\n")
    old, new = (write_snapshot(tmp_path / "s", {"AWS::KMS::Key": keys(False)}, when) for when in (TIME, LATER))
    assert run("evaluate", old).code == 0
    assert run("evaluate", new, "--baseline", old).code == 1


@pytest.mark.parametrize(
    "text",
    ["{}\n", "nonsense\n", '{"change":"new","status":"fail","fingerprint":"00","severity":"low","waiver":null}\n'],
)
def test_a_baseline_that_is_none_is_an_error(run, tmp_path, policies, text):
    path = write_snapshot(tmp_path / "s", ESTATE)
    (tmp_path / "b.jsonl").write_text(text)
    result = run("evaluate", path, "-p", policies, "--baseline", tmp_path / "b.jsonl")
    assert result.code == 2
    assert "b.jsonl:1: no finding" in result.err


@pytest.mark.parametrize(
    ("most", "code"),
    [("0", 4), ("1", 4), ("2", 0), ("49%", 4), ("50%", 0), ("49.9%", 4), ("x", 2), ("-1", 2), ("5 %", 2)],
)
def test_so_many_may_be_unknown(run, tmp_path, policies, most, code):
    path = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": keys(True, True, DENIED, DENIED)})
    assert run("evaluate", path, "-p", policies / "keys.yaml", "--max-unknown", most).code == code


def test_failures_come_before_too_many_unknowns(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", {"AWS::KMS::Key": keys(False, DENIED)})
    assert run("evaluate", path, "-p", policies / "keys.yaml", "--max-unknown", "100%").code == 1
    assert run("evaluate", path, "-p", policies / "keys.yaml", "--max-unknown", "9", "--allow-unknown").code == 2


# ------------------------------------------------------------------------------------- diff of policies


@pytest.fixture
def strict(tmp_path, policies) -> Path:
    (tmp_path / "strict").mkdir()
    text = (policies / "keys.yaml").read_text()
    (tmp_path / "strict/keys.yaml").write_text(text.replace("Rotation.K", "Rotation.NextRotationDate && Rotation.K"))
    return tmp_path / "strict"


def test_one_snapshot_under_two_sets_of_policies(run, tmp_path, policies, strict):
    path = write_snapshot(tmp_path / "s", ESTATE)
    result = run("diff", path, path, "--old-policies", policies / "keys.yaml", "-p", strict, "-o", tmp_path / "d.jsonl")
    assert result.code == 1
    (new, old) = sorted(
        map(json.loads, (tmp_path / "d.jsonl").read_text().splitlines()), key=lambda each: each["change"]
    )
    assert (old["change"], old["why"], new["change"]) == ("persisting", [], "new")
    assert [(why["cause"], why["alone"], why["details"][0]["path"]) for why in new["why"]] == [
        ("policy", True, "assert")
    ]
    assert 'policy: assert "Rotation.KeyRotationEnabled" → ' in result.out
    assert "by old and by new policies" in result.err


def test_a_setting_or_a_whole_policy_may_be_old(run, tmp_path, policies):
    path = write_snapshot(tmp_path / "s", ESTATE)
    result = run("diff", path, path, "--old-policies", policies / "keys.yaml", "-p", policies, "--only", "policy=vpcs")
    assert result.code == 1
    assert "policy: absent → present" in result.out
    (tmp_path / "old.yaml").write_text("settings: {keys: {severity: low}}\npolicies: [p]\nshipped: false\n")
    args = ("-p", policies / "keys.yaml", "--old-config", tmp_path / "old.yaml", "--fail-on", "medium")
    result = run("diff", path, path, *args)
    assert result.code == 1
    assert 'policy: severity "low" → "medium"' in result.out


# --------------------------------------------------------------------------------- the page about pipelines

PAGE = (Path(__file__).parents[3] / "docs/ci.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def steps() -> Iterator[str]:
    """Every command of the page that is ours."""
    for kind, text in BLOCKS:
        if kind == "text" and ":" in text.splitlines()[0]:
            jobs = [job for job in load(text.encode()).value.values() if isinstance(job, dict)]
            jobs += [job for each in jobs for job in each.values() if isinstance(job, dict)]
            lines = [step["run"] for job in jobs for step in job.get("steps", ()) if "run" in step]
            lines += [line for job in jobs for line in job.get("script", ())]
        else:
            lines = text.splitlines()
        yield from (line.partition("#")[0] for line in lines if line.startswith("stillframe "))


def test_the_pipelines_of_the_page_say_what_there_is_to_say():
    commands = [shlex.split(each)[1:] for each in steps()]
    assert {each[0] for each in commands} == {"policy", "collect", "evaluate", "diff", "nightly"}
    assert sum(each[0] == "nightly" for each in commands) == 5  # the shell twice, the script, GitHub and GitLab
    for words in commands:
        command = typer.main.get_command(app_for())
        while isinstance(command, TyperGroup):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {each.partition("=")[0] for each in words if each.startswith("-")} <= known
