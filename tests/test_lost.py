"""What is referred to and is not there makes nothing pass: every joined row of every example of the shipped policies.

The same is done to the stand-in's estates where these are made: tests/test_denied.py and tests/test_cis_*.py.
"""

from __future__ import annotations

from builders import recipes, shipped
from lost import Tried, sweep
from msgspec.structs import replace
from stillframe.engine.testing.examples import cases

# Rows that nobody names and that are what is wrong: without one, nobody can know that it was there.
UNNAMED = {
    ("iam-central-identity", "AWS::IAM::CredentialReport"),  # somebody with a password
    ("iam-cloudshell-restricted", "AWS::IAM::ManagedPolicy"),  # AWS's policy, which is attached
    ("iam-root-hardware-mfa", "AWS::IAM::VirtualMFADevice"),  # the root user's
    ("max-instances-per-account", "AWS::EC2::Instance"),  # one too many
    ("nat-per-az", "AWS::EC2::NatGateway"),  # without any the policy asks nothing
    ("nat-per-az", "AWS::EC2::Subnet"),  # in a zone without a gateway
    ("vpc-no-overlap", "AWS::EC2::VPC"),  # the other one
    ("rds-instance-private-subnet", "AWS::EC2::RouteTable"),  # one of a subnet, which then has the main one
}


def test_a_lost_row_makes_nothing_pass_but_what_nobody_can_know():
    tried = Tried()
    for policy in [*shipped(), *recipes()]:
        for case in cases(policy):
            params = {**policy.params, **case.test.get("params", {})}
            sweep(case.snapshot, [replace(policy, params=params)], tried)
    assert tried.faults == []
    assert tried.unnamed == UNNAMED
    assert (tried.lost > 800, tried.named > 300) == (True, True)
