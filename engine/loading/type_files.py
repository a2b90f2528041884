"""Files of resource types of one's own: YAML → catalogue entries, with every fault of every file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...snapshot.format import CarriedType
from ...snapshot.own_types import EXTENDING, entry_schema, ships, taken
from ..documents.named_files import read_below, read_named, yaml_files
from ..documents.reader import Reader, open_document
from ..documents.yaml12 import Path as Steps
from ..errors import CatalogueError, EvaluationError, Problem
from ..judging.growth import is_steady
from ..language.parser import parse
from ..suggest import suggest, unreadable

_EXPRESSIONS = ("id", "name", "region", "tags", "items", "result", "when", "until")
_STEPS = 2_000  # for each value of an answer: nobody counts them. What ships takes at most 1,287
_REQUIRED = ("list", "id")


class TypeFile(Reader):
    """One file of resource types."""

    def entries(self) -> Iterator[tuple[str, CarriedType]]:
        """Its types by name; only where it has no fault. Nothing is known of the kinds of their values here."""
        given: dict[str, Any] = self.document.value
        for name, entry in given["resources"].items():
            service = given["service"]
            yield name, CarriedType(service=service, iam=given.get("iam", service), entry=entry, kinds={})

    def check(self) -> None:
        """Note every fault that can be seen without AWS's models."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a file of resource types is a mapping with service and resources")
        elif self.conforms(entry_schema):
            for name, entry in self.document.value["resources"].items():
                self._check_entry(("resources", name), name, entry)

    def _check_entry(self, at: Steps, name: str, entry: Mapping[str, Any]) -> None:
        if not ships(name):
            if missing := [word for word in _REQUIRED if word not in entry]:
                self.fault(at, f"missing {', '.join(map(repr, missing))}", key=True)
        else:
            for word in entry.keys() - EXTENDING:
                self.fault((*at, word), f"{name} ships: say only {', '.join(EXTENDING)} of it", key=True)
            for each in entry.get("attach", {}).keys() & taken(name):
                self.fault((*at, "attach", each), f"{name} has a field {each}: call it something else", key=True)
            for word in ("always", "json", "redact", "volatile"):
                for number, path in enumerate(entry.get(word, ())):
                    first = path.partition(".")[0].partition("[")[0]
                    if first not in entry.get("attach", {}):
                        known = suggest(first, entry.get("attach", {}))
                        self.fault((*at, word, number), f"{name} ships: this is not attached here{known}")
        for path, text in expressions(entry, at):
            try:
                if not is_steady(parse(text), _STEPS):
                    self.fault(path, "too much is made of an answer: name the fields that count")
            except EvaluationError as error:
                self.fault(path, str(error), offset=error.at)


def expressions(entry: Any, at: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Each expression of an entry, and where it stands."""
    for key, value in entry.items() if isinstance(entry, dict) else ():
        if key in _EXPRESSIONS and isinstance(value, str):
            yield (*at, key), value
        elif key == "with":
            yield from (((*at, key, name), text) for name, text in value.items())
        elif key not in ("params", "leaves_out"):
            yield from expressions(value, (*at, key))


def read_type_files(paths: Sequence[Path]) -> list[TypeFile]:
    """The files of types among files and folders. Raises CatalogueError with every fault of any of them."""
    problems: list[Problem] = []
    found: list[TypeFile] = []
    for path in paths:
        for source, data in _read(path, problems):
            document = open_document(source, data, problems)
            if document:
                reader = TypeFile(source, document)
                reader.bounded(reader.check)
                problems += reader.problems
                found.append(reader)
    if not problems:
        _distinct(found, problems)
    if problems:
        raise CatalogueError(problems)
    return found


def _read(path: Path, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    try:
        if not path.is_dir():
            yield str(path), read_named(path)
            return
        inside = yaml_files(path)
        if not inside:
            problems.append(Problem(path=str(path), line=0, column=0, message="no types here: no *.yaml file"))
        for file in inside:
            yield str(file), read_below(file, path)
    except OSError as error:
        problems.append(Problem(path=str(path), line=0, column=0, message=unreadable(path, error)))


def _distinct(found: Sequence[TypeFile], problems: list[Problem]) -> None:
    first: dict[str, str] = {}
    for file in found:
        for name, _ in file.entries():
            line, column = file.place(("resources", name), key=True)
            place = f"{file.source}:{line}:{column}"
            if first.setdefault(name, place) != place:
                message = f"{name} is already in {first[name]}"
                problems.append(Problem(path=file.source, line=line, column=column, message=message))
