"""Why a finding changed, as data: each cause, with what it was before and what it is now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.format import decode, encode
from ...snapshot.model import Json

ABSENT, PRESENT, READ = "absent", "present", "read"


class Cause(StrEnum):
    """What can change a finding. `RESOURCE` is that it appeared or vanished, `COVERAGE` what could be read of it."""

    CONFIGURATION = "configuration"
    COVERAGE = "coverage"
    RESOURCE = "resource"
    POLICY = "policy"
    WAIVER = "waiver"
    TIME = "time"


class Place(Struct, frozen=True, kw_only=True):
    """A resource, or with no `resource` all of a type in an account and region."""

    type: str
    account: str
    region: str
    resource: str | None


class Detail(Struct, frozen=True, kw_only=True):
    """One thing that was `before` and is `after`: a field, a parameter, a list. `of` is None for the finding's own."""

    of: Place | None = None
    path: str | None
    before: Json
    after: Json

    def mirrored(self) -> Detail:
        return replace(self, before=self.after, after=self.before)


class Why(Struct, frozen=True, kw_only=True):
    """One cause of a change. `alone` says that it was enough by itself; those that are not took each other."""

    cause: Cause
    alone: bool = True
    details: tuple[Detail, ...] = ()

    def mirrored(self) -> Why:
        """The same, read backwards."""
        return replace(self, details=tuple(detail.mirrored() for detail in self.details))


def why_record(whys: Iterable[Why]) -> list[dict[str, Any]]:
    """Causes as files have them: docs/findings.md."""
    return [
        {"cause": why.cause.value, "alone": why.alone, "details": [_detail_record(each) for each in why.details]}
        for why in whys
    ]


def read_why(text: bytes | msgspec.Raw) -> list[Why]:
    """The causes that a line of a file has."""
    return msgspec.convert(decode(msgspec.json.decode(text)), list[Why])


def _detail_record(detail: Detail) -> dict[str, Any]:
    of = detail.of
    place = of and {"type": of.type, "account": of.account, "region": of.region, "resource": of.resource}
    return {"of": place, "path": detail.path, "before": detail.before, "after": detail.after}


def why_lines(whys: Iterable[Why]) -> Iterator[str]:
    """Causes for people, a line for each thing that changed: `configuration: Name "a" → "b"`."""
    for why in whys:
        for detail in why.details:
            head = f"{why.cause}{'' if why.alone else ' (not alone)'}:"
            words = (head, _place(detail.of), detail.path, f"{_text(detail.before)} → {_text(detail.after)}")
            yield " ".join(word for word in words if word)


def _place(of: Place | None) -> str:
    if of is None:
        return ""
    if of.resource and of.resource.startswith("arn:"):  # which says where it is
        return f"{of.type} {of.resource}"
    return " ".join(word for word in (of.type, of.account, of.region, of.resource) if word)


def _text(value: Json) -> str:
    return value if value in (ABSENT, PRESENT, READ) else encode(value).decode()
