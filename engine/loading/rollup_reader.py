"""What a policy's rollup asks: all or any of the resources, or a number of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..documents.reader import Reader
from ..model.policy import Bound, Count, Require, Rollup, Within
from ..suggest import suggest

_PARAM = "$params."


def read_rollup(reader: Reader, given: Mapping[str, Any], params: Mapping[str, Mapping[str, Any]]) -> Rollup:
    """The rollup; a parameter that is no number is a fault."""
    require = given["require"]
    if isinstance(require, str):
        return Rollup(per=Within(given["per"]), require=Require(require))
    if len(require) > 1:
        reader.fault(("rollup", "require"), f"one of {' and '.join(require)}, not both")
    bound, asked = next(iter(require.items()))
    if not isinstance(asked, str):
        return Rollup(per=Within(given["per"]), require=Count(bound=Bound(bound), number=asked))
    name, at = asked.removeprefix(_PARAM), ("rollup", "require", bound)
    known = params.get(name)
    if known is None:
        reader.fault(at, f"no parameter {name}{suggest(name, params)}")
    elif known.get("type") not in _KINDS[Bound(bound)] or known.get("minimum", -1) < 0:
        kinds = " or ".join(_KINDS[Bound(bound)])
        reader.fault(at, f"declare {name} with a `type` of {kinds} and a `minimum` that is not negative")
    return Rollup(per=Within(given["per"]), require=Count(bound=Bound(bound), param=name))


_KINDS = {Bound.AT_LEAST: ("integer",), Bound.AT_MOST: ("integer",), Bound.SHARE: ("number", "integer")}
