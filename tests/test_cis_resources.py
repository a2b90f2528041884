"""Storage, networks, events of objects and Security Hub's worst on the stand-in: what complies, and each thing broken.

Each break has an account of its own, built to comply and then broken through AWS's API in one thing. What fails there
must be the policies that are named, and no other. What the stand-in does not know is left to the policies' examples.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import shipped
from cis import HOME, Break, Change, Pictures, Place, lost, places, statuses
from conftest import Once
from stillframe.snapshot.collector import session as aws

pytestmark = pytest.mark.xdist_group("cis-resources")

FOUR = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
PASSWORD = {"MasterUsername": "owner", "MasterUserPassword": "a-long-password"}
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Resource": "*"}


def role(place: Place) -> str:
    return f"arn:aws:iam::{place.account}:role/any"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# ------------------------------------------------------------------------------------------------- what complies


def networks(place: Place) -> None:
    ec2, named = place.ec2, {"Name": "group-name", "Values": ["default"]}
    [default] = ec2.describe_security_groups(Filters=[named])["SecurityGroups"]
    for change, rules in (
        (ec2.revoke_security_group_ingress, default["IpPermissions"]),
        (ec2.revoke_security_group_egress, default["IpPermissionsEgress"]),
    ):
        if rules:
            change(GroupId=default["GroupId"], IpPermissions=rules)
    [acl] = ec2.describe_network_acls()["NetworkAcls"]
    place.made |= {"default": default["GroupId"], "acl": acl["NetworkAclId"], "vpc": acl["VpcId"]}
    entry(place, 100, "allow", "10.0.0.0/8", change=ec2.replace_network_acl_entry)
    place.made["web"] = ec2.create_security_group(GroupName="web", Description="web", VpcId=acl["VpcId"])["GroupId"]
    open_port(place, 443, "0.0.0.0/0")
    ec2.enable_ebs_encryption_by_default()


def entry(place: Place, number: int, action: str, cidr: str, *, change: Any = None, **more: Any) -> None:
    options = {"Protocol": "-1", "Egress": False, **more}
    change = change or place.ec2.create_network_acl_entry
    change(NetworkAclId=place.made["acl"], RuleNumber=number, RuleAction=action, CidrBlock=cidr, **options)


def open_port(place: Place, port: int, cidr: str, protocol: str = "tcp", group: str = "web") -> None:
    ranges = {"Ipv6Ranges": [{"CidrIpv6": cidr}]} if ":" in cidr else {"IpRanges": [{"CidrIp": cidr}]}
    ports = {} if protocol == "-1" else {"FromPort": port, "ToPort": port}
    rule = {"IpProtocol": protocol, **ports, **ranges}
    place.ec2.authorize_security_group_ingress(GroupId=place.made[group], IpPermissions=[rule])


def instances(place: Place) -> None:
    networks(place)
    place.iam.create_instance_profile(InstanceProfileName="web")
    subnet = place.ec2.create_subnet(VpcId=place.made["vpc"], CidrBlock="172.31.240.0/24")["Subnet"]["SubnetId"]
    place.made["subnet"] = subnet
    run(place)
    place.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"InstanceType": "t3.micro"})
    place.ec2.create_transit_gateway(Options={"AutoAcceptSharedAttachments": "disable"})
    configuration(place, "web")


def run(place: Place, **more: Any) -> None:
    options = {"MetadataOptions": {"HttpTokens": "required"}, "IamInstanceProfile": {"Name": "web"}, **more}
    if "NetworkInterfaces" not in options:
        options["SubnetId"] = place.made["subnet"]
    kept = {name: value for name, value in options.items() if value is not None}
    place.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **kept)


def configuration(place: Place, name: str, **more: Any) -> None:
    options = {"MetadataOptions": {"HttpTokens": "required"}, "AssociatePublicIpAddress": False, **more}
    image = {"ImageId": "ami-12345678", "InstanceType": "t3.micro"}
    place.autoscaling.create_launch_configuration(LaunchConfigurationName=name, **image, **options)


def bucket(place: Place) -> None:
    name = place.made["bucket"] = f"data-{place.account}"
    place.s3.create_bucket(Bucket=name)
    place.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=FOUR)
    place.s3control.put_public_access_block(AccountId=place.account, PublicAccessBlockConfiguration=FOUR)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    place.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    allow(place)
    point = {"Name": "data", "Bucket": name, "PublicAccessBlockConfiguration": FOUR}
    place.s3control.create_access_point(AccountId=place.account, **point)


def allow(place: Place, *statements: Mapping[str, Any], without: str = "") -> None:
    """A policy that denies plain HTTP, on what `without` does not name, and says more."""
    name = place.made["bucket"]
    on = [each for each in (f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*") if not without or without not in each]
    only = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": on, "Condition": only}
    place.s3.put_bucket_policy(Bucket=name, Policy=document(deny, *statements))


def trail(place: Place) -> None:
    bucket(place)
    place.cloudtrail.create_trail(Name="main", S3BucketName=place.made["bucket"], IsMultiRegionTrail=True)
    place.cloudtrail.start_logging(Name="main")
    record(place, "All", "arn:aws:s3")


def record(place: Place, events: str, objects: str) -> None:
    data = [{"Type": "AWS::S3::Object", "Values": [objects]}]
    selector = {"ReadWriteType": events, "IncludeManagementEvents": True, "DataResources": data}
    place.cloudtrail.put_event_selectors(TrailName="main", EventSelectors=[selector])


def databases(place: Place) -> None:
    [vpc] = place.ec2.describe_vpcs()["Vpcs"]
    subnets = [
        place.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=f"172.31.25{number}.0/24", AvailabilityZone=zone)
        for number, zone in enumerate((f"{HOME}a", f"{HOME}b"))
    ]
    place.made["subnets"] = [each["Subnet"]["SubnetId"] for each in subnets]
    place.made["vpc"] = vpc["VpcId"]
    place.rds.create_db_subnet_group(
        DBSubnetGroupName="private", DBSubnetGroupDescription="private", SubnetIds=place.made["subnets"]
    )
    database(place, "orders")
    place.rds.create_db_snapshot(DBSnapshotIdentifier="orders", DBInstanceIdentifier="orders")
    place.efs.create_file_system(CreationToken="one", Encrypted=True)


def database(place: Place, name: str, **more: Any) -> None:
    options = {"StorageEncrypted": True, "MultiAZ": True, "PubliclyAccessible": False, "AutoMinorVersionUpgrade": True}
    place.rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        DBSubnetGroupName="private",
        **PASSWORD,
        **options | more,
    )


def route_out(place: Place) -> None:
    gateway = place.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    place.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=place.made["vpc"])
    table = place.ec2.create_route_table(VpcId=place.made["vpc"])["RouteTable"]["RouteTableId"]
    place.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    place.ec2.associate_route_table(RouteTableId=table, SubnetId=place.made["subnets"][1])


def messages(place: Place) -> None:
    key = place.made["key"] = place.kms.create_key(Description="any")["KeyMetadata"]["KeyId"]
    place.made["topic"] = place.sns.create_topic(Name="orders")["TopicArn"]
    place.made["queue"] = place.sqs.create_queue(QueueName="orders")["QueueUrl"]
    place.made["secret"] = place.secretsmanager.create_secret(Name="db", SecretString="any", KmsKeyId=key)["ARN"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", "")
    place.iam.create_role(RoleName="any", AssumeRolePolicyDocument=document())
    runtime = {"Runtime": "python3.12", "Handler": "a.a", "Code": {"ZipFile": code.getvalue()}}
    place.__getattr__("lambda").create_function(FunctionName="orders", Role=role(place), **runtime)


def invoke(place: Place, principal: str, **more: str) -> None:
    rights = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": principal}
    place.__getattr__("lambda").add_permission(FunctionName="orders", **rights, **more)


FEATURES = ("EKS_AUDIT_LOGS", "LAMBDA_NETWORK_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "S3_DATA_EVENTS")


def detector(place: Place) -> None:
    agent = [{"Name": "EKS_ADDON_MANAGEMENT", "Status": "ENABLED"}]
    features: list[Any] = [{"Name": name, "Status": "ENABLED"} for name in FEATURES]
    features.append({"Name": "RUNTIME_MONITORING", "Status": "ENABLED", "AdditionalConfiguration": agent})
    place.made["detector"] = place.guardduty.create_detector(Enable=True, Features=features)["DetectorId"]


def builds(place: Place) -> None:
    project(place, "good")
    task(place, "good")
    place.ecs.create_cluster(clusterName="good")
    service(place, "good", "DISABLED")
    place.appsync.create_graphql_api(name="good", authenticationType="AWS_IAM")
    place.eks.create_cluster(name="good", roleArn=role(place), resourcesVpcConfig={"endpointPublicAccess": False})
    notebook(place, "good")
    steps = json.dumps({"schemaVersion": "2.2", "description": "any", "mainSteps": []})
    place.ssm.create_document(Name="good", Content=steps, DocumentType="Command")


def project(place: Place, name: str, variable: str = "STAGE", location: str = "https://bitbucket.org/a/b.git") -> None:
    variables = [{"name": variable, "value": "any", "type": "PLAINTEXT"}]
    machine = {"type": "LINUX_CONTAINER", "image": "any", "computeType": "BUILD_GENERAL1_SMALL"}
    place.codebuild.create_project(
        name=name,
        source={"type": "BITBUCKET", "location": location},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={**machine, "environmentVariables": variables},
        serviceRole=role(place),
    )


def task(place: Place, family: str, of_task: Mapping[str, Any] | None = None, **more: Any) -> None:
    logs = {"logDriver": "awslogs"}
    container = {"name": "web", "image": "any", "memory": 64, "readonlyRootFilesystem": True, "logConfiguration": logs}
    kept = {name: value for name, value in {**container, **more}.items() if value is not None}
    place.ecs.register_task_definition(family=family, containerDefinitions=[kept], **(of_task or {}))


def service(place: Place, name: str, address: str) -> None:
    subnets = [subnet["SubnetId"] for subnet in place.ec2.describe_subnets()["Subnets"][:1]]
    groups = [group["GroupId"] for group in place.ec2.describe_security_groups()["SecurityGroups"][:1]]
    inside = {"subnets": subnets, "securityGroups": groups, "assignPublicIp": address}
    network = {"awsvpcConfiguration": inside}
    options = {"taskDefinition": "good", "desiredCount": 1, "networkConfiguration": network}
    place.ecs.create_service(cluster="good", serviceName=name, **options)


def notebook(place: Place, name: str, **more: Any) -> None:
    options = {"SubnetId": "subnet-1", "DirectInternetAccess": "Disabled", "RootAccess": "Disabled", **more}
    kept = {key: value for key, value in options.items() if value is not None}
    place.sagemaker.create_notebook_instance(
        NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=role(place), **kept
    )


def stores(place: Place) -> None:
    cache(place, "good")
    domain(place, "good", "OpenSearch_2.5")
    warehouse(place, "good", False)
    replication(place, "good", False)


def cache(place: Place, name: str, **more: Any) -> None:
    options = {"SnapshotRetentionLimit": 1, "AutoMinorVersionUpgrade": True, "CacheSubnetGroupName": "private", **more}
    place.elasticache.create_cache_cluster(
        CacheClusterId=name, Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1, **options
    )


def domain(place: Place, name: str, engine: str, **more: Any) -> None:
    options = {"AdvancedSecurityOptions": {"Enabled": True}, **more}
    place.opensearch.create_domain(DomainName=f"domain-{name}", EngineVersion=engine, **options)


def warehouse(place: Place, name: str, public: bool) -> None:
    place.redshift.create_cluster(ClusterIdentifier=name, NodeType="ra3", PubliclyAccessible=public, **PASSWORD)


def replication(place: Place, name: str, public: bool) -> None:
    place.dms.create_replication_instance(
        ReplicationInstanceIdentifier=name, ReplicationInstanceClass="dms.t3.micro", PubliclyAccessible=public
    )


COMPLIANT = (instances, trail, databases)
MORE = (messages, detector, builds, stores)

# --------------------------------------------------------------------------------------------- what is broken

RISKY = ("ec2-security-group-no-high-risk-ports", "ec2-security-group-authorized-ports")
IPV4, IPV6 = "ec2-security-group-admin-ports-ipv4", "ec2-security-group-admin-ports-ipv6"
SSH, RDP, CIFS = (f"ec2-security-group-no-{name}" for name in ("ssh", "rdp", "cifs"))
BLOCK = ("s3-bucket-block-public-access", "s3-account-block-public-access")
EVENTS = {"reads": "cloudtrail-s3-read-events", "writes": "cloudtrail-s3-write-events"}


def open_to_list(place: Place) -> None:
    world = [{"Cidr": "203.0.113.0/24"}, {"Cidr": "0.0.0.0/0"}]
    made = place.ec2.create_managed_prefix_list(
        PrefixListName="partners", MaxEntries=2, AddressFamily="IPv4", Entries=world
    )
    lists = [{"PrefixListId": made["PrefixList"]["PrefixListId"]}]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": lists}
    place.ec2.authorize_security_group_ingress(GroupId=place.made["web"], IpPermissions=[rule])


def unblock(place: Place) -> None:
    place.s3.delete_public_access_block(Bucket=place.made["bucket"])
    place.s3control.delete_public_access_block(AccountId=place.account)


def grant(place: Place, *statements: Mapping[str, Any], acl: str = "private") -> None:
    unblock(place)
    allow(place, *statements)
    place.s3.put_bucket_acl(Bucket=place.made["bucket"], ACL=acl)


def let_write(place: Place) -> None:
    unblock(place)
    grantee = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    owner = place.s3.get_bucket_acl(Bucket=place.made["bucket"])["Owner"]
    rights = {"Grants": [{"Grantee": grantee, "Permission": "WRITE"}], "Owner": owner}
    place.s3.put_bucket_acl(Bucket=place.made["bucket"], AccessControlPolicy=rights)


def broken(build: Change, change: Change, *fails: str) -> Break:
    return Break(build=build, change=change, fails=fails)


def on_objects(action: str, principal: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "arn:aws:s3:::*"}


BREAKS: Mapping[str, Break] = {
    "SSH from IPv4": broken(networks, lambda p: open_port(p, 22, "0.0.0.0/0"), IPV4, SSH, *RISKY),
    "RDP from IPv6, over UDP": broken(networks, lambda p: open_port(p, 3389, "::/0", "udp"), IPV6, RDP, *RISKY),
    "CIFS": broken(networks, lambda p: open_port(p, 445, "0.0.0.0/0"), CIFS, *RISKY),
    "all protocols": broken(networks, lambda p: open_port(p, 0, "0.0.0.0/0", "-1"), IPV4, SSH, RDP, CIFS, *RISKY),
    "SSH through a prefix list": broken(networks, open_to_list, IPV4, SSH, *RISKY),
    "a port that is not authorised": broken(networks, lambda p: open_port(p, 8443, "0.0.0.0/0"), RISKY[1]),
    "a network ACL": broken(networks, lambda p: entry(p, 110, "allow", "0.0.0.0/0"), "ec2-network-acl-admin-ports"),
    "a network ACL that denies too late": broken(
        networks,
        lambda p: (entry(p, 110, "allow", "0.0.0.0/0"), entry(p, 120, "deny", "0.0.0.0/0")),
        "ec2-network-acl-admin-ports",
    ),
    "a default group": broken(
        networks, lambda p: open_port(p, 443, "203.0.113.0/24", group="default"), "ec2-default-security-group-closed"
    ),
    "default encryption": broken(
        networks, lambda p: p.ec2.disable_ebs_encryption_by_default(), "ebs-default-encryption"
    ),
    "metadata by version 1": broken(
        instances, lambda p: run(p, MetadataOptions={"HttpTokens": "optional"}), "ec2-instance-imdsv2"
    ),
    "no role": broken(instances, lambda p: run(p, IamInstanceProfile=None), "ec2-instance-profile"),
    "a public address": broken(
        instances,
        lambda p: run(
            p,
            NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": p.made["subnet"], "AssociatePublicIpAddress": True}],
        ),
        "ec2-instance-no-public-ip",
    ),
    "a template with a public address": broken(
        instances,
        lambda p: p.ec2.create_launch_template(
            LaunchTemplateName="open",
            LaunchTemplateData={"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}]},
        ),
        "ec2-launch-template-no-public-ip",
    ),
    "a transit gateway": broken(
        instances,
        lambda p: p.ec2.create_transit_gateway(Options={"AutoAcceptSharedAttachments": "enable"}),
        "ec2-transit-gateway-no-auto-accept",
    ),
    "a launch configuration's metadata": broken(
        instances,
        lambda p: configuration(p, "old", MetadataOptions={"HttpTokens": "optional"}),
        "autoscaling-launch-configuration-imdsv2",
    ),
    "a launch configuration's address": broken(
        instances,
        lambda p: configuration(p, "open", AssociatePublicIpAddress=True),
        "autoscaling-launch-configuration-no-public-ip",
    ),
    "plain HTTP": broken(bucket, lambda p: p.s3.delete_bucket_policy(Bucket=p.made["bucket"]), "s3-bucket-https-only"),
    "plain HTTP on objects": broken(bucket, lambda p: allow(p, without="/*"), "s3-bucket-https-only"),
    "encryption of a bucket": broken(
        bucket, lambda p: p.s3.delete_bucket_encryption(Bucket=p.made["bucket"]), "s3-bucket-encryption"
    ),
    "Block Public Access": broken(bucket, unblock, *BLOCK),
    "a policy for readers": broken(
        bucket,
        lambda p: grant(p, on_objects("s3:GetObject")),
        *BLOCK,
        "s3-bucket-no-public-read",
        "s3-bucket-policy-not-open",
    ),
    "a policy for writers": broken(
        bucket,
        lambda p: grant(p, on_objects("s3:PutObject")),
        *BLOCK,
        "s3-bucket-no-public-write",
        "s3-bucket-policy-not-open",
    ),
    "an ACL for readers": broken(bucket, lambda p: grant(p, acl="public-read"), *BLOCK, "s3-bucket-no-public-read"),
    "an ACL for writers": broken(bucket, let_write, *BLOCK, "s3-bucket-no-public-write"),
    "a policy for another account's administrators": broken(
        bucket,
        lambda p: allow(p, on_objects("s3:Put*", {"AWS": "arn:aws:iam::999999999999:root"})),
        "s3-bucket-policy-no-foreign-administration",
    ),
    "an access point": broken(
        bucket,
        lambda p: p.s3control.create_access_point(
            AccountId=p.account,
            Name="open",
            Bucket=p.made["bucket"],
            PublicAccessBlockConfiguration={**FOUR, "IgnorePublicAcls": False},
        ),
        "s3-access-point-block-public-access",
    ),
    "events of reads": broken(trail, lambda p: record(p, "WriteOnly", "arn:aws:s3:::"), EVENTS["reads"]),
    "events of writes": broken(trail, lambda p: record(p, "ReadOnly", "arn:aws:s3:::"), EVENTS["writes"]),
    "events of one bucket": broken(trail, lambda p: record(p, "All", "arn:aws:s3:::data/"), *EVENTS.values()),
    "a stopped trail": broken(trail, lambda p: p.cloudtrail.stop_logging(Name="main"), *EVENTS.values()),
    "a plain database": broken(
        databases, lambda p: database(p, "bad", StorageEncrypted=False), "rds-instance-encrypted"
    ),
    "an old database": broken(
        databases, lambda p: database(p, "bad", AutoMinorVersionUpgrade=False), "rds-instance-minor-upgrades"
    ),
    "a public database": broken(
        databases, lambda p: database(p, "bad", PubliclyAccessible=True), "rds-instance-not-public"
    ),
    "a database in one zone": broken(databases, lambda p: database(p, "bad", MultiAZ=False), "rds-instance-multi-az"),
    "a database with a way out": broken(databases, route_out, "rds-instance-private-subnet"),
    "a database's snapshot": broken(
        databases,
        lambda p: p.rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier="orders", AttributeName="restore", ValuesToAdd=["all"]
        ),
        "rds-snapshot-not-public",
    ),
    "a plain file system": broken(
        databases, lambda p: p.efs.create_file_system(CreationToken="two", Encrypted=False), "efs-encrypted"
    ),
    "a key that goes": broken(
        messages,
        lambda p: p.kms.schedule_key_deletion(KeyId=p.made["key"], PendingWindowInDays=7),
        "kms-key-not-deleted",
    ),
    "an open key": broken(
        messages,
        lambda p: p.kms.put_key_policy(
            KeyId=p.made["key"], PolicyName="default", Policy=document({**EVERYBODY, "Action": "kms:*"})
        ),
        "kms-key-policy-not-open",
    ),
    "an open topic": broken(
        messages,
        lambda p: p.sns.set_topic_attributes(
            TopicArn=p.made["topic"],
            AttributeName="Policy",
            AttributeValue=document({**EVERYBODY, "Action": "sns:Publish"}),
        ),
        "sns-topic-not-public",
    ),
    "an open queue": broken(
        messages,
        lambda p: p.sqs.set_queue_attributes(
            QueueUrl=p.made["queue"],
            Attributes={
                "Policy": document(
                    {**EVERYBODY, "Action": "sqs:SendMessage", "Resource": p.made["topic"].replace("sns", "sqs")}
                )
            },
        ),
        "sqs-queue-not-public",
    ),
    "an open secret": broken(
        messages,
        lambda p: p.secretsmanager.put_resource_policy(
            SecretId=p.made["secret"], ResourcePolicy=document({**EVERYBODY, "Action": "secretsmanager:*"})
        ),
        "secretsmanager-secret-not-public",
    ),
    "an open function": broken(messages, lambda p: invoke(p, "*"), "lambda-function-not-public"),
    "a function for any bucket": broken(
        messages,
        lambda p: invoke(p, "s3.amazonaws.com", SourceArn="arn:aws:s3:::any"),
        "lambda-function-not-public",
    ),
    "a project's variable": broken(
        builds, lambda p: project(p, "bad", "AWS_SECRET_ACCESS_KEY"), "codebuild-project-no-plain-credentials"
    ),
    "a project's source": broken(
        builds,
        lambda p: project(p, "bad", location="https://me:secret@bitbucket.org/a/b.git"),
        "codebuild-project-no-credentials-in-source",
    ),
    "a privileged container": broken(
        builds, lambda p: task(p, "bad", privileged=True), "ecs-task-definition-not-privileged"
    ),
    "a container that writes": broken(
        builds, lambda p: task(p, "bad", readonlyRootFilesystem=False), "ecs-task-definition-read-only-root"
    ),
    "a container without logs": broken(
        builds, lambda p: task(p, "bad", logConfiguration=None), "ecs-task-definition-logging"
    ),
    "a container's variable": broken(
        builds,
        lambda p: task(p, "bad", environment=[{"name": "AWS_ACCESS_KEY_ID", "value": "any"}]),
        "ecs-task-definition-no-plain-credentials",
    ),
    "a task among the host's processes": broken(
        builds, lambda p: task(p, "bad", {"pidMode": "host"}), "ecs-task-definition-own-process-namespace"
    ),
    "a service with public addresses": broken(
        builds, lambda p: service(p, "bad", "ENABLED"), "ecs-service-no-public-ip"
    ),
    "an API with a key": broken(
        builds,
        lambda p: p.appsync.create_graphql_api(name="bad", authenticationType="API_KEY"),
        "appsync-api-no-key",
    ),
    "a cluster on the internet": broken(
        builds,
        lambda p: p.eks.create_cluster(name="bad", roleArn=role(p), resourcesVpcConfig={"endpointPublicAccess": True}),
        "eks-cluster-private-endpoint",
    ),
    "a notebook on the internet": broken(
        builds, lambda p: notebook(p, "bad", DirectInternetAccess="Enabled"), "sagemaker-notebook-no-internet"
    ),
    "a notebook of root's": broken(
        builds, lambda p: notebook(p, "bad", RootAccess="Enabled"), "sagemaker-notebook-no-root"
    ),
    "a notebook without a VPC": broken(
        builds, lambda p: notebook(p, "bad", SubnetId=None), "sagemaker-notebook-in-vpc"
    ),
    "a document for everybody": broken(
        builds,
        lambda p: p.ssm.modify_document_permission(Name="good", PermissionType="Share", AccountIdsToAdd=["all"]),
        "ssm-document-not-public",
    ),
    "a cache without backups": broken(
        stores, lambda p: cache(p, "bad", SnapshotRetentionLimit=0), "elasticache-cluster-backups"
    ),
    "an old cache": broken(
        stores, lambda p: cache(p, "bad", AutoMinorVersionUpgrade=False), "elasticache-cluster-minor-upgrades"
    ),
    "a cache in the default subnets": broken(
        stores, lambda p: cache(p, "bad", CacheSubnetGroupName="default"), "elasticache-cluster-own-subnets"
    ),
    "a domain without fine-grained access": broken(
        stores,
        lambda p: domain(p, "bad", "OpenSearch_2.5", AdvancedSecurityOptions={"Enabled": False}),
        "opensearch-domain-fine-grained-access",
    ),
    "a public warehouse": broken(stores, lambda p: warehouse(p, "bad", True), "redshift-cluster-not-public"),
    "a public replication": broken(
        stores, lambda p: replication(p, "bad", True), "dms-replication-instance-not-public"
    ),
    "no detector": broken(
        detector,
        lambda p: p.guardduty.delete_detector(DetectorId=p.made["detector"]),
        "guardduty-enabled",
        "guardduty-eks-audit-logs",
        "guardduty-eks-runtime-monitoring",
        "guardduty-lambda-protection",
        "guardduty-malware-protection",
        "guardduty-rds-protection",
        "guardduty-runtime-monitoring",
        "guardduty-s3-protection",
    ),
}

# ------------------------------------------------------------------------------------------------- the tests

POLICIES = {policy.id: policy for policy in shipped()}
SWEEP = "STILLFRAME_SWEEP" in os.environ
# Those of CIS v5 in every run; the others, which are as many again, where the variable is set.
SWEPT = {
    name: each
    for name, each in BREAKS.items()
    if SWEEP or any("cis-aws-5.0.0" in POLICIES[one].frameworks for one in each.fails)
}
NAMED = sorted({name for each in SWEPT.values() for name in each.fails})
WHOLE = "everything"


def home_alone(parsed: dict[str, Any], **_: Any) -> None:
    """Make all regions but one look as AWS shows regions that are not opted in."""
    for region in parsed.get("Regions", ()):
        region["OptInStatus"] = "opt-in-not-required" if region["RegionName"] == HOME else "not-opted-in"


@pytest.fixture(scope="module")
def judged(once: Once, request: pytest.FixtureRequest) -> tuple[Mapping[Any, Any], Pictures]:
    return once("cis-resources", lambda folder: judge_all(folder, request.getfixturevalue("empty")))


@pytest.fixture(scope="module")
def found(judged: tuple[Mapping[Any, Any], Pictures]) -> Mapping[Any, Any]:
    """What each account came to, by the name of its break; by the function that built it where nothing was broken."""
    return judged[0]


def judge_all(folder: Path, url: str) -> tuple[Mapping[Any, Any], Pictures]:
    builds = {each.build: [name for name in SWEPT if SWEPT[name].build is each.build] for each in SWEPT.values()}
    pictures: Pictures = []
    original = aws._shared

    def ours(session: Any) -> Any:
        session.events.register("after-call.ec2.DescribeRegions", home_alone)
        return original(session)

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setattr(aws, "_shared", ours)
        free = iter(places(url, 1 + len(builds) + len(SWEPT)))
        done: dict[Any, Any] = {WHOLE: whole(url, folder / WHOLE, next(free), pictures)}
        for number, (build, names) in enumerate(builds.items()):
            done |= of_one_build(url, folder / str(number), build, names, free, pictures)
    return done, pictures


def whole(url: str, archive: Path, place: Place, pictures: Pictures) -> Mapping[str, Mapping[str, str]]:
    for build in (*COMPLIANT, *(MORE if SWEEP else ())):
        build(place)
    return statuses(url, archive, [place.account], shipped(*NAMED), pictures)[place.account]


def of_one_build(
    url: str, archive: Path, build: Change, names: list[str], free: Iterator[Place], pictures: Pictures
) -> dict[Any, Any]:
    """Accounts that are built alike are collected together, with no other types than their policies read."""
    intact = {build: next(free)} | {name: next(free) for name in names}
    for name, place in intact.items():
        build(place)
        if isinstance(name, str):
            BREAKS[name].change(place)
    policies = shipped(*{one for name in names for one in BREAKS[name].fails})
    judged = statuses(url, archive, [place.account for place in intact.values()], policies, pictures)
    return {name: judged[place.account] for name, place in intact.items()}


def test_a_lost_row_that_another_names_makes_nothing_pass(judged):
    tried = lost(judged[1])
    assert tried.faults == []
    assert tried.named > 0


def test_an_account_that_is_built_to_comply_has_no_failure(found):
    assert found[WHOLE].keys() <= {"pass", "not_applicable"}
    assert set(found[WHOLE]["pass"]) == set(NAMED)


@pytest.mark.parametrize("name", SWEPT)
def test_what_is_broken_alone_fails_alone(found, name):
    assert found[BREAKS[name].build].keys() <= {"pass", "not_applicable"}
    assert set(found[name].get("fail", ())) == set(BREAKS[name].fails)
    assert found[name].keys() <= {"pass", "fail", "not_applicable"}
