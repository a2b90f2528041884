"""One pack document → Pack: every fault at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from ..documents.reader import Reader, open_document, schema
from ..documents.yaml12 import Path
from ..errors import Problem
from ..model.pack import Ask, Assessment, Control, Pack, Section
from ..model.policy import Severity


def read_pack(source: str, data: bytes, problems: list[Problem]) -> Pack | None:
    """The pack of a file; None where it is at fault, and then `problems` says how."""
    document = open_document(source, data, problems)
    if document is None:
        return None
    reader = PackReader(source, document)
    pack = reader.bounded(lambda: reader.pack(data.decode("utf-8-sig")) if reader.valid() else None)
    problems += reader.problems
    return None if reader.problems else pack


def pack_schema() -> Mapping[str, Any]:
    """The JSON Schema of a pack file."""
    return schema("pack.schema.json")


class PackReader(Reader):
    """One pack document."""

    def valid(self) -> bool:
        """Check the document against the JSON Schema, and that no control is there twice."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a pack is a mapping with framework, title and sections")
            return False
        return self.conforms(pack_schema) and self._distinct()

    def wording(self, path: Path, error: Any) -> str:
        if error.validator == "not":
            return "what is unanswered has neither policies nor anything manual"
        if error.validator == "anyOf" and not path:
            return "a pack has `sections`, or `extends` another"
        if error.validator == "anyOf" and "required" in error.validator_value[0]:
            return "say what answers it: `policies`, `manual` or `unanswered`"
        written = isinstance(error.instance, int | float) and error.validator_value == "string"
        return f"{error.message}{': put it in quotes' if written else ''}"

    def pack(self, text: str) -> Pack:
        given = self.document.value
        name = "-".join(part for part in (given["framework"], given.get("version")) if part)
        if name != PurePath(self.source).stem:
            self.fault(("framework",), f"this is the pack {name}: its file is called {name}.yaml")
        return Pack(
            name=name,
            framework=given["framework"],
            version=given.get("version", ""),
            title=given["title"],
            description=given.get("description", ""),
            references=tuple(given.get("references", ())),
            key=given.get("key", name),
            sections=tuple(self._section(number, entry) for number, entry in enumerate(given.get("sections", ()))),
            source=self.source,
            text=text,
            extends=given.get("extends", ""),
        )

    def _section(self, at: int, entry: Mapping[str, Any]) -> Section:
        controls = (
            self._control(("sections", at, "controls", number), each) for number, each in enumerate(entry["controls"])
        )
        return Section(number=entry.get("number", ""), title=entry["title"], controls=tuple(controls))

    def _control(self, at: tuple[str | int, ...], entry: Mapping[str, Any]) -> Control:
        return Control(
            number=entry["number"],
            title=entry["title"],
            level=entry.get("level"),
            severity=Severity(entry["severity"]) if "severity" in entry else None,
            assessment=Assessment(entry.get("assessment", "automated")),
            asks=tuple(_asks(entry.get("policies", ()))),
            manual=entry.get("manual", ""),
            unanswered=entry.get("unanswered", ""),
            line=self.place(at)[0],
        )

    def _distinct(self) -> bool:
        seen: set[str] = set()
        for at, section in enumerate(self.document.value.get("sections", ())):
            for number, entry in enumerate(section["controls"]):
                if entry["number"] in seen:
                    self.fault(("sections", at, "controls", number, "number"), "this control is there twice")
                seen.add(entry["number"])
        return not self.problems


def _asks(policies: Any) -> Iterator[Ask]:
    for entry in policies:
        for policy, params in (entry if isinstance(entry, dict) else {entry: {}}).items():
            yield Ask(policy=policy, params=params)
