"""A made-up organisation as AWS Config would have recorded it: accounts, regions, days, and settings that change.

python tests/config_organisation.py FOLDER --accounts 5 --regions 3 --days 400 --resources 100
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from config_items import Encoder, deliver, items
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import Snapshot

BEGUN = datetime(2025, 1, 1, 6, tzinfo=UTC)
REGIONS = ("us-east-1", "eu-west-1", "ap-south-1")
ANYBODY, INSIDE = "0.0.0.0/0", "10.0.0.0/8"
BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def account_ids(number: int) -> list[str]:
    return [f"{111122223333 + at:012}" for at in range(number)]


def state(day: int, accounts: int = 5, regions: int = 3, resources: int = 100) -> Snapshot:
    """The organisation on a day. On its tenth, and every tenth, some setting of each account was changed."""
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
            fine = (day // 10 + chance.randrange(4)) % 4 > 0
            kind, row = MAKE[at % len(MAKE)](identity, region, at, fine)
            once = kind.startswith("AWS::IAM::") or kind == "AWS::S3::Bucket"
            given[kind].append({**row, "$account": identity, **({} if once else {"$region": region})})
    return fixture(given, (BEGUN + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"))


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


def days(folder: Path, number: int, **size: int) -> Iterator[int]:
    """Write the files of each day: a whole snapshot each."""
    for day in range(number):
        moment = BEGUN + timedelta(days=day)
        deliver(folder, items(state(day, **size), Encoder(day % 10), moment - timedelta(hours=1)), moment)
        yield day


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, default in (("accounts", 5), ("regions", 3), ("days", 400), ("resources", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    for _ in days(given.pop("folder"), given.pop("days"), **given):
        pass


if __name__ == "__main__":
    main()
