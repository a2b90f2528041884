"""What a whole benchmark reads of an account beside logs: people, networks, databases, alarms and security services.

About a hundred resources for each account of the fleet, some of them at fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from stillframe.snapshot.model import GLOBAL, Resource

from .arithmetic import digits, mixed
from .shapes import OPEN, Config, moment, resource, tags, team

HOME = OPEN[0]
ALARMS = (
    "root",
    "iam",
    "trail",
    "sign-in",
    "keys",
    "buckets",
    "config",
    "groups",
    "acls",
    "gateways",
    "routes",
    "vpcs",
)
Made = tuple[str, Config]  # id and config


def user(account: str, number: int) -> Made:
    name = f"{team(number)}-{number}"
    arn = f"arn:aws:iam::{account}:user/{name}"
    return arn, {
        "Arn": arn,
        "UserName": name,
        "UserId": f"AIDA{digits(number, 130)[1:].upper()}",
        "Path": "/",
        "CreateDate": moment(number, 131),
        "GroupList": [team(number)],
        "UserPolicyList": [],
        "AttachedManagedPolicies": []
        if number % 5
        else [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        "MFADevices": [{"UserName": name, "SerialNumber": f"arn:aws:iam::{account}:mfa/{name}"}],
        "Tags": tags(name, number)[1:],
    }


def credentials(account: str, name: str, number: int) -> Made:
    arn = f"arn:aws:iam::{account}:" + ("root" if name == "<root_account>" else f"user/{name}")
    used, made = f"2025-1{number % 3}-0{number % 9 + 1}T08:00:00+00:00", moment(number, 131).replace("Z", "+00:00")
    return arn, {
        "user": name,
        "arn": arn,
        "user_creation_time": made,
        "password_enabled": "not_supported" if name == "<root_account>" else "true" if number % 2 else "false",
        "password_last_used": used if number % 2 else "no_information",
        "password_last_changed": made if number % 2 else "N/A",
        "password_next_rotation": "N/A",
        "mfa_active": "true" if number % 7 else "false",
        "access_key_1_active": "true" if number % 3 else "false",
        "access_key_1_last_rotated": made if number % 3 else "N/A",
        "access_key_1_last_used_date": used if number % 3 else "N/A",
        "access_key_1_last_used_region": HOME,
        "access_key_1_last_used_service": "s3",
        "access_key_2_active": "false",
        "access_key_2_last_rotated": "N/A",
        "access_key_2_last_used_date": "N/A",
        "access_key_2_last_used_region": "N/A",
        "access_key_2_last_used_service": "N/A",
        "cert_1_active": "false",
        "cert_1_last_rotated": "N/A",
        "cert_2_active": "false",
        "cert_2_last_rotated": "N/A",
    }


def managed_policy(account: str, number: int) -> Made:
    name = f"{team(number)}-{number}"
    arn = f"arn:aws:iam::{account}:policy/{name}"
    statements = [
        {
            "Effect": "Allow",
            "Action": [f"{service}:Get*", f"{service}:List*"],
            "Resource": f"arn:aws:{service}:*:{account}:*",
        }
        for service in ("s3", "ec2", "lambda", "logs", "sqs")[: number % 5 + 1]
    ]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": statements if number % 23 else [everything]}
    return arn, {
        "Arn": arn,
        "PolicyName": name,
        "PolicyId": f"ANPA{digits(number, 132)[1:].upper()}",
        "Path": "/",
        "DefaultVersionId": "v1",
        "AttachmentCount": number % 4,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": moment(number, 133),
        "UpdateDate": moment(number, 133),
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": moment(number, 133), "Document": document}
        ],
    }


def network_acl(account: str, number: int) -> Made:
    identity = f"acl-{digits(number, 134)}"
    entries = [
        {
            "RuleNumber": rule,
            "Protocol": "6",
            "RuleAction": "allow",
            "Egress": False,
            "CidrBlock": "10.0.0.0/8" if number % 6 else "0.0.0.0/0",
            "PortRange": {"From": port, "To": port},
        }
        for rule, port in ((100, 22), (110, 443), (120, 3389))
    ]
    last = {"RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}
    return identity, {
        "NetworkAclId": identity,
        "OwnerId": account,
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "IsDefault": number % 2 == 0,
        "Associations": [],
        "Entries": [*entries, {**last, "Egress": False}, {**last, "Egress": True, "RuleAction": "allow"}],
        "Tags": tags(f"acl-{number}", number),
    }


def default_group(account: str, number: int) -> Made:
    identity = f"sg-{digits(number, 135)}"
    return identity, {
        "GroupId": identity,
        "GroupName": "default",
        "Description": "default VPC security group",
        "OwnerId": account,
        "VpcId": f"vpc-{digits(number % 11_101, 20)}",
        "IpPermissions": []
        if number % 4
        else [
            {
                "IpProtocol": "-1",
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        ],
        "IpPermissionsEgress": [],
        "Tags": [],
    }


def prefix_list(account: str, region: str, number: int) -> Made:
    identity = f"pl-{digits(number, 140)}"
    arn = f"arn:aws:ec2:{region}:{account}:prefix-list/{identity}"
    entries = [{"Cidr": f"10.{part}.0.0/16", "Description": "an office"} for part in range(number % 5 + 1)]
    config = {"PrefixListId": identity, "PrefixListArn": arn, "PrefixListName": f"offices-{number}", "OwnerId": account}
    return identity, {**config, "State": "create-complete", "MaxEntries": 20, "Entries": entries, "Tags": []}


def sign_in(account: str) -> Made:
    arn = f"arn:aws:iam::{account}:saml-provider/company"
    return arn, {"Arn": arn, "CreateDate": moment(3, 138), "ValidUntil": "2030-01-01T00:00:00Z"}


def database(account: str, region: str, number: int) -> Made:
    name = f"{team(number)}-{number}"
    arn = f"arn:aws:rds:{region}:{account}:db:{name}"
    return arn, {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": arn,
        "DBInstanceClass": "db.m6g.large",
        "Engine": ("postgres", "mysql")[number % 2],
        "EngineVersion": "16.3",
        "DBInstanceStatus": "available",
        "StorageEncrypted": number % 9 > 0,
        "AutoMinorVersionUpgrade": number % 8 > 0,
        "PubliclyAccessible": number % 31 == 0,
        "MultiAZ": number % 2 == 0,
        "DBSubnetGroup": {"DBSubnetGroupName": "default", "Subnets": []},
        "TagList": tags(name, number),
    }


def file_system(account: str, region: str, number: int) -> Made:
    identity = f"fs-{digits(number, 136)}"
    arn = f"arn:aws:elasticfilesystem:{region}:{account}:file-system/{identity}"
    config = {"FileSystemId": identity, "FileSystemArn": arn, "OwnerId": account, "Encrypted": number % 6 > 0}
    return identity, {**config, "LifeCycleState": "available", "Tags": tags(f"share-{number}", number)}


def metric_filter(name: str, number: int) -> Made:
    events = " || ".join(f"($.eventName = {name.title()}{verb})" for verb in ("Create", "Update", "Delete", "Put"))
    transformation = {"metricName": name, "metricNamespace": "Trail", "metricValue": "1"}
    return f"trail:{name}", {
        "filterName": name,
        "logGroupName": "trail",
        "filterPattern": f"{{ {events} }}",
        "metricTransformations": [transformation],
        "creationTime": 1_600_000_000_000 + number,
    }


def alarm(account: str, name: str) -> Made:
    arn = f"arn:aws:cloudwatch:{HOME}:{account}:alarm:{name}"
    return arn, {
        "AlarmArn": arn,
        "AlarmName": name,
        "ActionsEnabled": True,
        "AlarmActions": [f"arn:aws:sns:{HOME}:{account}:alarms"],
        "MetricName": name,
        "Namespace": "Trail",
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "StateValue": "OK",
    }


def topic(account: str) -> Made:
    arn = f"arn:aws:sns:{HOME}:{account}:alarms"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sns:*",
        "Resource": arn,
    }
    subscription = {"Protocol": "email", "SubscriptionArn": f"{arn}:{digits(int(account), 137)}", "TopicArn": arn}
    return arn, {
        "TopicArn": arn,
        "Attributes": {"Policy": {"Version": "2012-10-17", "Statement": [statement]}, "TopicArn": arn},
        "Subscriptions": [subscription],
        "Tags": [],
    }


def analyzer(account: str, region: str) -> Made:
    arn = f"arn:aws:access-analyzer:{region}:{account}:analyzer/external"
    return arn, {"arn": arn, "name": "external", "type": "ACCOUNT", "status": "ACTIVE", "createdAt": moment(1, 138)}


def hub(account: str, region: str) -> Made:
    arn = f"arn:aws:securityhub:{region}:{account}:hub/default"
    return arn, {"HubArn": arn, "SubscribedAt": moment(2, 138), "AutoEnableControls": True, "Standards": []}


def more(account: str, index: int) -> Iterator[Resource]:
    """What one account of the fleet has beside what the nine read, and the rest."""
    for kind, region, (identity, config) in _made(account, index):
        yield resource(kind, identity, account, region, config)


def _made(account: str, index: int) -> Iterator[tuple[str, str, Made]]:
    numbers = range(index * 12, index * 12 + 12)
    yield "AWS::IAM::CredentialReport", GLOBAL, credentials(account, "<root_account>", index)
    for number in numbers[:4]:
        yield "AWS::IAM::User", GLOBAL, user(account, number)
        yield "AWS::IAM::CredentialReport", GLOBAL, credentials(account, f"{team(number)}-{number}", number)
    for number in numbers[:6]:
        yield "AWS::IAM::ManagedPolicy", GLOBAL, managed_policy(account, number)
    for number in numbers[:10]:
        region = OPEN[mixed(number, 54) % len(OPEN)]
        yield "AWS::EC2::NetworkAcl", region, network_acl(account, number)
        yield "AWS::EC2::SecurityGroup", region, default_group(account, number)
    for number in numbers[:3]:
        region = OPEN[mixed(number, 139) % len(OPEN)]
        yield "AWS::RDS::DBInstance", region, database(account, region, number)
        yield "AWS::EFS::FileSystem", region, file_system(account, region, number)
        yield "AWS::EC2::PrefixList", region, prefix_list(account, region, number)
    for name in ALARMS if index % 2 else ():
        yield "AWS::Logs::MetricFilter", HOME, metric_filter(name, index)
        yield "AWS::CloudWatch::Alarm", HOME, alarm(account, name)
    yield "AWS::SNS::Topic", HOME, topic(account)
    if index % 4:
        yield "AWS::IAM::SAMLProvider", GLOBAL, sign_in(account)
    for region in OPEN if index % 3 else OPEN[1:]:
        yield "AWS::AccessAnalyzer::Analyzer", region, analyzer(account, region)
        yield "AWS::SecurityHub::Hub", region, hub(account, region)


GLOBAL_KINDS = frozenset(
    {
        *("AWS::IAM::CredentialReport", "AWS::IAM::ManagedPolicy", "AWS::IAM::ServerCertificate", "AWS::IAM::User"),
        *("AWS::IAM::SAMLProvider", "AWS::IAM::VirtualMFADevice"),
    }
)
KINDS = (
    *GLOBAL_KINDS,
    *("AWS::AccessAnalyzer::Analyzer", "AWS::CloudWatch::Alarm", "AWS::EC2::NetworkAcl", "AWS::EFS::FileSystem"),
    *("AWS::Logs::MetricFilter", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::SNS::Topic"),
    *("AWS::EC2::PrefixList", "AWS::SecurityHub::Hub", "AWS::SSO::Instance"),
)
