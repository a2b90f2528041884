"""The bytes of a snapshot: canonical JSON, the `$missing` marker, digests, and the files' typed edges.

`docs/snapshot-format.md` specifies all of it, so that others can write snapshots too.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from .errors import SnapshotError
from .model import Json, Resource, Unknown

FORMAT = 1
MISSING = "$missing"
DEPTH = 100

_ESCAPED = re.compile(r"\$+missing\Z")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")

AccountId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
TypeName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]+(::[A-Za-z0-9]+){1,2}\Z")]
Timestamp = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z")
]


class Edge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what stands in files: closed, so that a field we do not know is an error, not a loss."""


class Manifest(Edge, frozen=True, kw_only=True):
    """`manifest.json`: written last, so that a snapshot without one was not finished."""

    format: int
    id: str
    captured_at: Timestamp
    tool: str
    catalog: Digest
    scope: dict[str, Any]
    accounts: dict[AccountId, Digest]


class TypeEntry(Edge, frozen=True, kw_only=True):
    """What one account answered for one resource type. `sha256` is null where there is no resource."""

    count: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Digest | None
    read: list[str]
    missing: dict[str, str]


class Marker(Edge, frozen=True, kw_only=True):
    """`{"$missing": cause}` where the value of a field is not known."""

    cause: str = msgspec.field(name=MISSING)


class AccountFile(Edge, frozen=True, kw_only=True):
    """`ACCOUNT/account.json`: what was asked, what came back, and the digest of each file beside it."""

    format: int
    account: AccountId
    name: str | None
    regions: Annotated[list[str], msgspec.Meta(min_length=1)] | Marker
    types: dict[TypeName, TypeEntry]


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
    return msgspec.json.encode(_out(value), order="sorted" if ordered else None)


def _out(value: Json) -> Json:
    match value:
        case Unknown():
            return {MISSING: str(value)}
        case dict():
            return {_escape(_text(key)): _out(item) for key, item in value.items()}
        case list() | tuple():
            return [_out(item) for item in value]
        case str():
            return _text(value)
        case datetime():
            return timestamp(value)
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "replace")
        case _:
            return value


def _text(value: object) -> str:
    # JSON from AWS may hold half of a surrogate pair, which UTF-8 cannot.
    return _LONE_SURROGATES.sub("\ufffd", str(value))


def _escape(key: str) -> str:
    # A tag may be spelled like the marker. It gets one more dollar here and loses it in `_in`.
    return "$" + key if _ESCAPED.match(key) else key


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
    """One resource from one line. Raises msgspec.DecodeError or SnapshotError."""
    line = _decode_line(data)
    # A key may spell the marker with escapes: every one for an ASCII letter begins with \\u00.
    marked = b'missing"' in data or b"\\u00" in data
    config = decode(line.config) if marked else line.config
    tags: Json = decode(line.tags) if marked else line.tags
    if tags is msgspec.UNSET:
        tags = Unknown.because(f"tags of {line.type} are not collected")
    return Resource(
        type=line.type,
        id=line.id,
        account=line.account,
        region=line.region,
        name=line.name,
        tags=tags,
        config=config,
    )


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
    if not isinstance(resource.tags, Unknown):
        line["tags"] = resource.tags
    return encode(line) + b"\n"


def too_deep(data: bytes) -> bool:
    """Whether JSON is nested beyond what AWS sends: what would end in a recursion error later is refused early."""
    if data.count(b"{") + data.count(b"[") <= DEPTH:
        return False
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", data):
        depth += (byte in b"{[") - (byte in b"}]")
        deepest = max(deepest, depth)
    return deepest > DEPTH


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


def parse(data: bytes, shape: type[msgspec.Struct], path: Path) -> Any:
    """Decode a manifest or account file, refusing a newer format before anything else in it is judged."""
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(
            f"{path}: not JSON ({error})", "the file is damaged: collect again, or restore it"
        ) from None
    found = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise SnapshotError(
            f"{path}: snapshot format {found}, but this version reads up to {FORMAT}",
            "upgrade stillframe to judge this snapshot",
        )
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise SnapshotError(
            f"{path}: {error}",
            "docs/snapshot-format.md says what belongs there; `stillframe snapshot verify` lists all faults",
        ) from None
