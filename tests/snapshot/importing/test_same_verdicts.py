"""What an import says is what a live collection of the same state says, or that it is not known."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from builders import shipped
from config_items import Encoder, deliver, items
from config_table import encodable
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import ACCOUNT_TYPE
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.verify import verify

TIME = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN, RECORDER = "unknown", "AWS::Config::ConfigurationRecorder"


# AWS's own verdict on a policy is not recorded, and here it is not what the policy says.
CONTRADICTORY = {("s3-bucket-policy-not-open", "AWS does not call it public, whatever we would")}


def differences(live, imported, policies):
    """Findings that are decided otherwise, and those that are gone where nobody says that something is missing."""
    for policy in policies:
        expected = {each.identity: each.status.value for each in evaluate(live, [policy])}
        found = {each.identity: each.status.value for each in evaluate(imported, [policy])}
        unsure = {identity[0] for identity, status in found.items() if status == UNKNOWN}
        for identity, status in found.items():
            # An example may leave out the account itself and a region's recorder; an import never does.
            added = expected.get(identity) is None and not {ACCOUNT_TYPE, RECORDER}.isdisjoint(
                (policy.resource, *identity)
            )
            if status not in (UNKNOWN, expected.get(identity)) and not added:
                yield f"{identity}: {expected.get(identity)}, imported {status}"
        for identity, status in expected.items():
            if identity not in found and status != "not_applicable" and identity[0] not in unsure:
                yield f"{identity}: {status}, imported none"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_examples_of_every_policy_come_out_the_same_or_not_known(tmp_path, seed, request):
    faults, seen = [], Counter()
    part = 1 if request.config.getoption("--sweep") else 6
    for policy in shipped():
        for number, test in list(enumerate(policy.tests))[seed % part :: part]:
            if "params" in test or not encodable(test["given"]) or (policy.id, test["name"]) in CONTRADICTORY:
                continue
            live = fixture(test["given"], "2026-01-01T00:00:00Z")
            files = tmp_path / policy.id / str(number)
            paths = deliver(files, items(live, Encoder(seed), TIME), TIME)
            regions = {region for identity in live.accounts for region in live.account(identity).regions}
            done = import_aws_config(paths, files / "into", regions=regions)
            imported = open_snapshot(done.path)
            seen.update(each.status.value for each in evaluate(imported, [policy]))
            told = [*done.problems, *differences(live, imported, [policy])]
            if part == 1 or seen.total() % 25 == 0:  # which takes longer than all else
                told += verify(done.path)
            faults += [f"{policy.id}, {test['name']}: {each}" for each in told]
    assert faults == []
    assert min(seen["pass"], seen["fail"], seen[UNKNOWN]) > 20
