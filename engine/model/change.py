"""What can become of a finding between two evaluations."""

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

    @property
    def heading(self) -> str:
        """What a column of it is called, beside one of all that is unknown."""
        return "Newly unknown" if self is Change.UNKNOWN else self.capitalize()
