"""A policy that takes too many steps is an error: the same on both paths, with any workers, and with a cache."""

import json
import re
from pathlib import Path

import commands_page
import pytest
import typer
from builders import shipped, write_snapshot
from msgspec.structs import replace
from stillframe.engine.commands import authoring, options
from stillframe.engine.commands.app import app_for
from stillframe.engine.errors import PolicyError
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.judging.growth import LIGHT, pace, steady
from stillframe.engine.language.parser import parse
from stillframe.engine.loading.policies import parse_policy
from stillframe.snapshot import open_snapshot

TAGS = [{"Key": f"k{number}", "Value": "v" * 20} for number in range(20)]
USERS = [
    {
        "UserName": f"u{number:02}",
        "UserId": f"U{number:02}",
        "Arn": f"arn:aws:iam::111122223333:user/u{number:02}",
        "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z",
        "Tags": TAGS,
    }
    for number in range(12)
]
TEXT = """
id: p
title: P
severity: low
resource: AWS::IAM::User
lookup:
  all: {from: AWS::IAM::User, match: {}%s}
assert: >-
  %s
message: >-
  %s
"""
COSTLY = {
    "lists that double": "to_string(Tags[].[@, @][]" + " | [*].[@, @][]" * 40 + ") == ''",
    "values that double": "to_string(Tags" + " | [@, @]" * 60 + ") == ''",
    "values that double, compared": "(Tags" + " | [@, @]" * 60 + ") == (Tags" + " | [@, @]" * 60 + ")",
    "rows of rows of rows": "length($all[*].[$all[*].[$all[*].UserName]][]) == `0`",
    "any of any of any": "any($all, &any($all, &any($all, &UserName == 'x')))",
    "all sorted for each": "length($all[*].sort_by($all, &UserName)[]) == `0`",
    "all as text for each": "any($all, &to_string($all) == '')",
    "all merged for each": "map(&merge(@, {x: $all}), $all) == `[]`",
    "all searched for each": "any($all, &contains($all, @))",
    "all subtracted for each": "any($all, &difference($all, [@]) == `[]`)",
    "long texts between texts": "length(join(join('', $all[*].Tags[].Value), $all[*].Tags[].Value)) == `0`",
    "what is found at the end of a list": "any($all, &any($all, &any($all, &$all[-1].UserName == 'x')))",
}


def policy(condition: str, *, message: str = "m", where: str = "", budget: int = 3_000):
    return replace(parse_policy("p.yaml", TEXT % (where, condition, message)), budget=budget)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return open_snapshot(write_snapshot(tmp_path_factory.mktemp("archive"), {"AWS::IAM::User": USERS}))


def found(snapshot, policies, **how) -> bytes:
    return b"".join(batch.data for batch in judge(snapshot, policies, Method(few=0, **how)))


def statuses(snapshot, judged) -> set[str]:
    exact, compiled = found(snapshot, [judged], exact=True), found(snapshot, [judged])
    assert exact == compiled
    return {json.loads(line)["status"] for line in exact.splitlines()}


@pytest.mark.parametrize("what", COSTLY)
def test_what_takes_too_many_steps_is_an_error_on_both_paths(snapshot, what):
    assert statuses(snapshot, policy(COSTLY[what])) == {"error"}


def test_so_is_a_message_that_is_too_long(snapshot):
    assert statuses(snapshot, policy("`false`", message="{{ $all[*].[$all] }}")) == {"error"}


@pytest.mark.parametrize("where", ["", ", where: UserName != 'x'", ", where: UserName != $id"])
def test_rows_that_lookups_find_are_counted(snapshot, where):
    condition = "length($all) == `0`"
    steps = pace(policy(condition, where=where))
    budgets = [1, steps, steps * 1000, steps * 1001, steps * 20_000]
    seen = [statuses(snapshot, policy(condition, where=where, budget=budget)) for budget in budgets]
    assert seen[0] == {"error"}
    assert seen[-1] == {"fail"}


def test_the_condition_of_a_lookup_is_counted_for_each_of_its_rows(snapshot):
    where = f", where: {' && '.join(['UserName == $region'] * 60)}"
    assert statuses(snapshot, policy("length($all) == `1`", where=where, budget=1_000)) == {"error"}
    assert statuses(snapshot, policy("length($all) == `1`", where=where, budget=10_000)) == {"fail"}


def test_many_rows_are_too_many(tmp_path):
    bare = {key: value for key, value in USERS[0].items() if key != "Tags"}
    users = [{**bare, **dict.fromkeys(("UserName", "UserId", "Arn"), f"{number:04}")} for number in range(9000)]
    many = open_snapshot(write_snapshot(tmp_path, {"AWS::IAM::User": users}))
    judged = replace(policy("length($all) == `0`"), where=parse("UserName == '0000'"))
    steps = pace(judged)
    assert statuses(many, replace(judged, budget=steps * 8500)) == {"error", "not_applicable"}
    assert statuses(many, replace(judged, budget=steps * 10000)) == {"fail", "not_applicable"}


def test_workers_and_a_cache_say_the_same(snapshot, tmp_path):
    policies = [policy(COSTLY["any of any of any"]), replace(policy("Tags"), id="q")]
    expected = found(snapshot, policies)
    assert found(snapshot, policies, workers=2) == expected
    cache = tmp_path / "cache"
    assert [found(snapshot, policies, cache=cache) for _ in range(2)] == [expected] * 2
    wider = [replace(each, budget=10_000_000) for each in policies]
    assert found(snapshot, wider, cache=cache) == found(snapshot, wider, exact=True) != expected


def test_a_resource_that_is_large_is_counted(tmp_path):
    large = [{**USERS[0], "Tags": [{"Key": f"k{n}", "Value": "v" * 90} for n in range(LIGHT // 6)]}]
    huge = open_snapshot(write_snapshot(tmp_path, {"AWS::IAM::User": large}))
    condition = "length(Tags[?Value == 'x' || Key == 'y'].Key) == `0`"
    assert steady(policy(condition, budget=200_000)) is not None
    assert statuses(huge, policy(condition, budget=200_000)) == {"error"}
    assert statuses(huge, policy(condition, budget=3_000_000)) == {"pass"}


def test_a_row_that_is_large_is_counted(tmp_path):
    large = {**USERS[1], "Tags": [{"Key": f"k{n}", "Value": "v" * 90} for n in range(LIGHT // 3)]}
    huge = open_snapshot(write_snapshot(tmp_path, {"AWS::IAM::User": [USERS[0], large]}))
    costly = policy("length($all[].Tags[?Value == 'x' || Key == 'y'].Key) == `0`", budget=400_000)
    judged = replace(costly, where=parse("UserName == 'u00'"))
    assert steady(judged) is not None
    assert statuses(huge, judged) == {"error", "not_applicable"}
    assert statuses(huge, replace(judged, budget=3_000_000)) == {"fail", "not_applicable"}


def test_what_ships_is_never_counted():
    assert [each.id for each in shipped() if steady(each) is None] == []


def test_rows_are_matched_by_what_is_quickly_made():
    key = "'to_string(Tags" + " | [@, @]" * 50 + ")'"
    with pytest.raises(PolicyError, match="too much is made of a row"):
        parse_policy("p.yaml", (TEXT % ("", "Tags", "m")).replace("{}", "{" + key.replace("'", '"') + ": UserName}"))


def test_an_expression_without_a_budget_is_not_counted():
    from stillframe.engine.language.interpret import evaluate

    assert evaluate(parse("length(a[].[@, @][])"), {"a": [1] * 50_000}, {"snapshot_time": ""}) == 100_000


def test_a_regular_expression_is_of_a_bounded_length():
    with pytest.raises(PolicyError, match="more than 4096 characters"):
        policy(f"matches(UserName, '{'a|' * 2100}')")


def test_a_stranger_is_judged_without_the_config_that_is_found_and_within_a_small_budget(
    run, snapshot, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(TEXT % ("", "`false`", "m"))
    Path("costly.yaml").write_text(TEXT.replace("id: p", "id: q") % ("", COSTLY["lists that double"], "m"))
    Path("stillframe.yaml").write_text("settings: {p: {enabled: false, reason: mine}}\n")
    command = ["evaluate", snapshot.path, "--allow-unknown"]
    assert run(*command, "-p", "p.yaml").code == 3
    assert run(*command, "-p", "p.yaml", "--untrusted").code == 1
    assert run(*command, "-p", "p.yaml", "--untrusted", "-c", "stillframe.yaml").code == 3
    run(*command, "-p", "costly.yaml", "--untrusted", "--only", "account=*", "-o", "found.jsonl")
    lines = [json.loads(line) for line in Path("found.jsonl").read_text().splitlines()]
    whose = [each["message"].removesuffix(" may, by a budget of 1000000") for each in lines]
    assert (
        whose == ["takes more steps than one resource"] * 5 + ["takes more steps than all resources of one account"] * 7
    )


@pytest.mark.parametrize("command", ["trend", "backtest", "remediate"])
def test_untrusted_means_the_same_to_every_command_that_evaluates(run, snapshot, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(TEXT % ("", "`false`", "m"))
    Path("passes.yaml").write_text(TEXT % ("", "`true`", "m"))
    Path("stillframe.yaml").write_text("settings: {p: {enabled: false, reason: mine}}\n")
    place = snapshot.path if command == "remediate" else snapshot.path.parent
    words = [command, place, "-p", "p.yaml", *(["--against", "passes.yaml"] if command == "backtest" else [])]

    def seen(*more):
        """Whether the failures of twelve users are seen, and whether the budget is said to be small."""
        done = run(*words, *more)
        told = done.out + done.err
        return re.search(r"\b12\b", told) is not None, "may take 1,000,000 steps" in told

    assert seen() == (False, False)
    assert seen("--untrusted") == (True, True)
    assert seen("--untrusted", "-c", "stillframe.yaml")[0] is False
    assert seen("--untrusted", "--budget", "2000000") == (True, False)


def test_who_asks_or_explains_a_strangers_policy_has_the_small_budget_and_leaves_the_config_alone(
    run, snapshot, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(TEXT % ("", COSTLY["lists that double"], "m"))
    Path("stillframe.yaml").write_text("catalogue: [nonsense]\n")
    asked = ["query", snapshot.path, "AWS::IAM::User", COSTLY["lists that double"]]
    for module in (authoring, options):
        monkeypatch.setattr(module, "STRANGERS", 1234)
    for command in (asked, ["policy", "explain", snapshot.path, "p", "u00", "-p", "p.yaml"]):
        assert "nonsense" in run(*command).err
        done = run(*command, "--untrusted")
        assert "by a budget of 1234" in done.out + done.err


def test_every_command_that_counts_steps_takes_a_strangers_policies():
    lacking = [
        name
        for name, command in commands_page.tree(typer.main.get_command(app_for()))
        if "budget" in (options := {each.name for each in command.params}) and "untrusted" not in options
    ]
    assert not lacking


def test_all_policies_of_a_stranger_share_what_a_run_may_take(run, snapshot, tmp_path):
    """Each just below its budget would take its time; of more than 200, each has its part."""
    (tmp_path / "p").mkdir()
    for number in range(250):
        text = (TEXT % ("", COSTLY["lists that double"], "m")).replace("id: p", f"id: p{number}")
        (tmp_path / f"p/{number}.yaml").write_text(text)
    out = tmp_path / "found.jsonl"
    run("evaluate", snapshot.path, "-p", tmp_path / "p", "--untrusted", "--budget", "1000", "-o", out)
    told = {json.loads(line)["message"].rpartition(" ")[2] for line in out.read_text().splitlines()}
    assert told == {"800"}
    run("evaluate", snapshot.path, "-p", tmp_path / "p", "--budget", "1000", "-o", out)
    told = {json.loads(line)["message"].rpartition(" ")[2] for line in out.read_text().splitlines()}
    assert told == {"1000"}


def test_a_policy_has_no_more_lookups_and_text_than_it_needs():
    text = (TEXT % ("", "Tags", "m")).replace("title: P", f"title: {'t' * 1001}")
    with pytest.raises(PolicyError, match=r"p\.yaml:3:8: there are more than 1,000 characters"):
        parse_policy("p.yaml", text)
    many = "".join(f"  l{number}: {{from: AWS::IAM::User}}\n" for number in range(16))
    with pytest.raises(PolicyError, match=r"p\.yaml:6:1: there are more than 16 lookups"):
        parse_policy("p.yaml", (TEXT % ("", "Tags", "m")).replace("lookup:\n", "lookup:\n" + many))
