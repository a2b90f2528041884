"""Where the files of a snapshot are, in an archive of either format."""

from __future__ import annotations

import re

from msgspec import Struct

from .errors import SnapshotError
from .files import DAMAGED, folder_at
from .format import BY_DIGEST, Manifest, file_name
from .remote import Place, Remote, below

MANIFEST = "manifest.json"
ACCOUNT = "account.json"
OBJECTS = "objects"  # of an archive: what snapshots of format 2 hold, each file under its digest

ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Files(Struct):
    """Where the files of a snapshot are: in a folder for each account; or, in format 2, by digest, beside snapshots."""

    folder: Place
    by_digest: bool = False
    _last: tuple[str, str | Remote] = ("", "")  # the folder that was looked at last, by its name

    def account(self, account: str, sha256: str) -> str | Remote:
        return self._file(account, ACCOUNT, sha256)

    def resources(self, account: str, kind: str, sha256: str) -> str | Remote:
        return self._file(account, file_name(kind), sha256)

    def _file(self, account: str, name: str, sha256: str) -> str | Remote:
        if self.by_digest and not _DIGEST.match(sha256):
            raise SnapshotError(f"{self.folder}/{account}/{name}: {sha256!r} is no digest", DAMAGED)
        wanted, last = OBJECTS if self.by_digest else account, self._last
        if last[0] != wanted:  # once for all files of an account: looking takes as long as reading one
            last = self._last = wanted, self._look(self.folder.parent if self.by_digest else self.folder, wanted)
        return below(last[1], sha256 if self.by_digest else name)

    def _look(self, parent: Place, name: str) -> str | Remote:
        found = below(parent, name)
        if isinstance(found, str) and not folder_at(found):
            raise SnapshotError(f"{found}: no folder of the snapshot", DAMAGED)
        return found


def files_of(folder: Place, manifest: Manifest) -> Files:
    return Files(folder, by_digest=manifest.format >= BY_DIGEST)
