"""The resources that policies read, with the fields and about the sizes that AWS's answers have."""

from __future__ import annotations

from typing import Any

from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import Resource, Unknown
from stillframe.snapshot.resource import name_of, tags_of

from .arithmetic import digits, mixed, uuid

Config = dict[str, Any]

# The regions that every account has, and those that it must ask for, which the accounts of the fleet have not done.
OPEN: tuple[str, ...] = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-south-1", "ap-northeast-1", "ap-northeast-2"),
    *("ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "eu-north-1", "sa-east-1"),
)
CLOSED: tuple[str, ...] = (
    *("af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ca-west-1"),
    *("eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1"),
)
TEAMS = ("payments", "search", "identity", "platform", "billing", "catalogue", "fulfilment")
NOT_PUBLIC = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


def resource(kind: str, identity: str, account: str, region: str, config: Config) -> Resource:
    """A resource as the collector would write it. What the catalogue attaches, and nobody says, is not configured."""
    spec = load_catalog()[kind]
    for name in spec.attach:
        config.setdefault(name, None)
    return Resource(
        type=kind,
        id=identity,
        account=account,
        region=region,
        name=name_of(spec, config),
        tags=tags_of(spec, config),
        config=config,
    )


def moment(number: int, salt: int = 90) -> str:
    """Some second of the years before the first snapshot."""
    value = mixed(number, salt)
    day, clock = value % 28 + 1, value >> 16
    return (
        f"{2017 + value % 9}-{(value >> 8) % 12 + 1:02}-{day:02}"
        f"T{clock % 24:02}:{clock // 24 % 60:02}:{clock // 1440 % 60:02}Z"
    )


def team(number: int) -> str:
    return TEAMS[number % len(TEAMS)]


def tags(name: str, number: int) -> list[dict[str, str]]:
    return [
        {"Key": "Name", "Value": name},
        {"Key": "team", "Value": team(number)},
        {"Key": "environment", "Value": ("production", "staging", "development")[number % 3]},
        {"Key": "cost-centre", "Value": f"cc-{mixed(number, 91) % 900 + 100}"},
    ]


def trail(
    account: str, name: str, number: int, *, bucket: str, bucket_region: str, later: bool, **config: Any
) -> Config:
    """A trail with its status and selectors. `config` has what policies judge; `later` is a day's deliveries more."""
    region = "us-east-1"
    delivered = f"2026-01-0{1 + later}T00:{mixed(number, 1) % 60:02}:07Z"
    group = config.get("CloudWatchLogsLogGroupArn")
    status: Config = {
        "IsLogging": True,
        "LatestDeliveryTime": delivered,
        "StartLoggingTime": moment(number),
        "LatestDeliveryAttemptTime": delivered,
        "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "",
        "LatestDeliveryAttemptSucceeded": delivered,
        "TimeLoggingStarted": moment(number),
        "TimeLoggingStopped": "",
    }
    if group:
        status["LatestCloudWatchLogsDeliveryTime"] = delivered
    arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
    return {
        "Name": name,
        "S3BucketName": bucket,
        "S3KeyPrefix": account,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "HomeRegion": region,
        "TrailARN": arn,
        "LogFileValidationEnabled": True,
        "HasCustomEventSelectors": True,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": False,
        "S3BucketLocation": {"LocationConstraint": None if bucket_region == "us-east-1" else bucket_region},
        "Status": status,
        "Selectors": {"TrailARN": arn, "EventSelectors": [selector()]},
        **config,
    }


def selector(**config: Any) -> Config:
    return {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
        "ExcludeManagementEventSources": [],
        **config,
    }


def key(account: str, region: str, number: int, *, rotated: bool | None, **metadata: Any) -> Config:
    """A KMS key. `rotated` is None where AWS KMS does not rotate such keys."""
    identity = uuid(number, 10)
    arn = f"arn:aws:kms:{region}:{account}:key/{identity}"
    rotation: Config | None = None
    if rotated is not None:
        rotation = {"KeyRotationEnabled": rotated, "KeyId": arn}
        if rotated:
            rotation |= {"RotationPeriodInDays": 365, "NextRotationDate": f"2026{moment(number)[4:]}"}
    return {
        "KeyId": identity,
        "KeyArn": arn,
        "Metadata": {
            "AWSAccountId": account,
            "KeyId": identity,
            "Arn": arn,
            "CreationDate": moment(number),
            "Enabled": True,
            "Description": f"Encrypts what {team(number)} keeps",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": "Enabled",
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": False,
            **metadata,
        },
        "Rotation": rotation,
        "Policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
        "Tags": None if metadata.get("KeyManager") == "AWS" else [{"TagKey": "team", "TagValue": team(number)}],
    }


def aws_account(account: str, **config: Any) -> Config:
    return {
        "AccountId": account,
        "Regions": sorted(OPEN),
        "Summary": {
            "Users": 4,
            "Roles": 61,
            "MFADevices": 4,
            "AccountMFAEnabled": 1,
            "AccountAccessKeysPresent": 0,
            "AccountPasswordPresent": 1,
        },
        "Organization": {"Id": "o-a1b2c3d4e5", "MasterAccountId": "100000000000", "FeatureSet": "ALL"},
        **config,
    }


def aws_region(region: str) -> Config:
    """A region as every account sees it. Nothing is known of what is in one that is not enabled."""
    config: Config = {"RegionName": region, "Endpoint": f"ec2.{region}.amazonaws.com"}
    if region in CLOSED:
        calls = load_catalog()["AWS::Region"].attach
        gaps = {name: Unknown.because(f"RegionNotEnabled: {call.action} in {region}") for name, call in calls.items()}
        return {**config, "OptInStatus": "not-opted-in", **gaps}
    return {
        **config,
        "OptInStatus": "opt-in-not-required",
        "EbsEncryption": {"EbsEncryptionByDefault": True, "SseType": "sse-ebs"},
        "EbsDefaultKey": "alias/aws/ebs",
        "PublicSnapshots": [],
        "SnapshotBlockPublicAccess": {"State": "block-all-sharing", "ManagedBy": "account"},
        "DocumentSharing": {
            "SettingId": "/ssm/documents/console/public-sharing-permission",
            "SettingValue": "Disable",
            "LastModifiedUser": "System",
            "Status": "Default",
        },
    }


def recorder(account: str, region: str, **config: Any) -> Config:
    everywhere = region == "us-east-1"
    return {
        "arn": f"arn:aws:config:{region}:{account}:configuration-recorder/default/{digits(int(account), 12)[:12]}",
        "name": "default",
        "roleARN": f"arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "recordingGroup": {
            "allSupported": True,
            "includeGlobalResourceTypes": everywhere,
            "resourceTypes": [],
            "exclusionByResourceTypes": {"resourceTypes": []},
            "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"},
        },
        "recordingMode": {"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": []},
        "recordingScope": "PAID",
        "Status": {
            "arn": f"arn:aws:config:{region}:{account}:configuration-recorder/default/{digits(int(account), 12)[:12]}",
            "name": "default",
            "lastStartTime": "2024-03-01T09:12:44Z",
            "recording": True,
            "lastStatus": "SUCCESS",
            "lastStatusChangeTime": "2025-12-31T23:50:02Z",
        },
        "DeliveryChannels": [
            {
                "name": "default",
                "s3BucketName": "acme-config-history",
                "s3KeyPrefix": account,
                "configSnapshotDeliveryProperties": {"deliveryFrequency": "TwentyFour_Hours"},
            }
        ],
        **config,
    }


def vpc(account: str, number: int) -> Config:
    cidr = f"10.{number % 256}.0.0/16"
    return {
        "OwnerId": account,
        "InstanceTenancy": "default",
        "CidrBlockAssociationSet": [
            {
                "AssociationId": f"vpc-cidr-assoc-{digits(number, 21)}",
                "CidrBlock": cidr,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "IsDefault": number % 4 == 0,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "VpcId": f"vpc-{digits(number, 20)}",
        "State": "available",
        "CidrBlock": cidr,
        "DhcpOptionsId": f"dopt-{digits(number, 22)}",
        "Tags": tags(f"{team(number)}-{number}", number),
    }


def flow_log(account: str, region: str, number: int, on: str, **config: Any) -> Config:
    return {
        "CreationTime": moment(number, 31),
        "DeliverLogsStatus": "SUCCESS",
        "FlowLogId": f"fl-{digits(number, 30)}",
        "FlowLogStatus": "ACTIVE",
        "ResourceId": on,
        "TrafficType": "ALL" if number % 3 else "REJECT",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::acme-flow-logs-{region}/{account}",
        "LogFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
        "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}",
        "Tags": tags(f"flow-{number}", number),
        "MaxAggregationInterval": 600,
        "DestinationOptions": {
            "FileFormat": "parquet",
            "HiveCompatiblePartitions": False,
            "PerHourPartition": True,
        },
        **config,
    }
