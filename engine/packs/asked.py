"""Policies as a pack asks for them.

A pack may ask a policy with other parameters than it is written with, and two packs with different ones. These are
different questions, and findings of both may stand in one file. So a policy that is asked differently has an id of its
own, POLICY@PACK, which depends on nothing but the pack: its findings can be followed through time like any other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..errors import Problem
from ..expression import suggest
from ..model import AT, Policy
from ..policies import misfit, override
from .model import Ask, Control, Pack


def asked(pack: Pack, known: Mapping[str, Policy], problems: list[Problem]) -> Iterator[Policy]:
    """The policies of a pack, as it asks for them. What it asks and there is not is a problem."""
    found: dict[str, Policy] = {}
    for control in pack.controls():
        for ask in control.asks:
            if fault := _fault(ask, known):
                problems.append(_problem(pack, control, fault))
                continue
            policy = ask_of(pack, ask, known[ask.policy])
            if found.setdefault(policy.id, policy).params != policy.params:
                problems.append(_problem(pack, control, f"{ask.policy} is asked with other parameters above"))
    yield from found.values()


def ask_of(pack: Pack, ask: Ask, written: Policy) -> Policy:
    """One policy as it is asked for."""
    changed = override(written, ask.params)
    return written if changed.params == written.params else replace(changed, id=f"{written.id}{AT}{pack.name}")


def _fault(ask: Ask, known: Mapping[str, Policy]) -> str:
    if ask.policy not in known:
        return f"unknown policy {ask.policy}{suggest(ask.policy, known)}"
    faults = (misfit(known[ask.policy], name, value) for name, value in ask.params.items())
    return next(filter(None, faults), "")


def _problem(pack: Pack, control: Control, message: str) -> Problem:
    return Problem(path=pack.source, line=control.line, column=1, message=f"control {control.number}: {message}")
