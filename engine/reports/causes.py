"""Why findings are unknown, as few causes: what was not asked, what was not allowed, and what would make it known."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from ...snapshot.error_kinds import KINDS, NOT_ASKED, OTHER, kind_of_cause
from ..loading.pack_files import shipped_packs
from ..model.finding import Status
from ..model.pack import Pack
from .report import Record

_NOT_COLLECTED = re.compile(r"(\S+) was not collected from (?:account \d+$|(\S+) in account \d+$)")
_TYPE, _REGION, _VALUE, _FAULT = "type not collected", "region not collected", "value not as AWS sends it", "error"
_ACTION = re.compile(r"[a-z0-9-]+:[A-Z]\w+")
_IN = re.compile(r"\b(AWS::\S+) in [a-z]+-[a-z0-9-]+-[0-9]+\b")  # a place that would make one cause many
_SHOWN = 200
UNASKED = (_TYPE, NOT_ASKED.name)
_ADVICE = {kind.name: kind.advice for kind in KINDS} | {
    **dict.fromkeys(UNASKED, "a collection for these policies asks for it"),
    _REGION: "collect without --regions, or with these as well",
    _FAULT: "correct the policy: each finding says what is wrong with it",
}


class Causes(Struct):
    """The causes of what is unknown, as findings pass: of each in how many it is, and by which policies."""

    _findings: dict[tuple[str, str], int] = field(default_factory=dict)
    _policies: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Count a finding that is unknown or in error."""
        for key in [(_FAULT, record.policy)] if record.status == Status.ERROR else causes(record.message):
            self._findings[key] = self._findings.get(key, 0) + 1
            self._policies.setdefault(key, set()).add(record.policy)

    def data(self) -> Iterator[dict[str, Any]]:
        """Of each kind of cause, that of most findings first, what it is about and what would help."""
        kinds: Counter[str] = Counter()
        for (kind, _), number in self._findings.items():
            kinds[kind] += number
        for kind, _ in kinds.most_common():
            found = {what: number for (each, what), number in self._findings.items() if each == kind}
            about = sorted(found, key=lambda what: (-found[what], what))
            yield {
                "kind": kind,
                "about": about[:_SHOWN],
                "more": max(len(about) - _SHOWN, 0),
                "policies": sorted(set().union(*(self._policies[kind, what] for what in about))),
                "advice": _ADVICE.get(kind, ""),
                "unasked": kind in UNASKED,
            }


def collecting(packs: Sequence[Pack]) -> str:
    """The command that asks for all that packs read; or for all there is, where none is named."""
    shipped = shipped_packs()
    named = (["--pack", pack.name if pack.name in shipped else pack.source] for pack in packs)
    return shlex.join(["stillframe", "collect", *(word for words in named for word in words)])


@lru_cache(maxsize=10_000)
def causes(message: str) -> tuple[tuple[str, str], ...]:
    """The causes that the message of an unknown finding names: each a kind, and what it is about."""
    return tuple(dict.fromkeys(map(_cause, message.split("; "))))


def _cause(text: str) -> tuple[str, str]:
    if found := _NOT_COLLECTED.match(text):
        return (_REGION, found[2]) if found[2] else (_TYPE, found[1])
    kind = kind_of_cause(text)
    if kind is OTHER:
        return _VALUE, text
    told = text.partition(": ")[2]
    action = _ACTION.match(told)
    return kind.name, action[0] if action else _IN.sub(r"\1", told) or text
