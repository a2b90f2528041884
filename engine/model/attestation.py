"""An attestation as it is written: what somebody says of a control that no policy answers, until a day."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Said(StrEnum):
    """What an attestation may say of a control."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


class Attestation(Struct, frozen=True, kw_only=True):
    """One entry of stillframe.yaml. `place` is its file and line."""

    pack: str
    control: str
    status: Said
    who: str
    when: str
    evidence: str
    expires: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.who}, {self.when}, until {self.expires}: {self.evidence}"
