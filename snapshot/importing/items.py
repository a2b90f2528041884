"""Items of AWS Config: files and answers, read one item at a time, whatever their form."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from ..errors import SnapshotError
from ..files import FILE, LINE, open_file
from ..model import GLOBAL, Json
from ..names import ACCOUNT_ID, REGION, has_halves
from ..remote import Place, Remote, every, read
from .folding import unpacked

_NAME = re.compile(
    r"(?P<account>\d{12})_Config_(?P<region>[a-z0-9-]+)_(?P<what>ConfigSnapshot|ConfigHistory)_"
    r"(?:(?P<kind>[A-Za-z0-9:]+)_)?(?P<time>\d{8}T\d{6}Z)_.*\.json(?:\.gz)?\Z"
)
_UNIT = re.compile(r"o-[a-z0-9]{10,32}\Z")  # an organisation's folder
_LIST = re.compile(r'"(configurationItems|[bB]aseConfigurationItems|Results)"\s*:\s*\[')
_PACKED = b"\x1f\x8b"
_CHUNK = 1 << 18
_RATIO = 300  # of what is unpacked to what is packed: JSON of AWS comes to a tenth of this
_LEAST = 1 << 26  # bytes to which anything may unpack
_HERE = frozenset({"OK", "ResourceDiscovered"})
UNRECORDED = "ResourceNotRecorded"
_GONE = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded", UNRECORDED})
_COLUMNS = (
    "resourceType",
    "accountId",
    "awsRegion",
    "resourceId",
    "configuration",
    "supplementaryConfiguration",
    "tags",
    "configurationItemCaptureTime",
    "configurationItemStatus",
)
_SPELLINGS = {"awsAccountId": "accountId", "ARN": "arn", "configurationItemVersion": "version"}


class Source(Struct, frozen=True, kw_only=True):
    """A file. `account`, `region`, `kind` and `moment` are what its name says; `whole` that it lists all."""

    path: Place
    account: str | None = None
    region: str | None = None
    kind: str | None = None
    moment: datetime | None = None
    whole: bool = False


class Item(Struct, frozen=True, kw_only=True):
    """One item: a resource at a moment, or that it was gone then. `moment` is None where the item does not say."""

    account: str
    region: str
    type: str
    id: str
    moment: datetime | None
    gone: bool
    body: Mapping[str, Json]


class BrokenError(Exception):
    """What is wrong with a file, or with an item of it."""


def source_of(path: Place) -> Source:
    """What the name of a file says, if it is one that AWS Config gives."""
    named = _NAME.match(path.name)
    try:
        moment = datetime.strptime(named["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if named else None
    except ValueError:  # a time that there is not: somebody else named it so
        moment = None
    if named is None or moment is None:
        return Source(path=path)
    whole = named["what"] == "ConfigSnapshot"
    return Source(
        path=path,
        account=named["account"],
        region=named["region"],
        kind=named["kind"],
        moment=moment,
        whole=whole,
    )


def read_items(source: Source) -> Iterator[Item | BrokenError]:
    """Each item of a file; in the place of one that cannot be used, why. Raises BrokenError where the file ends it."""
    try:
        with _opened(source.path) as (file, size):
            for found in _objects(_text(file, size)):
                yield _item(found)
    except UnicodeDecodeError:
        raise BrokenError("is no UTF-8 from there on: save it as that") from None
    except (OSError, EOFError, SnapshotError, zlib.error) as error:
        what = "is cut off" if isinstance(error, EOFError) else f"cannot be read ({error})"
        raise BrokenError("is a link" if source.path.is_symlink() else what) from None


@contextmanager
def _opened(path: Place) -> Iterator[tuple[IO[bytes], int]]:
    """A file, and how large it is. One in an object store is read at once: packed, it is small."""
    if isinstance(path, Remote):
        try:
            data = read(path, FILE)
        except SnapshotError as error:
            raise BrokenError(f"cannot be read ({error})") from None
        yield io.BytesIO(data), len(data)
    else:
        with open_file(path) as file:
            yield file, os.fstat(file.fileno()).st_size


def _text(file: IO[bytes], size: int) -> Iterator[str]:
    """The text of a file, a piece at a time, unpacked if it is packed."""
    packed = file.read(2) == _PACKED
    file.seek(0)
    most = max(size * _RATIO, _LEAST)
    decode = codecs.getincrementaldecoder("utf-8-sig")()
    length, stream = 0, gzip.GzipFile(fileobj=file) if packed else file
    while piece := stream.read1(_CHUNK):  # type: ignore[union-attr]  # what comes before a fault, too
        if not length:
            _refuse(piece)
        length += len(piece)
        if packed and length > most:
            raise BrokenError(f"unpacks to more than {_RATIO} times its size: no file of AWS Config does")
        yield decode.decode(piece)
    yield decode.decode(b"", final=True)


def _refuse(begin: bytes) -> None:
    """Say of a file how it is written, where that is another way, and known by its beginning."""
    if begin.startswith(_PACKED):
        raise BrokenError("is packed twice: unpack it once")
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)) or b"\0" in begin[:4]:
        raise BrokenError("is in UTF-16 or UTF-32: save it as UTF-8")


def _objects(pieces: Iterator[str]) -> Iterator[Json]:
    """The items of the one list that matters, and then whether all around it is JSON, too."""
    text, found = "", None
    for piece in pieces:
        text += piece
        found = _LIST.search(text)
        if found or len(text) > LINE:
            break
    if found is None or not text.lstrip(" \t\r\n").startswith("{"):
        raise BrokenError("is no file or answer of AWS Config: it has no list of configuration items")
    before, text, at = text[: found.end()], text[found.end() :], 0
    while True:
        at = _skipped(text, at)
        if text[at : at + 1] == "]":
            break
        value, end = (None, -1) if at == len(text) else _value(text, at)
        # A value that ends where the text does may go on: a number, say.
        if end < 0 or end == len(text):
            more = next(pieces, None)
            if more is None or len(text) - at > LINE:
                raise BrokenError(
                    "is cut off, or no JSON from there on" if more is None else "has an item beyond all size"
                )
            text, at = text[at:] + more, 0
            continue
        yield value
        at = end
    after = text[at:]
    for piece in pieces:
        after += piece
        if len(after) > LINE:
            raise BrokenError("goes on after its list, beyond all size")
    if _LIST.search(after):
        raise BrokenError("has more than one list of configuration items: only the first was read")
    try:
        json.loads(before + after)
    except (ValueError, RecursionError):
        raise BrokenError("is cut off, or no JSON from there on") from None


def _skipped(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n", ","):
        at += 1
    return at


def _constant(name: str) -> Json:
    raise ValueError(name)


_DECODE: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_constant=_constant).raw_decode


def _value(text: str, at: int) -> tuple[Json, int]:
    try:
        return _DECODE(text, at)
    except ValueError:
        return None, -1
    except RecursionError:
        raise BrokenError("is nested too deep") from None


def _item(found: Json) -> Item | BrokenError:
    found = unpacked(found)  # of a query, each result is text
    if not isinstance(found, dict):
        return BrokenError("no object")
    body: dict[str, Json] = {_SPELLINGS.get(str(name), str(name)): value for name, value in found.items()}
    needed = _COLUMNS if "configurationItemStatus" not in body else _COLUMNS[:4]
    if lacking := [name for name in needed if name not in body]:
        return BrokenError(f"without {', '.join(lacking)}: a query must select {', '.join(_COLUMNS)}")
    named = [body[name] for name in _COLUMNS[:4]]
    kind, account, region, identity = named
    whole = all(isinstance(each, str) and each and not has_halves(each) for each in named)
    if not whole or not ACCOUNT_ID.match(account):
        return BrokenError("without an account, a region, a type or an id")
    status = body["configurationItemStatus"]
    if not isinstance(status, str) or status not in _HERE | _GONE or not (region == GLOBAL or REGION.match(region)):
        return BrokenError("with a status or a region that AWS Config does not have")
    try:
        moment = moment_of(body.get("configurationItemCaptureTime"))
    except (ValueError, OverflowError, OSError):
        return BrokenError("with a capture time that is none")
    return Item(account=account, region=region, type=kind, id=identity, moment=moment, gone=status in _GONE, body=body)


def moment_of(given: Json) -> datetime | None:
    """A capture time: ISO text, or seconds or milliseconds since 1970. Raises ValueError."""
    match given:
        case None:
            return None
        case str():
            found = datetime.fromisoformat(given)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        case int() | float() if not isinstance(given, bool):
            return datetime.fromtimestamp(given / 1000 if given > 1e11 else given, UTC)
        case _:
            raise ValueError(given)


def sources(paths: list[Place]) -> list[Source]:
    """The files that are named, and those in the folders that are. Raises SnapshotError for what is not there."""
    found: list[Place] = []
    for path in paths:
        if path.is_dir():
            found += sorted((each for each in _below(path) if each.name.endswith((".json", ".json.gz"))), key=str)
        elif path.is_file():
            found.append(path.resolve() if isinstance(path, Path) and path.is_symlink() else path)  # somebody named it
        else:
            raise SnapshotError(f"{path}: no such file or folder", "name files of AWS Config, or a folder of them")
    return [source_of(path) for path in dict.fromkeys(found)]


def _below(folder: Place) -> Iterator[Place]:
    """The files below a folder. In a bucket other services' logs lie beside, by the million: those are not listed."""
    if not isinstance(folder, Remote):
        yield from (each for each in folder.rglob("*") if each.is_file())
        return
    inside = {each.name: each for each in folder.iterdir()}
    if ACCOUNT_ID.match(folder.name) and "Config" in inside:
        yield from every(inside["Config"])
    elif any(name == "AWSLogs" or _UNIT.match(name) or ACCOUNT_ID.match(name) for name in inside):
        for name, each in sorted(inside.items()):
            yield from [each] if "." in name else _below(each)
    else:
        yield from every(folder)
