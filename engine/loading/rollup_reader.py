"""What a policy's rollup asks: all or any of the resources, or a number of them; and of which it asks it together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..documents.reader import Reader
from ..language.parser import Expression
from ..model.policy import Bound, Count, Require, Rollup, Within
from ..suggest import suggest

_PARAM = "$params."


def read_rollup(
    reader: Reader, given: Mapping[str, Any], params: Mapping[str, Mapping[str, Any]], by: Expression | None
) -> Rollup:
    """The rollup, per what `by` says if not per account or region; a parameter that is no number is a fault."""
    require, per = _required(reader, given["require"], params), given["per"]
    if not by:
        if "within" in given:
            reader.fault(("rollup", "within"), f"per {per} says it already: leave `within` out", key=True)
        return Rollup(per=WORDS[per], require=require, unit=per == "unit")
    return Rollup(per=_WIDTH[given.get("within", "account")], require=require, by=by)


def read_per(reader: Reader, per: str) -> str | None:
    """The expression that `per` says, if it does. A word for what there is none of is a fault."""
    if per in WORDS:
        return None
    close = suggest(per, WORDS) if per.islower() and per.isidentifier() else ""
    if "did you mean" in close:
        reader.fault(("rollup", "per"), f"per takes {', '.join(WORDS)} or an expression, such as $tags.service{close}")
        return None
    return per


def _required(reader: Reader, require: Any, params: Mapping[str, Mapping[str, Any]]) -> Require | Count:
    if isinstance(require, str):
        return Require(require)
    if len(require) > 1:
        reader.fault(("rollup", "require"), f"one of {' and '.join(require)}, not both")
    bound, asked = next(iter(require.items()))
    if not isinstance(asked, str):
        return Count(bound=Bound(bound), number=asked)
    name, at = asked.removeprefix(_PARAM), ("rollup", "require", bound)
    known = params.get(name)
    if known is None:
        reader.fault(at, f"no parameter {name}{suggest(name, params)}")
    elif known.get("type") not in _KINDS[Bound(bound)] or known.get("minimum", -1) < 0:
        kinds = " or ".join(_KINDS[Bound(bound)])
        reader.fault(at, f"declare {name} with a `type` of {kinds} and a `minimum` that is not negative")
    return Count(bound=Bound(bound), param=name)


_WIDTH = {"account": Within.ACCOUNT, "organisation": Within.SNAPSHOT}
WORDS = {**_WIDTH, "region": Within.REGION, "unit": Within.SNAPSHOT}
_KINDS = {Bound.AT_LEAST: ("integer",), Bound.AT_MOST: ("integer",), Bound.SHARE: ("number", "integer")}
