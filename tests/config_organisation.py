"""A made-up organisation as AWS Config would have recorded it: accounts, regions, days, and settings that change.

python tests/config_organisation.py FOLDER --accounts 5 --regions 3 --days 400 --resources 100

A whole file of each region every day, at six, or every so many days; and every six hours histories of what changed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from builders import shipped
from config_items import Body, Encoder, deliver, items
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.pack_files import load_packs
from stillframe.engine.model.policy import Policy
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import list_snapshots, open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import Resource, Snapshot
from stillframe.snapshot.resource_file import complete

BEGUN = datetime(2025, 1, 1, 6, tzinfo=UTC)
REGIONS = ("us-east-1", "eu-west-1", "ap-south-1")
ANYBODY, INSIDE = "0.0.0.0/0", "10.0.0.0/8"
BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def account_ids(number: int) -> list[str]:
    return [f"{111122223333 + at:012}" for at in range(number)]


def state(day: int, accounts: int = 5, regions: int = 3, resources: int = 100, quarter: int = 0) -> Snapshot:
    """The organisation on a day at six, or so many quarters of a day later.

    On its tenth day, and every tenth, some resources of each account change, a part of them in each quarter.
    """
    # Of all else that is recorded there is nothing.
    given: dict[str, list[dict[str, Any]]] = {kind: [] for kind, spec in load_catalog().items() if spec.config}
    del given["AWS::Config::ConfigurationRecorder"]
    for identity in account_ids(accounts):
        chance = Random(int(identity))
        given.setdefault("AWS::Account", []).append(
            {"AccountId": identity, "$account": identity, "PublicAccessBlock": None}
        )
        for at in range(resources):
            region = REGIONS[at % regions]
            # Whether it is in order: it is so or not for some days, each resource by its own rhythm.
            fine = (max(4 * day + quarter - at % 4, 0) // 40 + chance.randrange(4)) % 4 > 0
            kind, row = MAKE[at % len(MAKE)](identity, region, at, fine)
            if kind == "AWS::EC2::FlowLog" and not fine and at // len(MAKE) % 2:
                continue  # it was deleted
            once = kind.startswith("AWS::IAM::") or kind == "AWS::S3::Bucket"
            given[kind].append({**row, "$account": identity, **({} if once else {"$region": region})})
    return fixture(given, (BEGUN + timedelta(days=day, hours=6 * quarter)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def vpc(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    return "AWS::EC2::VPC", {
        "VpcId": f"vpc-{at // len(MAKE)}-{region}",
        "OwnerId": account,
        "IsDefault": False,
        "State": "available",
    }


def flow_log(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    return "AWS::EC2::FlowLog", {
        "FlowLogId": f"fl-{at}",
        "FlowLogStatus": "ACTIVE",
        "ResourceId": f"vpc-{at // len(MAKE)}-{region}" if fine else "subnet-1",
        "TrafficType": "ALL",
    }


def group(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": INSIDE if fine else ANYBODY}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
    return "AWS::EC2::SecurityGroup", {
        "GroupId": f"sg-{at}",
        "GroupName": "default" if at % 3 else "web",
        "OwnerId": account,
        "VpcId": "vpc-1",
        "IpPermissions": [rule],
        "IpPermissionsEgress": [],
    }


def key(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    arn = f"arn:aws:kms:{region}:{account}:key/{at}"
    metadata = {"KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"}
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}]}
    rotation = {"KeyRotationEnabled": fine}
    return "AWS::KMS::Key", {
        "KeyArn": arn,
        "KeyId": str(at),
        "Metadata": metadata,
        "Rotation": rotation,
        "Policy": policy,
    }


def bucket(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    name = f"logs-{account}-{at // len(MAKE)}"
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    secure = {"Statement": [{**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}
    return "AWS::S3::Bucket", {
        "Name": name,
        "BucketRegion": region,
        "Location": {"LocationConstraint": region},
        "PublicAccessBlock": dict.fromkeys(BLOCK, fine),
        "Policy": secure if fine else None,
        "PolicyStatus": {"IsPublic": False} if fine else None,
        "Acl": {"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "FULL_CONTROL"}]},
        "Ownership": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        "Logging": {"TargetBucket": "access", "TargetPrefix": ""} if fine else None,
        "Encryption": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        "Versioning": {"Status": "Enabled", "MFADelete": "Disabled"},
    }


def trail(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    all_events = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    return "AWS::CloudTrail::Trail", {
        "Name": f"trail-{at}",
        "TrailARN": f"arn:aws:cloudtrail:{region}:{account}:trail/trail-{at}",
        "HomeRegion": region,
        "S3BucketName": f"logs-{account}-{at // len(MAKE)}",
        "S3BucketLocation": {"LocationConstraint": region},
        "IsMultiRegionTrail": True,
        "IsOrganizationTrail": False,
        "LogFileValidationEnabled": fine,
        "KmsKeyId": f"arn:aws:kms:{region}:{account}:key/1" if fine else None,
        "CloudWatchLogsLogGroupArn": None,
        "Status": {"IsLogging": True},
        "Selectors": {"EventSelectors": [all_events]},
    }


def policy(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    statement = {"Effect": "Allow", "Action": "s3:Get*" if fine else "*", "Resource": "*"}
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": {"Statement": [statement]}}
    return "AWS::IAM::ManagedPolicy", {
        "Arn": f"arn:aws:iam::{account}:policy/p{at}",
        "PolicyName": f"p{at}",
        "AttachmentCount": 1,
        "DefaultVersionId": "v1",
        "PolicyVersionList": [version],
    }


def database(account: str, region: str, at: int, fine: bool) -> tuple[str, dict[str, Any]]:
    return "AWS::RDS::DBInstance", {
        "DBInstanceArn": f"arn:aws:rds:{region}:{account}:db:db{at}",
        "DBInstanceIdentifier": f"db{at}",
        "Engine": "mysql",
        "StorageEncrypted": fine,
        "AutoMinorVersionUpgrade": fine,
        "PubliclyAccessible": not fine,
        "MultiAZ": fine,
        "DeletionProtection": True,
        "IAMDatabaseAuthenticationEnabled": False,
        "DBSubnetGroup": {"VpcId": "vpc-1", "Subnets": []},
    }


MAKE = (vpc, flow_log, group, key, bucket, trail, policy, database)


def resources_of(snapshot: Snapshot) -> dict[tuple[str, str, str, str], Resource]:
    found = {}
    for identity in snapshot.accounts:
        account = snapshot.account(identity)
        for kind in account.coverage:
            for each in account.read(kind):
                complete(each.config, load_catalog()[kind])
                found[identity, kind, each.region, each.id] = each
    return found


def histories(folder: Path, day: int, quarter: int, regions: int = 3, **size: int) -> list[Path]:
    """Write what changed in the six hours before: a file for each region and type of which something did."""
    end = BEGUN + timedelta(days=day, hours=6 * quarter)
    size["regions"] = regions
    before, after = (resources_of(state(day, quarter=each, **size)) for each in (quarter - 1, quarter))
    encoder, files = Encoder(quarter), dict[tuple[str, str, str], list[Body]]()
    for key in sorted({*before, *after}):
        resource = after.get(key, before.get(key))
        if resource is None or (key in before and key in after and before[key] == after[key]):
            continue
        item = encoder.item(resource, end - timedelta(hours=1))
        if item is not None:
            gone = {} if key in after else {"configurationItemStatus": "ResourceDeleted", "configuration": None}
            # What is nowhere stands in the files of one region, as in those that are whole.
            place = resource.region if resource.region in REGIONS[:regions] else min(REGIONS[:regions])
            files.setdefault((key[0], place, item["resourceType"]), []).append({**item, **gone})
    return [
        path
        for (account, region, kind), own in files.items()
        for path in deliver(folder, {(account, region): own}, end, "ConfigHistory", kind)
    ]


def days(folder: Path, number: int, every: int = 1, **size: int) -> Iterator[int]:
    """Write the files of each day: a whole snapshot each, or every so many days, and its histories."""
    for day in range(number):
        moment = BEGUN + timedelta(days=day)
        if day % every == 0:
            deliver(folder, items(state(day, **size), Encoder(day % 10), moment - timedelta(hours=1)), moment)
        if day and day % 10 == 0:  # on others nothing changes, so that there is no file
            for quarter in range(4):
                histories(folder, day, quarter, **size)
        yield day


def quarter_of(moment: datetime) -> int:
    """The quarter in which a moment is, since the organisation was begun; the changes of one are an hour before it."""
    return (moment + timedelta(hours=1) - BEGUN) // timedelta(hours=6)


def statuses(snapshot: Snapshot, policies: Sequence[Policy]) -> dict[tuple[str, ...], str]:
    return {each.identity: each.status.value for each in evaluate(snapshot, policies)}


def compared(snapshot: Snapshot, policies: Sequence[Policy], **size: int) -> Counter[str]:
    """The findings of an imported snapshot by status, and as `otherwise` those decided otherwise than as it was."""
    at = quarter_of(datetime.fromisoformat(snapshot.captured_at))
    live = statuses(state(at // 4, quarter=at % 4, **size), policies)
    found = statuses(snapshot, policies)
    wrong = [each for each, status in found.items() if status in ("pass", "fail") and status != live.get(each)]
    return Counter(found.values()) + Counter(otherwise=len(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="FOLDER is an archive: compare its snapshots to what was")
    for name, default in (("accounts", 5), ("regions", 3), ("days", 400), ("resources", 100), ("every", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    folder, number, every = given.pop("folder"), given.pop("days"), given.pop("every")
    if not given.pop("check"):
        for _ in days(folder, number, every, **given):
            pass
        return
    policies = shipped(*{ask.policy for pack in load_packs(["logging", "cis-aws-5.0.0"]) for ask in pack.asks()})
    found: Counter[str] = Counter()
    for entry in list_snapshots(folder):
        found += compared(open_snapshot(entry.path), policies, **given)
        print(entry.id, dict(found), flush=True)


if __name__ == "__main__":
    main()
