"""A value of another kind than AWS sends is unknown on both paths, and makes nothing pass."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any

import msgspec
import pytest
from builders import shipped, write_snapshot
from stillframe.engine.compiler.join_key import decoder
from stillframe.engine.compiler.record_type import LineNeed
from stillframe.engine.compiler.runtime import NotPlain
from stillframe.engine.execution import judge as run
from stillframe.engine.execution.judge import judge
from stillframe.engine.model.finding import Finding
from stillframe.engine.testing.examples import Case, cases
from stillframe.snapshot import kinds, open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.kinds import config_kind, malformed, mark
from stillframe.snapshot.types import Kind
from wrong_kinds import WRONG, as_written, places, resources, spoilt, with_config

SAMPLE = 400  # of 150,000
Method = partial(run.Method, few=0)


def test_nothing_that_a_policy_is_tried_on_is_of_a_wrong_kind():
    rows = [row for policy in shipped() for case in cases(policy) for row in resources(case.snapshot)]
    assert rows
    assert [cause for row in rows for cause in malformed(row.config, row.type)] == []


@pytest.fixture(scope="module")
def spoils(request) -> list[tuple[Any, Case, Any, tuple[Any, ...], Any]]:
    """A policy, an example of it, a resource there, the path of a value, and what to put in its place."""
    found = [
        (policy, case, row, path, value)
        for policy in shipped()
        for case in cases(policy)
        for row in resources(case.snapshot)
        for path, kind in places(row.config, config_kind(row.type))
        for value in WRONG[kind]
    ]
    return found if request.config.getoption("--sweep") else random.Random(len(found)).sample(found, SAMPLE)


def statuses(findings: tuple[Finding, ...]) -> dict[tuple[str, str, str], str]:
    return {(each.account, each.region, each.resource): each.status.value for each in findings}


def test_no_value_of_a_wrong_kind_makes_anything_pass_or_vanish(spoils):
    became: Counter[tuple[str, str]] = Counter()
    for policy, case, row, path, value in spoils:
        config = spoilt(row.config, path, value)
        mark(config, row.type)
        before = statuses(case.judge(policy))
        after = statuses(Case(test=case.test, snapshot=with_config(case.snapshot, row, config)).judge(policy))
        assert before.keys() == after.keys(), (policy.id, row.type, path, value)
        became.update((before[each], after[each]) for each in before)
    assert {each for each in became if each[0] != each[1] and each[1] in ("pass", "not_applicable")} == set()
    assert became["pass", "unknown"] > len(spoils) / 20


def test_both_paths_say_the_same_of_it(spoils, tmp_path):
    chosen = spoils if len(spoils) < SAMPLE else random.Random(1).sample(spoils, len(spoils) // 4)
    for number, (policy, case, row, path, value) in enumerate(chosen):
        config = as_written(spoilt(row.config, path, value))
        written = open_snapshot(write_snapshot(tmp_path / str(number), with_config(case.snapshot, row, config)))
        fast, exact = (
            [line for batch in judge(written, [policy], Method(exact=exact)) for line in batch.lines()]
            for exact in (False, True)
        )
        assert fast == exact, (policy.id, row.type, path, value)


# ------------------------------------------------------------------------------------- what is refused as not plain

OF_KIND = {
    Kind.BOOLEAN: [True, False],
    Kind.NUMBER: [0, 1.5, 22.0, 10**30, -1],
    Kind.STRING: ["", "x", "é"],
    Kind.ARRAY: [[]],
    Kind.OBJECT: [{}, {"AnotherOfTomorrow": [1]}],
    Kind.MAP: [{}, {"team": None}],
}
INSTANCE = "AWS::EC2::Instance"
READ = {  # how a policy reads a place → where the value stands, and its kind
    "EbsOptimized": (("EbsOptimized",), Kind.BOOLEAN),
    "State.Code": (("State", "Code"), Kind.NUMBER),
    "State.Name": (("State", "Name"), Kind.STRING),
    "Placement": (("Placement",), Kind.OBJECT),
    "all of State": (("State", "Name"), Kind.STRING),
    "SecurityGroups": (("SecurityGroups",), Kind.ARRAY),
    "all of SecurityGroups": (("SecurityGroups", 0, "GroupId"), Kind.STRING),
    "SecurityGroups[]": (("SecurityGroups", 0), Kind.OBJECT),
    "SecurityGroups[].GroupId": (("SecurityGroups", 0, "GroupId"), Kind.STRING),
    "the whole": (("State", "Name"), Kind.STRING),
}


def need_of(read: str) -> LineNeed:
    need = LineNeed(INSTANCE)
    if read == "the whole":
        need.config.whole = True
        return need
    place = need.config
    for step in read.removeprefix("all of ").replace("[]", ".[]").split("."):
        place = place.item() if step == "[]" else place.field(step)
    place.whole = read.startswith("all of")
    return need


def line_with(path: tuple[Any, ...], value: Any) -> bytes:
    config: dict[str, Any] = {
        **dict.fromkeys(steps[0] for steps in load_catalog()[INSTANCE].always),  # what is null is not lost
        "State": {"Name": "running", "Code": 16},
        "SecurityGroups": [{"GroupId": "g"}],
        "EbsOptimized": True,
        "Placement": {"Tenancy": "default"},
    }
    envelope = {"type": INSTANCE, "id": "i", "account": "111122223333", "region": "us-east-1", "name": None}
    return msgspec.json.encode({**envelope, "config": spoilt(config, path, value), "tags": {"a": "b"}})


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("read", READ)
def test_compiled_code_sees_no_value_of_a_wrong_kind_that_it_reads(read, careful):
    path, kind = READ[read]
    reads = decoder(need_of(read))
    reads = reads.careful(utf8=True) if careful else reads
    for value in OF_KIND[kind]:
        assert reads.read(line_with(path, value))
        assert reads.together(line_with(path, value)) or careful
    for value in WRONG[kind]:
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, the exact path says it
            reads.read(line_with(path, value))
        assert reads.together(line_with(path, value)) is None


@pytest.mark.parametrize(
    ("read", "path"), [("ImageId[]", "ImageId"), ("EbsOptimized.on", "EbsOptimized"), ("Placement[]", "Placement")]
)
def test_what_a_policy_takes_for_something_else_is_left_to_the_exact_path(read, path):
    reads = decoder(need_of(read))
    assert reads.read(line_with((path,), None))
    for value in (True, 1, "x", [], ["x"], {}, {"on": "x"}):
        with pytest.raises(msgspec.ValidationError):
            reads.read(line_with((path,), value))


@pytest.mark.parametrize(
    ("entry", "good", "bad"),
    [
        ({"*": {"c": "s"}}, {"x": {"c": "y"}}, {"x": {"c": 7}}),
        ([[{"c": "s"}]], [[{"c": None}]], [[{"c": 7}]]),
        ({"*": ["n"]}, {"x": [1.5]}, {"x": ["1.5"]}),
        ({"n": "n", "m": "n"}, {"n": 10**30, "m": 22.0}, {"n": True}),
        ({"on": "b", "an-odd name": "b"}, {"on": False, "new": [1]}, {"an-odd name": 0}),
        ({"more": 0, "c": "s"}, {"more": {"more": {"c": "y"}}}, {"more": {"more": {"c": []}}}),
    ],
)
def test_what_is_read_whole_is_looked_through(monkeypatch, entry, good, bad):
    monkeypatch.setattr(kinds, "config_kind", lambda _: kinds.read({"Placement": entry}))
    reads = decoder(need_of("all of Placement"))
    assert reads.read(line_with(("Placement",), good))
    with pytest.raises((msgspec.ValidationError, NotPlain)):
        reads.read(line_with(("Placement",), bad))


@pytest.mark.parametrize("careful", [False, True])
def test_compiled_code_sees_no_tag_that_is_no_text(careful):
    for read in (lambda need: need.tags.field("a"), lambda need: setattr(need.tags, "whole", True)):
        need = LineNeed(INSTANCE)
        read(need)
        reads = decoder(need)
        reads = reads.careful() if careful else reads
        assert reads.read(line_with(("EbsOptimized",), True))
        with pytest.raises(msgspec.ValidationError):
            reads.read(line_with(("EbsOptimized",), True).replace(b'"a":"b"', b'"a":7'))


def test_a_value_that_no_policy_reads_is_not_looked_at():
    assert decoder(need_of("State.Name")).read(line_with(("EbsOptimized",), "no"))
    assert decoder(LineNeed(INSTANCE)).read(line_with(("EbsOptimized",), "no"))
