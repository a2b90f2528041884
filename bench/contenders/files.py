"""The files of a snapshot, as anyone may read them: docs/snapshot-format.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def accounts(snapshot: Path) -> list[Path]:
    return sorted(path for path in snapshot.iterdir() if path.name.isdecimal())


def lines(account: Path, kind: str) -> Iterator[bytes]:
    path = account / f"{kind.replace('::', '-')}.jsonl"
    if path.exists():
        yield from path.read_bytes().splitlines()
