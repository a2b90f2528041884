"""A waiver as it is written: whose failures it covers, until when, and for which evidence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import translate
from functools import cache

from ...snapshot.format import encode
from ...snapshot.model import EVERYWHERE, Json
from .finding import Finding, Waived
from .policy import base

Gap = tuple[str, str, str]  # policy, account, region: a type that could not be listed there


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One entry of stillframe.yaml. A scope that is None is any. `place` is its file and line."""

    policy: str
    account: str | None = None
    region: str | None = None
    resource: str | None = None
    waived: Waived
    evidence: Mapping[str, Json] | str | None = None
    place: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is in its scope."""
        return (
            self.policy in named(finding.policy)
            and self.account in (None, finding.account)
            and (self.region is None or glob(self.region, finding.region))
            and (self.resource is None or glob(self.resource, finding.resource))
        )

    def meets(self, gap: Gap) -> bool:
        """Whether what is in its scope may be what could not be listed."""
        policy, account, region = gap
        there = region == EVERYWHERE or self.region is None or glob(self.region, region)
        return self.policy in named(policy) and self.account in (None, account) and there

    def bound(self, evidence: Mapping[str, Json]) -> bool:
        """Whether a finding has the evidence that the waiver was given for."""
        if self.evidence is None:
            return True
        if isinstance(self.evidence, str):
            return self.evidence == evidence_digest(evidence)
        return _canonical(self.evidence) == _canonical(json.loads(encode(evidence)))


def named(policy: str) -> set[str]:
    """The ids that mean a policy: POLICY@PACK is also meant by POLICY."""
    return {policy, base(policy)}


def is_day(text: str) -> bool:
    """Whether text is a day as waivers write it: YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_over(day: str, moment: str) -> bool:
    """Whether a day, in UTC, ended before a moment as snapshots write it."""
    return day < moment[: len(day)]


def wild(pattern: str) -> bool:
    """Whether a pattern stands for more than itself."""
    return "*" in pattern or "?" in pattern


def glob(pattern: str, text: str) -> bool:
    """Whether text is what a pattern says: `*` is any text, `?` one character, all else itself."""
    return _matcher(pattern).match(text) is not None if wild(pattern) else pattern == text


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))


def evidence_digest(evidence: Mapping[str, Json]) -> str:
    """Evidence as one line: the SHA-256 of its canonical JSON."""
    return f"sha256:{hashlib.sha256(encode(evidence)).hexdigest()}"


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
