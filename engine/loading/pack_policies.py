"""Policies as a pack asks for them.

A pack may ask a policy with other parameters than it is written with, and two packs with different ones. These are
different questions, and findings of both may stand in one file. So a policy that is asked differently has an id of its
own, POLICY@PACK, which depends on nothing but the pack: its findings can be followed through time like any other's.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ..errors import Problem
from ..functions.equality import equal
from ..model.pack import Ask, Control, Pack
from ..model.policy import AT, Policy
from ..suggest import suggest
from .policies import misfit, override
from .shipped import shipped_files


def resolve(pack: Pack, known: Mapping[str, Policy], problems: list[Problem]) -> tuple[Pack, dict[str, Policy]]:
    """A pack that names policies as they are in force, and these. What it asks and there is not is a problem."""
    found: dict[str, Policy] = {}

    def ask(control: Control, asked: Ask) -> Ask:
        if fault := _fault(asked, known):
            problems.append(_problem(pack, control, fault))
            return asked
        policy = _asked(pack, asked, known[asked.policy])
        if not equal(found.setdefault(policy.id, policy).params, policy.params):
            problems.append(_problem(pack, control, f"{asked.policy} is asked with other parameters above"))
        return replace(asked, policy=policy.id)

    def control(given: Control) -> Control:
        return replace(given, asks=tuple(ask(given, each) for each in given.asks))

    sections = tuple(replace(each, controls=tuple(map(control, each.controls))) for each in pack.sections)
    return replace(pack, sections=sections), found


def _asked(pack: Pack, ask: Ask, written: Policy) -> Policy:
    changed = override(written, ask.params)
    return written if equal(changed.params, written.params) else replace(changed, id=f"{written.id}{AT}{pack.name}")


def _fault(ask: Ask, known: Mapping[str, Policy]) -> str:
    if ask.policy not in known:
        return f"unknown policy {ask.policy}{suggest(ask.policy, known.keys() | shipped_files().keys())}"
    faults = (misfit(known[ask.policy], name, value) for name, value in ask.params.items())
    return next(filter(None, faults), "")


def _problem(pack: Pack, control: Control, message: str) -> Problem:
    return Problem(
        path=control.source or pack.source, line=control.line, column=1, message=f"control {control.number}: {message}"
    )
