"""Where the files of a snapshot are, in an archive of either format."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import SnapshotError
from .files import DAMAGED, folder_at
from .format import BY_DIGEST, Manifest, file_name
from .remote import Place, Remote, below

MANIFEST = "manifest.json"
ACCOUNT = "account.json"
OBJECTS = "objects"  # of an archive: what snapshots of format 2 hold, each file under its digest

ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a snapshot are: in a folder for each account; or, in format 2, by digest, beside snapshots."""

    folder: Place
    by_digest: bool = False

    def account(self, account: str, sha256: str) -> str | Remote:
        return self._file(account, ACCOUNT, sha256)

    def resources(self, account: str, kind: str, sha256: str) -> str | Remote:
        return self._file(account, file_name(kind), sha256)

    def _file(self, account: str, name: str, sha256: str) -> str | Remote:
        parent, folder = (self.folder.parent, OBJECTS) if self.by_digest else (self.folder, account)
        if self.by_digest and not _DIGEST.match(sha256):
            raise SnapshotError(f"{self.folder}/{account}/{name}: {sha256!r} is no digest", DAMAGED)
        if not isinstance(parent, Remote) and not folder_at(f"{parent}/{folder}"):
            raise SnapshotError(f"{parent}/{folder}: no folder of the snapshot", DAMAGED)
        return below(parent, f"{folder}/{sha256 if self.by_digest else name}")


def files_of(folder: Place, manifest: Manifest) -> Files:
    return Files(folder, by_digest=manifest.format >= BY_DIGEST)
