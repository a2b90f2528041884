"""The least that collecting needs to be allowed: the actions of the catalogue's calls, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .catalog import ResourceType
from .chain import CLAIM
from .files import PLAN
from .remote import Remote

_FREE = frozenset({"sts:GetCallerIdentity"})  # needs no permission, and none can deny it
_FINDING = tuple(  # what is called to find an organisation's accounts and units, whatever is asked of them then
    f"organizations:List{what}" for what in ("Accounts", "AccountsForParent", "OrganizationalUnitsForParent", "Roots")
)


def actions(types: Iterable[ResourceType]) -> list[str]:
    """What a role must be allowed in each account."""
    return sorted({call.action for spec in types for call in spec.calls() if not call.caller} - _FREE)


def callers_actions(types: Iterable[ResourceType]) -> list[str]:
    """What the caller must be allowed beside that to collect its organisation; and to assume the roles."""
    return sorted({call.action for spec in types for call in spec.calls() if call.caller} | {*_FINDING})


ROLES = ("reader", "writer", "pruner")


def archive_policy(archive: Remote, role: str, key: str | None) -> str:
    """A policy document with the least that reading an archive in S3 needs, or collecting into it, or pruning it."""
    bucket = f"arn:aws:s3:::{archive.root.partition('//')[2]}"
    inside = f"{bucket}/{archive.key}/" if archive.key else f"{bucket}/"
    # Without listing all of a bucket, what is not there cannot be told from what is denied.
    allowed = [(["s3:ListBucket"], [bucket]), (["s3:GetObject"], [f"{inside}*"])]
    if role != "reader":
        ends = [f"{inside}*"] if role == "pruner" else [f"{inside}*/{name}" for name in (CLAIM, PLAN)]
        allowed += [(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{inside}*"]), (["s3:DeleteObject"], ends)]
    if key:
        allowed.append((["kms:Decrypt", *(["kms:GenerateDataKey"] if role != "reader" else [])], [key]))
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in allowed]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1)


def policy(allowed: Iterable[str]) -> str:
    """A policy document, one action a line."""
    names = ",\n".join(f"   {json.dumps(action)}" for action in allowed)
    head = '{\n "Version": "2012-10-17",\n "Statement": [\n  {"Effect": "Allow", "Resource": "*", "Action": ['
    return f"{head}\n{names}\n  ]}}\n ]\n}}"
