"""The dense workload: one type, most fields of it in use. `python -m bench.dense --into DIR` writes its snapshot.

100,000 EC2 instances for the twenty policies in `policies/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from stillframe.snapshot.collector.write import AccountData, SnapshotWriter, row
from stillframe.snapshot.model import Coverage, Resource

from .arithmetic import digits, mixed
from .instances import instance
from .shapes import Config, resource, tags, team

TIME = datetime(2026, 1, 1, tzinfo=UTC)
KIND = "AWS::EC2::Instance"
INSTANCES, ACCOUNTS = 100_000, 20
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2")
FAMILIES = ("m7g", "c6i", "r6i", "t3", "m6i")


def build(instances: int, archive: Path) -> Path:
    """Write so many instances as a snapshot to an archive, an account at a time."""
    writer = SnapshotWriter(archive, TIME)
    for index in range(ACCOUNTS):
        account = f"{200_000_000_000 + index * 7_919_333:012}"
        numbers = range(instances * index // ACCOUNTS, instances * (index + 1) // ACCOUNTS)
        coverage = {KIND: Coverage(read=frozenset(REGIONS), missing={})}
        made = {KIND: [row(each) for each in _instances(account, numbers)]}
        writer.add(AccountData(id=account, name=None, regions=REGIONS, coverage=coverage, resources=made))
    return writer.finish({"instances": instances})


def _instances(account: str, numbers: range) -> Iterator[Resource]:
    for number in numbers:
        region = REGIONS[number % len(REGIONS)]
        identity, config = instance(account, region, number, **_differences(account, number))
        if _one_of(7, number, 1):
            address = f"52.{number % 256}.{number // 256 % 256}.{number // 65_536}"
            public = {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": address}
            config["NetworkInterfaces"][0]["Association"] = public
            config["PublicIpAddress"] = address
        if _one_of(9, number, 2):
            del config["IamInstanceProfile"]
        config["NetworkInterfaces"][1]["SourceDestCheck"] = not _one_of(15, number, 3)
        config["BlockDeviceMappings"][1]["Ebs"]["DeleteOnTermination"] = not _one_of(5, number, 4)
        yield resource(KIND, identity, account, region, config)


def _one_of(count: int, number: int, salt: int) -> bool:
    return mixed(number, 200 + salt) % count == 0


def _differences(account: str, number: int) -> Config:
    """What is not as in the most careful instance. Each is off in a share of its own: 1 of 6, 9, 10 …"""

    def one_of(count: int, salt: int) -> bool:
        return _one_of(count, number, salt)

    family = ("t2", "m4")[number % 2] if one_of(6, 10) else FAMILIES[number % len(FAMILIES)]
    profile = account if not one_of(13, 11) else "999988887777"
    return {
        "EbsOptimized": not one_of(6, 12),
        "IamInstanceProfile": {
            "Arn": f"arn:aws:iam::{profile}:instance-profile/{team(number)}",
            "Id": f"AIPA{digits(number, 105)[1:].upper()}",
        },
        "ImageId": "ami-0123456789abcdef0" if one_of(14, 13) else f"ami-{digits(number % 40, 107)}",
        "InstanceType": f"{family}.{('large', 'xlarge', '2xlarge')[number % 3]}",
        "MaintenanceOptions": {"AutoRecovery": "disabled" if one_of(10, 14) else "default"},
        "MetadataOptions": {
            "State": "applied",
            "HttpTokens": "optional" if one_of(6, 15) else "required",
            "HttpPutResponseHopLimit": 3 if one_of(9, 16) else 1 + number % 2,
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled",
            "InstanceMetadataTags": "disabled",
        },
        "Monitoring": {"State": "disabled" if one_of(4, 17) else "enabled"},
        "RootDeviceType": "instance-store" if one_of(25, 18) else "ebs",
        "SecurityGroups": _groups(number, default=one_of(11, 19)),
        "SourceDestCheck": not one_of(15, 20),
        "State": {"Code": 80, "Name": "stopped"} if one_of(10, 21) else {"Code": 16, "Name": "running"},
        "Tags": _tags(number),
    }


def _groups(number: int, *, default: bool) -> list[Config]:
    names = [f"{team(number)}-{at}" for at in range(number % 4 + 1)]
    if default:
        names[0] = "default"
    return [{"GroupId": f"sg-{digits(number + at, 100)}", "GroupName": name} for at, name in enumerate(names)]


def _tags(number: int) -> list[dict[str, str]]:
    name = f"Copy of {team(number)}" if _one_of(12, number, 31) else f"{team(number)}-{number}"
    missing = {
        key for key, count in (("cost-centre", 9), ("environment", 10), ("owner", 8)) if _one_of(count, number, count)
    }
    owner = {"Key": "owner", "Value": f"{team(number)}@example.com"}
    return [tag for tag in [*tags(name, number), owner] if tag["Key"] not in missing]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dense", description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="the archive to add the snapshot to")
    parser.add_argument("--instances", type=int, default=INSTANCES, help="how many in all")
    options = parser.parse_args()
    print(build(options.instances, options.into))


if __name__ == "__main__":
    main()
