"""The variables of one resource, as expressions see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...snapshot.model import Json, Resource
from ..language.interpret import evaluate
from ..model.policy import Policy

Making = Mapping[str, Callable[["Variables"], Json]]


class Variables(dict[str, Any]):
    """The variables of one resource. A lookup is made, and a name worked out, when it is first read."""

    def __init__(self, fixed: Mapping[str, Json], lookups: Making) -> None:
        super().__init__(fixed)
        self._lookups = lookups

    def __missing__(self, name: str) -> Json:
        found = self[name] = self._lookups[name](self)
        return found


def of_account(policy: Policy, account: str, snapshot_time: str) -> dict[str, Json]:
    """The variables that all resources of an account share."""
    return {"account": account, "params": policy.params, "snapshot_time": snapshot_time}


def of_resource(policy: Policy, resource: Resource, snapshot_time: str, lookups: Making) -> Variables:
    """The variables of a resource, with lookups that are made by functions."""
    return Variables(
        {
            **of_account(policy, resource.account, snapshot_time),
            "type": resource.type,
            "region": resource.region,
            "id": resource.id,
            "name": resource.name,
            "tags": resource.tags,
            "self": resource.config,
        },
        {**lookups, **{name: partial(evaluate, each, resource.config) for name, each in policy.lets.items()}},
    )
