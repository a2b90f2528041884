"""Every entry of the catalogue against botocore's service models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

import boto3
import botocore.exceptions
import botocore.model
import jmespath
import pytest
from botocore import xform_name
from stillframe.snapshot.catalog import Call, ResourceType, load_catalog, steps
from stillframe.snapshot.collector import session
from stillframe.snapshot.collector.api_models import are_old
from stillframe.snapshot.collector.found import enabled
from stillframe.snapshot.collector.pages import TOKENS
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.resource import names_in, tags_of
from stillframe.snapshot.resource_file import complete
from together import together

SESSION = session._shared(boto3.Session("x", "x", region_name="us-east-1"))
SPECS = list(load_catalog().values())
each = together("spec", SPECS, name=lambda spec: spec.type)
# Error codes that botocore's models do not have, because S3's models have none.
S3_CODES = {
    "NoSuchAccessPointPolicy",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchWebsiteConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
}
# AWS says these with the same code as something else: the message must tell them apart.
AMBIGUOUS = {"AccessDeniedException", "InvalidAccessException", "UnsupportedUserEditionException"}


@cache
def operation(service: str, name: str) -> botocore.model.OperationModel:
    return client(service).meta.service_model.operation_model(name)


@cache
def client(service: str):
    return SESSION.client(service)


def model(call: Call) -> botocore.model.OperationModel:
    return operation(call.service, call.operation)


def walk(shape, path: str):
    """The shape at a simple path such as A.B[].C, A[0] or A.*; fails where the model has no such member."""
    for step in filter(None, path.replace("[0]", ".[]").replace("[]", ".[]").split(".")):
        if step == "[]":
            assert shape.type_name == "list", path
            shape = shape.member
        elif shape.type_name == "map":
            known = getattr(shape.key, "enum", [])
            assert step == "*" or not known or step in known, f"{path}: {shape.name} has no key {step}"
            shape = shape.value
        elif step != "@":
            assert step in shape.members, f"{path}: {shape.name} has no {step}"
            shape = shape.members[step]
    return shape


def result_shape(call: Call):
    """The shape that a result picks; None where it makes one of its own."""
    if "{" in call.result or call.result == "[@]":
        return None
    return walk(model(call).output_shape, call.result.split("[?")[0])


def item_shape(spec: ResourceType):
    """The shape of a listed item; None where the catalogue makes its own."""
    call = spec.list
    if call.result == "[@]":
        return model(call).output_shape
    if call.columns or "{" in call.result:
        return None
    shape = result_shape(call)
    return shape if call.result.endswith("[]") else shape.member


def at(spec: ResourceType, path: str):
    """The shape at a path of a resource's config; None where the catalogue makes its own."""
    first, _, rest = path.partition(".")
    name, item, _ = first.partition("[]")
    if name in spec.attach:
        shape = result_shape(spec.attach[name])
        return walk(shape, item + ("." + rest if rest else "")) if shape is not None else None
    listed, own = item_shape(spec), (*spec.list.columns, *own_fields(spec.list))
    if listed is None or name in own:
        assert name in own, f"{spec.type} has no {path}"
        before = re.split(r"\{|\[\?|\[\{", spec.list.result)[0].rstrip(".")
        whole = walk(model(spec.list).output_shape, before) if listed is None else None
        return walk(whole, path) if name in getattr(whole, "members", ()) else None
    return walk(listed, path)


def own_fields(call: Call) -> list[str]:
    """The fields of an item that the catalogue makes itself, and of its owner's: `Names[].{Name: @}`."""
    _, _, fields = call.result.partition("{")
    owners = own_fields(call.of) if call.of else []
    return owners + [field.split(":")[0].strip() for field in fields.split(",") if field]


def leaves(shape, path: str, above: tuple[str, ...] = (), sensitive: bool = False) -> Iterator[tuple[str, bool]]:
    """The path of each value of a shape, and whether AWS's models call it, or what it is part of, sensitive."""
    sensitive = sensitive or bool(shape.metadata.get("sensitive"))
    if shape.type_name == "structure":
        for name, member in shape.members.items() if shape.name not in above else ():
            yield from leaves(member, f"{path}.{name}".lstrip("."), (*above, shape.name), sensitive)
    elif shape.type_name == "list":
        yield from leaves(shape.member, f"{path}[]", above, sensitive)
    elif shape.type_name == "map":
        yield from leaves(shape.value, f"{path}.*", above, sensitive)
    else:
        yield path, sensitive


def text(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[]")


@each
def test_the_call_is_one_aws_has(spec):
    for call in spec.calls():
        known = model(call).input_shape
        given = {*call.params, *call.arguments}
        assert given <= set(known.members if known else ())
        required = set(known.required_members if known and not call.found else ())
        assert required <= given, "a required parameter is not given"


# Parameters of which each takes something away from what is answered without it.
NARROWING = {
    "": (
        *("Bucket", "BucketRegion", "DataSourceId", "ExpectedBucketOwner", "Filter", "Filters", "Prefix"),
        *("DryRun", "SortBy", "SortOrder", "sortBy", "sortOrder"),
    ),
    "BatchGetAccountStatus": ("accountIds",),
    "DescribeACLs": ("ACLName",),
    "DescribeAddresses": ("AllocationIds", "PublicIps"),
    "DescribeAlarms": (
        "ActionPrefix",
        "AlarmNamePrefix",
        "AlarmNames",
        "ChildrenOfAlarmName",
        "ParentsOfAlarmName",
        "StateValue",
    ),
    "DescribeAutoScalingGroups": ("AutoScalingGroupNames", "IncludeInstances", "IncludeManagedResources"),
    "DescribeCacheClusters": ("CacheClusterId", "ShowCacheClustersNotInReplicationGroups", "ShowCacheNodeInfo"),
    "DescribeClusterVersions": ("clusterType", "defaultOnly", "status", "versionStatus"),
    "DescribeClusters": ("ClusterIdentifier", "TagKeys", "TagValues", "ClusterNames", "ClusterName"),
    "DescribeComputeEnvironments": ("computeEnvironments",),
    "DescribeConfigurationRecorders": ("Arn", "ConfigurationRecorderNames"),
    "DescribeConfigurationRecorderStatus": ("Arn", "ServicePrincipal"),
    "DescribeConfigurationSettings": ("TemplateName",),
    "DescribeDBClusterSnapshots": ("DBClusterIdentifier", "DBClusterSnapshotIdentifier", "DbClusterResourceId"),
    "DescribeDBClusters": ("DBClusterIdentifier",),
    "DescribeDBEngineVersions": (
        "DBParameterGroupFamily",
        "DefaultOnly",
        "ListSupportedCharacterSets",
        "ListSupportedTimezones",
    ),
    "DescribeDBInstances": ("DBInstanceIdentifier",),
    "DescribeDBSnapshots": ("DBInstanceIdentifier", "DBSnapshotIdentifier", "DbiResourceId"),
    "DescribeDeliveryChannels": ("DeliveryChannelNames",),
    "DescribeDeliveryStream": ("ExclusiveStartDestinationId",),
    "DescribeEnvironments": (
        "ApplicationName",
        "EnvironmentIds",
        "EnvironmentNames",
        "IncludedDeletedBackTo",
        "VersionLabel",
    ),
    "DescribeEventSubscriptions": ("SubscriptionName",),
    "DescribeFileSystems": ("CreationToken", "FileSystemId"),
    "DescribeFirewall": (
        "FirewallName",
        "FirewallType",
    ),
    "DescribeFirewallPolicy": ("FirewallPolicyName",),
    "DescribeFlowLogs": ("FlowLogIds",),
    "DescribeGlobalClusters": ("GlobalClusterIdentifier",),
    "DescribeHub": ("HubArn",),
    "DescribeImages": ("ExecutableUsers", "ImageIds"),
    "DescribeInstances": ("InstanceIds",),
    "DescribeInternetGateways": ("InternetGatewayIds",),
    "DescribeJobDefinitions": ("jobDefinitionName", "jobDefinitions"),
    "DescribeJobQueues": ("jobQueues",),
    "DescribeKey": ("GrantTokens",),
    "DescribeKeyPairs": ("KeyNames",),
    "DescribeLaunchConfigurations": ("LaunchConfigurationNames",),
    "DescribeLaunchTemplateVersions": ("LaunchTemplateName", "MaxVersion", "MinVersion", "ResolveAlias"),
    "DescribeLaunchTemplates": ("LaunchTemplateIds", "LaunchTemplateNames"),
    "DescribeListeners": ("ListenerArns",),
    "DescribeLoadBalancerPolicies": ("PolicyNames",),
    "DescribeLoadBalancers": (
        "LoadBalancerArns",
        "Names",
        "LoadBalancerNames",
    ),
    "DescribeLogGroups": (
        "accountIdentifiers",
        "logGroupClass",
        "logGroupIdentifiers",
        "logGroupNamePattern",
        "logGroupNamePrefix",
    ),
    "DescribeLogStreams": ("logGroupIdentifier", "logStreamNamePrefix"),
    "DescribeLoggingConfiguration": (
        "FirewallName",
        "FirewallType",
    ),
    "DescribeManagedPrefixLists": ("PrefixListIds",),
    "DescribeMetricFilters": ("filterNamePrefix", "logGroupName", "metricName", "metricNamespace"),
    "DescribeNetworkAcls": ("NetworkAclIds",),
    "DescribeNetworkInterfaces": ("NetworkInterfaceIds",),
    "DescribePlacementGroups": ("GroupNames",),
    "DescribeRegions": ("RegionNames",),
    "DescribeReplicationGroups": ("ReplicationGroupId",),
    "DescribeRepositories": ("registryId", "repositoryNames"),
    "DescribeRouteTables": ("RouteTableIds",),
    "DescribeRuleGroup": (
        "RuleGroupName",
        "Type",
    ),
    "DescribeRules": ("RuleArns",),
    "DescribeSecurityGroups": ("GroupIds", "GroupNames"),
    "DescribeServices": ("include",),  # tags
    "DescribeSnapshots": ("RestorableByUserIds", "SnapshotIds", "ClusterName", "SnapshotName", "Source"),
    "DescribeStacks": ("StackName",),
    "DescribeStreamSummary": ("StreamId", "StreamName"),
    "DescribeSubnets": ("SubnetIds",),
    "DescribeTargetGroups": (
        "LoadBalancerArn",
        "Names",
        "TargetGroupArns",
    ),
    "DescribeTaskDefinition": ("include",),  # tags
    "DescribeTrails": ("trailNameList",),
    "DescribeTransitGateways": ("TransitGatewayIds",),
    "DescribeUsers": ("UserName",),
    "DescribeVolumes": ("VolumeIds",),
    "DescribeVpcEndpoints": ("VpcEndpointIds",),
    "DescribeVpcPeeringConnections": ("VpcPeeringConnectionIds",),
    "DescribeVpcs": ("VpcIds",),
    "DescribeVpnConnections": ("VpnConnectionIds",),
    "DescribeWorkspaceDirectories": ("WorkspaceDirectoryNames",),
    "DescribeWorkspaces": ("BundleId", "DirectoryId", "UserName", "WorkspaceName"),
    "GetAgentRuntime": ("agentRuntimeVersion",),
    "GetAlternateContact": ("AccountId",),
    "GetBackupPlan": ("VersionId",),
    "GetBuckets": ("bucketName",),
    "GetContactInformation": ("AccountId",),
    "GetDatabases": ("AttributesToGet", "CatalogId"),
    "GetEnabledStandards": ("Providers", "StandardsSubscriptionArns"),
    "GetGuardrail": ("guardrailVersion",),
    "GetMLTransforms": ("Sort",),
    "GetManagedPrefixListEntries": ("TargetVersion",),
    "GetPolicy": ("Qualifier",),
    "GetResourcePolicy": ("PolicyName", "StreamId"),
    "GetResourceShareAssociations": ("associationStatus", "principal", "resourceArn"),
    "GetResourceShares": ("name", "permissionArn", "permissionVersion", "resourceShareStatus", "tagFilters"),
    "GetRuleGroup": ("ARN",),
    "GetStages": ("deploymentId",),
    "GetTriggers": ("DependentJobName",),
    "GetWebACL": ("ARN",),
    "ListAccountsForProvisionedPermissionSet": ("ProvisioningStatus",),
    "ListAliases": ("KeyId",),
    "ListAnalyzers": ("type",),
    "ListApiDestinations": ("ConnectionArn",),
    "ListApplications": ("states",),
    "ListArchives": ("EventSourceArn", "State"),
    "ListBackupVaults": ("ByVaultType",),
    "ListCertificates": ("CertificateStatuses",),
    "ListClusters": ("CreatedAfter", "CreatedBefore"),
    "ListClustersV2": ("ClusterNameFilter", "ClusterTypeFilter"),
    "ListConfigurationProfiles": ("Type",),
    "ListConnections": ("ConnectionState",),
    "ListCustomModels": (
        "baseModelArnEquals",
        "creationTimeAfter",
        "creationTimeBefore",
        "foundationModelArnEquals",
        "isOwned",
        "modelStatus",
        "nameContains",
    ),
    "ListDataCatalogs": ("WorkGroup",),
    "ListDelegatedAdministrators": ("ServicePrincipal",),
    "ListDeliveryStreams": ("DeliveryStreamType", "ExclusiveStartDeliveryStreamName"),
    "ListDocuments": ("DocumentFilterList",),
    "ListDomainNames": ("EngineType",),
    "ListDomains": (
        "FilterConditions",
        "SortCondition",
    ),
    "ListFindingsV2": ("sort",),
    "ListFirewallRuleGroupAssociations": (
        "FirewallRuleGroupId",
        "Priority",
        "Status",
        "VpcId",
    ),
    "ListFirewallRules": (
        "Action",
        "Priority",
    ),
    "ListFirewalls": (
        "FirewallType",
        "VpcIds",
    ),
    "ListFunctions": ("MasterRegion",),
    "ListGraphqlApis": ("apiType",),
    "ListGuardrails": ("guardrailIdentifier",),
    "ListHostedZones": (
        "DelegationSetId",
        "HostedZoneType",
    ),
    "ListInstances": (
        "InstanceFleetId",
        "InstanceFleetType",
        "InstanceGroupId",
        "InstanceGroupTypes",
        "InstanceStates",
    ),
    "ListNotebookInstances": (
        *("AdditionalCodeRepositoryEquals", "CreationTimeAfter", "CreationTimeBefore", "DefaultCodeRepositoryContains"),
        *("LastModifiedTimeAfter", "LastModifiedTimeBefore", "NameContains", "StatusEquals"),
        "NotebookInstanceLifecycleConfigNameContains",
    ),
    "ListPipes": ("CurrentState", "DesiredState", "SourcePrefix", "TargetPrefix"),
    "ListProvisionedModelThroughputs": (
        "creationTimeAfter",
        "creationTimeBefore",
        "modelArnEquals",
        "nameContains",
        "statusEquals",
    ),
    "ListQueues": ("QueueNamePrefix",),
    "ListResourceRecordSets": (
        "StartRecordName",
        "StartRecordType",
        "StartRecordIdentifier",
    ),
    "ListResponseHeadersPolicies": ("Type",),
    "ListRuleGroups": ("ManagedType", "SubscriptionStatus", "Type"),
    "ListRules": ("EventBusName",),
    "ListSchedules": ("GroupName", "State"),
    "ListServerCertificates": ("PathPrefix",),
    "ListServices": ("launchType", "resourceManagementType", "schedulingStrategy"),
    "ListStreams": ("ExclusiveStartStreamName", "StreamNameCondition"),
    "ListTagsForDeliveryStream": ("ExclusiveStartTagKey",),
    "ListTagsForResource": ("StreamId",),
    "ListTaskDefinitionFamilies": ("familyPrefix",),
    "ListUserPoolClients": ("ClientType",),
    "ListVirtualMFADevices": ("AssignmentStatus",),
}
WHICH = re.compile(r"\w*(Ids|Arns|NamePrefix)")  # a parameter that says which of them are to be listed
PAGING = {"limit", "Limit", "maxResults", "pageToken", "MaxItems", "MaxRecords", "MaxResults", "PageSize", *TOKENS}


def optional_parameters(call: Call) -> set[str]:
    """What a call may be asked with, by the installed botocore, beside what picks its pages."""
    shape = model(call).input_shape
    name = xform_name(call.operation)
    pages = client(call.service).get_paginator(name)._pagination_cfg if client(call.service).can_paginate(name) else {}
    tokens = pages.get("input_token", [])
    paging = {*PAGING, pages.get("limit_key"), *([tokens] if isinstance(tokens, str) else tokens)}
    found = set(shape.members) - set(shape.required_members) - paging if shape else set()
    return {name for name in found if not WHICH.fullmatch(name)}


@each
def test_each_parameter_that_could_change_a_list_is_decided_on(spec):
    """A newer botocore may know one more, and AWS may leave out by default what it is for."""
    for call in spec.calls():
        decided = {*call.params, *call.arguments, *call.leaves_out, *NARROWING[""], *NARROWING.get(call.operation, ())}
        undecided = sorted(optional_parameters(call) - decided)
        assert not undecided, (
            f"{call.service}:{call.operation} of {spec.type} may be asked with {', '.join(undecided)}. Read what AWS "
            "answers without: give it in `params`; or say in `leaves_out` what is missing, and why no policy passes by "
            "it; if it only takes away from what is answered without it, add it to NARROWING"
        )


@each
def test_what_is_left_out_is_by_a_parameter_that_aws_has(spec):
    for call in spec.calls():
        known = set(model(call).input_shape.members if model(call).input_shape else ())
        assert set(call.leaves_out) <= known or are_old()  # what newer models have, an older botocore does not ask
        assert not set(call.leaves_out) & {*call.params, *call.arguments}
        assert all(len(why.split()) > 2 for why in call.leaves_out.values())


@each
def test_constants_are_what_aws_takes(spec):
    for call in spec.calls():
        shape = model(call).input_shape
        for parameter, value in call.params.items():
            if parameter not in shape.members:
                continue  # as test_the_call_is_one_aws_has says
            member = shape.members[parameter]
            allowed = member.member if member.type_name == "list" else member
            values = value if isinstance(value, list) else [value]
            assert not getattr(allowed, "enum", None) or set(values) <= set(allowed.enum)


@each
def test_what_a_call_is_given_is_in_the_resource(spec):
    for call in spec.calls():
        for expression in (*call.arguments.values(), *([call.when] if call.when else [])):
            jmespath.compile(expression)
            firsts = {part for part in names_in(expression) if part != "$account"}
            tops = {*spec.attach, *getattr(item_shape(spec), "members", ()), *own_fields(spec.list)}
            assert not firsts or firsts & tops, expression


@each
def test_the_result_is_in_the_answer(spec):
    for call in spec.calls():
        jmespath.compile(call.result)
        shape = result_shape(call)
        if call.columns:
            assert shape.type_name == "blob"
        if call.until:
            assert set(names_in(call.until)) <= set(model(call).output_shape.members)


@each
def test_keys_are_named_of_maps_whose_keys_the_model_does_not_list(spec):
    for call in spec.calls():
        shape = result_shape(call) if call.keys else None
        assert not call.keys or (shape.type_name == "map" and not getattr(shape.key, "enum", []))


@each
def test_every_page_is_asked_for(spec):
    """Either botocore knows an operation's pages, or its answer names the next one as its input takes it."""
    for call in spec.calls():
        found = model(call)
        pages = client(call.service).can_paginate(xform_name(call.operation))
        tokens = set(TOKENS) & set(found.output_shape.members)
        assert pages or tokens <= set(found.input_shape.members if found.input_shape else ())
        assert pages or not call.page_size


def test_queues_are_listed_by_the_page_without_which_aws_stops_at_a_thousand():
    assert load_catalog()["AWS::SQS::Queue"].list.page_size == 1000


@each
def test_the_call_only_reads(spec):
    for call in spec.calls():
        assert call.operation.startswith(("BatchGet", "Describe", "Get", "List")) or (
            # AWS writes the report, and nothing in the account changes.
            call is spec.list.after and call.operation == "GenerateCredentialReport"
        )


# In the service authorization reference, and younger than the stand-in's copy of these policies.
YOUNGER = {"neptune-graph:ListGraphs", "neptune-graph:ListTagsForResource"}


def test_every_action_is_one_that_awss_own_policies_for_readers_allow():
    import moto.iam.aws_managed_policies as moto

    published = json.loads(moto.aws_managed_policies_data)
    readers = [published[name]["Document"]["Statement"] for name in ("SecurityAudit", "ReadOnlyAccess")]
    lists = [statement["Action"] for statements in readers for statement in statements if "Action" in statement]
    allowed = {action for listed in lists for action in ([listed] if isinstance(listed, str) else listed)}
    actions = {call.action for spec in SPECS for call in spec.calls()} - {"sts:GetCallerIdentity"} - YOUNGER
    assert [action for action in sorted(actions) if not matches(action, allowed)] == []


def matches(action: str, allowed: set[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed)


@each
def test_every_path_is_in_the_model(spec):
    simple = [path for path in (spec.id, spec.name, spec.region) if path and path.replace("_", "a").isalnum()]
    for path in [*simple, *map(text, spec.always), *spec.volatile, *([spec.tags] if spec.tags else [])]:
        if path != "Location":
            at(spec, path)


@each
def test_documents_and_secrets_are_text(spec):
    for path in (*spec.json, *spec.redact):
        shape = at(spec, text(path))
        assert shape.type_name in ("string", "blob"), path


# What AWS's models call sensitive, and is no secret: policies read it.
NO_SECRET = {
    "AWS::Account": (
        "ContactInformation.",
        "DelegatedAdministrators[].Email",
        "DelegatedAdministrators[].Name",
        "Organization.MasterAccountEmail",
        "SecurityContact.",
    ),
    "AWS::BedrockAgentCore::BrowserCustom": ("description",),
    "AWS::BedrockAgentCore::Gateway": ("description",),
    "AWS::BedrockAgentCore::Runtime": ("description",),
    "AWS::CloudFront::Distribution": ("Comment", "Config.Comment", "Config.TenantConfig."),
    "AWS::ECS::TaskDefinition": (
        "Definition.containerDefinitions[].environment[].name",
        "Definition.containerDefinitions[].repositoryCredentials.",
    ),
    "AWS::Backup::BackupPlan": ("Plan.Rules[].RecoveryPointTags.", "Tags."),
    "AWS::Backup::BackupVault": ("Tags.",),
    "AWS::Cognito::UserPoolClient": ("Client.ClientId", "ClientId"),
    "AWS::S3::Bucket": ("Encryption.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID",),
}


@each
def test_what_awss_models_call_sensitive_is_redacted(spec):
    answers = [("", item_shape(spec)), *((name, result_shape(call)) for name, call in spec.attach.items())]
    found = {path for name, shape in answers if shape for path, sensitive in leaves(shape, name) if sensitive}
    kept = found - set(map(text, spec.redact))
    assert [path for path in sorted(kept) if not path.startswith(NO_SECRET.get(spec.type, ("-",)))] == []


@each
def test_it_is_called_as_cloudformation_calls_it(spec):
    own = {"AWS::Account", "AWS::Region"}
    assert spec.type in own or len(spec.type.split("::")) == 3
    assert spec.scope in ("account", "region")
    assert spec.scope == "account" or not spec.list.region


@each
def test_absent_codes_are_ones_that_the_call_gives(spec):
    for call in spec.calls():
        known = {shape.error_code for shape in model(call).error_shapes} | S3_CODES
        for entry in call.absent:
            code, _, message = entry.partition(": ")
            assert code in known
            assert bool(message) == (code in AMBIGUOUS), entry
            assert message or not any(word in code for word in ("Denied", "Throttl", "Unauthorized", "Expired"))


# What the examples in botocore do not have, being older than it, or shortened.
OLDER = {
    ("AWS::Account", "Organization.Id"),
    ("AWS::Account", "Organization.MasterAccountId"),
    ("AWS::DynamoDB::Table", "Table.TableArn"),
    ("AWS::EC2::DHCPOptions", "OwnerId"),
    ("AWS::EC2::EIP", "AllocationId"),
    ("AWS::EC2::Image", "CreationDate"),
    ("AWS::EC2::InternetGateway", "OwnerId"),
    ("AWS::EC2::KeyPair", "KeyPairId"),
    ("AWS::EC2::KeyPair", "KeyType"),
    ("AWS::EC2::NetworkAcl", "OwnerId"),
    ("AWS::EC2::NetworkInterface", "InterfaceType"),
    ("AWS::EC2::RouteTable", "OwnerId"),
    ("AWS::EC2::Snapshot", "Encrypted"),
    ("AWS::EC2::Subnet", "OwnerId"),
    ("AWS::EC2::VPC", "CidrBlockAssociationSet"),
    ("AWS::EC2::VPC", "CidrBlockAssociationSet[].CidrBlock"),
    ("AWS::EC2::VPC", "OwnerId"),
    ("AWS::EC2::Volume", "Encrypted"),
    ("AWS::EFS::FileSystem", "Encrypted"),
    ("AWS::EKS::Cluster", "Cluster.resourcesVpcConfig.endpointPublicAccess"),
    ("AWS::ElastiCache::CacheCluster", "ARN"),
    ("AWS::ElastiCache::ReplicationGroup", "ARN"),
    ("AWS::ElasticBeanstalk::Environment", "EnvironmentArn"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "TargetType"),
    ("AWS::FSx::FileSystem", "FileSystemType"),
    ("AWS::KMS::Key", "Metadata.KeySpec"),
    ("AWS::Region", "OptInStatus"),
}


@each
def test_what_is_always_there_is_there_in_awss_own_examples(spec):
    lost = set()
    elsewhere = {*spec.attach, *(own_fields(spec.list.of) if spec.list.of else ())}
    for name, call in {"": spec.list, **spec.attach}.items():
        for answer in examples(call):
            found = jmespath.search(call.result, answer)
            for config in [{name: found}] if name else found or []:
                complete(config, spec)
                own = [path for path in spec.always if (path[0] == name if name else path[0] not in elsewhere)]
                lost |= {(spec.type, text(path)) for path in own if any_unknown(config, path)}
    assert lost <= OLDER


def examples(call: Call) -> list[dict]:
    """Answers to a call that AWS publishes with its models."""
    try:
        known = SESSION._session.get_component("data_loader").load_service_model(call.service, "examples-1")
    except botocore.exceptions.UnknownServiceError:
        return []
    outputs = [each["output"] for each in known["examples"].get(call.operation, []) if "output" in each]
    return json.loads(json.dumps(outputs))  # in plain objects


def any_unknown(node, path: tuple[str, ...]) -> bool:
    if isinstance(node, Unknown) or not path:
        return isinstance(node, Unknown)
    if path[0] == "[]":
        return isinstance(node, list) and any(any_unknown(item, path[1:]) for item in node)
    return isinstance(node, dict) and any_unknown(node.get(path[0]), path[1:])


def test_a_path_in_steps():
    assert steps("A.B[].C") == ("A", "B", "[]", "C")
    assert steps("A.*") == ("A", "*")


DENIED = Unknown.because("AccessDenied: s3:GetBucketTagging")
NO_TEXT = Unknown.because("MalformedValue: a tag of AWS::S3::Bucket is no text")


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        ([{"Key": "team", "Value": "web"}, {"Key": "bare"}], {"team": "web", "bare": ""}),
        ([{"key": "team", "value": "web"}], {"team": "web"}),
        ([{"TagKey": "team", "TagValue": "web"}], {"team": "web"}),
        ({"team": "web"}, {"team": "web"}),
        ([], {}),
        (None, {}),
        (DENIED, DENIED),
        ([{"Name": "team"}], Unknown.because("UnexpectedAnswer: tags of AWS::S3::Bucket")),
        ("team=web", Unknown.because("UnexpectedAnswer: tags of AWS::S3::Bucket")),
        ({"team": {"web": 1}, "paid": True, "bare": None}, {"team": NO_TEXT, "paid": NO_TEXT, "bare": ""}),
        ([{"Key": "team", "Value": ["web"]}, {"Key": "bare", "Value": None}], {"team": NO_TEXT, "bare": ""}),
    ],
)
def test_tags_in_every_form_that_services_send_them(sent, tags):
    assert tags_of(load_catalog()["AWS::S3::Bucket"], {"Tags": sent}) == tags


def test_of_awss_own_policies_those_that_are_attached_are_kept():
    listed = [
        {"Arn": "arn:aws:iam::aws:policy/Attached", "AttachmentCount": 1},
        {"Arn": "arn:aws:iam::aws:policy/Not", "AttachmentCount": 0},
        {"Arn": "arn:aws-cn:iam::aws:policy/Not", "AttachmentCount": 0},
        {"Arn": "arn:aws:iam::111122223333:policy/mine", "AttachmentCount": 0},
        {"Arn": "arn:aws:iam::aws:policy/Unsure"},
    ]
    kept = jmespath.search(load_catalog()["AWS::IAM::ManagedPolicy"].list.result, {"Policies": listed})
    assert [policy["Arn"].rpartition("/")[2] for policy in kept] == ["Attached", "mine", "Unsure"]


@pytest.mark.parametrize("said", [[], {"a": 1}, None, True])
def test_regions_of_which_nobody_says_whether_they_are_enabled_are_unknown(said):
    listed = [{"RegionName": "eu-west-1", "OptInStatus": "opted-in"}, {"RegionName": "us-east-1", "OptInStatus": said}]
    assert enabled(listed) == Unknown.because("UnexpectedAnswer: ec2:DescribeRegions")
