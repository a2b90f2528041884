"""What people write who come from other languages, and what to write here instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_Advice = str | Callable[[re.Match[str]], str]

# What stands before the place where an expression is none, what stands there, and what to say.
_SLIPS: Sequence[tuple[str, str, _Advice]] = (
    (r"\[$", r"'(\w[^']*)'", lambda found: f'a field is written ."{found[1]}": brackets are for places in a list'),
    (r"\[$", r"([A-Za-z_]\w*)\]", lambda found: f"a field is written .{found[1]}: brackets are for places in a list"),
    (r"(==|!=|<=?|>=?|,|\()\s*$", r"-?\d[\d.]*", lambda found: f"a number is written `{found[0]}`, in backticks"),
    (
        r"\.(\w+)$",
        r"[-:/][\w:/-]*",
        "a name with other characters than letters, digits and _ is written in double quotes",
    ),
    (r"", r"#", "a comment stands outside of the expression"),
    (r"[=!]=$", r"=", "compare with == or !="),
    (r"", r"=~", "write matches(TEXT, 'PATTERN')"),
    (r"", r"=(?!=)", "compare with =="),
    (r"<$", r">", "compare with !="),
    (r"\bif\s+$", r"", "there is no if: write (A && B) || (!(A) && C)"),
    (r"\bnot\s+$", r"", "write !, and parentheses around what it is about"),
    (r"", r"and\b", "write &&"),
    (r"", r"or\b", "write ||"),
    (r"", r"(not\s+)?in\b", "write contains(['A', 'B'], FIELD)"),
    (r"", r"\?", "there is no ? and :, write (A && B) || (!(A) && C)"),
    (r"", r"[-+*/%]", "there is no arithmetic: compare with a parameter that has the result"),
    (r"\*$", r"\d", "there is no arithmetic: compare with a parameter that has the result"),
    (r"", "[\u2018\u2019\u201c\u201d]", "text is written in straight single quotes"),
    (r"", r";", "an expression ends without a semicolon"),
)
_COMPILED = [(re.compile(before), re.compile(there), advice) for before, there, advice in _SLIPS]
_LITERALS = {"None": "null", "nil": "null", "undefined": "null", "True": "true", "False": "false"}
_LENGTHS = frozenset({"count", "length", "size"})


def advice(text: str, at: int) -> str:
    """What to write where an expression is none at a character; empty where nobody knows."""
    if text.replace("\\'", "").count("'") % 2:  # so what stands here may be meant for text, or the other way round
        return "a quote is not closed: text stands between two single quotes"
    for before, there, said in _COMPILED:
        found = there.match(text, at)
        if found and before.search(text[:at]):
            return said if isinstance(said, str) else said(found)
    return ""


def field_advice(name: str, *, quoted: bool) -> str:
    """What may have been meant by the name of a field that there is not."""
    if quoted:
        return f"; text is written in single quotes: '{name}'"
    if name in _LITERALS:
        return f"; write `{_LITERALS[name]}`"
    return "; write length(LIST)" if name in _LENGTHS else ""
