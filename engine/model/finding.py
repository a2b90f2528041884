"""A finding: what one policy says of one resource."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from ...snapshot.model import Json
from .policy import Policy, Severity


class Status(StrEnum):
    """What a policy says of a resource. `ERROR` is a fault of the policy, `UNKNOWN` a gap in the snapshot."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    PASS = "pass"
    NOT_APPLICABLE = "not_applicable"


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A finding as files have it (docs/findings.md): what it has and in which order, for all who write or read one.

    `evidence` is still JSON.
    """

    policy: str
    status: str
    severity: str
    account: str
    region: str
    type: str
    resource: str
    name: str | None
    fingerprint: str
    message: str
    evidence: msgspec.Raw
    remediation: str | None
    waiver: dict[str, str] | None


FIELDS: tuple[str, ...] = Record.__struct_fields__
OF_VERDICT = FIELDS[: FIELDS.index("account")]
OF_RESOURCE = FIELDS[FIELDS.index("account") : FIELDS.index("message")]
assert FIELDS[:2] == ("policy", "status")  # noqa: S101 - a status is found without reading the line


class Kind(StrEnum):
    """Why a failure is waived: somebody lives with it, or something the policy does not see makes up for it."""

    ACCEPTED = "accepted"
    MITIGATED = "mitigated"


class Waived(Struct, frozen=True, kw_only=True):
    """That somebody answers for a failure, through the day `expires` (YYYY-MM-DD)."""

    kind: Kind
    reason: str
    owner: str
    expires: str

    def record(self) -> dict[str, str]:
        """As files have it."""
        return {name: str(value) for name, value in asdict(self).items()}


class Finding(Struct, frozen=True, kw_only=True):
    """One policy on one resource. Its identity does not depend on the verdict, so it can be followed in time.

    `waived` marks a failure; it stays one.
    """

    policy: str
    status: Status
    severity: Severity
    account: str
    region: str
    type: str
    resource: str
    name: str | None
    message: str
    remediation: str | None
    evidence: Mapping[str, Json]
    waived: Waived | None = None

    @property
    def waiver(self) -> dict[str, str] | None:
        """`waived`, as files have it."""
        return self.waived.record() if self.waived else None

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """Also the order of findings: account, policy, region, type, resource."""
        return (self.account, self.policy, self.region, self.type, self.resource)

    @property
    def fingerprint(self) -> str:
        """The identity as 40 hexadecimal digits: the first 28 are the resource's, the others the policy's."""
        return resource_mark(self.account, self.region, self.type, self.resource) + policy_mark(self.policy)


def of_policy(policy: Policy) -> dict[str, Any]:
    """The fields that all findings of a policy share."""
    return {"policy": policy.id, "severity": policy.severity}


def resource_mark(account: str, region: str, kind: str, resource: str) -> str:
    """The part of a fingerprint that all findings on one resource share."""
    return hashlib.sha256(f"{account}\0{region}\0{kind}\0{resource}".encode()).hexdigest()[:28]


def policy_mark(policy: str) -> str:
    """The part of a fingerprint that all findings of one policy share."""
    return hashlib.sha256(policy.encode()).hexdigest()[:12]
