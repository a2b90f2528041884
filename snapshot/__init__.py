"""Snapshots: the reading side. The collector, which needs boto3, is `stillframe.snapshot.collector.collect`.

What is named here is imported when it is asked for: a file can be opened without all that reading a snapshot needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .archive import find_snapshot, list_snapshots, open_snapshot, snapshot_before
    from .errors import ArgumentError, CatalogError, CollectError, SnapshotError, StillframeError
    from .model import Account, Resource, Snapshot, Unknown

__all__ = [
    "Account",
    "ArgumentError",
    "CatalogError",
    "CollectError",
    "Resource",
    "Snapshot",
    "SnapshotError",
    "StillframeError",
    "Unknown",
    "find_snapshot",
    "list_snapshots",
    "open_snapshot",
    "snapshot_before",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "errors" if name.endswith("Error") else "archive" if name.islower() else "model"
    return getattr(import_module(f".{module}", __name__), name)
