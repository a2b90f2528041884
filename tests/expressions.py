"""Random JMESPath for properties: expressions over the fields a, b and c, and data that has them."""

from __future__ import annotations

from hypothesis import strategies as st
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

FIELDS = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from([0.0, 1.0, 1.5, 2**70]),
    st.sampled_from(["", "a", "b", "é"]),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner, max_size=3)),
    max_leaves=12,
)
LITERALS = st.sampled_from(
    [
        "`null`",
        "`true`",
        "`false`",
        "`0`",
        "`1`",
        "`1.5`",
        "`[]`",
        "`{}`",
        "`[1, true]`",
        "''",
        "'a'",
        "'b'",
        '`{"a": 1}`',
    ]
)
ATOMS = st.one_of(
    FIELDS, FIELDS, LITERALS, st.just("@"), st.sampled_from(["[0]", "[-1]", "[*]", "[]", "*", "[1:]", "[::-1]"])
)


def _grown(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(["||", "&&", "==", "!=", "<", ">=", "|"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        st.tuples(inner, FIELDS).map(lambda t: f"({t[0]}).{t[1]}"),
        st.tuples(inner, st.sampled_from(["[0]", "[-1]", "[*]", "[]", "[1:]", ".*"])).map(lambda t: f"({t[0]}){t[1]}"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]})[?{t[1]}]"),
        st.tuples(inner, inner, FIELDS).map(lambda t: f"({t[0]})[?{t[1]}].{t[2]}"),
        st.tuples(inner, FIELDS).map(lambda t: f"({t[0]})[*].{t[1]}"),
        inner.map(lambda e: f"!({e})"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]}, {t[1]}]"),
        inner.map(lambda e: f"{{a: {e}, b: a}}"),
        st.tuples(
            st.sampled_from(
                [
                    "length",
                    "type",
                    "keys",
                    "values",
                    "to_string",
                    "to_number",
                    "not_null",
                    "sort",
                    "max",
                    "sum",
                    "reverse",
                    "to_array",
                ]
            ),
            inner,
        ).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["contains", "starts_with", "not_null"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(inner, inner).map(lambda t: f"map(&({t[0]}), {t[1]})"),
        st.tuples(st.sampled_from(["sort_by", "max_by"]), inner, FIELDS).map(lambda t: f"{t[0]}({t[1]}, &{t[2]})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=6)


def _with_ours(inner):
    return st.one_of(
        _grown(inner),
        st.tuples(st.sampled_from(["difference", "intersection", "join", "known"]), inner, inner).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        inner.map(lambda e: f"unique({e})"),
        inner.map(lambda e: f"opens_port({e}, `22`)"),
        st.tuples(st.sampled_from(["any", "all"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, &({t[2]}))"),
    )


def with_ours(atoms, leaves=6):
    """Expressions that are made of some."""
    return st.recursive(atoms, _with_ours, max_leaves=leaves)


WITH_OURS = with_ours(ATOMS)

# Values that functions of one purpose take, and calls of those functions with them.
TYPED_DATA = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["-1", "tcp", "17", "icmp", "50"]),
        "first": st.sampled_from([0, 22, 23, 3389]),
        "last": st.sampled_from([21, 22, 65535]),
        "port": st.sampled_from([22, 3389]),
        "cidr": st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "::/0", "10.1.0.0/16"]),
        "address": st.sampled_from(["10.1.2.3", "10.0.0.0/8", "::ffff:10.0.0.1"]),
        "time": st.sampled_from(["2026-01-01T00:00:00Z", "2025-12-25T12:00:00+02:00"]),
        "text": st.sampled_from(["", "a-b", "[1, 2]", '{"a": true}']),
        "pattern": st.sampled_from(["", "^a", "[0-9]", "b$"]),
        "entries": st.lists(
            st.fixed_dictionaries(
                {
                    "RuleNumber": st.sampled_from([90, 100]),
                    "RuleAction": st.sampled_from(["allow", "deny"]),
                    "Protocol": st.sampled_from(["-1", "6", "1"]),
                    "Egress": st.booleans(),
                    "CidrBlock": st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"]),
                    "PortRange": st.sampled_from([{"From": 22, "To": 22}, {"From": 80, "To": 80}]),
                }
            ),
            max_size=2,
        ),
        "policy": st.sampled_from(
            [
                None,
                {},
                {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*"}},
                {"Statement": [{"Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": ["a"]}]},
            ]
        ),
    }
)
TYPED = st.recursive(
    st.sampled_from(
        [
            "opens_port({IpProtocol: protocol, FromPort: first, ToPort: last}, port)",
            "opens_port({IpProtocol: 'tcp', FromPort: first, ToPort: last}, port)",
            "opens_port(@, port)",
            "cidr_contains(cidr, address)",
            "cidr_contains('10.0.0.0/8', address)",
            "cidr_contains([cidr, '10.0.0.0/9'], [address, cidr])",
            "get({a: text, b: pattern}, split(text, '-')[0])",
            "items({a: text, b: port})[?contains(@, port)][] | [0]",
            "from_items([[text, port], [pattern, cidr]])",
            "capture(text, '([a-z])-?(.)?')",
            "substitute(text, pattern, '<\\0>')",
            "replace(trim(upper(text), '['), text, pattern)",
            "pad_left(title(text), port, '.')",
            "find_first(text, pattern) == find_last(text, '-')",
            "compare_versions(cidr, address) > `0`",
            "days_since(port) > `3`",
            "matches(text, pattern)",
            "matches(text, '[ab]')",
            "parse_json(text)",
            "parse_json(text).a",
            "days_between($snapshot_time, time) > `3`",
            "hours_between(time, '2026-01-01')",
            "join('-', [text, port, `null`])",
            "contains(split(text, '-'), 'b')",
            "arn(text).resource",
            "acl_opens_port(entries, port)",
            "acl_opens_port(entries, port, 'literal')",
            "world_reaches([{IpProtocol: protocol, FromPort: first, ToPort: last, IpRanges: [{CidrIp: cidr}]}], `[]`)",
            "like(text, '?-*')",
            "any(statements(policy), &Public)",
            "statements(policy)[?contains(Principal.AWS, '*')].Action[]",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["||", "&&", "=="]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda e: f"!({e})"),
    ),
    max_leaves=3,
)

# Lists of a few values, so that some are equal, and what can be asked of the lists that functions make of them.
LIST = st.lists(st.sampled_from([0, 1, 1, True, "a", [1]]), max_size=2)
OF_LISTS = st.tuples(
    st.recursive(
        st.sampled_from(["a", "b", "`[1, 0]`", "`[]`"]),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["difference", "intersection"]), inner, inner).map(
                lambda t: f"{t[0]}({t[1]}, {t[2]})"
            ),
            inner.map(lambda e: f"unique({e})"),
        ),
        max_leaves=3,
    ),
    st.sampled_from(
        [
            "({0})",
            "!({0})",
            "({0})[0]",
            "({0})[1]",
            "({0})[-1]",
            "({0})[1:]",
            "({0})[?@ == `1`] | [0]",
            "({0})[]",
            "reverse({0})",
            "length({0}) > `1`",
            "length({0})",
            "any({0}, &@ == `1`)",
            "all({0}, &@ == `1`)",
            "contains({0}, 'a')",
            "({0}) == `[1]`",
            "({0}) != `null`",
        ]
    ),
).map(lambda t: t[1].format(t[0]))


class _Functions(Functions):
    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject, search):
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return tagged(search) in map(tagged, subject)


class _Specified(TreeInterpreter):
    """jmespath.py, but for what the specification has otherwise: 1 is not true, however deep, and in no text."""

    COMPARATOR_FUNC = TreeInterpreter.COMPARATOR_FUNC | {
        "eq": lambda one, other: tagged(one) == tagged(other),
        "ne": lambda one, other: tagged(one) != tagged(other),
    }


def tagged(value):
    """A value in which Python tells 1 from true."""
    if isinstance(value, list):
        return ["list", *map(tagged, value)]
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    return ["bool", str(value)] if isinstance(value, bool) else value


OPTIONS = Options(custom_functions=_Functions())


def reference(expression, data):
    """What the installed jmespath.py says: ("value", v), or ("error", None)."""
    try:
        return ("value", _Specified(OPTIONS).visit(Parser().parse(expression).parsed, data))
    except Exception:
        return ("error", None)
