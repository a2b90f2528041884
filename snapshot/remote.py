"""A place in an object store, by URL: `s3://bucket/prefix`. It can be asked what a local path can, and one thing more.

What an archive is kept in is a `Place`: a local path, or one of these. Objects are whole or not there at all, and they
can be written on condition that nobody else wrote them meanwhile, which is what keeps two writers apart.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from .errors import ArgumentError, SnapshotError, StillframeError
from .files import DAMAGED, DOCUMENT, read_file

ROOTS = {"s3:": 1, "gs:": 1, "az:": 2}  # URLs, and how many names say which store: a bucket; account and container
ENDPOINT = "STILLFRAME_STORAGE_ENDPOINT"  # of archives alone: those of AWS_ENDPOINT_URL are of what is collected, too
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:)/(/?)(.*)\Z", re.DOTALL)
AT_ONCE = 16  # requests
PAUSES = (0.1, 0.3, 1, 3, 9)  # seconds, between requests that are made again
_Result = TypeVar("_Result")
_NAME = re.compile(r"[^\x00-\x1f\x7f?#%\\]+\Z")
_HELP = f"an archive is a folder, or one of {', '.join(f'{kind}//' for kind in ROOTS)}; `./NAME` is always a folder"


class OvertakenError(StillframeError):
    """What was to be written on a condition was not: somebody else wrote there."""


class Remote(Struct, frozen=True, order=True):
    """A name in a store. Like a path it says only where; what asks the store raises SnapshotError."""

    root: str
    key: str = ""

    def __truediv__(self, name: str) -> Remote:
        return Remote(self.root, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"{self.root}/{self.key}" if self.key else self.root

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name

    @property
    def parent(self) -> Remote:
        return Remote(self.root, self.key.rpartition("/")[0])

    def iterdir(self) -> Iterator[Remote]:
        """What is one level below. Raises FileNotFoundError where nothing is."""
        folders, files = _listed(self)
        if not folders and not files:
            raise FileNotFoundError(str(self))
        return iter([self / name for name in (*folders, *files)])

    def is_file(self) -> bool:
        with _asking(self):
            try:
                _obstore().head(_store(self.root), self.key)
            except FileNotFoundError:
                return False
        return True

    exists = is_file

    def is_dir(self) -> bool:
        return any(_listed(self))

    def is_symlink(self) -> bool:
        return False


Place = Path | Remote


def remote_of(text: str) -> Remote | None:
    """The place that a URL names; None for what is no URL. Raises ArgumentError for one that is not understood."""
    found = URL.match(text)
    if found is None:
        return None
    kind, names = found[1], [name for name in found[3].split("/") if name]
    many = ROOTS.get(kind, 0)
    if not many or not found[2]:
        raise ArgumentError(f"{text}: no URL of an archive", _HELP)
    if len(names) < many or any(name in (".", "..") or not _NAME.match(name) for name in names):
        what = "NAME" if many == 1 else "ACCOUNT/CONTAINER"
        raise ArgumentError(f"{text}: no place in an object store", f"write {kind}//{what}/PREFIX")
    return Remote(f"{kind}//{'/'.join(names[:many])}", "/".join(names[many:]))


def entries(folder: Place) -> list[Place]:
    """What is one level below a folder, by name. Raises OSError."""
    return sorted(folder.iterdir(), key=lambda path: path.name)


def concurrently(function: Callable[[Place], _Result], places: Sequence[Place]) -> list[_Result]:
    """The same for each place, in order; in an object store many at once, since each waits for an answer."""
    if len(places) < 2 or not isinstance(places[0], Remote):
        return [function(place) for place in places]
    from concurrent.futures import ThreadPoolExecutor  # which takes long, and who reads a folder has no use for

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, places))


def below(folder: Place | str, name: str) -> str | Remote:
    """A file of a folder, to read it. Joining paths takes as long as reading a small file."""
    return folder / name if isinstance(folder, Remote) else f"{folder}/{name}"


def read(place: Place | str, most: int = DOCUMENT) -> bytes:
    """The bytes of a file. Raises SnapshotError: missing, not to be read, larger than `most`."""
    return get(place, most)[0] if isinstance(place, Remote) else read_file(place, most)


def get(place: Remote, most: int = DOCUMENT) -> tuple[bytes, str]:
    """The bytes of an object, and the tag of this version of it."""
    found = find(place, most)
    if found is None:
        raise SnapshotError(f"{place}: missing", DAMAGED)
    return found


def find(place: Remote, most: int = DOCUMENT) -> tuple[bytes, str] | None:
    """The same; None where there is no such object, and for no other reason."""
    with _asking(place):
        try:
            found = _obstore().get(_store(place.root), place.key)
            size = found.meta["size"]
            if size > most:
                raise SnapshotError(f"{place}: {size} bytes, where {most} are the most that it may have", DAMAGED)
            return bytes(found.bytes()), found.meta["e_tag"] or ""
        except FileNotFoundError:
            return None


def get_range(place: Remote, start: int, length: int) -> bytes:
    """Some bytes of an object."""
    with _asking(place):
        try:
            return bytes(_obstore().get_range(_store(place.root), place.key, start=start, length=length))
        except FileNotFoundError:
            raise SnapshotError(f"{place}: missing", DAMAGED) from None


def put(place: Remote, data: bytes) -> None:
    """Write an object, whatever was there: one whose name says what it holds, so that it cannot be wrong."""
    _tried(place, lambda: _obstore().put(_store(place.root), place.key, data))


def put_if(place: Remote, data: bytes, tag: str | None) -> str:
    """Write an object if there is none, or if what is there has this tag; gives its new tag. Raises OvertakenError.

    Where the answer is lost, the request is made again, and finds what it wrote itself: so the bytes are looked at.
    """
    mode: Any = {"e_tag": tag} if tag else "create"
    obstore = _obstore()

    def write() -> str:
        try:
            return str(obstore.put(_store(place.root), place.key, data, mode=mode, use_multipart=False)["e_tag"] or "")
        except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
            there = find(place)
            if there and there[0] == data:
                return there[1]
            raise OvertakenError(f"{place}: written by another at the same time") from None

    return _tried(place, write)


def every(folder: Remote) -> Iterator[Remote]:
    """All objects below a folder, however deep."""
    with _asking(folder):
        for page in _obstore().list(_store(folder.root), f"{folder.key}/" if folder.key else None):
            yield from (Remote(folder.root, each["path"]) for each in page)


def last_written(folder: Remote) -> datetime | None:
    """When the latest of the objects below a folder was written, by the store's clock; None if there are none."""
    with _asking(folder):
        pages = _obstore().list(_store(folder.root), f"{folder.key}/")
        return max((each["last_modified"] for page in pages for each in page), default=None)


def remove(places: Iterable[Remote]) -> None:
    """Remove objects; of those that are not there nothing is said."""
    by_root: dict[str, list[str]] = {}
    for place in places:
        by_root.setdefault(place.root, []).append(place.key)
    for root, keys in by_root.items():
        for start in range(0, len(keys), 1000):
            _tried(Remote(root), partial(_obstore().delete, _store(root), keys[start : start + 1000]))


def _listed(folder: Remote) -> tuple[list[str], list[str]]:
    with _asking(folder):
        found = _obstore().list_with_delimiter(_store(folder.root), folder.key or None)
    names = [each.rstrip("/").rpartition("/")[2] for each in found["common_prefixes"]]
    return sorted(names), sorted(each["path"].rpartition("/")[2] for each in found["objects"])


def _tried(place: Remote, call: Callable[[], _Result]) -> _Result:
    """Make a request again that fails: those for which obstore does not know that they may be."""
    with _asking(place):
        for pause in PAUSES:
            with suppress(_obstore().exceptions.GenericError):
                return call()
            time.sleep(pause)
        return call()


@contextmanager
def _asking(place: Remote) -> Iterator[None]:
    """Say of a store that does not answer what it says."""
    try:
        yield
    except _obstore().exceptions.BaseError as error:
        denied = type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError")
        cause = re.sub(r"\s+", " ", str(error).partition("\n\n")[0])
        code = re.search(r"<Code>([^<]+)</Code>", str(error))
        words = code[1] if code else cause[:300]
        what = "`stillframe snapshot iam` prints what reading and writing need" if denied else _ASK
        raise SnapshotError(f"{place}: the store says {words}", what) from None


_ASK = f"check the URL, the credentials, the region, and {ENDPOINT} or AWS_ENDPOINT_URL where it is not AWS's own"


@cache
def _obstore() -> Any:
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError:
        raise SnapshotError(
            "archives in object storage need the package obstore", "install it: pip install '.[s3]'"
        ) from None
    return obstore


@cache
def _store(root: str) -> Any:
    """The client of a store: by the environment's usual variables, or by the AWS profile if there are none."""
    endpoint = next(filter(None, map(os.environ.get, _ENDPOINTS)), "")
    how: dict[str, Any] = {"retry_config": {"max_retries": 15}}
    how |= {"client_options": {"timeout": "5m", "allow_http": endpoint.startswith("http:")}}
    if root.startswith("s3:"):
        how["config"] = {"endpoint": endpoint} if endpoint else {}
        how |= _profile(how["config"])
    return _obstore().store.from_url(root, **how)


_ENDPOINTS = (ENDPOINT, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_GIVEN = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", *_CONTAINER)


def _profile(config: dict[str, Any]) -> dict[str, Any]:
    """Credentials as botocore finds them, where its files are: obstore reads none of these."""
    files = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
    there = any(Path(os.environ.get(name) or usual).expanduser().is_file() for name, usual in files.items())
    if not there or any(os.environ.get(name) for name in _GIVEN):
        return {}
    from importlib import import_module

    session = import_module("boto3").Session()
    if session.region_name:
        config["region"] = session.region_name
    return {"credential_provider": import_module("obstore.auth.boto3").Boto3CredentialProvider(session)}
