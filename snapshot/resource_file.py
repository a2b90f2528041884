"""Read the resources of a file whose digest is right, and mark what is not as AWS sends it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .catalog import ResourceType, load_catalog
from .errors import SnapshotError
from .files import DAMAGED, FILE, LINE
from .format import TypeEntry, digest, file_name, is_plain, read_line
from .kinds import mark, mark_tags
from .layout import ACCOUNT, Files
from .model import Json, Lines, Resource, Unknown, lines_of
from .remote import read

_SPECIFIED = "docs/snapshot-format.md says what a line holds"


def read_resources(files: Files, account: str, kind: str, entry: TypeEntry) -> Iterator[Resource]:
    """The resources of one file, in its order. Nothing is yielded unless the digest of the whole file is right."""
    last = ("", "")
    for number, line in enumerate(read_lines(files, account, kind, entry).lines, 1):
        resource = parse_line(files, account, kind, line, number)
        if (resource.region, resource.id) <= last:
            where = _shown(files, account, kind)
            raise SnapshotError(f"{where}:{number}: not in the order of region and id, or there twice", _SPECIFIED)
        last = (resource.region, resource.id)
        yield resource


def read_lines(files: Files, account: str, kind: str, entry: TypeEntry) -> Lines:
    """The lines of one file, whose digest and number are right."""
    if entry.sha256 is None:
        if entry.count:
            where = f"{files.folder / account}/{ACCOUNT}"
            raise SnapshotError(f"{where}: {entry.count} of {kind} without a digest", DAMAGED)
        return lines_of(b"", utf8=True, plain=True)
    path = files.resources(account, kind, entry.sha256)
    data = read(path, min(entry.count * LINE, FILE))
    if digest(data) != entry.sha256:
        raise SnapshotError(f"{path}: its digest is not the one in {ACCOUNT}", DAMAGED)
    utf8 = _is_text(data)
    lines = lines_of(data, utf8=utf8, plain=utf8 and is_plain(data))
    if lines.number != entry.count:
        raise SnapshotError(f"{path}: {lines.number} resources where {ACCOUNT} counts {entry.count}", DAMAGED)
    return lines


def _shown(files: Files, account: str, kind: str) -> str:
    """A resource file as people are told of it, wherever its bytes are."""
    return f"{files.folder}/{account}/{file_name(kind)}"


def _is_text(data: bytes) -> bool:
    """Whether all of it is UTF-8. If not, reading the line says where."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_line(files: Files, account: str, kind: str, line: bytes | memoryview, number: int) -> Resource:
    """The resource of a line. What AWS always sends and is not there is unknown; what AWS never sends is, too."""
    path = _shown(files, account, kind)
    resource = _read_line(bytes(line), f"{path}:{number}")
    if (resource.type, resource.account) != (kind, account):
        described = f"{resource.type} of account {resource.account}"
        raise SnapshotError(f"{path}:{number}: it describes {described}", DAMAGED)
    return resource


def _read_line(line: bytes, where: str) -> Resource:
    try:
        resource = read_line(line)
        if spec := load_catalog().get(resource.type):
            complete(resource.config, spec)
        mark_tags(resource.tags, resource.type)
    except (msgspec.DecodeError, UnicodeDecodeError, SnapshotError) as error:
        raise SnapshotError(f"{where}: {error}", _SPECIFIED) from None
    return resource


def complete(config: dict[str, Json], spec: ResourceType) -> None:
    """Mark as unknown, in place, what is not as AWS sends it: lost, though it is always there, or of another kind.

    Without this a lost field would read as null, and null reads as false: `!Public` would pass. The text "false"
    would read as true.
    """
    mark(config, spec.type)
    for steps in spec.always:
        _mark(config, steps, spec, steps)


def _mark(node: Json, steps: tuple[str, ...], spec: ResourceType, way: tuple[str, ...]) -> None:
    step, rest = steps[0], steps[1:]
    if step == "[]":
        for item in node if isinstance(node, list) else ():
            _mark(item, rest, spec, way)
    elif isinstance(node, dict):
        if rest:
            _mark(node.get(step), rest, spec, way)
        elif step not in node:
            node[step] = _lost(spec, way)


def _lost(spec: ResourceType, way: tuple[str, ...]) -> Unknown:
    """Who asks for what is attached writes down what came of it: where nothing is, nobody asked."""
    if len(way) == 1 and (call := spec.attach.get(way[0])):
        return Unknown.because(f"NotAsked: {call.action}, by whoever wrote the snapshot")
    return Unknown.because(f"{spec.type} has no {'.'.join(way).replace('.[]', '[]')}")
