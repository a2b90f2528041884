"""What several formats say in the same way: times, places, controls, and text that no reader acts on."""

from __future__ import annotations

import re
from datetime import datetime

from ...snapshot.model import EVERYWHERE, GLOBAL
from ..model.cause import read_why, why_lines
from ..model.policy import Policy
from .report import Record

# Where each partition keeps what an account has once.
HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_ARN = re.compile(r"arn:(aws[a-z-]*):")
# What XML 1.0 cannot hold, and what Unicode says reorders or hides text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]")


def one_line(text: str) -> str:
    """Text with every character spelled out that breaks lines, reorders text, or is not allowed in XML."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def milliseconds(time: str) -> int:
    """An ISO-8601 time as milliseconds since 1970."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def partition(record: Record) -> str:
    """The AWS partition that a resource is in."""
    if found := _ARN.match(record.resource):
        return found[1]
    return next((name for prefix, name in _PARTITIONS.items() if record.region.startswith(prefix)), "aws")


def placed(record: Record) -> str | None:
    """The region that a finding is in; None where it is in none, or in all."""
    return None if record.region in (GLOBAL, EVERYWHERE) else record.region


def controls(policy: Policy) -> list[str]:
    """The controls that a policy stands for, as `cis-aws-5.0.0 3.7`."""
    return [f"{framework} {control}" for framework, named in policy.frameworks.items() for control in named]


def answered(record: Record) -> str | None:
    """Who answers for a failure, until when and why; None where nobody does."""
    if not (waiver := record.waiver):
        return None
    return f"{waiver['kind']} by {waiver['owner']} until {waiver['expires']}: {waiver['reason']}"


def reasons(record: Record) -> list[str]:
    """What caused a change, a line for each thing that changed."""
    return list(why_lines(read_why(record.why)))


def remediation(policy: Policy, record: Record) -> str:
    """What fixes a failure: in words, and as a command if there is one."""
    return "\n".join(filter(None, (policy.remediation, record.remediation)))
