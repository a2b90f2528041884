"""Our functions, by example."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
from importlib import import_module

import pytest
from jmespath.functions import Functions
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.function import function
from stillframe.engine.functions.policy_document import like
from stillframe.engine.functions.table import FUNCTIONS
from stillframe.engine.language.interpret import evaluate
from stillframe.engine.language.parser import parse
from stillframe.snapshot.types import BOOLEAN, Kind

SCOPE = {"snapshot_time": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize("name", Functions.FUNCTION_TABLE)
def test_a_function_of_jmespath_takes_what_jmespath_says(name):
    signature = Functions.FUNCTION_TABLE[name]["signature"]
    ours, repeats = FUNCTIONS[name], bool(signature[-1].get("variadic"))
    assert (ours.least, ours.most) == (len(signature), None if repeats else len(signature))
    for argument, wanted in zip(ours.takes, signature, strict=True):
        kinds = {each.partition("-")[0] for each in wanted["types"]}
        assert kinds <= {each.value for each in argument.kinds} or not argument.kinds
        assert argument.is_expression is ("expref" in kinds) is (Kind.EXPREF in argument.kinds)


@pytest.mark.parametrize("each", [each for each in FUNCTIONS.values() if each.run], ids=lambda each: each.name)
def test_an_entry_fits_its_function(each):
    """Loaded, where that is done when it is first called."""
    module, name = each.run.__module__.rpartition(".")[2], each.run.__name__
    run = getattr(import_module(f"stillframe.engine.functions.{module}"), name)
    for number in (each.least, each.most or each.least + 3):
        assert inspect.signature(run).bind(*range(number + each.timed))
    others = [other for other in FUNCTIONS.values() if other.run and other is not each]
    assert (module, name) not in [(other.run.__module__.rpartition(".")[2], other.run.__name__) for other in others]


def test_what_is_said_of_arguments_is_said_of_arguments_that_there_are():
    with pytest.raises(ValueError, match="prots"):
        function("Lists", "f(port)", "number", BOOLEAN, checks={"prots": int}, example=("f(`1`)", True))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("arn('arn:aws:s3:::a/b:c').resource", "a/b:c"),
        ("arn('arn:aws:kms:us-east-1:111122223333:key/1').account", "111122223333"),
        ("arn('vpc-1')", None),
        ("lower('FAILURE')", "failure"),
        ("upper('straße')", "STRASSE"),
        ("title('data owner')", "Data Owner"),
        ("trim('  a ')", "a"),
        ("trim('--a-', '-')", "a"),
        ("trim('aa', 'a')", ""),
        ("trim_left('..a.', '.')", "a."),
        ("trim_right('..a.', '.')", "..a"),
        ("pad_left('1234', `3`, '0')", "1234"),
        ("replace('aaa', 'a', 'b', `2`)", "bba"),
        ("replace('aaa', 'a', 'b', `0`)", "aaa"),
        ("split('a/b/c', '/', `1`)", ["a", "b/c"]),
        ("find_first('a-b-c', '-', `2`)", 3),
        ("find_first('a-b-c', '-', `-2`)", 3),
        ("find_first('a-b-c', '-', `0`, `1`)", None),
        ("find_first('abc', '')", None),
        ("find_last('a-b-c', '-', `0`, `3`)", 1),
        ("find_last('', '')", None),
        ("capture('db.r5.xlarge', 'r5')", ["r5"]),
        ("capture('ac', '^a(b)?(c)')", [None, "c"]),
        ("capture('é-ü', '-(.)')", ["ü"]),
        ("capture('x', 'y')", None),
        ("substitute('a-b', '[a-z]', '<\\0>')", "<a>-<b>"),
        ("substitute('ab', '(b)?a?', '')", ""),
        ("substitute('a.b', '\\.', '\\\\\\\\')", "a\\\\b"),
        ("compare_versions('1.10', '1.9')", 1),
        ("compare_versions('1.2', '1.2.0')", 0),
        ("compare_versions('v1.27', '1.27')", 0),
        ("compare_versions('2.0-rc1', '2.0')", -1),
        ("compare_versions('2.0-rc1', '2.0-rc2')", -1),
        ("compare_versions('15.2-R2', '15.2')", 1),
        ("compare_versions('15.2-R2', '15.3')", -1),
        ("compare_versions('8.0.mysql_aurora.3.04.0', '8.0.mysql_aurora.3.10.1')", -1),
        ("compare_versions('1.0+build7', '1.0')", 0),
        ('items(`{"b": 1, "a": null}`)', [["b", 1], ["a", None]]),
        ('from_items(items(`{"b": 1}`))', {"b": 1}),
        ('from_items(`[["a", 1], ["a", 2]]`)', {"a": 2}),
        ("get(`{\"b\": 1}`, 'a')", None),
        ("get(`{\"b\": 1}`, join('', ['b']))", 1),
        ("days_since(`1767225600`)", 1),
        ("days_since(`1767225600000`)", 1),
        ("hours_between(`1767139200000`, '2025-12-30T23:00:00Z')", 1),
        ("days_between(`0`, '1970-01-02')", -1),
        ("cidr_contains(['10.0.0.0/9', '10.128.0.0/9'], '10.0.0.0/8')", True),
        ("cidr_contains('10.0.0.0/8', ['10.0.0.1', '11.0.0.1'])", False),
        ("cidr_contains(['10.0.0.0/8', '::/0'], ['10.0.0.1', '2001:db8::1'])", True),
        ("cidr_contains(`[]`, '10.0.0.1')", False),
        ("cidr_contains('10.0.0.0/8', `[]`)", True),
        ("cidr_overlaps('10.0.0.0/8', '10.1.2.3')", True),
        ("cidr_overlaps('10.1.2.3', '10.0.0.0/8')", True),
        ("cidr_overlaps(['10.0.0.0/9', '10.128.0.0/10'], ['11.0.0.0/8', '10.192.0.0/10'])", False),
        ("cidr_overlaps('::/0', '10.0.0.0/8')", False),
        ("cidr_overlaps(['::/0', '10.1.2.3/8'], ['10.255.0.0/16'])", True),
        ("cidr_overlaps('10.0.0.0/8', `[]`)", False),
        ("known(unknown('nobody knows'), `1`)", 1),
        ("split('a/b/c', '/')[-1]", "c"),
        ("hours_since('2026-01-01T12:00:00Z')", 12.0),
        ("hours_since('2026-01-01T14:00:00+02:00')", 12.0),
        ("days_since('2026-01-01T00:00:00Z')", 1.0),
        ("days_since('2026-01-03T00:00:00Z')", -1.0),
        ("any(`[1, 2]`, &@ == `2`)", True),
        ("any(`[]`, &@)", False),
        ("all(`[1, 2]`, &@ > `0`)", True),
        ("all(`[]`, &@)", True),
        ("known(`null`, 'b')", "b"),
        ("split(arn('arn:aws:cloudtrail:us-east-1:1:trail/main').resource, '/')", ["trail", "main"]),
        ("split(arn('arn:aws:logs:us-east-1:1:log-group:/a/b:*').resource, ':')", ["log-group", "/a/b", "*"]),
        ("join(', ', ['a', 'b'])", "a, b"),
        ("join('', `[]`)", ""),
        ('join(\' \', `[1, 1.5, true, null, "a", [2], {"b": 1, "a": 2}]`)', '1 1.5 true null a [2] {"a":2,"b":1}'),
        ("matches('CreateTrail', 'Trail')", True),
        ("matches('CreateTrail', '^Trail')", False),
        ("matches('CreateTrail', '^(Create|Delete)Trail$')", True),
        ("matches('CreateTrail', '(?i)^create')", True),
        ("matches('', '')", True),
        ("matches('Größe', '^\\pL{5}$')", True),
        ("matches(join('', ['a', `\"\\n\"`]), 'a$')", False),
        ("matches(`\"a\\nb\"`, '^b$')", False),
        ("matches(`\"a\\nb\"`, '(?m)^b$')", True),
        ("parse_json('{\"a\": [1, null]}').a", [1, None]),
        ("parse_json('null')", None),
        ("parse_json(' 1e2 ')", 100.0),
        ('parse_json(\'{"$missing": "x"}\')."$missing"', "x"),
        ("cidr_contains('10.0.0.0/8', '10.1.2.3')", True),
        ("cidr_contains('10.0.0.0/8', '11.0.0.0')", False),
        ("cidr_contains('10.0.0.0/8', '10.0.0.0/8')", True),
        ("cidr_contains('10.0.0.0/8', '10.0.0.0/7')", False),
        ("cidr_contains('10.1.2.3/8', '10.255.0.0/16')", True),
        ("cidr_contains('0.0.0.0/0', '255.255.255.255')", True),
        ("cidr_contains('10.1.2.3', '10.1.2.3/32')", True),
        ("cidr_contains('::/0', '2001:db8::1')", True),
        ("cidr_contains('2001:db8::/32', '2001:DB8:0:0::/64')", True),
        ("cidr_contains('::/0', '10.0.0.1')", False),
        ("cidr_contains('0.0.0.0/0', '::/0')", False),
        ("cidr_contains('10.0.0.0/8', '::ffff:10.0.0.1')", False),
        ("cidr_contains('::ffff:0:0/96', '::ffff:10.0.0.1')", True),
        ("hours_between('2026-01-01T12:00:00Z', '2026-01-01T10:30:00Z')", 1.5),
        ("hours_between('2026-01-01T12:00:00+02:00', '2026-01-01T10:00:00Z')", 0.0),
        ("hours_between('2026-01-01T00:00:00.5Z', '2026-01-01')", 0.5 / 3600),
        ("days_between('2026-01-01', '2026-01-31')", -30.0),
        ("days_between('2024-03-01', '2024-02-28T00:00:00+00:00')", 2.0),
        ("days_between('9999-12-31', '0001-01-01')", 3652058.0),
        ("difference(`[3, 1, 2, 1]`, `[2]`)", [3, 1, 1]),
        ('difference(`[1, true, 0, "1", [1], null]`, `[true, "1", null]`)', [1, 0, [1]]),
        ('difference(`[1.0, [1, [true]], {"a": 1.0}]`, `[1, [1, [1]], {"a": 1}]`)', [[1, [True]]]),
        ("intersection(`[[1], [true]]`, `[[true]]`)", [[True]]),
        ('unique(`[[1], [true], [1.0], {"a": 0}, {"a": false}]`)', [[1], [True], {"a": 0}, {"a": False}]),
        ('difference(`[{"a": 1, "b": [2]}]`, `[{"b": [2], "a": 1}]`)', []),
        ("intersection(`[3, 1, 2, 1]`, `[1, 3]`)", [3, 1, 1]),
        ("intersection(`[1]`, `[true]`)", []),
        ("unique(`[2, 1, 2, true, 1.0, null, null, [], {}, []]`)", [2, 1, True, None, [], {}]),
        ("unique(`[]`)", []),
        ("like('s3:putobject', 's3:put*')", True),
        ("like('s3:getobject', 's3:put*')", False),
        ("like('abcabd', '*a?d')", True),
        ("like('abcabd', '*a?d?')", False),
        ("like('', '**')", True),
        ("like('a', '')", False),
        ("like('a.c', 'a.c') && !like('abc', 'a.c')", True),
        ("like(['a', 'b'], ['c*', 'b*'])", True),
        ("like(['a', 'b'], 'c*') || like('a', `[]`)", False),
        ("statements(`null`)", []),
    ],
)
def test_functions(expression, expected):
    assert evaluate(parse(expression), {}, SCOPE) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("matches('a', a)", "matches() takes text, not null"),
        ("matches(a, 'a')", "matches() takes text, not null"),
        ("matches('a', bad)", "matches(): not a regular expression of RE2: missing ): ("),
        ("parse_json(a)", "parse_json() takes text, not null"),
        ("parse_json(bad)", "parse_json(): not JSON"),
        ("parse_json('')", "parse_json(): not JSON"),
        ("parse_json('NaN')", "parse_json(): not JSON"),
        ("parse_json('1e999')", "parse_json(): not JSON"),
        ("parse_json(deep)", "parse_json(): nested more than 100 deep"),
        ("parse_json(unclosed)", "parse_json(): not JSON"),
        ("cidr_contains(a, '10.0.0.1')", "cidr_contains() takes text, not null"),
        ("cidr_contains(bad, '10.0.0.1')", "cidr_contains(): '(' is neither an IP address nor a CIDR"),
        ("cidr_contains('10.0.0.0/8', bad)", "neither an IP address nor a CIDR"),
        ("opens_port(a, `22`)", "opens_port() takes an IpPermission, not null"),
        ("opens_port(@, `22`)", "opens_port() takes text, not null"),
        ("opens_port({IpProtocol: bad}, `22`)", "opens_port(): '(' is no IP protocol"),
        ("opens_port({IpProtocol: '256'}, `22`)", "opens_port(): '256' is no IP protocol"),
        ("opens_port({IpProtocol: 'tcp'}, `22`)", "opens_port() takes a port, not null"),
        ("opens_port({IpProtocol: 'tcp', FromPort: `-1`, ToPort: `-1`}, `22`)", "opens_port(): -1 is no port"),
        ("acl_opens_port(a, `22`)", "acl_opens_port() takes a network ACL's entries, not null"),
        ("acl_opens_port(`[{}, {}]`, `22`)", "acl_opens_port(): "),
        ('acl_opens_port(`[{"RuleNumber": 1, "Protocol": "-1", "CidrBlock": "x"}]`, `22`)', "'x' is no CIDR of IPv4"),
        ("world_reaches(a, `[]`)", "world_reaches() takes IpPermissions, not null"),
        ("world_reaches([bad], `[]`)", "world_reaches() takes IpPermissions, not text"),
        (
            "world_reaches([{IpProtocol: '-1', IpRanges: [{CidrIp: bad}]}], `[]`)",
            "'(' is neither an IP address nor a CIDR",
        ),
        ("world_reaches([{IpProtocol: '-1', IpRanges: [{CidrIp: a}]}], `[]`)", "world_reaches() takes text, not null"),
        ("world_reaches([{IpProtocol: bad}], `[]`)", "'(' is no IP protocol"),
        ("world_reaches([{IpProtocol: '-1'}], a)", "world_reaches() takes prefix lists, not null"),
        ("like(a, '*')", "like() takes text, not null"),
        ("days_between(a, '2026-01-01')", "days_between() takes text, not null"),
        ("hours_between('2026-01-01', bad)", "hours_between(): "),
        ("days_since('2026-02-30')", "days_since(): "),
        ("difference(a, `[]`)", "difference() takes a list, not null"),
        ("difference(`[]`, a)", "difference() takes a list, not null"),
        ("intersection(`[]`, 'a')", "intersection() takes a list, not text"),
        ("unique(a)", "unique() takes a list, not null"),
        ("join(', ', a)", "join() takes a list, not null"),
        ("join(a, `[]`)", "join() takes text, not null"),
        ("split('a', '')", "split(): the separator is empty"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_an_error_that_says_so(expression, message):
    data = {"a": None, "bad": "(", "deep": "[" * 101 + "]" * 101, "unclosed": '{"a": "b'}
    with pytest.raises(EvaluationError) as error:
        evaluate(parse(expression), data, SCOPE)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("matches(a, 'b(')", "matches(): not a regular expression of RE2: missing ): b("),
        ("matches(a, '(?=b)')", "not a regular expression of RE2: invalid perl operator: (?="),
        (r"matches(a, '(b)\1')", r"not a regular expression of RE2: invalid escape sequence: \1"),
        ("matches(a, `1`)", "matches() takes text, not a number"),
        (r'matches(a, `"\ud800"`)', "not a regular expression of RE2"),
        ("cidr_contains('10.0.0.0/33', a)", "cidr_contains(): '10.0.0.0/33' is neither an IP address nor a CIDR"),
        ("cidr_contains(a, '010.0.0.1')", "neither an IP address nor a CIDR"),
        ("a[?opens_port(@, `65536`)]", "opens_port(): 65536 is no port"),
        ("opens_port(a, `true`)", "opens_port() takes a port, not a boolean"),
        ("opens_port(a, `[22, 65536]`)", "opens_port(): 65536 is no port"),
        ("world_reaches(a, a, 'strict')", "read added-up or literal, not strict"),
        ("acl_opens_port(a, a, 'strict')", "read added-up or literal, not strict"),
    ],
)
def test_a_literal_that_can_never_be_right_is_an_error_of_the_policy(expression, message):
    with pytest.raises(EvaluationError) as error:
        parse(expression)
    assert message in str(error.value)


def test_a_pattern_that_backtracks_elsewhere_is_fast():
    started = time.process_time()
    data = {"text": "a" * 1_000_000 + "b"}
    assert evaluate(parse("matches(text, '^(a+)+$')"), data, SCOPE) is False
    assert evaluate(parse("matches(text, '(a|aa)+c')"), data, SCOPE) is False
    assert evaluate(parse("matches(text, 'b$')"), data, SCOPE) is True
    assert time.process_time() - started < 2


def test_long_lists_are_fast():
    started = time.process_time()
    data = {"a": list(range(50_000)), "b": [{"n": number} for number in range(0, 100_000, 2)]}
    assert len(evaluate(parse("difference(a, b[].n)"), data, SCOPE)) == 25_000
    assert len(evaluate(parse("unique([a, a][])"), data, SCOPE)) == 50_000
    assert time.process_time() - started < 5


def test_the_engine_of_regular_expressions_is_loaded_when_one_is_used():
    script = """
import sys
from stillframe.engine.language.parser import parse
parse("lower(a)")
assert "re2" not in sys.modules
parse("matches(a, 'b')")
assert "re2" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_pattern_with_many_stars_is_fast():
    started = time.process_time()
    assert like("a" * 20_000 + "b", "*a" * 20 + "c") is False
    assert time.process_time() - started < 2
