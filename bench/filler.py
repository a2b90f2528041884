"""The rest of an estate: types that no shipped policy reads, and that an evaluation must get past."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stillframe.snapshot.model import GLOBAL, Resource

from .arithmetic import digits, mixed
from .instances import instance
from .shapes import OPEN, Config, moment, resource, tags, team

Maker = Callable[[str, str, int], tuple[str, Config]]  # account, region, number → id and config


def security_group(account: str, region: str, number: int) -> tuple[str, Config]:
    identity = f"sg-{digits(number, 100)}"
    ports = (22, 443, 5432, 6379, 8080, 9092)
    return identity, {
        "GroupId": identity,
        "IpPermissionsEgress": [
            {
                "IpProtocol": "-1",
                "UserIdGroupPairs": [],
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
            }
        ],
        "Tags": tags(f"{team(number)}-{number % 97}", number),
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "SecurityGroupArn": f"arn:aws:ec2:{region}:{account}:security-group/{identity}",
        "OwnerId": account,
        "GroupName": f"{team(number)}-{number % 97}",
        "Description": f"What {team(number)} lets in",
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "UserIdGroupPairs": [
                    {
                        "Description": "from the load balancer",
                        "UserId": account,
                        "GroupId": f"sg-{digits(number + 1, 100)}",
                    }
                ],
                "IpRanges": [{"Description": "the offices", "CidrIp": f"10.{number % 256}.{rule}.0/24"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
            }
            for rule, port in enumerate(ports[: number % len(ports) + 1])
        ],
    }


def subnet(account: str, region: str, number: int) -> tuple[str, Config]:
    identity = f"subnet-{digits(number, 101)}"
    return identity, {
        "AvailabilityZoneId": f"use1-az{number % 6 + 1}",
        "MapCustomerOwnedIpOnLaunch": False,
        "OwnerId": account,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Tags": tags(f"private-{number}", number),
        "SubnetArn": f"arn:aws:ec2:{region}:{account}:subnet/{identity}",
        "EnableDns64": False,
        "Ipv6Native": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "SubnetId": identity,
        "State": "available",
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "CidrBlock": f"10.{number % 256}.{number % 16 * 16}.0/20",
        "AvailableIpAddressCount": mixed(number, 102) % 4091,
        "AvailabilityZone": f"{region}{'abc'[number % 3]}",
        "DefaultForAz": number % 4 == 0,
        "MapPublicIpOnLaunch": number % 4 == 0,
    }


def volume(account: str, region: str, number: int) -> tuple[str, Config]:
    identity = f"vol-{digits(number, 108)}"
    return identity, {
        "Iops": 3000,
        "Tags": tags(f"data-{number}", number),
        "VolumeType": "gp3",
        "MultiAttachEnabled": False,
        "Throughput": 125,
        "Operator": {"Managed": False},
        "VolumeId": identity,
        "Size": 8 << number % 8,
        "SnapshotId": f"snap-{digits(number % 500, 112)}",
        "AvailabilityZone": f"{region}{'abc'[number % 3]}",
        "State": "in-use",
        "CreateTime": moment(number, 113),
        "Attachments": [
            {
                "DeleteOnTermination": True,
                "VolumeId": identity,
                "InstanceId": f"i-{digits(number // 2, 103)}",
                "Device": "/dev/xvda",
                "State": "attached",
                "AttachTime": moment(number, 113),
            }
        ],
        "Encrypted": number % 7 != 0,
        "KmsKeyId": f"arn:aws:kms:{region}:{account}:alias/aws/ebs",
    }


def role(account: str, region: str, number: int) -> tuple[str, Config]:
    name = f"{team(number)}-{number}"
    arn = f"arn:aws:iam::{account}:role/{name}"
    return arn, {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{digits(number, 114)[1:].upper()}",
        "Arn": arn,
        "CreateDate": moment(number, 115),
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {"StringEquals": {"sts:ExternalId": digits(number, 116)}},
                },
            ],
        },
        "Description": f"What {team(number)} runs as",
        "MaxSessionDuration": 3600,
        "RoleLastUsed": {"LastUsedDate": moment(number, 117), "Region": region},
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": [
            {"PolicyName": policy, "PolicyArn": f"arn:aws:iam::aws:policy/{policy}"}
            for policy in ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")[: number % 3]
        ],
        "Tags": tags(name, number)[1:],
    }


def function(account: str, region: str, number: int) -> tuple[str, Config]:
    name = f"{team(number)}-handler-{number}"
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return arn, {
        "FunctionName": name,
        "FunctionArn": arn,
        "Runtime": ("python3.12", "nodejs20.x", "java21")[number % 3],
        "Role": f"arn:aws:iam::{account}:role/{team(number)}-{number}",
        "Handler": "handler.main",
        "CodeSize": mixed(number, 118) % 50_000_000,
        "Description": "",
        "Timeout": 30,
        "MemorySize": 128 << number % 5,
        "LastModified": moment(number, 119),
        "CodeSha256": f"{digits(number, 120)}{digits(number, 121)}=",
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": digits(number, 122),
        "Layers": [{"Arn": f"arn:aws:lambda:{region}:{account}:layer:common:{number % 30}", "CodeSize": 1_048_576}],
        "PackageType": "Zip",
        "Architectures": ["arm64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "UrlConfigs": [],
        "Tags": {"team": team(number), "stage": ("production", "staging")[number % 2]},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name}"},
    }


def log_group(account: str, region: str, number: int) -> tuple[str, Config]:
    name = f"/aws/lambda/{team(number)}-handler-{number}"
    arn = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    return name, {
        "logGroupName": name,
        "creationTime": 1_600_000_000_000 + mixed(number, 123) % 10**11,
        "retentionInDays": (30, 90, 365)[number % 3],
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": mixed(number, 124) % 10**10,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
    }


# One turn of what an account has: (type, how to make one, how many of a turn).
MIX: tuple[tuple[str, Maker, int], ...] = (
    ("AWS::EC2::SecurityGroup", security_group, 12),
    ("AWS::EC2::Subnet", subnet, 7),
    ("AWS::EC2::Instance", instance, 4),
    ("AWS::EC2::Volume", volume, 8),
    ("AWS::IAM::Role", role, 8),
    ("AWS::Lambda::Function", function, 7),
    ("AWS::Logs::LogGroup", log_group, 4),
)
TURN = tuple((kind, make) for kind, make, count in MIX for _ in range(count))
KINDS = tuple(kind for kind, _, _ in MIX)
GLOBAL_KINDS = frozenset({"AWS::IAM::Role"})


def fill(account: str, numbers: range) -> Iterator[Resource]:
    """A resource for each number, of the types of the mix in turn."""
    for number in numbers:
        kind, make = TURN[number % len(TURN)]
        region = OPEN[mixed(number, 99) % len(OPEN)]
        identity, config = make(account, region, number)
        yield resource(kind, identity, account, GLOBAL if kind in GLOBAL_KINDS else region, config)
