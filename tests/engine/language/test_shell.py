"""What a shell would make of the command of a policy: its quotes, and the variables that a person sets."""

from __future__ import annotations

import re

import pytest
from stillframe.engine.language.shell import quotable, variables
from stillframe.engine.language.template import parse_template
from stillframe.engine.loading.policies import load_policies

# What commands have in capitals that nobody has to fill in: AWS's own words.
OWN = """
    ACCOUNT AES256 AWS AWS_IAM BITBUCKET BUILD_GENERAL1_SMALL DISABLED EBS_MALWARE_PROTECTION EC2 ECR
    EKS_ADDON_MANAGEMENT EKS_AUDIT_LOGS ENABLED ID LAMBDA LAMBDA_CODE LAMBDA_NETWORK_LOGS LINUX_CONTAINER
    RDS_LOGIN_EVENTS RSA_2048 RUNTIME_MONITORING S3 S3_DATA_EVENTS SECURITY VPC
"""


def test_the_commands_of_every_policy_say_what_is_to_be_filled_in():
    told: dict[str, str] = {}
    words = set()
    for policy in load_policies():
        assert policy.remediation_cli
        assert not any("file://" in text and 'file://"${' not in text for text in _literals(policy))
        blanks = {**policy.fill, **policy.each}
        assert {name for name, _ in variables(policy.remediation_cli)} == blanks.keys()
        # One variable serves all commands of an account: it means the same in all of them.
        assert all(told.setdefault(name, what) == what for name, what in policy.fill.items()), policy.id
        for text in _literals(policy):
            found = re.findall(r"(?<![\w-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?![\w-])", re.sub(r"\$\{\w+:\?\}", "", text))
            words |= set(found)
    assert words == set(OWN.split())


def _literals(policy):
    return [part for part in policy.remediation_cli.parts if isinstance(part, str)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('aws "${A:?}"', [("A", True)]),
        ('aws x{{ a }}"${A:?}"{{ b }}"b${B_1:?}"', [("A", True), ("B_1", True)]),
        ('aws \'{"a":"\'"${A:?}"\'"}\'', [("A", True)]),
        ("aws ${A:?} $B ${C}", [("A", False), ("B", False), ("C", False)]),
        ('aws "$A" "${B:-}"', [("A", False), ("B", False)]),
        ("aws '${A:?}' \\$B # $C", []),
        ('aws "$a" "${aws:b}" "$(aws y)"', []),
    ],
)
def test_variables_are_found_where_a_shell_finds_them(text, found):
    assert list(variables(parse_template(text))) == found


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("aws x {{ a }}", True),
        ("aws x a={{ a }},b={{ b }}", True),
        ("aws x '[1]' {{ a }}", True),
        ('aws x "\\"" {{ a }}', True),
        ("aws x 'a\\' {{ a }}", True),
        ("aws x $(aws y {{ a }})", True),
        ("aws x '{{ a }}'", False),
        ('aws x "{{ a }}"', False),
        ('aws x "\\"{{ a }}"', False),
        ("aws x `aws y {{ a }}`", False),
        ("aws x \\{{ a }}", False),
        ("aws x # {{ a }}", False),
        ("aws x # it's\naws y {{ a }}", True),
    ],
)
def test_a_value_in_quotes_of_the_policy_is_not_run(text, safe):
    assert quotable(parse_template(text)) is safe


def test_the_commands_of_every_policy_hold_their_values():
    unsafe = [each.id for each in load_policies() if each.remediation_cli and not quotable(each.remediation_cli)]
    assert unsafe == []
