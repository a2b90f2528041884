"""A snapshot that is begun wherever its archive is, and cannot be completed: one of what others recorded."""

from __future__ import annotations

from datetime import datetime

from ..remote import Place, Remote
from .write import SnapshotWriter, Writer
from .write_objects import begin_without_plan


def begin_anew(archive: Place, moment: datetime, accounts: int) -> Writer:
    """What writes a snapshot of so many accounts. Raises CollectError where the archive cannot be written."""
    if isinstance(archive, Remote):
        return begin_without_plan(archive, moment, accounts)
    return SnapshotWriter(archive, moment)
