"""Snapshots: the reading side. The collector, which needs boto3, is `stillframe.snapshot.collector.collect`."""

from .archive import find_snapshot, list_snapshots, open_snapshot
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
]
