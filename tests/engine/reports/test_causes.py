"""Why findings are unknown, as few causes."""

from __future__ import annotations

import msgspec
import pytest
from stillframe.engine.reports.causes import Causes, causes
from stillframe.engine.reports.report import Record
from stillframe.snapshot.model import Account, Coverage


def unknown(message: str, policy: str = "p", status: str = "unknown") -> Record:
    texts = dict.fromkeys(("severity", "account", "region", "type", "resource", "fingerprint"), "")
    told = {"name": None, "remediation": None, "waiver": None, "evidence": msgspec.Raw(b"{}")}
    return Record(policy=policy, status=status, message=message, **texts, **told)


def account(**coverage: Coverage) -> Account:
    return Account(id="111122223333", name=None, regions=("eu-west-1",), coverage=coverage, read=lambda _: ())


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (str(account().gap("AWS::KMS::Key", "eu-west-1")), [("type not collected", "AWS::KMS::Key")]),
        (
            str(
                account(**{"AWS::KMS::Key": Coverage(read=["eu-west-1"], missing={})}).gap("AWS::KMS::Key", "us-east-1")
            ),
            [("region not collected", "us-east-1")],
        ),
        (
            "AccessDenied: kms:ListKeys; UnauthorizedOperation: ec2:DescribeVpcs in eu-west-1",
            [("denied", "kms:ListKeys"), ("denied", "ec2:DescribeVpcs")],
        ),
        ("AWS::KMS::Key has no KeyId", [("value not as AWS sends it", "AWS::KMS::Key has no KeyId")]),
        (
            "NotAsked: kms:GetKeyPolicy, which the policies of this collection do not read",
            [("not asked", "kms:GetKeyPolicy")],
        ),
        (
            "; ".join(
                f"NotRecorded: AWS Config {each}"
                for each in (
                    "gave no snapshot of eu-west-1",
                    "did not record AWS::KMS::Key in eu-west-1",
                    "did not record AWS::KMS::Key in us-east-1",
                )
            ),
            [
                ("not recorded", "AWS Config gave no snapshot of eu-west-1"),
                ("not recorded", "AWS Config did not record AWS::KMS::Key"),
            ],
        ),
        ("x" * 400, [("value not as AWS sends it", "x" * 400)]),
    ],
)
def test_a_message_names_the_kind_of_each_cause_and_what_it_is_about(message, found):
    assert list(causes(message)) == found


def test_causes_are_few_and_those_of_most_findings_come_first():
    seen = Causes()
    for message, policy in (("AccessDenied: a:B", "p"), ("AccessDenied: a:C", "q"), ("AccessDenied: a:C", "p")):
        seen.add(unknown(message, policy))
    for _ in range(4):
        seen.add(unknown("x", "broken", "error"))
    first, second = seen.data()
    assert (first["kind"], first["about"], first["policies"]) == ("error", ["broken"], ["broken"])
    assert (second["kind"], second["about"], second["policies"]) == ("denied", ["a:C", "a:B"], ["p", "q"])
    assert second["advice"].startswith("allow it in the role")


def test_of_very_many_things_the_first_are_named_and_the_others_counted():
    seen = Causes()
    for number in range(300):
        seen.add(unknown(f"AccessDenied: a:{number}"))
    (found,) = seen.data()
    assert (len(found["about"]), found["more"]) == (200, 100)
