"""Random JMESPath for properties: expressions over the fields a, b and c, and data that has them."""

from __future__ import annotations

import jmespath
from hypothesis import strategies as st

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


def reference(expression, data):
    """What the installed jmespath.py says: ("value", v), or ("error", None)."""
    try:
        return ("value", jmespath.search(expression, data))
    except Exception:
        return ("error", None)
