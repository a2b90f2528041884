"""A whole account of the stand-in, with something of every type that it can make, and a secret wherever one can be."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from builders import collect_from
from stillframe.snapshot import open_snapshot
from stillframe.snapshot import session as aws
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.clients import same_host
from stillframe.snapshot.demo import MANAGEMENT
from stillframe.snapshot.model import Account, Unknown
from stillframe.snapshot.verify import verify

SECRET = "hunter2-correct-horse"
ENCODED = base64.b64encode(SECRET.encode()).decode()  # as user data is sent
OPEN = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]})
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
Clients = Callable[[str], Any]


def principals(client: Clients) -> None:
    iam = client("iam")
    iam.create_user(UserName="ann", Tags=[{"Key": "team", "Value": "web"}])
    iam.put_user_policy(UserName="ann", PolicyName="inline", PolicyDocument=ALL)
    iam.create_group(GroupName="admins")
    iam.create_role(RoleName="service", AssumeRolePolicyDocument=OPEN)
    policy = iam.create_policy(PolicyName="everything", PolicyDocument=ALL)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=policy)
    iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")
    iam.update_account_password_policy(MinimumPasswordLength=14)
    client("organizations").create_organization(FeatureSet="ALL")
    client("account").put_alternate_contact(
        AlternateContactType="SECURITY", EmailAddress="sec@example.com", Name="S", PhoneNumber="+1", Title="T"
    )


def machines(client: Clients) -> None:
    ec2, scaling = client("ec2"), client("autoscaling")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=SECRET)
    ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.create_snapshot(VolumeId=volume)
    ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={"UserData": ENCODED, "ImageId": "ami-1"})
    ec2.enable_ebs_encryption_by_default()
    ec2.allocate_address(Domain="vpc")
    ec2.create_internet_gateway()
    ec2.create_transit_gateway()
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    peer = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)
    gateway = ec2.create_customer_gateway(Type="ipsec.1", IpAddress="192.0.2.1", BgpAsn=65000)["CustomerGateway"]
    private = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=gateway["CustomerGatewayId"],
        VpnGatewayId=private,
        Options={"TunnelOptions": [{"PreSharedKey": SECRET}]},
    )
    scaling.create_launch_configuration(
        LaunchConfigurationName="c", ImageId="ami-12345678", InstanceType="t3.micro", UserData=SECRET
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="g", LaunchConfigurationName="c", MinSize=0, MaxSize=1, AvailabilityZones=["us-east-1a"]
    )
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    client("elbv2").create_load_balancer(Name="front", Subnets=subnets)


def stores(client: Clients) -> None:
    client("s3").create_bucket(Bucket="data")
    client("s3").put_bucket_tagging(Bucket="data", Tagging={"TagSet": [{"Key": "team", "Value": "web"}]})
    client("s3control").create_access_point(AccountId=MANAGEMENT, Name="point", Bucket="data")
    key = client("kms").create_key(Tags=[{"TagKey": "team", "TagValue": "web"}])["KeyMetadata"]["KeyId"]
    client("kms").create_alias(AliasName="alias/mine", TargetKeyId=key)
    rds = client("rds")
    names = {"DBInstanceIdentifier": "db", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 5}
    rds.create_db_instance(**names, MasterUsername="root", MasterUserPassword=SECRET)
    rds.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="kept")
    rds.modify_db_snapshot_attribute(DBSnapshotIdentifier="kept", AttributeName="restore", ValuesToAdd=["all"])
    rds.create_db_cluster(
        DBClusterIdentifier="cluster", Engine="aurora-mysql", MasterUsername="root", MasterUserPassword=SECRET
    )
    rds.create_db_cluster_snapshot(DBClusterIdentifier="cluster", DBClusterSnapshotIdentifier="kept")
    client("efs").create_file_system(CreationToken="x", Encrypted=True)
    client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("secretsmanager").create_secret(Name="password", SecretString=SECRET)


def applications(client: Clients) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "")
    client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.11",
        Role=f"arn:aws:iam::{MANAGEMENT}:role/service",
        Handler="main.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"PASSWORD": SECRET}},
        Tags={"team": "web"},
    )
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=f"https://example.com/{SECRET}")
    client("sqs").create_queue(QueueName="q", Attributes={"Policy": OPEN}, tags={"team": "web"})
    client("logs").create_log_group(logGroupName="trail")
    change = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    client("logs").put_metric_filter(
        logGroupName="trail", filterName="root", filterPattern="{ $.a = b }", metricTransformations=[change]
    )
    client("cloudwatch").put_metric_alarm(
        AlarmName="root",
        MetricName="m",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    api = client("apigateway").create_rest_api(name="api")["id"]
    client("apigatewayv2").create_api(Name="api", ProtocolType="HTTP")
    header = {"HeaderName": "x-origin", "HeaderValue": SECRET}
    origin = {
        "Id": "o",
        "DomainName": "data.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "CustomHeaders": {"Quantity": 1, "Items": [header]},
    }
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0, "ForwardedValues": NOTHING}
    client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "x",
            "Comment": api,
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": behaviour,
        }
    )
    client("securityhub").enable_security_hub()
    client("guardduty").create_detector(Enable=True)


NOTHING = {"QueryString": False, "Cookies": {"Forward": "none"}}
# What the stand-in has no answer for, or cannot make: their lists are unknown or empty.
ABSENT = {
    "AWS::AccessAnalyzer::Analyzer",
    "AWS::CloudTrail::EventDataStore",
    "AWS::CloudTrail::Trail",
    "AWS::Config::ConfigurationRecorder",
    "AWS::EC2::FlowLog",
    "AWS::EC2::Image",
    "AWS::IAM::SAMLProvider",
    "AWS::IAM::ServerCertificate",
    "AWS::RDS::EventSubscription",
    "AWS::S3::MultiRegionAccessPoint",
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("whole")
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    session = aws._shared(boto3.Session("x", "x", region_name="us-east-1"))
    session.events.register("before-sign.s3-control", same_host(server))
    for make in (principals, machines, stores, applications):
        make(lambda service: session.client(service, endpoint_url=server))
    with pytest.MonkeyPatch.context() as patch:  # what the stand-in does not know it answers with 500
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        yield collect_from(server, folder, types=load_catalog(), regions=frozenset(["us-east-1"]))


@pytest.fixture(scope="module")
def account(done: Any) -> Account:
    return open_snapshot(done.path).account(MANAGEMENT)


def test_it_ends_well_and_what_the_stand_in_does_not_know_is_unknown(done):
    assert list(verify(done.path)) == []
    assert {cause.partition(":")[0] for cause in done.gaps} <= {"404", "500", "ResponseParserError", "UnexpectedAnswer"}
    assert len(done.gaps) < 15


def test_every_type_that_was_made_is_there(account):
    assert {kind for kind in load_catalog() if not account.count(kind)} <= ABSENT


def test_no_secret_is_in_it(done):
    written = {path: path.read_bytes() for path in Path(done.path).rglob("*") if path.is_file()}
    assert [path for path, data in written.items() for form in (SECRET, ENCODED) if form.encode() in data] == []


def config(account: Account, kind: str, name: str = "") -> Any:
    return next(found for found in account.read(kind) if name in (found.name or found.id)).config


def test_the_report_of_credentials_is_one_resource_for_each_user(account):
    assert config(account, "AWS::IAM::CredentialReport", "ann")["mfa_active"] == "false"


def test_documents_are_parsed(account):
    assert config(account, "AWS::IAM::User", "ann")["UserPolicyList"][0]["PolicyDocument"] == json.loads(ALL)
    assert config(account, "AWS::SQS::Queue")["Attributes"]["Policy"] == json.loads(OPEN)
    assert config(account, "AWS::SNS::Topic")["Attributes"]["Policy"]["Statement"]


def test_what_a_region_has_once_is_attached_to_it(account):
    assert config(account, "AWS::Region", "us-east-1")["EbsEncryption"]["EbsEncryptionByDefault"] is True
    elsewhere = config(account, "AWS::Region", "eu-west-1")["EbsEncryption"]
    assert elsewhere == Unknown.because("RegionNotAsked: ec2:GetEbsEncryptionByDefault in eu-west-1")


def test_tags_come_in_every_form(account):
    for kind in ("AWS::IAM::User", "AWS::KMS::Key", "AWS::Lambda::Function", "AWS::S3::Bucket", "AWS::SQS::Queue"):
        assert {"team": "web"} in [found.tags for found in account.read(kind)], kind


def test_who_may_restore_a_snapshot_of_a_database_is_known(account):
    restore = config(account, "AWS::RDS::DBSnapshot", "kept")["Attributes"]
    assert {"AttributeName": "restore", "AttributeValues": ["all"]} in restore
