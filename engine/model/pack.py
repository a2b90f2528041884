"""What a pack is: sections of controls, each answered by policies, by people, or not yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct, field

from ...snapshot.model import Json
from .policy import Severity


class Assessment(StrEnum):
    """How the framework has a control assessed."""

    AUTOMATED = "automated"
    MANUAL = "manual"


class Ask(Struct, frozen=True, kw_only=True):
    """One policy that answers a control, and the parameters that differ from how it is written."""

    policy: str
    params: Mapping[str, Json]


class Control(Struct, frozen=True, kw_only=True):
    """One control. `manual` says what is left to people, `unanswered` what is missing; `line` is where it stands in the
    pack's file, or in that `source`.
    """

    number: str
    title: str
    level: int | None = None
    severity: Severity | None = None
    assessment: Assessment = Assessment.AUTOMATED
    asks: tuple[Ask, ...] = ()
    manual: str = ""
    unanswered: str = ""
    line: int = 0
    source: str = ""


class Section(Struct, frozen=True, kw_only=True):
    """Controls that belong together."""

    number: str = ""
    title: str
    controls: tuple[Control, ...]

    @property
    def heading(self) -> str:
        return f"{self.number} {self.title}".strip()


class Pack(Struct, frozen=True, kw_only=True):
    """One pack file. `key` is what policies call it under `frameworks`; `source` and `text` are the file's.

    `bases` are the packs that it builds on, each to the digest of its text: the one that it `extends`, and so on.
    """

    name: str
    framework: str
    version: str
    title: str
    description: str = ""
    references: tuple[str, ...] = ()
    key: str
    sections: tuple[Section, ...]
    source: str
    text: str
    extends: str = ""
    bases: Mapping[str, str] = field(default_factory=dict)

    def controls(self) -> Iterator[Control]:
        for section in self.sections:
            yield from section.controls

    def asks(self) -> Iterator[Ask]:
        for control in self.controls():
            yield from control.asks
