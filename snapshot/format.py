"""The bytes of a snapshot: canonical JSON, the `$missing` marker, digests, and the files' typed edges.

`docs/snapshot-format.md` specifies all of it, so that others can write snapshots too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, ClassVar

import msgspec

from .errors import SnapshotError
from .model import EVERYWHERE, GLOBAL, Json, Resource, Unknown
from .names import CARRIED, HALVES, REGIONS

FORMAT = 1  # of files in folders, and of every account file
BY_DIGEST = 2  # of a manifest whose account and resource files are named by their digests
MISSING = "$missing"
DEPTH = 100
TOO_DEEP = f"nested more than {DEPTH} deep"
NO_NUMBER = "MalformedValue: a number beyond all size, or none"

_ESCAPED = re.compile(r"\$+missing\Z")
_TEXT = rb'"(?:[^"\\]++|\\.?)*+"?'  # also one without an end, so that none is read twice
_STRINGS = re.compile(_TEXT, re.DOTALL)
_MARKS = re.compile(_TEXT + rb"|[][{}]", re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")
_CUT = b'{"%b":"MalformedValue: %b"}' % (MISSING.encode(), TOO_DEEP.encode())

AccountId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Timestamp = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z")
]


class Edge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what stands in files: closed, so that a field we do not know is an error, not a loss."""


class Previous(Edge, frozen=True, kw_only=True):
    """The snapshot that was the last of its archive when another was finished, with the digest of its manifest."""

    id: str
    sha256: Digest


class CarriedType(Edge, frozen=True, kw_only=True):
    """A catalogue entry of somebody's own, as a snapshot carries it, with the kinds of its values.

    `kinds` are as `kinds.json` has them, but name each field that there is, with null where it may be anything.
    """

    service: str
    iam: str
    entry: dict[str, Any]
    kinds: dict[str, Any]


class Manifest(Edge, frozen=True, kw_only=True):
    """`manifest.json`: written last, so that a snapshot without one was not finished."""

    newest: ClassVar[int] = BY_DIGEST

    format: int
    id: str
    captured_at: Timestamp
    tool: str
    catalog: Digest
    scope: dict[str, Any]
    accounts: dict[AccountId, Digest]
    previous: Previous | None = None
    types: Annotated[dict[str, CarriedType], msgspec.Meta(max_length=CARRIED)] | msgspec.UnsetType = msgspec.UNSET


class TypeEntry(Edge, frozen=True, kw_only=True):
    """What one account answered for one resource type. `sha256` is null where there is no resource."""

    count: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str | None
    read: Annotated[list[str], msgspec.Meta(max_length=REGIONS)]
    missing: Annotated[dict[str, str], msgspec.Meta(max_length=REGIONS)]

    def __post_init__(self) -> None:
        if self.count and not self.read:
            raise ValueError(f"{self.count} resources, though nothing was read")
        if EVERYWHERE in self.read:
            raise ValueError(f"{EVERYWHERE!r} is read: name each region, or {GLOBAL!r}")
        if self.missing and (both := sorted({*self.read} & {*self.missing})):
            raise ValueError(f"{', '.join(both)} is both read and missing")


class Marker(Edge, frozen=True, kw_only=True):
    """`{"$missing": cause}` where the value of a field is unknown."""

    cause: str = msgspec.field(name=MISSING)


class _AccountHead(Edge, frozen=True, kw_only=True):
    format: int
    account: str
    name: str | None
    regions: Annotated[list[str], msgspec.Meta(min_length=1, max_length=REGIONS)] | Marker
    filled: dict[str, dict[str, list[str]]] | msgspec.UnsetType = msgspec.UNSET  # of an import


class AccountFile(_AccountHead, frozen=True, kw_only=True):
    """`ACCOUNT/account.json`: what was asked, what came back, and the digest of each file beside it."""

    types: dict[str, TypeEntry]


class AccountIndex(_AccountHead, frozen=True, kw_only=True):
    """The same, with its entries as text: of a fleet's many, each is read when it is asked for."""

    types: dict[str, msgspec.Raw]


class Line(Edge, frozen=True, kw_only=True):
    """One line of a resource file. `tags` is absent where the collector does not read tags."""

    type: str
    id: str
    account: str
    region: str
    name: str | None
    config: dict[str, Any]
    tags: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


def encode(value: Json, *, ordered: bool = True) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, no spaces. Unknown values become markers; equal data, equal bytes."""
    try:
        return msgspec.json.encode(_out(value), order="sorted" if ordered else None)
    except RecursionError:
        raise SnapshotError(TOO_DEEP) from None


def _out(value: Json) -> Json:
    return _OUT.get(value.__class__, _other)(value)


def _object(value: dict[Any, Json]) -> dict[str, Json]:
    return {spelled(key): _out(item) for key, item in value.items()}


def _array(value: Sequence[Json]) -> list[Json]:
    return [_out(item) for item in value]


def _other(value: Json) -> Json:
    match value:
        case dict():
            return _object(value)
        case list() | tuple():
            return _array(value)
        case str():
            return _text(value)
        case datetime():
            return timestamp(value)
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "replace")
        case Unknown():
            return {MISSING: str(value)}
        case float() if not isfinite(value):
            return {MISSING: NO_NUMBER}  # JSON has no such, and null would say that there is nothing
        case _:
            return value


def _text(value: object) -> str:
    # JSON from AWS may hold half of a surrogate pair, which UTF-8 cannot.
    text = str(value)
    return text if text.isascii() else HALVES.sub("\ufffd", text)


def spelled(key: Any) -> str:
    """A key as it is written: a tag that is spelled like the marker gets one more dollar, and loses it in `decode`."""
    if key.__class__ is str and key.isascii() and not key.startswith("$"):
        return key
    text = _text(key)
    return "$" + text if text[:1] == "$" and _ESCAPED.match(text) else text


_OUT: Mapping[type, Callable[[Any], Json]] = {
    Unknown: lambda unknown: {MISSING: str(unknown)},
    dict: _object,
    list: _array,
    tuple: _array,
    str: _text,
    **dict.fromkeys((bool, int, type(None), msgspec.Raw), lambda value: value),
}


def decode(value: Json) -> Json:
    """Turn what `encode` wrote back into values: markers become Unknown, escaped keys lose their escape."""
    match value:
        case {"$missing": str(cause)} if len(value) == 1:
            return Unknown.because(*cause.split("; "))
        case dict() if MISSING in value:
            raise SnapshotError(f"a {MISSING} marker must stand alone, with its cause as text")
        case dict():
            return {key[1:] if _ESCAPED.match(key) else key: decode(item) for key, item in value.items()}
        case list():
            return [decode(item) for item in value]
        case _:
            return value


_decode_line = msgspec.json.Decoder(Line).decode


def read_line(data: bytes) -> Resource:
    """One resource from one line. What is nested too deeply is unknown. Raises msgspec.DecodeError or SnapshotError."""
    data = cut(data)
    line = _decode_line(data)
    known = all_known(data)
    config = line.config if known else decode(line.config)
    tags: Json = line.tags if known else decode(line.tags)
    if not isinstance(config, dict):
        raise SnapshotError("`config` is a marker: say of each field whether it is known")
    if tags is msgspec.UNSET:
        tags = not_collected(line.type)
    return Resource(
        type=line.type,
        id=line.id,
        account=line.account,
        region=line.region,
        name=line.name,
        tags=tags,
        config=config,
    )


def all_known(data: bytes) -> bool:
    """Whether lines hold nothing that `decode` would change: no marker, and no key that is spelled like it."""
    # A key may spell the marker with escapes: every one for an ASCII letter begins with \\u00.
    return b'missing"' not in data and b"\\u00" not in data


def is_plain(data: bytes) -> bool:
    """Whether lines hold no name that means something to us, `$missing` or `$id`, however it is spelled."""
    # Looking for one byte is ten times as quick as looking for a word, and most data has neither.
    if b"\\" in data and b"\\u00" in data:
        return False
    return b"$" not in data or (b'missing"' not in data and b'"$id"' not in data)


def write_line(resource: Resource) -> bytes:
    """One line of a resource file, with its newline."""
    line: dict[str, Json] = {
        "type": resource.type,
        "id": resource.id,
        "account": resource.account,
        "region": resource.region,
        "name": resource.name,
        "config": resource.config,
    }
    if resource.tags != not_collected(resource.type):
        line["tags"] = resource.tags
    return encode(line) + b"\n"


def not_collected(kind: str) -> Unknown:
    """The tags of a type whose tags the collector does not read: a line leaves them out."""
    return Unknown.because(f"tags of {kind} are not collected")


def too_deep(data: bytes, most: int = DEPTH) -> bool:
    """Whether JSON is nested beyond what AWS sends: what would end in a recursion error later is refused early."""
    if data.count(b"{") + data.count(b"[") <= most:
        return False
    brackets = _STRINGS.sub(b"", data).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(most):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def cut(data: bytes) -> bytes:
    """JSON with a marker in the place of each value that goes deeper than may be, and so without a depth of its own."""
    if not too_deep(data):
        return data
    kept, depth, start, opened, deeper = list[bytes](), 0, 0, 0, False
    for mark in _MARKS.finditer(data):
        if mark[0] in (b"[", b"{"):
            depth += 1
            if depth == DEPTH:
                opened, deeper = mark.start(), False
            deeper = deeper or depth > DEPTH
        elif mark[0] in (b"]", b"}"):
            if depth == DEPTH and deeper:
                kept += [data[start:opened], _CUT]
                start = mark.end()
            depth -= 1
    return b"".join([*kept, data[start:] if depth < DEPTH else data[start:opened]])  # one without an end is no JSON


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_name(kind: str) -> str:
    """`AWS::EC2::VPC` → `AWS-EC2-VPC.jsonl`. No file name is ever read from a snapshot."""
    return kind.replace("::", "-") + ".jsonl"


def timestamp(moment: datetime) -> str:
    """ISO-8601 UTC with `Z`, to the second, or to the microsecond where there is a fraction."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return utc.isoformat().replace("+00:00", "Z")


def snapshot_id(moment: datetime) -> str:
    """A capture time as a folder name: colons are not allowed on every file system."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def parse(data: bytes, shape: type[msgspec.Struct], path: object) -> Any:
    """Decode a manifest or account file, refusing a newer format before anything else in it is evaluated."""
    try:
        found = msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(data, error, shape, path) from None
    version: int = getattr(found, "format", FORMAT)
    if version > _newest(shape):
        raise _newer(version, shape, path)
    if version < 1:
        raise SnapshotError(f"{path}: snapshot format {version}", "there is none before 1: collect again")
    return found


def _refused(data: bytes, error: Exception, shape: type, path: object) -> SnapshotError:
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        return SnapshotError(f"{path}: not JSON ({fault})", "the file is damaged: collect again, or restore it")
    found = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > _newest(shape):
        return _newer(found, shape, path)
    return SnapshotError(
        f"{path}: {error}",
        "docs/snapshot-format.md says what belongs there; `stillframe snapshot verify` lists all faults",
    )


def _newest(shape: type) -> int:
    return getattr(shape, "newest", FORMAT)


def _newer(found: int, shape: type, path: object) -> SnapshotError:
    return SnapshotError(
        f"{path}: snapshot format {found}, but this version reads up to {_newest(shape)}",
        "upgrade stillframe to evaluate this snapshot",
    )
