"""Resource types of one's own: read from their files, and held against AWS's API models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...snapshot.errors import ArgumentError
from ...snapshot.format import CarriedType
from ...snapshot.names import CARRIED
from ...snapshot.own_types import ships, spec_of
from ..authoring.resources import pick_type
from ..documents.reader import open_document
from ..documents.yaml12 import Document, YamlError, load
from ..errors import CatalogueError, Problem
from ..linting.own_types import check, kinds_of
from ..loading.type_files import TypeFile, read_type_files
from ..suggest import suggest

if TYPE_CHECKING:
    from ...snapshot.collector.rehearse import Rehearsal


def read_types(paths: Sequence[Path], *, checked: bool) -> dict[str, CarriedType]:
    """The types of files and folders. Raises CatalogueError with every fault of any of them.

    Where they are `checked`, they know the kinds of their values: so a collector may ask for them.
    """
    files = read_type_files(paths)
    found = {name: own for file in files for name, own in file.entries()}
    if len(found) > CARRIED:
        raise ArgumentError(f"{len(found):,} resource types, where a snapshot carries {CARRIED:,}", "name fewer files")
    if not checked:
        return found
    from ...snapshot.collector import api_models

    for file in files:
        file.bounded(lambda file=file: check(file, api_models))  # type: ignore[misc]
    if problems := [problem for file in files for problem in file.problems]:
        raise CatalogueError(problems)
    return {
        name: msgspec.structs.replace(
            own,
            kinds=kinds_of(
                spec_of(name, own), list(own.entry.get("attach", ())) if ships(name) else None, api_models.output_type
            ),
        )
        for name, own in found.items()
    }


def draft_type(service: str, operation: str) -> tuple[str, list[Problem]]:
    """A first entry for what a call lists, and what only people can complete in it. Raises ArgumentError."""
    from ...snapshot.collector import api_models
    from ...snapshot.collector.draft import draft

    services = api_models.services()
    if service not in services:
        fault = f"boto3 has no service {service}{suggest(service, services)}"
        raise ArgumentError(fault, "write it as boto3 has it, such as s3")
    if operation not in (calls := api_models.operations(service)):
        fault = f"{service} has no call {operation}{suggest(operation, calls)}"
        raise ArgumentError(fault, "write it as AWS's API reference has it, such as ListBuckets")
    text = draft(service, operation)
    document = open_document("-", text.encode(), [])
    for name in document.value["resources"] if document else ():
        if ships(name):
            raise ArgumentError(f"{name} ships", f"`stillframe resource show {name}` shows what there is of it")
    file = TypeFile("-", document or Document(""))
    file.bounded(file.check)
    if not file.problems:
        file.bounded(lambda: check(file, api_models))
    return text, file.problems


def test_type(name: str, answers: Path | None) -> list[Rehearsal]:
    """The resources that an entry makes of answers: of a file, operation → answer, or made up. Raises ArgumentError."""
    from ...snapshot.collector.rehearse import rehearse

    recorded = None
    if answers is not None:
        try:
            recorded = load(answers.read_bytes()).value
        except (OSError, YamlError) as error:
            raise ArgumentError(f"{answers}: cannot be read ({error})") from None
        if not isinstance(recorded, dict) or not all(isinstance(each, dict) for each in recorded.values()):
            raise ArgumentError(f"{answers}: not a mapping of operations to their answers")
    return rehearse(pick_type(name), recorded)
