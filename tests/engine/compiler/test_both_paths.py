"""Every kind of node and every function, over every kind of value, by both paths: the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from estates import ACCOUNTS, CATALOG, ONE, OTHER, compact, write_estate
from msgspec.structs import replace
from stillframe.engine.compiler import functions, nodes
from stillframe.engine.compiler.rule import Judgement
from stillframe.engine.execution import judge
from stillframe.engine.execution.account import compile_policies
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language import infer, interpret
from stillframe.engine.language.lets import bound
from stillframe.engine.language.node import walk
from stillframe.engine.language.parser import parse
from stillframe.engine.language.paths import reads
from stillframe.engine.language.template import parse_template
from stillframe.engine.language.trace import trace
from stillframe.engine.model.policy import Assertion, Lookup, Policy, Severity, Within
from stillframe.snapshot import open_snapshot, resource_file
from stillframe.snapshot.format import DEPTH, TOO_DEEP

Method = partial(judge.Method, few=0)  # the compiler, however little there is
ABSENT = object()
SCOPE = dict.fromkeys(("account", "region", "id", "name", "tags", "self", "params", "snapshot_time"))
LOST = {"$missing": "denied"}
VALUES = [
    *(ABSENT, None, True, False, 0, 1, 1.0, -1.5, "", "a", "abc", "1", [], {}, LOST),
    *([1], [True], [1, "a"], ["b", "a"], [None], [[1], [True], []], [{"a": 1}, {"b": [2]}, {"a": True}], [3, 1, 2]),
    *({"a": 1}, {"a": [1, 2], "b": None}, {"a": LOST, "b": 1}, [LOST], [1, LOST], [LOST, "a", 1]),
    [{"a": LOST}, {"a": 1}],
    *("10.0.0.0/8", "2026-01-01T00:00:00Z", "arn:aws:s3:::b", '{"a": [1]}', {"Statement": {"Effect": "Allow"}}),
    *({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}}, {"IpProtocol": "-1"}, "{ $.a = b }"),
]  # fmt: skip
PAIRED = [VALUES[number] for number in (0, 1, 2, 4, 5, 8, 9, 12, 14, 15, 16, 17, 18, 21, 22, 23, 28, 30)]

SIGNS = ("==", "!=", "<", "<=", ">", ">=")
# Kinds of nodes → expressions of them, of which `v` is any value and `w` any other.
ONE_VALUE = {
    "chain": [
        *("v.a", "v.a.b", "v.b.a", "(v || @).a", "v.a[0]", "v.a[-2]", "(v || `[4]`)[-1]", "[v, `1`][-2]"),
        *("v | @", "v | [0]", "v[*].a | [0]", "v | a"),
    ],
    "current": ["@", "@.v", "v[*]", "v.*"],
    "field": ["v", 'v."a"', 'v."\\"\\\\"', 'v."$a"', '"$a"', '"$v".a', 'v."\\u0001"', '"v"."$missing"'],
    "filter_projection": ["v[?a]", "v[?@ == `1`].b", "v[?!(a)]", "v[?a == `1`] | [0]", "length(v[?a]) > `0`"],
    "flatten": ["v[]", "v[][]", "v[].a", "v[].b[]", "(v[])[0]"],
    "index": [f"v[{at}]" for at in (0, 1, 2, 3, -1, -2, -3, -4)] + ["v[0].a", "v[-1].a", "v[].a | [0]", "v[][-1]"],
    "literal": ["`null`", "`[1]` == v", "'a'", "`1`", "`{\"a\": 1}`", "`true`", "`0`", "`[]`"],
    "multi_select_dict": ["{a: v}", "v.{a: a}", "{a: v}.a", "v[].{x: a}", "[] | {a: @}"],
    "multi_select_list": ["[v]", "v.[a, b]", "[v][0]", "v[*].[a]", "[`1`, v]"],
    "not_expression": ["!v", "!(v.a)", "!(!v)", "!(v == `1`)"],
    "projection": ["v[*]", "v[*].a", "v[*].a.b", "v[*][0]", "v[*].a | length(@)"],
    "slice": ["v[1:]", "v[::-1]", "v[:1]", "v[-1:]", "v[5:]", "v[::2]", "v[1:].a", "v[:1] | length(@)", "v[0:0]"],
    "value_projection": ["v.*", "v.*.a", "v.* | [0]", "length(v.*)"],
    "variable": ["$tags", "$tags.a", "$name", "$id", "$params.n", "$snapshot_time", "$account", "$params == v"],
    "and_expression": ["v && `1`", "v && v.a", "v.a && v", "v && v[0] && 'x'", "v && `false`", "`true` && v"],
    "or_expression": [
        *("v || `1`", "v.a || v", "v || v.a || 'x'", "v || `[]`", "`false` || v", "v[*].a || `[]`"),
        *("v == `1` || v == `2`", "v == 'a' || v != 'a'", "length(v) == `1` || length(v) == `2`"),
    ],
    "comparator": [f"v {sign} {other}" for sign in SIGNS for other in ("`1`", "'a'", "`0`")]
    + [f"v {sign} {other}" for sign in ("==", "!=") for other in ("`null`", "`true`", "`[1]`", "`[]`", "`{\"a\": 1}`")]
    + [f"length(v) {sign} `{number}`" for sign in SIGNS for number in (0, 1, 2)],
}  # fmt: skip
TWO_VALUES = [
    *(f"v {sign} w" for sign in (*SIGNS, "&&", "||")),
    *("v && w || `1`", "!(v || w)", "[v, w]", "{a: v, b: w}", "[v, w] == [w, v]", "v[?@ == `1`] == w", "v | @ && `1`"),
    *("$params.n == w && v", "[v, w][]", "v.a == w.a", "v[*].a == w"),
]
SECOND = {"acl_opens_port": "`22`", "opens_port": "`[22, 80]`", "split": "'b'", "matches": "'^a'", "like": "'a*'"}


def test_each_kind_of_node_has_expressions_in_the_table():
    assert ONE_VALUE.keys() == interpret._VALUE.keys() - {"expref", "function_expression", "let", "watched"}
    for kind, texts in ONE_VALUE.items():
        assert all(any(node.type == kind for node in walk(parse(text).tree)) for text in texts)


def calls_of(name: str) -> Iterator[str]:
    """Calls of a function, of one value and of two."""
    function = FUNCTIONS[name]
    least, most = function.least, function.most
    for number in range(least, (most or least + 1) + 1):
        places = [["&a", "&@"] if function.argument(at).is_expression else ["w"] for at in range(number)]
        places[function.argument(0).is_expression] = ["v"]
        yield from (f"{name}({', '.join(arguments)})" for arguments in product(*places))
    if least == 2 and not any(each.is_expression for each in function.takes):
        yield f"{name}(v, {SECOND.get(name, 'w.a')})"


@pytest.fixture(autouse=True, scope="module")
def catalogue() -> Iterator[None]:
    from stillframe.engine.compiler import join_key

    with pytest.MonkeyPatch.context() as patch:
        for module in (resource_file, join_key):
            patch.setattr(module, "load_catalog", lambda: CATALOG)
        yield


def policy(number: int, text: str, *, shown: bool = False, **more: Any) -> Policy:
    """A policy that asserts an expression; or one that shows its value, because it always fails."""
    that = parse("`false`" if shown else text)
    message = parse_template(f"{{{{ {text} }}}}") if shown else None
    return Policy(
        id=f"p-{number:04}-{'shown' if shown else 'held'}",
        title="it holds",
        severity=Severity.LOW,
        resource=OTHER,
        assertions=(Assertion(that=that, message=message),),
        params={"n": 1},
        frameworks={},
        source="",
        text="",
        **{"lookups": {}, **more},
    )


def policies(texts: Sequence[str]) -> list[Policy]:
    return [policy(number, text, shown=shown) for number, text in enumerate(texts) for shown in (False, True)]


def estate(rows: Sequence[dict[str, Any]], kind: str = OTHER) -> dict[str, Any]:
    records = [
        {
            "type": kind,
            "id": f"i-{number:04}",
            "account": ACCOUNTS[0],
            "region": "us-east-1",
            "name": None,
            "config": {name: value for name, value in row.items() if value is not ABSENT},
            "tags": {"a": "b"},
        }
        for number, row in enumerate(rows)
    ]
    return {
        "name": None,
        "regions": ["us-east-1"],
        "types": {kind: {"read": ["us-east-1"], "missing": {}}},
        "lines": {kind: [compact(record) for record in records]},
    }


def said(path: Path, given: Sequence[Policy], *, exact: bool = False) -> list[bytes]:
    found = judge.judge(open_snapshot(path), given, Method(exact=exact))
    return [line for batch in found for line in batch.data.splitlines()]


def differing(path: Path, given: Sequence[Policy]) -> list[tuple[bytes, bytes]]:
    """What the paths say otherwise: the compiled one first."""
    pairs = zip(said(path, given), said(path, given, exact=True), strict=True)
    return [pair for pair in pairs if pair[0] != pair[1]][:5]


def differing_alone(path: Path, texts: Sequence[str]) -> list[str]:
    """The expressions of which the compiler says otherwise where nothing else is asked: places are decoded by all that
    is read of them. The exact path, which decodes a line as a whole, is asked of all together."""
    given = policies(texts)
    true = said(path, given, exact=True)
    each = len(true) // len(texts)
    return [
        text for number, text in enumerate(texts) if said(path, given[2 * number :][:2]) != true[each * number :][:each]
    ]


def test_each_kind_of_node_says_the_same_of_each_value(tmp_path):
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate([{"v": value} for value in VALUES])})
    texts = [text for texts in ONE_VALUE.values() for text in texts]
    assert differing(path, policies(texts)) == []
    assert differing_alone(path, texts) == []


def test_nodes_of_two_parts_say_the_same_of_each_two_values(tmp_path):
    rows = [{"v": one, "w": other} for one, other in product(PAIRED, PAIRED)]
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate(rows)})
    assert differing(path, policies(TWO_VALUES)) == []


def test_each_function_says_the_same_of_each_value(tmp_path):
    rows = [{"v": value, "w": VALUES[(7 * number) % len(VALUES)]} for number, value in enumerate(VALUES)]
    rows += [{"v": value, "w": value} for value in VALUES]
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate(rows)})
    assert differing(path, policies([text for name in sorted(FUNCTIONS) for text in calls_of(name)])) == []


LOOKED_UP = [
    *("$rows", "$rows[0].v", "$rows[-1].v", "$rows[1].v", "$rows[*].v", "$rows[].v.a", "$rows[1:].v", "$rows[?v].$id"),
    *("length($rows) > `1`", "any($rows, &v)", "all($rows, &v == `1`)", "$rows[].v.[a]", "$rows[].[v, $id]", "!$rows"),
    *("map(&v, $rows)", "$rows[?v == $params.n].v", "$rows || 'none'", "$rows[].v[]", "contains($rows[].v, `1`)"),
    *("$one.v", "$one.v.a", "$one.v.[a]", "$one.v == `1`", "$one.$id", "$one.v || v", "$one.v[0]", "$one.v[-1]"),
    "!($one.v)",
]  # fmt: skip


def test_what_lookups_find_says_the_same_of_each_value(tmp_path):
    rows = [{"v": value, "k": number // 2, "i": number} for number, value in enumerate(VALUES)]
    whole = estate(rows)
    more = estate(rows, ONE)
    path = write_estate(
        tmp_path / "s", {ACCOUNTS[0]: {**whole, **{part: whole[part] | more[part] for part in ("types", "lines")}}}
    )
    for text in LOOKED_UP:
        given = [
            policy(0, text, shown=shown, lookups={"rows": looked_up("k", one=False), "one": looked_up("i", one=True)})
            for shown in (False, True)
        ]
        assert differing(path, given) == [], text


def looked_up(field: str, *, one: bool) -> Lookup:
    matched = parse(field)
    return Lookup(source=ONE, theirs=(matched,), ours=(matched,), where=None, within=Within.REGION, one=one)


NAMED = [  # where `x` stands for an expression of the tables
    *("$x", "!($x)", "$x && $x", "$x || $x.a", "$x[0]", "$x[].a", "$x[?a]", "$x == $self.v", "{a: $x}", "$x && v.a"),
    *("v[?@ == $x]", "v[?$x]", "any([v], &@ == $x)", "all([v, `1`], &!$x)", "map(&$x, [v])", "length($x) > `1`"),
    *("[v][?@ == $self.v]", "v[].[@, $self.v]", "$self", "$self.v.a", "any([v], &$self.v == @)"),
]


def named(number: int, text: str, *, shown: bool = False, **lets: str) -> Policy:
    """A policy of an expression with names, each of which may name those before it."""
    given = policy(number, text, shown=shown)
    known: dict[str, Any] = {}
    for name, meaning in lets.items():
        known[name] = bound(parse(meaning), known)
    return given.rebound(known)


def test_a_name_says_the_same_wherever_it_stands(tmp_path):
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate([{"v": value, "w": 1} for value in VALUES])})
    texts = [text for texts in ONE_VALUE.values() for text in texts] + TWO_VALUES
    means = [(text, "$x") for text in texts] + [("v", text) for text in NAMED] + [("v.a || w", text) for text in NAMED]
    given = [
        named(number, text, shown=shown, x=meaning)
        for number, (meaning, text) in enumerate(means)
        for shown in (False, True)
    ]
    assert differing(path, given) == []
    assert None not in compile_policies(given[: 2 * len(texts)]).programs[OTHER].rules


def test_names_of_names_and_of_what_lookups_find_say_the_same(tmp_path):
    rows = [{"v": value, "k": number // 2, "i": number} for number, value in enumerate(VALUES)]
    whole, more = estate(rows), estate(rows, ONE)
    path = write_estate(
        tmp_path / "s", {ACCOUNTS[0]: {**whole, **{part: whole[part] | more[part] for part in ("types", "lines")}}}
    )
    joined = looked_up("k", one=False)
    for meaning in ("$rows[?v == $self.v]", "$rows[].v", "any($rows, &v == $y)", "$rows[0].v && $y", "$y.a"):
        for text in ("$x", "$x || v", "!($x)", "$x[0].$id", "v[?@ == $x]"):
            for shown in (False, True):
                each = replace(named(0, text, shown=shown, y="v", x=meaning), lookups={"rows": joined})
                assert differing(path, [each]) == [], (meaning, text)
                filtered = replace(joined, where=parse("v == $y || v == $self.v")).rebound(each.lets)
                assert differing(path, [replace(each, lookups={"rows": filtered})]) == [], (meaning, text)


def test_a_name_holds_where_what_it_stands_for_does(tmp_path):
    """Also where its value is unknown and its truth is not, as of `lost || true`."""
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate([{"v": value, "w": 1} for value in VALUES])})
    texts = [*ONE_VALUE["and_expression"], *ONE_VALUE["or_expression"], *ONE_VALUE["comparator"], *TWO_VALUES]
    for exact in (True, False):
        said = [
            [
                line.partition(b'"status":')[2].split(b",")[0]
                for batch in judge.judge(open_snapshot(path), given, Method(exact=exact))
                for line in batch.data.splitlines()
            ]
            for given in (
                [policy(number, text) for number, text in enumerate(texts)],
                [named(number, "$x", x=text) for number, text in enumerate(texts)],
            )
        ]
        assert said[0] == said[1]


def test_the_tables_are_compiled():
    """Else both paths would be one."""
    left = set()
    for text in [*(text for texts in ONE_VALUE.values() for text in texts), *TWO_VALUES]:
        programs = compile_policies(policies([text])).programs
        if None in programs[OTHER].rules:
            left.add(text)
    assert left == set()


ODD = [
    '"\\"\\\\"',
    '$tags."team \\"a\\""',
    '"$v".a',
    '"\\u0000".a',
    "a" * 50_000,  # the longest that there may be
    "v[999999999999999]",
    "v[999999999999999:]",
]
ODD += [
    "v" + "[?v" * 49 + "]" * 49,
    "any(v, &" * 49 + "v" + ")" * 49,
    " || ".join(["v"] * 100),
    "v" + ".*" * 49,
    "!" * 98 + "v",
]


def test_an_odd_policy_leaves_the_others_compiled(tmp_path):
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate([{"v": value} for value in VALUES])})
    given = [*policies(ODD), policy(9999, "v == `1`")]
    assert differing(path, given) == []
    assert compile_policies(given).programs[OTHER].rules[-1] is not None


def test_what_cannot_be_compiled_for_whatever_reason_is_judged_by_the_exact_path(tmp_path, monkeypatch):
    decide = Judgement.decide

    def fails(judgement):
        if judgement.policy.id.startswith("p-0001"):
            raise KeyError("what nobody thought of")
        return decide(judgement)

    monkeypatch.setattr(Judgement, "decide", fails)
    given = policies(["v", "v.a", "v[0]"])
    rules = compile_policies(given).programs[OTHER].rules
    assert [rule is not None for rule in rules] == [True, True, False, False, True, True]
    path = write_estate(tmp_path / "s", {ACCOUNTS[0]: estate([{"v": value} for value in VALUES])})
    assert differing(path, given) == []


DEPTHS = (1, 47, 48, 49, 50, 97, 98, 99, 100, 150, 400, 900, 1_000, 9_000, 50_000)
FIRST = "v[0]" + "[0]" * 45
DEEPLY = [
    *("v", "length(v) > `0`", "v[] && v", "v == v", "unique([v])", "to_string(v)", "v.a", "v[0]", "v[*].a", "@", "[v]"),
    *("[[[[[v]]]]]", "any(v, &@)", "keys(@)", "contains(v, `1`)", "parse_json(to_string(v))", "v.* | [0]", "w"),
    *(FIRST, f"{FIRST}[0]", f"{FIRST}[0][0]", "v.a" + ".a" * 46, "v.a" + ".a" * 47, "v" + "[0]" * 97),
    *("x.b", "x.c", "x", "length(x.c)", "x.b == `2` && w", "[x.b, x.c.d]", "$params == v", "v[0] == v[0]"),
]


def deeply(*depths: int) -> dict[str, Any]:
    """For each depth a record of lists and one of objects that are nested so deep, beside others that are not."""
    given = estate([{"v": "DEEP", "w": 1, "x": {"b": 2, "c": "DEEP"}}] * 2 * len(depths))
    values = [
        each for depth in depths for each in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth)
    ]
    lines = [line.replace(b'"DEEP"', each) for line, each in zip(given["lines"][OTHER], values, strict=True)]
    return {ACCOUNTS[0]: {**given, "lines": {OTHER: lines}}}


def test_depth_has_one_limit_by_both_paths(tmp_path):
    path = write_estate(tmp_path / "s", deeply(*DEPTHS))
    asked = [*policies(DEEPLY), policy(9998, "to_string(v)"), policy(9999, "w == `1`")]
    assert differing(path, asked) == []
    *_, text, other = judge.judge(open_snapshot(path), asked, Method())
    passes = [b'"status":"pass"' in line for line in text.data.splitlines()]
    assert passes == [depth <= DEPTH - 2 for depth in DEPTHS for _ in range(2)]  # a line and its config are around it
    assert text.data.count(b"MalformedValue: " + TOO_DEEP.encode()) >= passes.count(False)
    assert other.data.count(b'"status":"pass"') == len(passes)
    assert b"the data is nested" not in text.data


def test_each_expression_alone_meets_that_limit_by_both_paths(tmp_path):
    """What lies deeper than 1,000 is no other than that for an expression: all of them have met it above."""
    for number, depths in enumerate(((1, 46, 47, 48), DEPTHS[: DEPTHS.index(1_000) + 1])):
        path = write_estate(tmp_path / f"{number}", deeply(*depths))
        assert differing_alone(path, DEEPLY) == []


def test_all_who_walk_expressions_know_the_same_kinds_of_nodes():
    known = set(interpret._VALUE) - {"watched"}
    assert set(interpret._TRUTH) - {"watched"} <= known
    assert set(infer._VISIT) == known
    assert set(functions.LANGUAGE.values) == known - {"expref"}  # compiled with its function
    assert set(nodes.TRUTHS) == set(interpret._TRUTH) - {"watched"}
    for text in [*(text for texts in ONE_VALUE.values() for text in texts), *TWO_VALUES, "any(v, &a)"]:
        assert reads(parse(text)) is not None
        assert trace(parse(text), {"v": [{"a": 1}]}, SCOPE).text


def test_what_the_compiler_writes_out_is_in_the_table():
    assert functions._INLINE.keys() <= FUNCTIONS.keys()
