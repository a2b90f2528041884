"""The name that somebody may have meant by another."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like it; None where none does.

    Of those that share most of its letters it is the one that takes the fewest slips of a hand, and two letters the
    wrong way round are one slip: `us-esat-1` is `us-east-1`, not `us-west-1`.
    """
    close = get_close_matches(wrong, list(known), 4, 0.6)
    return min(close, key=lambda name: _slips(wrong, name)) if close else None


def near_path(path: Path) -> str:
    """`; did you mean X?` of a file or folder that is not there; empty where nothing beside it has a name like it."""
    with suppress(OSError):
        if near := nearest(path.name, [each.name for each in path.parent.iterdir()]):
            return f"; did you mean {path.with_name(near)}?"
    return ""


def _slips(one: str, other: str) -> int:
    """Letters to add, to drop, to change and to swap with the next."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != its))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], its):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
