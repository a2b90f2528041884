"""Why a finding changed: of all that differs, what took it from how it stood to how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from ..documents.yaml12 import load
from ..model.cause import ABSENT, PRESENT, Cause, Detail, Why
from ..model.finding import Finding
from ..model.policy import Policy
from .counterfactual import Part, Scene
from .fields import differences
from .replay import Side, same_snapshot
from .states import State

_DEFINITION = ("resource", "where", "let", "lookup", "assert", "rollup")


class Attribution:
    """Finds the causes of changes between two snapshots, each evaluated by its policies."""

    def __init__(self, old: Side, new: Side) -> None:
        self._sides = old, new
        self._same = same_snapshot(old.snapshot, new.snapshot)
        self._policies: dict[tuple[int, int], list[Detail]] = {}  # by which they are, as sides keep them

    def why(self, finding: Finding, after: State) -> tuple[Why, ...]:
        """The causes of a change of state. Of several differences those are causes that are enough alone.

        Where none is, the causes are those that are enough together: the fewest, and all such.
        """
        policy = self._policy(finding)
        if self._same:  # nothing else can differ
            return (Why(cause=Cause.POLICY, details=tuple(policy)),)
        scene = Scene(*self._sides, finding)
        details = {**scene.details, **({Part.POLICY: policy} if policy else {})}
        chosen, alone = _enough(scene, list(details), after)
        if Part.CONFIGURATION in chosen and alone:
            chosen -= {Part.VOLATILE}
        found: dict[Cause, list[Detail]] = {}
        for part in Part:
            if part in chosen:
                found.setdefault(_CAUSES[part], []).extend(details[part])
        return tuple(Why(cause=cause, alone=alone, details=tuple(each)) for cause, each in found.items())

    def _policy(self, finding: Finding) -> list[Detail]:
        old, new = (side.policy(finding) for side in self._sides)
        key = id(old), id(new)
        if key not in self._policies:
            self._policies[key] = policy_details(old, new)
        return self._policies[key]


def _enough(scene: Scene, parts: list[Part], after: State) -> tuple[set[Part], bool]:
    """The parts that make up the smallest sets that are enough, and whether each of them is so alone."""
    for size in range(1, len(parts)):
        found = [set(chosen) for chosen in combinations(parts, size) if scene.state(chosen) is after]
        if found:
            return set[Part]().union(*found), size == 1
    return set(parts), len(parts) == 1


_CAUSES = {
    Part.CONFIGURATION: Cause.CONFIGURATION,
    Part.VOLATILE: Cause.CONFIGURATION,
    Part.COVERAGE: Cause.COVERAGE,
    Part.RESOURCE: Cause.RESOURCE,
    Part.POLICY: Cause.POLICY,
    Part.TIME: Cause.TIME,
}


def reopened(before: Finding, after: Finding) -> Iterator[Why]:
    """Why a failure that persists is not what it was: its waiver began or ended, or its severity is another."""
    if bool(before.waived) != bool(after.waived):
        detail = Detail(path="waiver", before=before.waiver, after=after.waiver)
        yield Why(cause=Cause.WAIVER, details=(detail,))
    if before.severity is not after.severity:
        detail = Detail(path="severity", before=before.severity.value, after=after.severity.value)
        yield Why(cause=Cause.POLICY, details=(detail,))


def policy_details(old: Policy | None, new: Policy | None) -> list[Detail]:
    """What differs between two versions of a policy that may decide: parameters, conditions and joins."""
    if old is new:
        return []
    if old is None or new is None:
        there = (ABSENT, PRESENT) if old is None else (PRESENT, ABSENT)
        return [Detail(path=None, before=there[0], after=there[1])]
    return [Detail(path=path, before=was, after=now) for path, was, now in differences(_decides(old), _decides(new))]


def _decides(policy: Policy) -> Mapping[str, Any]:
    written = load(policy.text.encode()).value
    unsure = {"settings": policy.unsure} if policy.unsure is not None else {}
    return {"params": dict(policy.params), **unsure} | {key: written[key] for key in _DEFINITION if key in written}
