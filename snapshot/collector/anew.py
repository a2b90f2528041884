"""A snapshot that is begun wherever its archive is, and cannot be completed: one of what others recorded."""

from __future__ import annotations

from datetime import datetime

from ..remote import Place, Remote
from .write import SnapshotWriter, Writer
from .write_objects import begin_without_plan


def begin_anew(archive: Place, moment: datetime, accounts: int, *, exact: bool = True) -> Writer:
    """What writes a snapshot of so many accounts; of that moment, if that must be `exact`, or one that is free.

    What an import of that moment left is begun anew. Raises CollectError where the archive cannot be written, or the
    moment is taken.
    """
    if isinstance(archive, Remote):
        return begin_without_plan(archive, moment, accounts, exact=exact)
    return SnapshotWriter(archive, moment, exact=exact)
