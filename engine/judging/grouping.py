"""Groups of a rollup: what its `per` says of a resource is the name of its group."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ...snapshot.catalog import ACCOUNT_TYPE
from ...snapshot.errors import SnapshotError
from ...snapshot.format import encode
from ...snapshot.model import Account, Json, Resource, Unknown
from ..errors import EvaluationError
from ..functions.budget import charge_values
from ..functions.unknowns import unknown_in
from ..language.interpret import evaluate
from ..model.finding import Finding
from ..model.policy import Policy, Within
from ..model.scope import unit_path
from .scope import of_resource

Group = str | Unknown
_AMBIGUOUS = re.compile(rf'[\[{{"]|(?:|null|true|false|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|{ACCOUNT_TYPE})\Z')


def is_grouped(policy: Policy) -> bool:
    """Whether a policy has a finding for each group."""
    return policy.rollup is not None and (policy.rollup.unit or policy.rollup.by is not None)


def group_of(policy: Policy, resource: Resource, snapshot_time: str) -> Group:
    """The group of a resource: text as it is, anything else as JSON. Raises OverBudget where steps are counted."""
    assert policy.rollup is not None and policy.rollup.by is not None  # noqa: S101, PT018 - the caller looked
    try:
        value = evaluate(policy.rollup.by, resource.config, of_resource(policy, resource, snapshot_time, {}))
        charge_values(value)
        gap = unknown_in(value)
        return text_of(value) if gap is None else gap
    except (EvaluationError, SnapshotError) as error:
        return Unknown.because(str(error))
    except RecursionError:
        return Unknown.because("the data is nested too deeply")


def text_of(value: Json) -> str:
    """Text as it is, anything else as JSON; and so is text that would read as something else, and empty text.

    No two values that differ have one text, nor has any that of what nobody can place.
    """
    return value if isinstance(value, str) and not _AMBIGUOUS.match(value) else encode(value).decode()


def is_folded(policy: Policy, finding: Finding, resource: Resource, account: Account, snapshot_time: str) -> bool:
    """Whether a rollup's finding is about a resource of an account: one that it folds, or that it may have to."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    if not policy.is_wide() and finding.account != account.id:
        return False
    if not is_grouped(policy):
        return policy.rollup.per is not Within.REGION or resource.region == finding.region
    group = unit_of(account) if policy.rollup.unit else group_of(policy, resource, snapshot_time)
    return isinstance(group, Unknown) or group == finding.resource


def unit_of(account: Account) -> Group:
    """The path of the organisational unit that an account is in."""
    for each in account.read(ACCOUNT_TYPE):
        units = each.config.get("OrganizationalUnits")
        if isinstance(units, Unknown):
            return units
        if isinstance(units, list) and all(isinstance(unit, dict) and "Name" in unit for unit in units):
            names: Sequence[object] = [unit["Name"] for unit in units]
            gaps = [name for name in names if isinstance(name, Unknown)]
            return Unknown.merge(gaps) if gaps else text_of(unit_path(map(str, names)))
    return Unknown.because(f"the organisational units above account {account.id} were not collected")


def astray(by: str, what: str, groups: Iterable[Unknown]) -> Unknown | None:
    """Why it is unknown of some resources, or of `what` else, which group they are of; None for none."""
    causes = Counter(cause for group in groups for cause in group.causes)
    told = [f"{by} of {number:,} {what}{'s' * (number > 1)} is unknown: {cause}" for cause, number in causes.items()]
    return Unknown(tuple(told)) if told else None
