"""What can become of a finding between two judgements."""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    """What became of a finding. `VANISHED` and `APPEARED` are about the resource, which is gone or new."""

    NEW = "new"
    RESOLVED = "resolved"
    PERSISTING = "persisting"
    UNKNOWN = "unknown"
    KNOWN = "known"
    APPEARED = "appeared"
    VANISHED = "vanished"
