"""Templates of the role that reads an account, from the catalogue: `python tests/deploying.py` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.permissions import actions, policy

DEPLOY = Path(__file__).parent.parent / "deploy"
EACH = 120  # actions of a managed policy, which has room for 6,144 characters
BEGIN, END = "      ManagedPolicyArns:", "Outputs:\n"


def template(text: str) -> str:
    """The CloudFormation template, with the policies of now."""
    head, tail = text.partition(BEGIN)[0], text.partition(END)[2]
    return f"{head}{''.join(_policies())}{END}{tail}"


def _policies() -> Iterator[str]:
    allowed = actions(load_catalog().values())
    parts = [allowed[start : start + EACH] for start in range(0, len(allowed), EACH)]
    yield f"{BEGIN} [{', '.join(f'!Ref Least{number}' for number in range(1, len(parts) + 1))}]\n"
    for number, part in enumerate(parts, 1):
        yield f"  Least{number}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n"
        yield "      Description: What stillframe collect --print-iam-policy says\n      PolicyDocument:\n"
        yield '        Version: "2012-10-17"\n        Statement:\n          - Effect: Allow\n'
        yield '            Resource: "*"\n            Action:\n'
        yield from (f"              - {action}\n" for action in part)


def document() -> str:
    """The policy document of the Terraform module."""
    return policy(actions(load_catalog().values())) + "\n"


if __name__ == "__main__":
    made = DEPLOY / "reader-role.yaml"
    made.write_text(template(made.read_text()))
    (DEPLOY / "terraform/policy.json").write_text(document())
