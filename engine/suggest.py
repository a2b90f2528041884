"""What somebody may have meant by a name that is unknown."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_LISTED = 60  # names that are few enough to choose from


def suggest(wrong: str, known: Collection[str], prefix: str = "") -> str:
    """`; did you mean X?`, or what there is to choose from."""
    by_case = {name.lower(): name for name in known}
    close = [by_case[wrong.lower()]] if wrong.lower() in by_case else get_close_matches(wrong, known, 1, 0.6)
    if close:
        return f"; did you mean {prefix}{close[0]}?"
    return f"; there are {', '.join(prefix + name for name in sorted(known))}" if 0 < len(known) <= _LISTED else ""
