"""A waiver as it is written: whose failures it covers, until when, and for which evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from ...snapshot.format import encode
from ...snapshot.model import EVERYWHERE, Json
from .finding import Waived
from .policy import base
from .scope import ANYWHERE, Scope, fits

Gap = tuple[str, str, str]  # policy, account, region: a type that could not be listed there


class Waiver(Struct, frozen=True, kw_only=True):
    """One entry of stillframe.yaml, of the policies that a pattern fits. `place` is its file and line."""

    policy: str
    scope: Scope = ANYWHERE
    waived: Waived
    evidence: Mapping[str, Json] | str | None = None
    place: str = ""

    def means(self, policy: str) -> bool:
        """Whether it is of a policy."""
        return fits([self.policy], named(policy))

    def meets(self, gap: Gap) -> bool:
        """Whether what is in its scope may be what could not be listed."""
        policy, account, region = gap
        here = region == EVERYWHERE or fits(self.scope.region, [region])
        return self.means(policy) and fits(self.scope.account, [account]) and here

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


def evidence_digest(evidence: Mapping[str, Json]) -> str:
    """Evidence as one line: the SHA-256 of its canonical JSON."""
    return f"sha256:{hashlib.sha256(encode(evidence)).hexdigest()}"


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
