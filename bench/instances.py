"""EC2 instances as DescribeInstances returns them: about 4 kB each."""

from __future__ import annotations

from typing import Any

from .arithmetic import digits
from .shapes import Config, moment, tags, team


def instance(account: str, region: str, number: int, **config: Any) -> tuple[str, Config]:
    """An instance with two interfaces and two volumes. `config` has what differs."""
    identity = f"i-{digits(number, 103)}"
    group = {"GroupId": f"sg-{digits(number, 100)}", "GroupName": f"{team(number)}-{number % 97}"}
    zone = f"{region}{'abc'[number % 3]}"
    name = f"ip-10-{number % 256}-{number // 256 % 256}-12.{region}.compute.internal"
    return identity, {
        "Architecture": "x86_64" if number % 3 else "arm64",
        "BlockDeviceMappings": [_device(number, letter) for letter in "af"],
        "ClientToken": f"fleet-{digits(number, 104)}",
        "EbsOptimized": number % 5 != 0,
        "EnaSupport": True,
        "Hypervisor": "xen",
        "IamInstanceProfile": {
            "Arn": f"arn:aws:iam::{account}:instance-profile/{team(number)}",
            "Id": f"AIPA{digits(number, 105)[1:].upper()}",
        },
        "NetworkInterfaces": [_interface(account, number, group, at) for at in (0, 1)],
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "SecurityGroups": [group],
        "SourceDestCheck": True,
        "Tags": tags(f"{team(number)}-{number}", number),
        "VirtualizationType": "hvm",
        "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": False},
        "MetadataOptions": {
            "State": "applied",
            "HttpTokens": "required" if number % 6 else "optional",
            "HttpPutResponseHopLimit": 1 + number % 2,
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled",
            "InstanceMetadataTags": "disabled",
        },
        "EnclaveOptions": {"Enabled": False},
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": moment(number, 106),
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": True,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "MaintenanceOptions": {"AutoRecovery": "default", "RebootMigration": "default"},
        "CurrentInstanceBootMode": "uefi",
        "NetworkPerformanceOptions": {"BandwidthWeighting": "default"},
        "Operator": {"Managed": False},
        "InstanceId": identity,
        "ImageId": f"ami-{digits(number % 40, 107)}",
        "State": {"Code": 16, "Name": "running"},
        "PrivateDnsName": name,
        "PublicDnsName": "",
        "StateTransitionReason": "",
        "KeyName": team(number),
        "AmiLaunchIndex": 0,
        "ProductCodes": [],
        "InstanceType": ("m7g.large", "c6i.xlarge", "t3.medium", "r6i.2xlarge")[number % 4],
        "LaunchTime": moment(number, 106),
        "Placement": {
            "AvailabilityZoneId": f"use1-az{number % 6 + 1}",
            "GroupName": "",
            "Tenancy": "default",
            "AvailabilityZone": zone,
        },
        "Monitoring": {"State": "enabled" if number % 4 else "disabled"},
        "SubnetId": f"subnet-{digits(number, 101)}",
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "PrivateIpAddress": f"10.{number % 256}.{number // 256 % 256}.12",
        **config,
    }


def _device(number: int, letter: str) -> Config:
    return {
        "DeviceName": f"/dev/xvd{letter}",
        "Ebs": {
            "AttachTime": moment(number, 106),
            "DeleteOnTermination": letter == "a",
            "Status": "attached",
            "VolumeId": f"vol-{digits(number * 2 + (letter == 'f'), 108)}",
            "EbsCardIndex": 0,
        },
    }


def _interface(account: str, number: int, group: Config, at: int) -> Config:
    address = f"10.{number % 256}.{number // 256 % 256}.{12 + at}"
    return {
        "Attachment": {
            "AttachTime": moment(number, 106),
            "AttachmentId": f"eni-attach-{digits(number * 2 + at, 109)}",
            "DeleteOnTermination": True,
            "DeviceIndex": at,
            "Status": "attached",
            "NetworkCardIndex": 0,
        },
        "Description": "",
        "Groups": [group],
        "Ipv6Addresses": [],
        "MacAddress": "0a:" + ":".join(digits(number * 2 + at, 110)[1:11][part : part + 2] for part in range(0, 10, 2)),
        "NetworkInterfaceId": f"eni-{digits(number * 2 + at, 111)}",
        "OwnerId": account,
        "PrivateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal",
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [
            {
                "Primary": True,
                "PrivateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal",
                "PrivateIpAddress": address,
            }
        ],
        "SourceDestCheck": True,
        "Status": "in-use",
        "SubnetId": f"subnet-{digits(number, 101)}",
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "InterfaceType": "interface",
        "Operator": {"Managed": False},
    }
