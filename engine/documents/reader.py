"""Read a YAML document against a JSON Schema: every fault at once, each with its place and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from msgspec import Struct, field

from ...snapshot.files import packaged
from ...snapshot.validation import validator
from ..errors import Problem
from ..suggest import suggest
from .schema_check import Check, compiled
from .yaml12 import Document, Path, Place, YamlError, load

T = TypeVar("T")
MOST = 100  # faults of a file


class TooManyFaultsError(Exception):
    """Of one file: those that are left nobody would read."""


@cache
def schema(name: str) -> Mapping[str, Any]:
    """A JSON Schema of those in `policies/`."""
    found: Mapping[str, Any] = json.loads(schema_text(name))
    return found


def schema_text(name: str) -> str:
    return packaged("policies", name).read_text("utf-8")


def unfit(schema: Mapping[str, Any], value: Any) -> str:
    """What a JSON Schema has against a value, in the words of jsonschema; empty where it has nothing."""
    check = compiled(schema)
    if check and check(value):
        return ""
    fault = next(validator(schema).iter_errors(value), None)
    return str(fault.message) if fault else ""


@cache
def _check(schema: Callable[[], Mapping[str, Any]]) -> Check | None:
    return compiled(schema())


def open_document(source: str, data: bytes, problems: list[Problem]) -> Document | None:
    """The YAML document of a file; None where it is not one, and then `problems` says why."""
    try:
        return load(data)
    except YamlError as error:
        lines = data.decode("utf-8", "replace").splitlines()
        problems += [
            Problem(path=source, line=line, column=column, message=text, source="".join(lines[line - 1 : line]))
            for line, column, text in error.places[:MOST]
        ]
        if len(error.places) > MOST:
            problems.append(_more(source))
        return None


def _more(source: str) -> Problem:
    return Problem(path=source, line=0, column=0, message=f"has more faults than these, which are the first {MOST}")


class Reader(Struct):
    """One document. Faults are gathered in `problems`, so that all are shown at once."""

    source: str
    document: Document
    problems: list[Problem] = field(default_factory=list)
    told: int = 0

    def place(self, path: Path, *, key: bool = False) -> Place:
        """The line and column of the value of a path, or of its key."""
        return (self.document.keys.get(path) if key else None) or self.document.place(path)

    def fault(self, path: Path, message: str, *, key: bool = False, offset: int | None = None) -> None:
        """Note a fault at the value of a path, or at its key; with `offset`, at that character of its text."""
        line, column = self.place(path, key=key) if offset is None else self.document.locate(path, offset, key=key)
        shown = "".join(self.document.text.splitlines()[line - 1 : line])
        problem = Problem(path=self.source, line=line, column=column, message=message, source=shown)
        if problem not in self.problems:  # a schema says once for each key that several are missing
            self.problems.append(problem)
            self.told += 1
        if self.told > MOST:
            self.problems[-1] = _more(self.source)
            raise TooManyFaultsError

    def bounded(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None where that has so many faults that to word each would take too long."""
        try:
            return read()
        except TooManyFaultsError:
            return None

    def conforms(self, schema: Callable[[], Mapping[str, Any]]) -> bool:
        """Check the document against a JSON Schema: a function that gives it, as it is compiled once."""
        check = _check(schema)
        if not (check and check(self.document.value)):
            for error in validator(schema()).iter_errors(self.document.value):
                self._explain(error)
        return not self.problems

    def wording(self, path: Path, error: Any) -> str:  # noqa: ARG002 - a reader of one kind of file may need it
        """What to say of a fault for which there are no words here."""
        return str(error.message)

    def beside(self, path: Path) -> Sequence[str]:  # noqa: ARG002 - as above
        """The keys that a mapping may have beside those of the schema."""
        return ()

    def inside(self, error: Any) -> Sequence[Any]:  # noqa: ARG002 - as above
        """The faults of a part that say more than that of the whole, if there are any."""
        return ()

    def _explain(self, error: Any) -> None:
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known, alike = error.schema.get("properties", {}), error.schema.get("patternProperties", ())
            for name in error.instance:
                if name not in known and not any(re.search(pattern, name) for pattern in alike):
                    there = [*known, *self.beside(path)]
                    self.fault((*path, name), f"unknown key {name!r}{suggest(name, there)}", key=True)
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            self.fault(path, f"missing {', '.join(map(repr, missing))}")
        elif error.validator == "enum":
            choices = ", ".join(map(str, error.validator_value))
            self.fault(path, f"{error.instance!r} is none of {choices}{_close(error)}")
        elif inside := self.inside(error):
            for each in inside:
                self._explain(each)
        elif "propertyNames" in error.absolute_schema_path:
            self.fault(path, f"{error.instance!r} cannot be a name here")
        else:
            self.fault(path, self.wording(path, error))


def _close(error: Any) -> str:
    words = [word for word in error.validator_value if isinstance(word, str)]
    hint = suggest(str(error.instance), words)
    return hint if "did you mean" in hint else ""
