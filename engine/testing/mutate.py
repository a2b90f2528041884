"""Whether a policy's examples tell it from policies that are almost it, and hold where a field is lost."""

from __future__ import annotations

from msgspec import Struct

from ..model.policy import Excuse, Policy
from .examples import Case, cases, faults_of
from .excuses import Excused, excuse, same
from .lost_fields import Loss, losses
from .mutants import Mutant, mutants


class Mutated(Struct, frozen=True, kw_only=True):
    """How many mutants there were; those that no example told from the policy, and what passes for a lost field."""

    mutants: int
    survivors: Excused[Mutant | Loss]


def mutate(policy: Policy) -> Mutated:
    """Evaluate every example by every mutant. The examples must come out as they say by the policy itself."""
    examples = list(cases(policy))
    made = list(mutants(policy))
    survivors: list[Mutant | Loss] = [mutant for mutant in made if not _killed(mutant, examples)]
    survivors += losses(policy, examples)
    return Mutated(
        mutants=len(made),
        survivors=excuse(policy, survivors, _covers, about=lambda entry: entry.becomes is not None),
    )


def _killed(mutant: Mutant, examples: list[Case]) -> bool:
    for number, case in enumerate(examples):
        if any(faults_of(case.test, case.judge(mutant.policy))):
            examples.insert(0, examples.pop(number))  # what killed one kills its neighbours
            return True
    return False


def _covers(entry: Excuse, mutant: Mutant | Loss) -> bool:
    return same(entry.that, mutant.was) and same(entry.becomes or "", mutant.becomes)
