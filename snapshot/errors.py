"""The base of every error Stillframe raises on purpose, and the branch of this folder.

StillframeError
├── SnapshotError      a snapshot cannot be read: absent, half-written, changed, newer, malformed
├── ArgumentError      something that was named does not exist, or cannot be
├── CatalogError       the catalogue of resource types is wrong
└── CollectError       nothing could be collected: no credentials, no network, no account
    ├── UnfinishedError    it had to stop before the end: what is complete stays, and the rest can follow
    └── OtherPlanError     what is unfinished cannot be completed, or not by what is asked for

The engine's branch is in `engine/errors.py`.
"""

from __future__ import annotations


class StillframeError(Exception):
    """What went wrong and where; `help` says what to do about it."""

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002 - the word people see
        super().__init__(message)
        self.help = help


class SnapshotError(StillframeError):
    """A snapshot that must not be evaluated, and why."""


class ArgumentError(StillframeError):
    """Something named on the command line that does not exist, or a value it cannot have."""


class CatalogError(StillframeError):
    """A catalogue entry that says something AWS does not."""


class CollectError(StillframeError):
    """Collection that could not begin, or that reached nothing."""


class UnfinishedError(CollectError):
    """Collection that stopped before the end, and can be completed."""


class OtherPlanError(CollectError):
    """An unfinished snapshot that cannot be completed, or not by what is asked for: collect anew."""
