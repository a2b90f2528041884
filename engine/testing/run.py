"""Whole test runs: every example, the conditions that they cover and the mutants that they tell from the policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console

from ..console import counted, safe
from ..exit_codes import FAILURES, NOTHING, OK
from ..judging.misspelt import misspelt
from ..model.policy import Policy
from .coverage import cover
from .examples import run_tests
from .mutants import Mutant
from .mutate import mutate


def run_policy_tests(
    policies: Sequence[Policy], out: Console, err: Console, *, coverage: bool = False, mutants: bool = False
) -> int:
    """Print what is wrong to `out` and the counts to `err`; give the exit code."""
    outcomes = [outcome for policy in policies for outcome in run_tests(policy)]
    failed = [outcome for outcome in outcomes if outcome.faults]
    _print(out, (f"{each.policy}: {each.name}: {fault}" for each in failed for fault in each.faults))
    wrong = {each.policy for each in failed}
    _print(out, (f"{policy.id}: {each}" for policy in policies if policy.id in wrong for each in misspelt(policy)))
    none = "" if outcomes or not policies else ": a policy has its examples in `tests`"
    _print(err, [f"{len(outcomes) - len(failed):,} of {counted(len(outcomes), 'example')} as expected{none}"])
    if failed:  # what they cover would say nothing
        return FAILURES
    faults = [*(_coverage(policies, err) if coverage else ()), *(_mutants(policies, err) if mutants else ())]
    _print(out, faults)
    return FAILURES if faults else OK if outcomes else NOTHING


def _coverage(policies: Sequence[Policy], err: Console) -> list[str]:
    reports = [cover(policy) for policy in policies]
    taken = [gap for report in reports for gap in report.gaps.taken]
    left = [gap for report in reports for gap in report.gaps.left]
    whole = sum(report.conditions for report in reports)
    seen = whole - len({(gap.place, gap.text) for gap in (*left, *taken)})
    _print(err, [f"{seen:,} of {counted(whole, 'condition')} seen true and false{_excused(taken)}"])
    return [*map(str, left), *(text for report in reports for text in report.gaps.unused)]


def _mutants(policies: Sequence[Policy], err: Console) -> list[str]:
    reports = [mutate(policy) for policy in policies]
    taken = [survivor for report in reports for survivor in report.survivors.taken]
    left = [survivor for report in reports for survivor in report.survivors.left]
    whole = sum(report.mutants for report in reports)
    told = whole - sum(isinstance(survivor, Mutant) for survivor in (*left, *taken))
    _print(err, [f"{told:,} of {counted(whole, 'mutant')} told from their policy{_excused(taken)}"])
    return [*map(str, left), *(text for report in reports for text in report.survivors.unused)]


def _excused(taken: Sequence[object]) -> str:
    return f", {len(taken):,} excused" if taken else ""


def _print(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(safe(line), soft_wrap=True)
