"""A function is added as CONTRIBUTING.md says, and all who know functions know it from its entry."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import write_snapshot
from stillframe.engine.authoring.completion import completions
from stillframe.engine.authoring.function_page import with_tables
from stillframe.engine.compiler import runtime
from stillframe.engine.errors import EvaluationError
from stillframe.engine.execution import judge
from stillframe.engine.functions import table_of_text, text
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language.infer import infer
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from stillframe.engine.language.paths import reads
from stillframe.engine.loading.policy_reader import read_policy
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.types import NUMBER, STRING, struct

ROOT = Path(__file__).parents[3]
SCOPE = {"snapshot_time": "2026-01-01T00:00:00Z"}
POLICY = """
id: tail
title: The alias ends so
severity: low
resource: AWS::EC2::VPC
assert: tail(VpcId, '-') == 'a'
message: It is {{ tail(VpcId, '-') }}
"""


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """The function and the entry of the page, for one test."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Add a function to the language\n")[2]
    function, entry = re.findall(r"^```python\n(.*?)^```", section.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    module = {**vars(text)}
    exec(function, module)
    made = eval(f"({entry})", {**vars(table_of_text), "text": SimpleNamespace(tail=module["tail"])})
    monkeypatch.setitem(FUNCTIONS, made.name, made)
    yield made
    parse.cache_clear()


def test_it_is_evaluated(added):
    expression, gives = added.example
    assert evaluate(parse(expression), {}, SCOPE) == gives
    denied = Unknown.because("denied")
    assert evaluate(parse("tail(a, '/')"), {"a": denied}, SCOPE) == denied
    assert reads(parse("tail(a, b.c)")) == (("a",), ("b", "c"))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("tail(a)", "tail() takes 2 arguments, not 1"),
        ("tail(a, &b)", "tail() takes no &expression here"),
        ("tial(a, b)", "unknown function tial(); did you mean tail?"),
        ("tail(`1`, 'a')", "tail() takes text, not a number"),
    ],
)
def test_what_is_wrong_is_said(call, said):
    with pytest.raises(EvaluationError) as error:
        evaluate(parse(call), {}, SCOPE)
    assert said in str(error.value)


def test_it_is_linted():
    found, complaints = infer(parse("tail(Name, Size)"), struct({"Name": STRING, "Size": NUMBER}), {})
    assert found is STRING
    assert [(each.code, each.message) for each in complaints] == [
        ("bad-argument", "tail() takes string here, not a number")
    ]


def test_it_is_completed():
    assert "tail(" in completions("length(ta", struct({}), {})
    assert completions("tail(Na", struct({"Name": STRING}), {}) == ["Name"]


def test_it_stands_on_the_page():
    row = (
        "| `tail(text, separator)` †: what stands after the last separator | `tail('alias/aws/s3', '/')` | `\"s3\"` |\n"
    )
    assert row in with_tables((ROOT / "docs" / "functions.md").read_text())


def test_it_is_compiled_to_a_call_and_says_the_same(tmp_path, monkeypatch, added):
    vpcs = [{"VpcId": "vpc-a"}, {"VpcId": "vpc-b"}, {"VpcId": {"$missing": "denied"}}]
    picture = open_snapshot(write_snapshot(tmp_path, {"AWS::EC2::VPC": vpcs}))
    policy = read_policy("tail.yaml", POLICY.encode(), [])
    calls = []
    monkeypatch.setattr(runtime, "called", lambda *given: calls.append(given))
    ways = [judge.Method(exact=exact, few=0) for exact in (True, False)]
    exact, compiled = ([batch.data for batch in judge.judge(picture, [policy], way)] for way in ways)
    assert compiled == exact
    assert b"It is b" in exact[0]
    assert b'"status":"unknown"' in exact[0]
    assert calls == []
