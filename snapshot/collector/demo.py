"""A local AWS stand-in and a small organisation in it, some of it wrong on purpose.

Needs the extra `demo` (moto). Nothing here reaches AWS: the stand-in listens on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import boto3

from ..catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType
from ..choice import choose
from ..errors import CollectError
from .clients import Clients
from .session import ORGANIZATION_ROLE, Caller, _shared, way_in

MANAGEMENT = "123456789012"  # moto's own account
LOG_BUCKET = "acme-trail-logs"
HOME = "us-east-1"
# What the story is about: the types that the shipped policies read, and of these three what they read of them. All the
# rest would take minutes, and the stand-in does not know some of it.
TYPES = (
    "AWS::CloudTrail::Trail",
    "AWS::Config::ConfigurationRecorder",
    "AWS::EC2::FlowLog",
    "AWS::EC2::VPC",
    "AWS::KMS::Key",
)
ATTACHED = {
    ACCOUNT_TYPE: ("PublicAccessBlock", "Regions"),
    REGION_TYPE: (),
    "AWS::S3::Bucket": (
        *("Location", "PublicAccessBlock", "Policy", "PolicyStatus", "Acl", "Ownership"),
        *("Logging", "Encryption", "Versioning", "Tags"),
    ),
}
ALL_EVENTS = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
]


@contextmanager
def stand_in() -> Iterator[str]:
    """Run the stand-in for as long as the block lasts; gives its URL. Raises CollectError where moto is missing."""
    if not find_spec("moto"):
        raise CollectError("the demo needs moto", "install it with `pip install '.[demo]'`")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}  # which cost seconds, and nobody reads
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def session() -> boto3.Session:
    """Credentials the stand-in takes: those of the management account."""
    return _shared(boto3.Session("demo", "demo", region_name=HOME))


def enter(home: boto3.Session, account: str, url: str) -> boto3.Session:
    """A session in another account of the stand-in."""
    caller = Caller(account=MANAGEMENT, partition="aws")
    role = way_in(Clients(home, url), caller, [ORGANIZATION_ROLE])(account)
    return _shared(boto3.Session(*role.get_frozen_credentials()[:3], region_name=HOME))


def types() -> Mapping[str, ResourceType]:
    """The resource types that the demo collects."""
    return choose(TYPES, ATTACHED)


class Organisation:
    """An organisation in the stand-in: management, log-archive and two workload accounts."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sessions = {MANAGEMENT: session()}
        self._clients: dict[tuple[str, str, str], Any] = {}
        organizations = self.client(MANAGEMENT, "organizations")
        organizations.create_organization(FeatureSet="ALL")
        self.log_archive, self.payments, self.website = (
            organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"][
                "AccountId"
            ]
            for name in ("log-archive", "payments", "website")
        )

    def client(self, account: str, service: str, region: str = HOME) -> Any:
        if account not in self._sessions:
            self._sessions[account] = enter(self._sessions[MANAGEMENT], account, self._url)
        if (named := (account, service, region)) not in self._clients:
            made = self._sessions[account].client(service, region_name=region, endpoint_url=self._url)
            self._clients[named] = made
        return self._clients[named]

    def regions(self) -> list[str]:
        answer = self.client(MANAGEMENT, "ec2").describe_regions()
        return [item["RegionName"] for item in answer["Regions"] if item["OptInStatus"] != "not-opted-in"]

    def build(self) -> None:
        """The first picture: a sound log archive, and workload accounts with most of the usual mistakes."""
        logs = self.client(self.log_archive, "s3")
        logs.create_bucket(Bucket=LOG_BUCKET)
        logs.put_public_access_block(Bucket=LOG_BUCKET, PublicAccessBlockConfiguration=_blocked())
        logs.put_bucket_policy(Bucket=LOG_BUCKET, Policy=_cloudtrail_policy(LOG_BUCKET))
        key = self.client(self.log_archive, "kms").create_key(Description="organisation trail")["KeyMetadata"]["Arn"]

        self.trail(
            MANAGEMENT,
            "acme-org-trail",
            LOG_BUCKET,
            KmsKeyId=key,
            EnableLogFileValidation=True,
            IsOrganizationTrail=True,
        )
        self.trail(self.log_archive, "log-archive", LOG_BUCKET, KmsKeyId=key, EnableLogFileValidation=True)
        self.trail(self.payments, "payments", LOG_BUCKET)
        website = self.client(self.website, "s3")
        website.create_bucket(Bucket="acme-website-trail", ACL="public-read")
        self.trail(self.website, "website", "acme-website-trail", IsMultiRegionTrail=False)

        for account in (MANAGEMENT, self.log_archive, self.payments):
            for region in self.regions():
                self.record(account, region)
        self.client(self.payments, "config", "eu-west-1").stop_configuration_recorder(
            ConfigurationRecorderName="default"
        )

        kms = self.client(self.payments, "kms")
        self.card_key = kms.create_key(Description="card numbers")["KeyMetadata"]["KeyId"]
        kms.create_key(Description="signing", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
        self.flow_log(self.payments, HOME, "ALL")
        self.flow_log(self.website, HOME, "ACCEPT")

    def fix_and_break(self) -> None:
        """What happened before the second picture: two repairs, two new mistakes, one resource gone."""
        self.client(self.payments, "config", "eu-west-1").start_configuration_recorder(
            ConfigurationRecorderName="default"
        )
        self.client(self.payments, "kms").enable_key_rotation(KeyId=self.card_key)
        self.client(self.payments, "cloudtrail").stop_logging(Name="payments")
        self.client(self.log_archive, "s3").delete_public_access_block(Bucket=LOG_BUCKET)
        self.client(self.log_archive, "s3").put_bucket_policy(Bucket=LOG_BUCKET, Policy=_public_policy(LOG_BUCKET))
        ec2 = self.client(self.website, "ec2", "eu-west-1")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=vpc)

    def trail(self, account: str, name: str, bucket: str, **options: Any) -> None:
        cloudtrail = self.client(account, "cloudtrail")
        cloudtrail.create_trail(Name=name, S3BucketName=bucket, **{"IsMultiRegionTrail": True, **options})
        cloudtrail.put_event_selectors(TrailName=name, EventSelectors=ALL_EVENTS)
        cloudtrail.start_logging(Name=name)

    def record(self, account: str, region: str) -> None:
        config = self.client(account, "config", region)
        group = {"allSupported": True, "includeGlobalResourceTypes": region == HOME}
        recorder = {
            "name": "default",
            "roleARN": f"arn:aws:iam::{account}:role/config",
            "recordingGroup": group,
        }
        config.put_configuration_recorder(ConfigurationRecorder=recorder)
        config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": LOG_BUCKET})
        config.start_configuration_recorder(ConfigurationRecorderName="default")

    def flow_log(self, account: str, region: str, traffic: str) -> None:
        ec2 = self.client(account, "ec2", region)
        ec2.create_flow_logs(
            ResourceIds=[ec2.describe_vpcs()["Vpcs"][0]["VpcId"]],
            ResourceType="VPC",
            TrafficType=traffic,
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{LOG_BUCKET}",
        )


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CollectError("the AWS stand-in did not start", "try `python -m moto.server` to see why")


def _blocked() -> Any:
    return dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def _cloudtrail_policy(bucket: str) -> str:
    return _policy({"Service": "cloudtrail.amazonaws.com"}, "s3:PutObject", bucket)


def _public_policy(bucket: str) -> str:
    return _policy("*", "s3:GetObject", bucket)


def _policy(principal: Any, action: str, bucket: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
