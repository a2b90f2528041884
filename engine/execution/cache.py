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
from collections.abc import Collection, Iterable, Mapping
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
from ..functions.table import FUNCTIONS
from ..language.node import walk
from ..language.simplify import settled
from ..model.finding import Status
from ..model.policy import Policy, Within
from .key_digests import Offer

KEPT = 4  # files of an archive: the findings of so many evaluations
MOST = 4 << 30  # bytes of all archives' files; the newest stays, however large
_ENDING = ".findings"
_FORMAT = 6
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
    """The end of a cache file: its maker, the stamps of the policies, and where the two records of each account are."""

    maker: bytes
    policies: dict[str, bytes]
    accounts: dict[str, tuple[Place, Place]]


class Cache(Struct):
    """A cache file that can be read, or nothing. `whole` says that it is of this very evaluation."""

    path: Path | None = None
    index: Index = field(default_factory=lambda: Index(b"", {}, {}))
    whole: bool = False
    _file: IO[bytes] | None = None

    def meta(self, account: str) -> Meta | None:
        places = self.index.accounts.get(account)
        data = self._at(places[0]) if places else None
        return _read_meta(data) if data else None

    def batches(self, account: str) -> dict[str, Batch | None] | None:
        """The findings of an account by policy, if they are there and undamaged."""
        places = self.index.accounts.get(account)
        data = self._at(places[1]) if places else None
        return _read_batches(data) if data else None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _at(self, place: Place) -> bytes | None:
        data = self.raw(place)
        return data if data is not None and hashlib.sha256(data).digest() == place.sha256 else None

    def raw(self, place: Place) -> bytes | None:
        """What is there, damaged or not."""
        with suppress(OSError):
            if self._file is None and self.path is not None:
                self._file = self.path.open("rb")
            if self._file is not None:
                self._file.seek(place.start)
                return self._file.read(place.length)
        return None


class Memory(Struct, frozen=True):
    """What was evaluated before. `digests` are of the accounts as they are now; by the ids of policies, `stamps` are of
    these, and `kinds` the types of which they read an account's own resources; `places` is of where they are asked."""

    cache: Cache
    stamps: Mapping[str, bytes]
    digests: Mapping[str, str]
    kinds: Mapping[str, tuple[str, ...]]
    places: bytes


def policy_stamp(policy: Policy, captured_at: str, written: Collection[Status]) -> bytes:
    """The digest of a policy, and of what else its findings come from that is the same for all accounts."""
    parts = [sorted(written), policy.id, policy.text, policy.severity.value, policy.types]
    moment = captured_at if reads_time(policy) else None
    unsure = str(policy.unsure) if policy.unsure is not None else None
    more = [dict(policy.params), policy.budget, moment, unsure]
    return hashlib.sha256(encode([*parts, *more])).digest()


def places_of(policies: Iterable[Policy]) -> bytes:
    """A digest of which policies are evaluated in some accounts alone, and in which."""
    found = {policy.id: sorted(policy.accounts) for policy in policies if policy.accounts is not None}
    return hashlib.sha256(encode(found)).digest()


def reads_time(policy: Policy) -> bool:
    """Whether what a policy says may change with time alone."""
    return any(
        FUNCTIONS[node.value].timed if node.type == "function_expression" else node.value == "snapshot_time"
        for expression in policy.expressions()
        for node in walk(settled(expression, policy.params))
        if node.type in ("function_expression", "variable")
    )


def kinds_of(policy: Policy) -> tuple[str, ...]:
    """The types of which a policy reads the account's own resources."""
    near = (lookup.source for lookup in policy.lookups.values() if lookup.within is not Within.SNAPSHOT)
    return tuple(sorted({*policy.subjects(), *near}))


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
            self._index.accounts[account] = self._put(_encode(meta)), self._put(_encode(batches))

    def keep(self, account: str, cache: Cache) -> None:
        """An account of which nothing has changed, by the digests that were right when it was read."""
        places = cache.index.accounts[account]
        meta, batches = (cache.raw(place) for place in places)
        if self._file is not None and meta is not None and batches is not None:
            self._index.accounts[account] = self._put(meta, places[0].sha256), self._put(batches, places[1].sha256)

    def _put(self, data: bytes, sha256: bytes = b"") -> Place:
        place = Place(self._start, len(data), sha256 or hashlib.sha256(data).digest())
        self._start += len(data)
        try:
            if self._file is not None:
                self._file.write(data)
        except OSError:  # no space left, for example
            self.drop()
        return place

    def finish(self) -> None:
        """Give the file its name, and remove those that are too many."""
        if self._file is None:
            return
        index = _encode(self._index)
        try:
            self._file.write(index + len(index).to_bytes(8, "big") + hashlib.sha256(index).digest())
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
        """Keep no more than a few files of each archive, and no more bytes than that of all."""
        kept, size = 0, 0
        for path in _newest(self._path.parent.glob(f"*{_ENDING}")):
            kept += path.name.startswith(self._archive)
            size += path.stat().st_size
            if path != self._path and (size > MOST or (kept > KEPT and path.name.startswith(self._archive))):
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
