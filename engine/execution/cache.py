"""Findings of before, kept in a folder of the user's own: what has not changed is not evaluated again.

What lies in an archive is never believed: who made the archive could have made that. A cache file holds the findings
of one evaluation, an account a record. A finding depends on its policy, on what the account's files said of the types
that the policy reads, and on the rows of other accounts that lookups found; all of it by digest. Where the digests
are the same, so are the findings. A file that is damaged is no cache: nothing is trusted whose own digest is not
right, nor a folder that others may write to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec
import stillframe
from msgspec import Struct, field

from ...snapshot.catalog import catalog_digest
from ...snapshot.files import is_own
from ...snapshot.format import encode
from ...snapshot.kinds import kinds_digest
from ...snapshot.model import Snapshot
from ..findings.batch import Batch
from .key_digests import Offer

KEPT = 4  # files of an archive: the findings of so many evaluations
MOST = 4 << 30  # bytes of all archives' files; the newest stays, however large
_ABANDONED = 24 * 3600  # seconds after which nobody writes on
_ENDING = ".findings"
_FORMAT = 7
_PIECE = 1 << 16  # bytes that are copied at a time: more would be memory that is new each time
_TAIL = 8 + 32  # the length of the index, and its digest


class Place(msgspec.Struct, array_like=True):
    """Where something is in a file, and its digest."""

    start: int
    length: int
    sha256: bytes


class Meta(msgspec.Struct, array_like=True):
    """What the findings of one account came from. `digest` is the account file's, `stamps` are of what a policy reads
    that is asked there.

    `asked` is what its lookups asked of other accounts, `answer` a digest of what they found there. By the names of
    targets, `offers` are what lookups of others may find in it, `gaps` why there may be more.
    """

    digest: str
    stamps: dict[str, bytes]
    asked: bytes
    answer: bytes = b""
    offers: dict[str, Offer] = {}
    gaps: dict[str, tuple[str, ...]] = {}


class Index(msgspec.Struct, array_like=True):
    """The end of a cache file: its maker, the stamps of the policies, and of each account what its findings came from,
    which is read when it is asked for, and where they are."""

    maker: bytes
    policies: dict[str, bytes]
    accounts: dict[str, tuple[msgspec.Raw, Place]]


class Cache(Struct):
    """A cache file that can be read, or nothing. `whole` says that it is of this very evaluation."""

    path: Path | None = None
    index: Index = field(default_factory=lambda: Index(b"", {}, {}))
    whole: bool = False
    _file: IO[bytes] | None = None

    def meta(self, account: str) -> Meta | None:
        found = self.index.accounts.get(account)
        return _read_meta(found[0]) if found else None

    def batches(self, account: str) -> dict[str, Batch | None] | None:
        """The findings of an account by policy, if they are there and undamaged."""
        found = self.index.accounts.get(account)
        data = self.raw(found[1].start, found[1].length) if found else b""
        right = found is not None and hashlib.sha256(data).digest() == found[1].sha256
        return _read_batches(data) if right else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def raw(self, start: int, length: int) -> bytes:
        """What is there, damaged or not, or less."""
        with suppress(OSError):
            if self._file is None and self.path is not None:
                self._file = self.path.open("rb", 0)
            if self._file is not None:
                self._file.seek(start)
                return self._file.read(length)
        return b""


def open_cache(folder: Path, snapshot: Snapshot, stamps: Mapping[str, bytes], places: bytes) -> Cache:
    """The cache of this evaluation, or else of the latest of the same archive."""
    if not is_own(folder):
        return Cache()
    same = folder / _name(snapshot, stamps, places)
    with suppress(OSError):
        others = _newest(folder.glob(f"{_archive(snapshot)}-*{_ENDING}"))
        for path in [same, *others] if same.exists() else others:
            index = _read_index(path)
            if index is not None:
                return Cache(path=path, index=index, whole=path == same)
    return Cache()


class CacheWriter:
    """A cache file being written. Where it cannot be, evaluating goes on without."""

    def __init__(self, folder: Path, snapshot: Snapshot, stamps: Mapping[str, bytes], places: bytes) -> None:
        self._index = Index(_maker(), dict(stamps), {})
        self._start = 0
        self._kept: tuple[Cache, int, int] | None = None  # what is yet to be copied: from where on, and how much
        self._file: IO[bytes] | None = None
        self._path, self._archive = folder / _name(snapshot, stamps, places), _archive(snapshot)
        from tempfile import mkstemp  # which takes as long to import as a small snapshot to evaluate

        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if is_own(folder):
                descriptor, partial = mkstemp(prefix=".", dir=folder)
                self._file, self._partial = os.fdopen(descriptor, "wb"), Path(partial)

    def add(self, account: str, meta: Meta, batches: Mapping[str, Batch | None]) -> None:
        if self._file is not None:
            self._copy()
            data = _encode(batches)
            self._put(account, _encode(meta), len(data), hashlib.sha256(data).digest())
            self._write(data)

    def keep(self, account: str, cache: Cache, meta: Meta | None) -> None:
        """Findings of before, by the digest that was right when they were read; `meta` is None where it is as before,
        too. What stands together is copied together."""
        if self._file is not None:
            before, place = cache.index.accounts[account]
            self._put(account, _encode(meta) if meta else before, place.length, place.sha256)
            if self._kept is not None and sum(self._kept[1:]) == place.start:
                self._kept = cache, self._kept[1], self._kept[2] + place.length
            else:
                self._copy()
                self._kept = cache, place.start, place.length

    def _put(self, account: str, meta: bytes | msgspec.Raw, length: int, sha256: bytes) -> None:
        self._index.accounts[account] = msgspec.Raw(meta), Place(self._start, length, sha256)
        self._start += length

    def _copy(self) -> None:
        cache, start, left = self._kept or (Cache(), 0, 0)
        self._kept = None
        while left and self._file is not None:
            data = cache.raw(start, min(left, _PIECE))
            if not data:  # it was there before
                self.drop()
            self._write(data)
            start, left = start + len(data), left - len(data)

    def _write(self, data: bytes) -> None:
        try:
            if self._file is not None:
                self._file.write(data)
        except OSError:  # no space left, for example
            self.drop()

    def finish(self) -> None:
        """Give the file its name, and remove those that are too many."""
        self._copy()
        if self._file is None:
            return
        index = _encode(self._index)
        try:
            self._file.writelines([index, len(index).to_bytes(8, "big"), hashlib.sha256(index).digest()])
            self._file.close()
            self._partial.replace(self._path)
            self._file = None
            self._tidy()
        except OSError:
            self.drop()

    def drop(self) -> None:
        """Leave no half of a file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._partial.unlink()
            self._file = None

    def _tidy(self) -> None:
        """Keep no more than a few files of each archive, no more bytes than that of all, and no half of any."""
        kept, size = 0, 0
        for path in _newest(self._path.parent.glob(f"*{_ENDING}")):
            kept += path.name.startswith(self._archive)
            size += path.stat().st_size
            if path != self._path and (size > MOST or (kept > KEPT and path.name.startswith(self._archive))):
                path.unlink(missing_ok=True)
        now = self._path.stat().st_mtime
        for path in self._path.parent.glob(".*"):  # of runs that were killed
            if now - path.stat().st_mtime > _ABANDONED:
                path.unlink(missing_ok=True)


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _archive(snapshot: Snapshot) -> str:
    assert snapshot.path is not None  # noqa: S101 - of one in memory nothing is kept
    place = snapshot.path.parent
    name = os.path.realpath(place) if isinstance(place, Path) else str(place)
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def _name(snapshot: Snapshot, stamps: Mapping[str, bytes], places: bytes) -> str:
    of = hashlib.sha256(b"".join([str(snapshot.digest).encode(), places, *stamps.values()])).hexdigest()[:32]
    return f"{_archive(snapshot)}-{of}{_ENDING}"


def _read_index(path: Path) -> Index | None:
    with suppress(OSError, ValueError, msgspec.DecodeError), path.open("rb") as file:  # a length may be nonsense
        file.seek(-_TAIL, os.SEEK_END)
        tail = file.read(_TAIL)
        length = int.from_bytes(tail[:8], "big")
        file.seek(-_TAIL - length, os.SEEK_END)
        data = file.read(length)
        if hashlib.sha256(data).digest() == tail[8:]:
            found = _decode_index(data)
            return found if found.maker == _maker() else None
    return None


def _maker() -> bytes:
    """A digest of what all that is kept depends on: nothing is believed of what another version or catalogue left."""
    return hashlib.sha256(encode([_FORMAT, stillframe.__version__, catalog_digest(), kinds_digest()])).digest()


_encode = msgspec.msgpack.Encoder().encode
_read_meta = msgspec.msgpack.Decoder(Meta).decode
_read_batches = msgspec.msgpack.Decoder(dict[str, Batch | None]).decode
_decode_index = msgspec.msgpack.Decoder(Index).decode
