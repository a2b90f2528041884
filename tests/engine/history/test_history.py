"""Time: what drifted whatever policies say, what became of findings, and what other policies would have said."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from builders import TIME, write_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st
from stillframe.engine.diff.fields import differences
from stillframe.engine.functions.equality import equal
from stillframe.engine.history.drift import drift
from stillframe.engine.history.trend import History
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.model.ruleset import Ruleset
from stillframe.engine.terminal.history import sparkline
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot

A, B = "111122223333", "444455556666"
DENIED = {"$missing": "AccessDenied: kms:GetKeyRotationStatus"}
LIST_DENIED = {"$missing": "AccessDenied: kms:ListKeys"}
DAYS = [TIME + timedelta(days=n) for n in range(9)]


def key(name, state=True, **more):
    rotation = state if isinstance(state, dict) else {"KeyRotationEnabled": state}
    return {"KeyId": name, "KeyArn": f"arn:aws:kms:us-east-1:{A}:key/{name}", "Rotation": rotation, **more}


def keys(**states):
    return {"AWS::KMS::Key": [key(name, state) for name, state in states.items() if state is not None]}


KEYS = "id: keys\ntitle: Keys rotate\nseverity: medium\nresource: AWS::KMS::Key\nassert: Rotation.KeyRotationEnabled\n"


@pytest.fixture
def policy(tmp_path) -> Path:
    (tmp_path / "keys.yaml").write_text(KEYS)
    return tmp_path / "keys.yaml"


# ------------------------------------------------------------------------------------------------------ drift


def drifted(old, new):
    return [
        (each.change.value, each.type.rpartition(":")[2], (each.resource or "").rpartition("/")[2], [*each.fields])
        for each in drift(*(each if hasattr(each, "accounts") else fixture(each) for each in (old, new)))
    ]


ROTATION = "Rotation.KeyRotationEnabled"
NOT_READ = "AWS::KMS::Key was not collected from account 111122223333"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (keys(a=True), keys(a=True), []),
        (keys(a=True), keys(a=False), [("changed", "Key", "a", [(ROTATION, True, False)])]),
        (keys(a=True), keys(a=True, b=False), [("added", "Key", "b", [])]),
        (keys(a=True, b=False), keys(a=True), [("removed", "Key", "b", [])]),
        (
            {"AWS::KMS::Key": [key("a", Description="x")]},
            {"AWS::KMS::Key": [key("a", Other={"a": [1]})]},
            [("changed", "Key", "a", [("Description", "x", None), ("Other", None, {"a": [1]})])],
        ),
        # Volatile fields never count, alone or beside others.
        (
            {"AWS::KMS::Key": [key("a", {"KeyRotationEnabled": True, "NextRotationDate": "x"})]},
            {"AWS::KMS::Key": [key("a", {"KeyRotationEnabled": True, "NextRotationDate": "y"})]},
            [],
        ),
        (
            {"AWS::KMS::Key": [key("a", {"KeyRotationEnabled": True, "NextRotationDate": "x"})]},
            {"AWS::KMS::Key": [key("a", {"KeyRotationEnabled": False, "NextRotationDate": "y"})]},
            [("changed", "Key", "a", [(ROTATION, True, False)])],
        ),
        # Lists by their items, in whatever order.
        (
            {"AWS::KMS::Key": [key("a", Tags=[{"K": 1}, {"K": 2}])]},
            {"AWS::KMS::Key": [key("a", Tags=[{"K": 2}, {"K": 1}])]},
            [],
        ),
        (
            {"AWS::KMS::Key": [key("a", Tags=[{"K": 1}, {"K": 2}])]},
            {"AWS::KMS::Key": [key("a", Tags=[{"K": 3}, {"K": 2}])]},
            [("changed", "Key", "a", [("Tags[]", [{"K": 1}], [{"K": 3}])])],
        ),
    ],
)
def test_drift_is_what_differs_field_by_field(old, new, expected, tmp_path):
    assert drifted(old, new) == expected
    written = [open_snapshot(write_snapshot(tmp_path / str(n), each)) for n, each in enumerate((old, new))]
    assert drifted(*written) == expected


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (keys(a=True, b=True), {"AWS::KMS::Key": LIST_DENIED}, [("unknown", "")]),
        ({"AWS::KMS::Key": LIST_DENIED}, keys(a=True, b=True), [("known", "")]),
        (keys(a=True), {"AWS::EC2::VPC": []}, [("known", ""), ("unknown", "")]),
        (keys(a=True), {"AWS::KMS::Key": [{**key("a"), "$account": B}]}, [("unknown", ""), ("known", "")]),
        (keys(a=DENIED), keys(a=True), [("changed", "a")]),
    ],
)
def test_what_could_not_be_read_is_neither_added_nor_removed(old, new, changes):
    found = drifted(old, new)
    assert [(change, name) for change, _, name, _ in found] == changes
    back = {"added": "removed", "removed": "added", "known": "unknown", "unknown": "known"}
    mirrored = [
        (back.get(change, change), kind, name, [(path, after, before) for path, before, after in fields])
        for change, kind, name, fields in drifted(new, old)
    ]
    assert mirrored == found


def test_drift_reads_nothing_of_equal_accounts_and_files(tmp_path, monkeypatch):
    given = {**keys(a=True), "AWS::EC2::VPC": [{"VpcId": "v"}, {"VpcId": "w", "$account": B}]}
    old = write_snapshot(tmp_path / "s", given)
    new = write_snapshot(tmp_path / "s", {**given, **keys(a=False)}, DAYS[1])
    opened: list[str] = []
    from stillframe.snapshot import remote

    read = remote.read_file
    monkeypatch.setattr(remote, "read_file", lambda path, *most: opened.append(str(path)) or read(path, *most))
    assert [each.resource for each in drift(open_snapshot(old), open_snapshot(new))]
    assert not [path for path in opened if "VPC" in path or B in path]
    opened.clear()
    assert list(drift(open_snapshot(old), open_snapshot(old))) == []
    assert {Path(path).name for path in opened} == {"manifest.json"}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.sampled_from(["a", "b"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=100)
@given(JSON, JSON)
def test_values_differ_where_they_are_not_the_same_and_alike_in_both_directions(old, new):
    found = list(differences(old, new))
    assert bool(found) is not equal(old, new)
    assert [(path, after, before) for path, before, after in differences(new, old)] == found
    assert not list(differences(old, old, items=True))


def test_the_command_prints_drift_and_writes_it(run, tmp_path):
    old = write_snapshot(tmp_path / "s", keys(a=True, b=True))
    new = write_snapshot(tmp_path / "s", {**keys(a=False), "AWS::EC2::VPC": [{"VpcId": "v"}]}, DAYS[1])
    files = [tmp_path / f"d.{ending}" for ending in ("jsonl", "json", "csv")]
    result = run("drift", old, new, "--types", "AWS::KMS::Key", *(part for file in files for part in ("-o", file)))
    assert result.code == 0
    assert f"changed   AWS::KMS::Key {A} us-east-1 arn:aws:kms:us-east-1:{A}:key/a" in result.out
    assert f"          {ROTATION} true → false" in result.out
    assert result.err.splitlines()[1:] == ["Type           Removed  Changed", "AWS::KMS::Key        1        1"]
    records = [json.loads(line) for line in files[0].read_text().splitlines()]
    assert records == json.loads(files[1].read_text())
    assert [each["change"] for each in records] == ["changed", "removed"]
    assert records[0]["fields"] == [{"path": ROTATION, "before": True, "after": False}]
    assert [row["change"] for row in csv.DictReader(files[2].read_text().splitlines())] == ["changed", "removed"]
    assert run("drift", old, new, "--types", "AWS::KMS::Kez").code == 2
    assert run("drift", old, new, "-o", "x.pdf").code == 2
    assert "no difference" in run("drift", old, old).err


# ------------------------------------------------------------------------------------------------------ trend


def lives(*pictures):
    history = History(Ruleset(policies=[parse_policy("keys.yaml", KEYS)]))
    for picture, day in zip(pictures, DAYS, strict=False):
        history.add(fixture(picture, f"{day:%Y-%m-%d}T00:00:00Z"))
    found = {each.place[2][-1]: each for each in history.lives()}
    history.close()
    return found, history.points


def dates(life):
    return [each and each[8:10] for each in (life.first_failed, life.last_failed, life.failing_since, life.last_passed)]


@pytest.mark.parametrize(
    ("states", "status", "expected"),
    [
        ([True, False], "fail", ["02", "02", "02", "01"]),
        ([False, True], "pass", ["01", "01", None, "02"]),
        ([False, True, False], "fail", ["01", "03", "03", "02"]),
        ([False, DENIED, False], "fail", ["01", "03", "01", None]),  # what is not known ends no failure
        ([False, DENIED], "unknown", ["01", "01", "01", None]),
        ([False, None, False], "fail", ["01", "03", "03", None]),  # it was gone: that does
        ([False, None], None, ["01", "01", None, None]),
        ([False, "list", False], "fail", ["01", "03", "01", None]),
        ([True, False, "list"], "unknown", ["02", "02", "02", "01"]),
        ([True, "list", False], "fail", ["03", "03", "03", "01"]),
    ],
)
def test_a_finding_has_its_dates(states, status, expected):
    pictures = [{"AWS::KMS::Key": LIST_DENIED} if state == "list" else keys(a=state, z=True) for state in states]
    found, points = lives(*pictures)
    assert found.keys() == {"a"}
    assert (found["a"].status, dates(found["a"])) == (status, expected)
    assert len(points) == len(states)


@pytest.mark.parametrize(
    ("later", "status"),
    [({"KeyId": "a", "Team": "b"}, None), ({"KeyId": "a", "Team": {"$missing": "lost"}}, "unknown")],
)
def test_a_group_is_gone_only_where_nothing_may_be_of_it(later, status):
    text = KEYS.replace("assert: ", "rollup: {per: Team, require: any}\nassert: ")
    history = History(Ruleset(policies=[parse_policy("keys.yaml", text)]))
    for day, row in zip(
        DAYS, ({"KeyId": "a", "Team": "a", "Rotation": {"KeyRotationEnabled": False}}, later), strict=False
    ):
        given = {"AWS::KMS::Key": [{"Rotation": {"KeyRotationEnabled": True}, **row}], "AWS::Account": [{}]}
        history.add(fixture(given, f"{day:%Y-%m-%d}T00:00:00Z"))
    assert [(each.place[2], each.status) for each in history.lives()] == [("a", status)]
    history.close()


def test_the_trend_of_an_archive(run, tmp_path, policy):
    for states, day in zip(([True, False], [False, False], [True, DENIED]), DAYS, strict=False):
        write_snapshot(tmp_path / "s", keys(**dict(zip("ab", states, strict=True))), day)
    args = ("trend", tmp_path / "s", "-p", policy, "-o", tmp_path / "l.jsonl", "--series", tmp_path / "t.csv")
    result = run(*args)
    assert result.code == 0
    assert [line.split() for line in result.out.splitlines()] == [
        ["3", "snapshots,", "2026-01-01T00-00-00Z", "to", "2026-01-03T00-00-00Z"],
        ["Policy", "Severity", "Trend", "Population", "Failures", "%", "Unknown"],
        ["keys", "medium", "▅█▁", "2", "1", "→", "0", "50.0", "→", "0.0", "0", "→", "1"],
    ]
    found = {each["resource"][-1]: each for each in map(json.loads, (tmp_path / "l.jsonl").read_text().splitlines())}
    assert found["a"]["last_passed"] == "2026-01-03T00:00:00Z"
    assert (found["b"]["first_failed"], found["b"]["status"]) == ("2026-01-01T00:00:00Z", "unknown")
    series = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [(row["violations"], row["unknown"], row["per_cent"]) for row in series] == [
        ("1", "0", "50.0"),
        ("2", "0", "100.0"),
        ("0", "1", "0.0"),
    ]
    again = (tmp_path / "l.jsonl").read_bytes()
    for options in ([], ["--no-cache"], ["--workers", "2"]):
        assert run(*args, *options).out == result.out
        assert (tmp_path / "l.jsonl").read_bytes() == again
    assert run("trend", tmp_path / "s", "-p", policy, "-o", "-").out.splitlines()[0].startswith('{"policy":"keys"')
    assert run("trend", tmp_path / "none").code == 2
    assert run("trend", tmp_path / "s", "-p", policy, "--only", "account=999999999999").code == 2


def test_a_sparkline_is_as_high_as_its_highest():
    assert sparkline([0, 50, 100, None]) == "▁▅█·"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([1, 2]) == "▅█"
    assert sparkline([]) == ""


# --------------------------------------------------------------------------------------------------- backtest


def test_a_backtest_says_what_would_have_been_flagged_and_cleared(run, tmp_path, policy):
    new = tmp_path / "new"
    new.mkdir()
    (new / "keys.yaml").write_text(KEYS.replace("Rotation.KeyRotationEnabled", "KeyId == 'b' && Policy"))
    estates = [
        [key("a", True), key("b", False, Policy="x")],  # a would be flagged, b cleared
        [key("a", True), key("b", True, Policy="x")],  # a flagged again
        [key("a", False), key("b", True, Policy=DENIED)],  # fails by both; b is known by the old alone
    ]
    for estate, day in zip(estates, DAYS, strict=False):
        write_snapshot(tmp_path / "s", {"AWS::KMS::Key": estate}, day)
    args = ("backtest", tmp_path / "s", "--policies", new, "-o", tmp_path / "b.jsonl")
    result = run(*args, "--against", policy, "-v")
    assert result.code == 0
    found = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    told = {
        (each["resource"][-1], each["verdict"]): (each["snapshots"], each["first"][8:10], each["last"][8:10])
        for each in found
    }
    assert told == {
        ("a", "flagged"): (2, "01", "02"),
        ("b", "cleared"): (1, "01", "01"),
        ("b", "lost"): (1, "03", "03"),
    }
    assert {why["cause"] for each in found for why in each["why"]} == {"policy"}
    assert [line.split() for line in result.err.splitlines()[1:]] == [
        ["Policy", "Flagged", "Cleared", "Lost", "Population", "Failures", "Unknown", "Flagged", "then"],
        ["keys", "0", "0", "1", "2", "1", "0", "→", "1", "██▁"],
    ]
    assert """policy: assert "Rotation.KeyRotationEnabled" → "KeyId == 'b' && Policy\"""" in result.out
    # Without --against it is held against the policy of the same id that is in force, and here there is none.
    assert run(*args).code == 0
    assert {json.loads(line)["verdict"] for line in (tmp_path / "b.jsonl").read_text().splitlines()} == {"flagged"}


def test_a_backtest_of_the_same_policies_says_nothing(run, tmp_path, policy):
    write_snapshot(tmp_path / "s", keys(a=False, b=DENIED))
    run("backtest", tmp_path / "s", "-p", policy, "--against", policy, "-o", tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_text() == ""
