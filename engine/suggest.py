"""What somebody may have meant by a name that is unknown."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..snapshot.nearest import near_path, nearest

THESE_POLICIES = (
    "`stillframe policy list` lists those there are; `--shipped` takes what ships, and `-p PATH` policies of your own"
)
_LISTED = 60  # names that are few enough to choose from


def suggest(wrong: str, known: Collection[str], prefix: str = "") -> str:
    """`; did you mean X?`, or what there is to choose from."""
    by_case = {name.lower(): name for name in known}
    if close := by_case.get(wrong.lower()) or nearest(wrong, known):
        return f"; did you mean {prefix}{close}?"
    return f"; there are {', '.join(prefix + name for name in sorted(known))}" if 0 < len(known) <= _LISTED else ""


def unreadable(path: Path, error: OSError) -> str:
    """What to say of a file or folder that cannot be read, with what it may have been meant to be."""
    return f"cannot be read: {error.strerror}{near_path(path) if isinstance(error, FileNotFoundError) else ''}"
