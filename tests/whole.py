"""Something of every type that the stand-in can make, in one account, and a secret wherever one can be."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.clients import same_host
from stillframe.snapshot.collector.demo import MANAGEMENT

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


def make(url: str) -> None:
    """Fill the management account of a stand-in."""
    session = aws._shared(boto3.Session("x", "x", region_name="us-east-1"))
    session.events.register("before-sign.s3-control", same_host(url))
    for part in (principals, machines, stores, applications, records, platforms):
        part(lambda service: session.client(service, endpoint_url=url))


def records(client: Clients) -> None:
    bucket = "arn:aws:s3:::data"
    client("cloudtrail").create_trail(Name="trail", S3BucketName="data")
    config = client("config")
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": f"arn:aws:iam::{MANAGEMENT}:role/service"}
    )
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", LogDestination=bucket
    )
    instance = ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.create_image(InstanceId=instance, Name="image")
    iam = client("iam")
    iam.create_saml_provider(SAMLMetadataDocument="x" * 1000, Name="saml")
    iam.upload_server_certificate(
        ServerCertificateName="old", CertificateBody="x", PrivateKey=SECRET, CertificateChain="x"
    )
    client("rds").create_event_subscription(
        SubscriptionName="events", SnsTopicArn=f"arn:aws:sns:us-east-1:{MANAGEMENT}:alarms"
    )
    client("s3control").create_multi_region_access_point(
        AccountId=MANAGEMENT, ClientToken="x", Details={"Name": "many", "Regions": [{"Bucket": "data"}]}
    )


def platforms(client: Clients) -> None:
    role = f"arn:aws:iam::{MANAGEMENT}:role/service"
    client("acm").request_certificate(DomainName="example.com")
    client("appsync").create_graphql_api(name="api", authenticationType="API_KEY")
    client("codebuild").create_project(
        name="build",
        source={"type": "S3", "location": "data/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "PASSWORD", "value": SECRET}],
        },
        serviceRole=role,
    )
    client("dms").create_replication_instance(
        ReplicationInstanceIdentifier="replica", ReplicationInstanceClass="dms.t3.micro"
    )
    client("ecr").create_repository(repositoryName="images")
    container = {"name": "c", "image": "x", "memory": 64, "environment": [{"name": "PASSWORD", "value": SECRET}]}
    client("ecs").register_task_definition(family="task", containerDefinitions=[container])
    client("ecs").create_cluster(clusterName="cluster")
    client("ecs").create_service(cluster="cluster", serviceName="service", taskDefinition="task", desiredCount=0)
    client("eks").create_cluster(name="cluster", roleArn=role, resourcesVpcConfig={})
    client("eks").create_nodegroup(clusterName="cluster", nodegroupName="nodes", nodeRole=role, subnets=["subnet-1"])
    client("elasticache").create_cache_cluster(CacheClusterId="cache", CacheNodeType="cache.t3.micro", Engine="redis")
    client("elasticache").create_replication_group(ReplicationGroupId="group", ReplicationGroupDescription="x")
    client("elasticbeanstalk").create_application(ApplicationName="app")
    client("elasticbeanstalk").create_environment(
        ApplicationName="app",
        EnvironmentName="environment",
        SolutionStackName="64bit Amazon Linux 2 v3.5.0 running Python 3.8",
    )
    client("emr").run_job_flow(
        Name="emr",
        Instances={"InstanceCount": 1, "MasterInstanceType": "m5.large", "KeepJobFlowAliveWhenNoSteps": True},
        JobFlowRole="service",
        ServiceRole="service",
    )
    nodes = {"InstanceType": "kafka.m5.large", "ClientSubnets": ["subnet-1"]}
    client("kafka").create_cluster(
        ClusterName="kafka", BrokerNodeGroupInfo=nodes, KafkaVersion="3.5.1", NumberOfBrokerNodes=1
    )
    client("opensearch").create_domain(DomainName="search")
    client("rds").create_global_cluster(GlobalClusterIdentifier="global", Engine="aurora-mysql")
    client("redshift").create_cluster(
        ClusterIdentifier="redshift", NodeType="ra3.large", MasterUsername="admin", MasterUserPassword=SECRET
    )
    client("sagemaker").create_notebook_instance(
        NotebookInstanceName="notebook", InstanceType="ml.t3.medium", RoleArn=role
    )
    client("ssm").create_document(Name="document", Content=json.dumps({"schemaVersion": "2.2"}), DocumentType="Command")
