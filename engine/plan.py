"""A shell script of the commands that mend: for a person to review, and to run in one account after the other.

Names in a snapshot are not ours to trust. Values are quoted where a command is made; here nothing of it may leave its
line, or its comment, and no command is live that a person has to complete.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import methodcaller

from .expression import Expression
from .mend import Action, Mending
from .model import Kind, Policy
from .template import Template
from .terminal import counted, printable

_HEAD = """\
#!/bin/sh
# {title}
#
# Review it: nothing of it was run. It acts in the one account whose credentials it is given, and leaves out the others.
# A command that is commented out has words in capitals, perhaps to fill in, or rests on what could not be known.
set -eu

account=$(aws sts get-caller-identity --query Account --output text)
"""
_WORDS = {
    Kind.MITIGATED: "Compensating controls: these fail, and something that the policy does not see makes up for it.",
    Kind.ACCEPTED: "Accepted risk: these fail, and somebody lives with it.",
}
_CAPITALS = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?![\w-])")
_UNKNOWN = re.compile(r"'\([^']*\)'")  # what a template says of a value that is unknown, or that there is none


def script(mending: Mending, policies: Sequence[Policy]) -> Iterator[str]:
    """The lines of the plan, in order of account, region and worth."""
    templates = {policy.id: policy.remediation_cli for policy in policies}
    actions = mending.actions()
    mended = sum(len(action.fingerprints) for action in actions if action.command)
    title = f"{counted(sum(bool(each.command) for each in actions), 'command')} for {mended:,} of "
    title += f"{counted(mending.failures, 'failure')} in snapshot {mending.snapshot.id}, by stillframe."
    yield from _HEAD.format(title=title).splitlines()
    if mending.unknown:
        yield f"# {counted(mending.unknown, 'finding')} could not be judged, and may be failures, too."
    by_place = sorted(actions, key=lambda action: (action.at.account, action.at.region))  # stable: best first
    for account, those in groupby(by_place, key=lambda action: action.at.account):
        yield ""
        yield f'if [ "$account" = {shlex.quote(account)} ]; then'
        yield "  :"
        for region, here in groupby(those, key=lambda action: action.at.region):
            yield ""
            yield _comment(f"---- {account} {region}")
            for action in here:
                yield from _action(action, templates[next(iter(action.policies))])
        yield "fi"
    for kind, words in _WORDS.items():
        if findings := mending.waived.get(kind):
            yield from ("", _comment(words))
            for finding in findings:
                yield _comment(f"{finding.policy} {finding.account} {finding.region} {finding.resource}")
                if finding.waived:
                    yield _comment(
                        f"    {finding.waived.owner}, until {finding.waived.expires}: {finding.waived.reason}"
                    )


def _action(action: Action, template: Template | None) -> Iterator[str]:
    mends = f", mends {len(action.fingerprints):,}" if len(action.fingerprints) > 1 else ""
    yield ""
    yield _comment(f"{', '.join(action.policies)} ({action.severity}{mends}): {action.first.message}")
    if action.command is None or template is None:
        yield _comment(action.text or "there is no command for it")
        return
    hindrance = hindrances(action.command, template)
    if hindrance:
        yield _comment(hindrance)
        yield from (_comment(line) for line in action.command.splitlines())
    else:
        yield f"  {action.command}"


def hindrances(command: str, template: Template) -> str:
    """Why a command cannot be run as it is; empty where it can."""
    literals = [part for part in template.parts if isinstance(part, str)]
    if not quotable(template):
        return "its policy puts a value where quotes do not hold it: mend the policy"
    if _UNKNOWN.search(command):
        return "a value could not be known"
    if command.count("\n") > sum(map(methodcaller("count", "\n"), literals)) or not _shows(command):
        return "a value has characters that do not show"
    if any(word.startswith("-") and word not in "".join(literals) for word in shlex.split(command)):
        return "a value looks like an option"
    capitals = [word for literal in literals for word in _CAPITALS.findall(literal)]
    return f"perhaps to fill in: {', '.join(dict.fromkeys(capitals))}" if capitals else ""


def _shows(command: str) -> bool:
    return all(printable(line) == line for line in command.split("\n"))


def quotable(template: Template) -> bool:
    """Whether every value of a template stands where a shell takes what is quoted for one word."""
    within = ""  # a quote, a backslash, or a comment
    for part in template.parts:
        if isinstance(part, Expression):
            if within:
                return False
        elif "<<" in part:
            return False
        else:
            within = _after(part, within)
    return True


def _after(text: str, within: str) -> str:
    """Within what a shell is at the end of a text."""
    escaped = False
    for character in text:
        if escaped or (within == "" and character == "\\") or (within == '"' and character == "\\"):
            escaped = not escaped
        elif within:
            within = "" if character == ("\n" if within == "#" else within) else within
        elif character in "'\"`#":
            within = character
    return "\\" if escaped else within


def _comment(text: str) -> str:
    return f"  # {printable(text)}"
