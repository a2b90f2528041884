"""A shell script of the commands that fix: for a person to review, and to run in one account after the other.

Names in a snapshot are not ours to trust. Values are quoted where a command is made; here nothing of it may leave its
line, or its comment. What a person has to give comes from variables, which are asked for before anything is changed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import methodcaller
from typing import NamedTuple

from ..console import counted
from ..language.shell import quotable
from ..language.template import Template
from ..model.finding import Kind
from ..model.policy import Effort, Policy
from ..printable import printable
from .actions import Action, Remediation

_HEAD = """\
#!/bin/sh
# {title}
#
# Review it: nothing of it was run. It acts in the one account whose credentials it is given, and leaves out the others.
# Export what it asks for, or set it above a command. A command that is commented out is to be completed first.
set -eu

account=$(aws sts get-caller-identity --query Account --output text)
"""
_WORDS = {
    Kind.MITIGATED: "Compensating controls: these fail, and something that the policy does not see makes up for it.",
    Kind.ACCEPTED: "Accepted risk: these fail, and somebody lives with it.",
}
_REMARK = re.compile(r"^[ \t]*#.*$", re.MULTILINE)  # a line that a shell passes over
_UNKNOWN = re.compile(r"'\([^']*\)'")  # what a template says of a value that is unknown, or that there is none


class _Step(NamedTuple):
    """An action of the plan: why it cannot be taken as it is, if so, and the variables that it needs, if not."""

    action: Action
    hindrance: str
    needs: Mapping[str, str]


def script(remediation: Remediation, policies: Sequence[Policy], notes: Iterable[str] = ()) -> Iterator[str]:
    """The lines of the plan, in order of account, region and worth. Each account first asks for what it needs.

    `notes` say what it is a part of.
    """
    by_id = {policy.id: policy for policy in policies}
    actions = remediation.actions()
    fixed = sum(len(action.fingerprints) for action in actions if action.command)
    title = f"{counted(sum(bool(each.command) for each in actions), 'command')} for {fixed:,} of "
    title += f"{counted(remediation.failures, 'failure')} in snapshot {remediation.snapshot.id}, by stillframe."
    yield from _HEAD.format(title=title).splitlines()
    if remediation.unknown:
        yield f"# {counted(remediation.unknown, 'finding')} could not be evaluated, and may be failures, too."
    yield from (f"# {printable(note)}" for note in notes)
    by_place = sorted(actions, key=lambda action: (action.at.account, action.at.region))  # stable: best first
    for account, those in groupby(by_place, key=lambda action: action.at.account):
        steps = [_step(action, by_id[next(iter(action.policies))]) for action in those]
        yield ""
        yield f'if [ "$account" = {shlex.quote(account)} ]; then'
        yield "  :"
        needed = {name: what for step in steps for name, what in step.needs.items()}
        yield from (f'  : "${{{name}:?{what}}}"' for name, what in sorted(needed.items()))
        for region, here in groupby(steps, key=lambda step: step.action.at.region):
            yield ""
            yield _comment(f"---- {account} {region}")
            for step in here:
                yield from _lines(step)
        yield "fi"
    for kind, words in _WORDS.items():
        if findings := remediation.waived.get(kind):
            yield from ("", _comment(words))
            for finding in findings:
                yield _comment(f"{finding.policy} {finding.account} {finding.region} {finding.resource}")
                if finding.waived:
                    yield _comment(
                        f"    {finding.waived.owner}, until {finding.waived.expires}: {finding.waived.reason}"
                    )


def _step(action: Action, policy: Policy) -> _Step:
    if action.command is None or policy.remediation_cli is None:
        hindrance = action.text or "there is no command for it"
    elif found := hindrances(action.command, policy.remediation_cli):
        hindrance = found
    elif policy.each:
        hindrance = f"to fill in: {'; '.join(f'{name}, {what}' for name, what in policy.each.items())}"
    else:
        hindrance = "a large effort, of which this is a part" if action.effort is Effort.LARGE else ""
    return _Step(action, hindrance, {} if hindrance else policy.fill)


def _lines(step: _Step) -> Iterator[str]:
    action, command = step.action, step.action.command or ""
    fixes = f", fixes {len(action.fingerprints):,}" if len(action.fingerprints) > 1 else ""
    yield ""
    yield _comment(f"{', '.join(action.policies)} ({action.severity}{fixes}): {action.first.message}")
    if step.hindrance:
        yield _comment(step.hindrance)
        yield from (_comment(line) for line in command.splitlines())
    else:
        yield from minded(command)


def minded(command: str) -> list[str]:
    """A command whose failure ends the script. Of `a && b` set -e minds b alone, so what came of it is looked at; with
    `|| exit` instead, it would mind nothing of a loop that stands before."""
    return [f"  {command}", *(['  [ "$?" -eq 0 ] || exit 1'] if "&&" in command else [])]


def hindrances(command: str, template: Template) -> str:
    """Why the values of a command cannot be trusted to a shell; empty where they can."""
    literals = [part for part in template.parts if isinstance(part, str)]
    if not quotable(template):
        return "its policy puts a value where quotes do not hold it: fix the policy"
    if _UNKNOWN.search(command):
        return "a value could not be known"
    if command.count("\n") > sum(map(methodcaller("count", "\n"), literals)) or not _shows(command):
        return "a value has characters that do not show"
    try:
        words = shlex.split(_REMARK.sub("", command))
    except ValueError:
        return "its command has a quote that does not end: fix the policy"
    if any(word.startswith("-") and word not in "".join(literals) for word in words):
        return "a value looks like an option"
    return ""


def _shows(command: str) -> bool:
    return all(printable(line) == line for line in command.split("\n"))


def _comment(text: str) -> str:
    return f"  # {printable(text)}"
