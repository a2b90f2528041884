"""The least that collecting needs to be allowed: the actions of the catalogue's calls, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .catalog import ResourceType

_FREE = frozenset({"sts:GetCallerIdentity"})  # needs no permission, and none can deny it
_FINDING = ("organizations:ListAccounts", "organizations:ListAccountsForParent", "organizations:ListRoots")


def actions(types: Iterable[ResourceType]) -> list[str]:
    """What a role must be allowed in each account."""
    return sorted({call.action for spec in types for call in spec.calls() if not call.caller} - _FREE)


def callers_actions(types: Iterable[ResourceType]) -> list[str]:
    """What the caller must be allowed beside that to collect its organisation; and to assume the roles."""
    return sorted({call.action for spec in types for call in spec.calls() if call.caller} | {*_FINDING})


def policy(allowed: Iterable[str]) -> str:
    """A policy document, one action a line."""
    names = ",\n".join(f"   {json.dumps(action)}" for action in allowed)
    head = '{\n "Version": "2012-10-17",\n "Statement": [\n  {"Effect": "Allow", "Resource": "*", "Action": ['
    return f"{head}\n{names}\n  ]}}\n ]\n}}"
