"""A synthetic fleet as a real snapshot, with the verdicts of a published study: `python -m bench.fleet --into DIR`.

1,143 accounts and 650,000 resources, of which the nine policies that ship find as many in violation as were found
there. Nothing in it is chance: the same arguments give the same bytes. Accounts are made one at a time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, chain, pairwise
from pathlib import Path

from stillframe.snapshot.collector.write import AccountData, Row, SnapshotWriter, row
from stillframe.snapshot.model import GLOBAL, Coverage, Resource

from . import estate, filler
from .arithmetic import Shares, mixed, picked, place, scaled
from .buckets import acl, bucket, encryption, group, logging, policy, statements
from .shapes import (
    ALL_USERS,
    CLOSED,
    NOT_PUBLIC,
    OPEN,
    Config,
    aws_account,
    aws_region,
    flow_log,
    key,
    recorder,
    resource,
    selector,
    trail,
    vpc,
)

TIME = datetime(2026, 1, 1, tzinfo=UTC)
TOTALS: Mapping[str, int] = {"accounts": 1_143, "trails": 1_485, "keys": 16_281, "vpcs": 11_101, "resources": 650_000}
BUCKETS, TRAIL_BUCKETS, ARCHIVES = 40_000, 150, 12
# Policy → what it counts, and how many of those are in violation.
STUDY: Mapping[str, tuple[str, int]] = {
    "cloudtrail-bucket-access-logging": ("trails", 610),
    "cloudtrail-bucket-not-public": ("trails", 2),
    "cloudtrail-cloudwatch-logs": ("trails", 799),
    "cloudtrail-kms-encryption": ("trails", 1_358),
    "cloudtrail-log-file-validation": ("trails", 271),
    "cloudtrail-multi-region": ("accounts", 39),
    "config-all-regions": ("accounts", 104),
    "kms-key-rotation": ("keys", 3_338),
    "vpc-flow-logs": ("vpcs", 9_015),
}
KINDS = (
    *("AWS::Account", "AWS::CloudTrail::Trail", "AWS::Config::ConfigurationRecorder", "AWS::EC2::FlowLog"),
    *("AWS::EC2::VPC", "AWS::KMS::Key", "AWS::Region", "AWS::S3::Bucket", *filler.KINDS),
)
GLOBAL_KINDS = filler.GLOBAL_KINDS | estate.GLOBAL_KINDS | {"AWS::Account", "AWS::Region", "AWS::S3::Bucket"}


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """How large a fleet is, and what differs in a later picture of it.

    In a share of the accounts, `changed`, something is worse than before. With `later`, time has passed in all of
    them: each trail has delivered since.
    """

    scale: float = 1.0
    changed: float = 0.0
    later: bool = False

    def total(self, what: str) -> int:
        return scaled(TOTALS[what], self.scale)

    def violates(self, policy_id: str, index: int) -> bool:
        """Whether the trail, account, key or VPC of that number is one that the policy fails."""
        return self.rank(policy_id, index) is not None

    def rank(self, policy_id: str, index: int) -> int | None:
        """Which of the policy's violations it is; None where it is none."""
        what, violations = STUDY[policy_id]
        found = place(index, self.total(what), list(STUDY).index(policy_id))
        return found if found < scaled(violations, self.scale) else None

    @cached_property
    def shares(self) -> Shares:
        return Shares([1 + mixed(index, 1) % 5 for index in range(self.total("accounts"))])

    @cached_property
    def trails(self) -> tuple[range, ...]:
        """The numbers of each account's trails: one that will do, and a second one for some; see `_faulty_trail`."""
        ranks = [self.rank("cloudtrail-multi-region", index) for index in range(self.total("accounts"))]
        fine = ranks.count(None)
        second = self.total("trails") - fine - sum(1 for rank in ranks if rank is not None and rank % 4)
        counts, passed = [], 0
        for rank in ranks:
            if rank is None:
                counts.append(1 + second * (passed + 1) // fine - second * passed // fine)
                passed += 1
            else:
                counts.append(int(rank % 4 > 0))
        return tuple(range(start, end) for start, end in pairwise((0, *accumulate(counts))))

    @cached_property
    def trail_buckets(self) -> Mapping[str, int]:
        """Each bucket that trails write to, with the number of one of them."""
        return {self.trail_bucket(number): number for number in reversed(range(self.total("trails")))}

    def trail_bucket(self, number: int) -> str:
        public = self.rank("cloudtrail-bucket-not-public", number)
        if public is not None:
            return f"acme-trails-public-{public}"
        logged = "plain" if self.violates("cloudtrail-bucket-access-logging", number) else "logged"
        return f"acme-trails-{logged}-{number % scaled(TRAIL_BUCKETS, self.scale):04}"

    def is_archive(self, index: int) -> bool:
        """Whether the buckets of trails are in this account."""
        return picked(index, scaled(ARCHIVES, self.scale), self.total("accounts"), 51)

    def is_changed(self, index: int) -> bool:
        accounts = self.total("accounts")
        return self.changed > 0 and picked(index, scaled(accounts, self.changed), accounts, 52)


def expected(scale: float) -> dict[str, tuple[int, int]]:
    """Policy → violations and population of a fleet of that size in which nothing has changed."""
    return {name: (scaled(count, scale), scaled(TOTALS[what], scale)) for name, (what, count) in STUDY.items()}


def account_id(index: int) -> str:
    return f"{100_000_000_000 + index * 786_433:012}"


def build(fleet: Fleet, archive: Path, captured_at: datetime = TIME, *, whole: bool = False) -> Path:
    """Write the fleet as a snapshot to an archive, an account at a time; `whole` adds what a whole benchmark reads."""
    writer = SnapshotWriter(archive, captured_at)
    made, filled = 0, 0
    for index in range(fleet.total("accounts")):
        judged = list(_judged(fleet, index))
        due = fleet.shares.of(fleet.total("resources"), index).stop
        rest = range(filled, filled + max(0, due - made - len(judged)))
        made, filled = made + len(judged) + len(rest), rest.stop
        account = account_id(index)
        more = estate.more(account, index) if whole else ()
        writer.add(_data(account, chain(judged, filler.fill(account, rest), more), estate.KINDS if whole else ()))
    return writer.finish({"accounts": fleet.total("accounts"), "scale": fleet.scale, "changed": fleet.changed})


def _data(account: str, resources: Iterator[Resource], more: Sequence[str]) -> AccountData:
    kinds = (*KINDS, *more)
    by_kind: dict[str, list[Row]] = {kind: [] for kind in kinds}
    for each in resources:
        by_kind[each.type].append(row(each))
    return AccountData(
        id=account,
        name=f"account-{account[-4:]}",
        regions=OPEN,
        coverage={
            kind: Coverage(read=frozenset({GLOBAL} if kind in GLOBAL_KINDS else OPEN), missing={}) for kind in kinds
        },
        resources=by_kind,
    )


def _judged(fleet: Fleet, index: int) -> Iterator[Resource]:
    """What policies read of one account."""
    account = account_id(index)
    yield _account(fleet, index)
    for region in OPEN + CLOSED:
        yield resource("AWS::Region", region, account, region, aws_region(region))
    yield from _recorders(fleet, index)
    yield from _trails(fleet, index)
    yield from _keys(fleet, index)
    yield from _networks(fleet, index)
    yield from _ordinary_buckets(fleet, index)
    if fleet.is_archive(index):
        yield from _trail_buckets(fleet, index)


def _account(fleet: Fleet, index: int) -> Resource:
    account = account_id(index)
    # What an account blocks would hide that a bucket of its trails is public.
    block = None if fleet.is_archive(index) or index % 3 else dict(NOT_PUBLIC)
    return resource("AWS::Account", account, account, GLOBAL, aws_account(account, PublicAccessBlock=block))


def _recorders(fleet: Fleet, index: int) -> Iterator[Resource]:
    account, rank = account_id(index), fleet.rank("config-all-regions", index)
    for number, region in enumerate(OPEN):
        config = recorder(account, region)
        if rank is not None:
            fault = rank % 5
            here = number == rank % len(OPEN)
            if fault == 0 or (fault == 1 and here):
                continue
            if fault == 2 and here:
                config["Status"]["recording"] = False
            if fault == 3 and here:
                config["recordingGroup"] |= {"allSupported": False, "resourceTypes": ["AWS::EC2::Instance"]}
            if fault == 4:
                config["recordingGroup"]["includeGlobalResourceTypes"] = False
        yield resource("AWS::Config::ConfigurationRecorder", "default", account, region, config)


def _trails(fleet: Fleet, index: int) -> Iterator[Resource]:
    account, rank = account_id(index), fleet.rank("cloudtrail-multi-region", index)
    for number in fleet.trails[index]:
        first = number == fleet.trails[index].start
        name = "management-events" if first else f"team-{number}"
        config: Config = _faulty_trail(rank) if rank is not None else {} if first else {"IsMultiRegionTrail": False}
        config["LogFileValidationEnabled"] = not fleet.violates("cloudtrail-log-file-validation", number)
        if not fleet.violates("cloudtrail-kms-encryption", number):
            config["KmsKeyId"] = f"arn:aws:kms:us-east-1:{account}:key/{mixed(number, 53):016x}"
        if not fleet.violates("cloudtrail-cloudwatch-logs", number):
            config["CloudWatchLogsLogGroupArn"] = f"arn:aws:logs:us-east-1:{account}:log-group:trail:*"
            config["CloudWatchLogsRoleArn"] = f"arn:aws:iam::{account}:role/trail-to-logs"
        if first and fleet.is_changed(index):
            config["LogFileValidationEnabled"] = False
        logging_on = config.pop("IsLogging", True)
        bucket_name = fleet.trail_bucket(number)
        home = _bucket_region(bucket_name)
        made = trail(account, name, number, bucket=bucket_name, bucket_region=home, later=fleet.later, **config)
        made["Status"]["IsLogging"] = logging_on
        yield resource("AWS::CloudTrail::Trail", made["TrailARN"], account, made["HomeRegion"], made)


def _faulty_trail(rank: int) -> Config:
    """What is wrong with the trail of an account that has no good one; such an account with rank % 4 == 0 has none."""
    faults: Sequence[Config] = (
        {"IsMultiRegionTrail": False},
        {"IsLogging": False},
        {"Selectors": {"EventSelectors": [selector(ExcludeManagementEventSources=["kms.amazonaws.com"])]}},
    )
    return dict(faults[rank % 4 - 1])


def _keys(fleet: Fleet, index: int) -> Iterator[Resource]:
    account, changed = account_id(index), fleet.is_changed(index)
    region = OPEN[index % len(OPEN)]
    made = []
    for number in fleet.shares.of(fleet.total("keys"), index):
        rotated = not fleet.violates("kms-key-rotation", number)
        if rotated and changed:
            rotated = changed = False
        place_of_key = region if number % 3 else OPEN[number % len(OPEN)]
        made.append((place_of_key, key(account, place_of_key, number, rotated=rotated)))
    for extra in range(3 + index % 10):
        number = 1_000_000 + index * 100 + extra
        service = f"Default key that protects what {('s3', 'ebs', 'rds', 'lambda')[extra % 4]} keeps"
        made.append((region, key(account, region, number, rotated=True, KeyManager="AWS", Description=service)))
    if index % 2:
        number = 2_000_000 + index
        made.append((region, key(account, region, number, rotated=None, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")))
    for where, config in made:
        yield resource("AWS::KMS::Key", config["KeyArn"], account, where, config)


def _networks(fleet: Fleet, index: int) -> Iterator[Resource]:
    account, changed = account_id(index), fleet.is_changed(index)
    for number in fleet.shares.of(fleet.total("vpcs"), index):
        region = OPEN[mixed(number, 54) % len(OPEN)]
        config = vpc(account, number)
        yield resource("AWS::EC2::VPC", config["VpcId"], account, region, config)
        log = flow_log(account, region, number, config["VpcId"])
        rank = fleet.rank("vpc-flow-logs", number)
        if rank is None and changed:
            changed = False
            log["FlowLogStatus"] = "INACTIVE"  # one log less, and all accounts after this one would be filled otherwise
        if rank is not None:
            faults = ({"TrafficType": "ACCEPT"}, {"FlowLogStatus": "INACTIVE"}, {"ResourceId": f"subnet-{rank}"})
            if rank % 20 >= len(faults):
                continue  # most have none at all
            log |= faults[rank % 20]
        yield resource("AWS::EC2::FlowLog", log["FlowLogId"], account, region, log)


def _ordinary_buckets(fleet: Fleet, index: int) -> Iterator[Resource]:
    account = account_id(index)
    for number in fleet.shares.of(scaled(BUCKETS, fleet.scale), index):
        name = f"acme-{('data', 'assets', 'builds', 'backups')[number % 4]}-{number:06}"
        region = _bucket_region(name)
        wanted = ["transport", *(("roles", "organization") if number % 3 else ("administrators",))]
        config = bucket(account, region, name, number)
        if number % 5:
            config["Policy"] = policy(statements(wanted, name, account, number))
            config["PolicyStatus"] = {"IsPublic": False}
        if number % 4 == 0:
            config["Logging"] = logging("acme-access-logs", f"{name}/")
        if number % 6 == 0:
            used = f"arn:aws:kms:{region}:{account}:key/{mixed(number, 55):016x}"
            config["Encryption"] = encryption(used, bucket_key=True)
        if number % 11 == 0:
            config |= {"Ownership": None, "PublicAccessBlock": None}
        yield resource("AWS::S3::Bucket", name, account, region, config)


def _trail_buckets(fleet: Fleet, index: int) -> Iterator[Resource]:
    account = account_id(index)
    archives = [other for other in range(fleet.total("accounts")) if fleet.is_archive(other)]
    mine = archives.index(index)
    for number, (name, of) in enumerate(fleet.trail_buckets.items()):
        if number % len(archives) != mine:
            continue
        region = _bucket_region(name)
        config = bucket(account, region, name, number)
        config["Policy"] = policy(statements(["transport", "logs"], name, account, number))
        config["PolicyStatus"] = {"IsPublic": False}
        if not fleet.violates("cloudtrail-bucket-access-logging", of):
            config["Logging"] = logging("acme-access-logs", f"{name}/")
        public = fleet.rank("cloudtrail-bucket-not-public", of)
        if public is not None:
            config |= {"PublicAccessBlock": None, "Ownership": None}
            if public % 2:
                config["Policy"] = policy(statements(["logs", "everybody"], name, account, number))
                config["PolicyStatus"] = {"IsPublic": True}
            else:
                config["Acl"] = acl(account, group(ALL_USERS, "READ"))
        yield resource("AWS::S3::Bucket", name, account, region, config)


def _bucket_region(name: str) -> str:
    return OPEN[sum(name.encode()) % len(OPEN)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="the archive to add the snapshot to")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 1,143 accounts and 650,000 resources")
    parser.add_argument("--changed", type=float, default=0.0, help="the share of accounts that differ, such as 0.01")
    parser.add_argument("--later", action="store_true", help="a day later: every trail has delivered since")
    options = parser.parse_args()
    fleet = Fleet(scale=options.scale, changed=options.changed, later=options.later)
    days = int(fleet.changed > 0) + fleet.later
    print(build(fleet, options.into, TIME + timedelta(days=days)))


if __name__ == "__main__":
    main()
