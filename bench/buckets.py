"""S3 buckets with all that the catalogue attaches to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .arithmetic import digits
from .shapes import NOT_PUBLIC, Config, moment, tags


def bucket(account: str, region: str, name: str, number: int, **config: Any) -> Config:
    """A private bucket without a policy. `config` has what differs."""
    return {
        "Name": name,
        "CreationDate": moment(number, 41),
        "BucketRegion": region,
        "BucketArn": f"arn:aws:s3:::{name}",
        "Location": {"LocationConstraint": None if region == "us-east-1" else region},
        "PublicAccessBlock": dict(NOT_PUBLIC),
        "Policy": None,
        "PolicyStatus": None,
        "Acl": acl(account),
        "Ownership": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "Logging": None,
        "Encryption": encryption(),
        "Versioning": {"Status": "Enabled"} if number % 3 else {},
        "Tags": tags(name, number)[1:] if number % 2 else None,
        **config,
    }


def canonical(account: str) -> str:
    """The canonical user id of an account."""
    return "".join(digits(int(account), salt)[1:] for salt in (42, 43, 44, 45))


def acl(account: str, *grants: Config) -> Config:
    owner = canonical(account)
    own = {
        "Grantee": {"DisplayName": f"aws-{account}", "ID": owner, "Type": "CanonicalUser"},
        "Permission": "FULL_CONTROL",
    }
    return {"Owner": {"DisplayName": f"aws-{account}", "ID": owner}, "Grants": [own, *grants]}


def group(uri: str, permission: str) -> Config:
    return {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission}


def encryption(key: str | None = None, *, bucket_key: bool = False) -> Config:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}]}


def logging(target: str, prefix: str) -> Config:
    return {
        "TargetBucket": target,
        "TargetPrefix": prefix,
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }


def policy(statements: list[Config], version: str = "2012-10-17") -> Config:
    return {"Version": version, "Statement": statements}


def _secure_transport(name: str, account: str, number: int) -> Config:
    return {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _organization(name: str, account: str, number: int) -> Config:
    return {
        "Sid": "OrganizationMayRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {
            "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
            "ArnLike": {
                "aws:PrincipalArn": [f"arn:aws:iam::*:role/reader-{number % 40}", "arn:aws:iam::*:role/auditor"]
            },
        },
    }


def _roles(name: str, account: str, number: int) -> Config:
    roles = [f"arn:aws:iam::{account}:role/{purpose}-{number % 100}" for purpose in ("writer", "batch", "replication")]
    return {
        "Sid": "RolesMayWrite",
        "Effect": "Allow",
        "Principal": {"AWS": roles},
        "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObjectTagging"],
        "Resource": f"arn:aws:s3:::{name}/incoming/*",
    }


def _log_service(name: str, account: str, number: int) -> Config:
    return {
        "Sid": "LogServicesMayWrite",
        "Effect": "Allow",
        "Principal": {"Service": ["cloudtrail.amazonaws.com", "delivery.logs.amazonaws.com", "config.amazonaws.com"]},
        "Action": ["s3:PutObject", "s3:GetBucketAcl"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/AWSLogs/*"],
        "Condition": {
            "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{account}:trail/*"},
        },
    }


def _everybody(name: str, account: str, number: int) -> Config:
    return {
        "Sid": "AnyoneMayRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }


def _administrators(name: str, account: str, number: int) -> Config:
    return {
        "Sid": "AdministratorsMayDoAll",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:role/administrator"},
        "Action": ["s3:*"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }


STATEMENTS: Mapping[str, Callable[[str, str, int], Config]] = {
    "administrators": _administrators,
    "everybody": _everybody,
    "logs": _log_service,
    "organization": _organization,
    "roles": _roles,
    "transport": _secure_transport,
}


def statements(names: list[str], name: str, account: str, number: int) -> list[Config]:
    """Statements of a bucket's policy, by what they are for."""
    return [STATEMENTS[each](name, account, number) for each in names]
