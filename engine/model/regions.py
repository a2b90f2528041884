"""What the regions of AWS are called: by the way they are put together, as new ones come every year."""

from __future__ import annotations

import re
from functools import cache
from itertools import product

from ...snapshot.model import GLOBAL
from ..suggest import suggest
from .glob import glob, wild

_AREAS = (
    "af",
    "ap",
    "ca",
    "cn",
    "eu",
    "il",
    "me",
    "mx",
    "sa",
    "us",
    "eusc-de",
    "us-gov",
    "us-iso",
    "us-isob",
    "us-isof",
)
_SIDES = ("central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west")
_REGION = re.compile(rf"([a-z]{{2}}|eusc)(-[a-z]{{2,4}})?-({'|'.join(_SIDES)})-[0-9]")


def never(pattern: str) -> str:
    """Why no region can be meant by a name or a pattern, and what may have been; empty where one can."""
    if wild(pattern):
        strange = pattern[:2] not in {area[:2] for area in _AREAS}  # a wildcard at once, or an area of tomorrow
        if strange or any(glob(pattern, name) for name in _names()):
            return ""
    elif pattern == GLOBAL or _REGION.fullmatch(pattern):
        return ""
    return f"no region is called {pattern}{suggest(pattern, _names())}"


@cache
def _names() -> tuple[str, ...]:
    return (GLOBAL, *(f"{area}-{side}-{number}" for area, side, number in product(_AREAS, _SIDES, range(1, 10))))
