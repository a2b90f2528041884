"""AWS Config's items for the resources of a snapshot, in every spelling that was met, made without the importer's code.

What the API leaves out is null there, and what could not be read is no key at all.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.model import Resource, Snapshot, Unknown
from stillframe.snapshot.resource_file import complete

KINDS = json.loads((Path(__file__).parents[1] / "snapshot" / "kinds.json").read_text())
RENAMED = {
    "AWS::Account": "AWS::S3::AccountPublicAccessBlock",
    "AWS::CertificateManager::Certificate": "AWS::ACM::Certificate",
    "AWS::IAM::ManagedPolicy": "AWS::IAM::Policy",
    "AWS::OpenSearchService::Domain": "AWS::OpenSearch::Domain",
}
RECORDER = "AWS::Config::ConfigurationRecorder"
WRAPPED = {("AWS::EC2::VPC", "State"), ("AWS::EC2::Volume", "State")}
ACL_WORDS = {
    "FULL_CONTROL": "FullControl",
    "READ": "Read",
    "WRITE": "Write",
    "READ_ACP": "ReadAcp",
    "WRITE_ACP": "WriteAcp",
}
Body = dict[str, Any]


def bean(name: str) -> str:
    return name[:1].lower() + name[1:]


def lowered(name: str) -> str:
    """A run of capitals in small letters: DBInstanceArn → dbinstanceArn."""
    run = next((at for at, char in enumerate(name) if not char.isupper()), len(name))
    return name[: max(run - 1, 1)].lower() + name[max(run - 1, 1) :]


def spelled(value: Any, kind: Any, name: Callable[[str], str], around: tuple = ()) -> Any:
    """A value with Config's names; null for each member that is not there, and no key for what is unknown."""
    if isinstance(kind, int):
        kind = around[kind]
    match value, kind:
        case dict(), {"*": inner}:
            return {key: spelled(each, inner, name, around) for key, each in value.items()}
        case dict(), dict():
            members = kind.keys() | value.keys()
            return {
                name(key): spelled(value.get(key), kind.get(key), name, (kind, *around))
                for key in sorted(members)
                if not isinstance(value.get(key), Unknown)
            }
        case list(), [inner]:
            return [spelled(each, inner, name, around) for each in value]
        case _:
            return value


def text(value: Any) -> str:
    return json.dumps(value)


class Encoder:
    """Items of one spelling: `float_numbers` and text as queries answer, `api` names of keys as the API's."""

    def __init__(self, seed: int = 0, *, api: bool = False, query: bool = False) -> None:
        self.chance, self.api, self.query = Random(seed), api or query, query

    def item(self, resource: Resource, moment: datetime) -> Body | None:
        """The item of a resource; None where Config has none of its type."""
        spec = load_catalog()[resource.type]
        if spec.config is None:
            return None
        name = self.chance.choice([bean, lowered])
        config = {key: value for key, value in resource.config.items() if not isinstance(value, Unknown)}
        kind = {key: each for key, each in KINDS[resource.type].items() if key not in spec.attach}
        make = SPECIAL.get(resource.type)
        if make:
            configuration, more = make(self, resource, name)
        else:
            own = {key: value for key, value in resource.config.items() if key not in spec.attach}
            configuration, more = spelled(own, kind, name), {}
            for at in spec.json:
                _quote(configuration, [name(step) if step != "[]" else step for step in at])
            if (resource.type, "State") in WRAPPED and "State" in config:
                configuration["state"] = {"value": config["State"]}
        if configuration is None:  # it is of another type there, or there is nothing to record
            return None
        if self.query:
            configuration = _floats(configuration)
        return self.envelope(resource, moment, configuration, more)

    def envelope(self, resource: Resource, moment: datetime, configuration: Any, more: Mapping[str, Any]) -> Body:
        kind = RENAMED.get(resource.type, resource.type)
        region = resource.region
        tags = {} if isinstance(resource.tags, Unknown) else dict(resource.tags)
        arn = resource.id if resource.id.startswith("arn:") else "arn:x"
        item = {
            "resourceType": kind,
            "resourceId": resource.id,
            "awsRegion": region,
            "configuration": configuration,
            "supplementaryConfiguration": more,
            "configurationItemStatus": self.chance.choice(["OK", "ResourceDiscovered"]),
            "configurationItemCaptureTime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "tags": tags,
        }
        if self.api:
            item |= {"accountId": resource.account, "arn": arn, "version": "1.3"}
        else:
            item |= {"awsAccountId": resource.account, "ARN": arn, "configurationItemVersion": "1.3"}
        if self.api and not self.query:
            item["configuration"] = text(configuration)
            item["supplementaryConfiguration"] = {
                key: each if isinstance(each, str) else text(each) for key, each in more.items()
            }
            item["configurationItemCaptureTime"] = moment.timestamp()
        if self.query:
            item["tags"] = [{"key": key, "tag": f"{key}={value}", "value": value} for key, value in tags.items()]
        return item


def _floats(value: Any) -> Any:
    match value:
        case dict():
            return {key: _floats(each) for key, each in value.items()}
        case list():
            return [_floats(each) for each in value]
        case int() if not isinstance(value, bool):
            return float(value)
        case _:
            return value


def _quote(value: Any, at: list[str]) -> None:
    """A document as IAM's items have it: URL-encoded."""
    step, *rest = at
    if step == "[]":
        for each in value if isinstance(value, list) else ():
            _quote(each, rest)
    elif isinstance(value, dict) and value.get(step) is not None:
        if rest:
            _quote(value[step], rest)
        else:
            value[step] = quote(text(value[step]))


def _known(config: Mapping[str, Any], *names: str) -> Iterable[tuple[str, Any]]:
    return ((name, config[name]) for name in names if name in config and not isinstance(config[name], Unknown))


def bucket(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    config, more = resource.config, {}
    for key, value in _known(config, "PublicAccessBlock", "Policy", "Acl", "Logging", "Encryption", "Versioning"):
        kind = KINDS[resource.type].get(key)
        match key:
            case "PublicAccessBlock":
                if value is not None:
                    more["PublicAccessBlockConfiguration"] = spelled(value, kind, bean)
            case "Policy":
                more["BucketPolicy"] = text({"policyText": None if value is None else text(value)})
            case "Logging":
                pairs = {"destinationBucketName": "TargetBucket", "logFilePrefix": "TargetPrefix"}
                if not any(isinstance(each, Unknown) for each in (value or {}).values()):
                    more["BucketLoggingConfiguration"] = {to: (value or {}).get(of) for to, of in pairs.items()}
            case "Encryption":
                more["ServerSideEncryptionConfiguration"] = spelled(value, kind, bean)
            case "Versioning":
                mfa = {"Enabled": True, "Disabled": False, None: None}[value.get("MFADelete")]
                more["BucketVersioningConfiguration"] = {
                    "status": value.get("Status", "Off"),
                    "isMfaDeleteEnabled": mfa,
                }
            case "Acl":
                grants = [_grant(each) for each in value["Grants"]]
                if None not in grants:
                    more["AccessControlList"] = text(
                        text({"grantSet": None, "grantList": grants, "owner": {"id": "1"}})
                    )
    return {"name": config["Name"], "creationDate": 1603209239560, "owner": {"id": "1"}}, more


def _grant(grant: Mapping[str, Any]) -> Body | None:
    grantee = grant["Grantee"]
    if isinstance(grantee, Unknown) or any(
        isinstance(each, Unknown) for each in (*grantee.values(), grant["Permission"])
    ):
        return None
    if grantee["Type"] == "AmazonCustomerByEmail":  # which AWS turns into a canonical user
        grantee = {"Type": "CanonicalUser", "ID": "9"}
    who = {"id": grantee.get("ID", "1"), "displayName": None}
    if grantee["Type"] == "Group":
        who = grantee["URI"].rpartition("/")[2]
    return {"grantee": who, "permission": ACL_WORDS[grant["Permission"]]}


def trail(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    own = {key: value for key, value in resource.config.items() if key not in load_catalog()[resource.type].attach}
    found = spelled(
        own, {key: "s" for key in KINDS[resource.type] if key not in load_catalog()[resource.type].attach}, name
    )
    selectors = resource.config.get("Selectors")
    found.pop(name("HasCustomEventSelectors"), None)
    if isinstance(selectors, dict):
        plain = {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
        found["hasCustomEventSelectors"] = selectors.get("EventSelectors") != [plain] or bool(
            selectors.get("AdvancedEventSelectors")
        )
    return found, {}


def key(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    config, more = resource.config, {}
    metadata = config.get("Metadata")
    kind = KINDS[resource.type]["Metadata"]
    found = spelled(metadata, kind, bean) if isinstance(metadata, dict) else {}
    found |= {"arn": config["KeyArn"], "keyId": config.get("KeyId")}
    rotation = config.get("Rotation")
    if isinstance(rotation, dict) and not isinstance(rotation.get("KeyRotationEnabled"), Unknown):
        flag = rotation.get("KeyRotationEnabled")
        more["KeyRotationStatus"] = encoder.chance.choice([flag, text(flag)])
    if "Policy" in config and not isinstance(config["Policy"], Unknown):
        more["Policy"] = text(config["Policy"])
    return found, more


def group(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    found = spelled(resource.config, KINDS[resource.type], bean)
    for permissions in (found.get("ipPermissions"), found.get("ipPermissionsEgress")):
        for each in permissions or ():
            if "ipRanges" in each:
                each["ipv4Ranges"] = each["ipRanges"]
                each["ipRanges"] = [one.get("cidrIp") for one in each["ipRanges"] or ()]
    return found, {}


def as_cloudformation(pairs: Mapping[str, str]) -> Callable[..., tuple[Body, Body]]:
    def make(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
        return {to: value for of, to in pairs.items() for _, value in _known(resource.config, of)}, {}

    return make


def recorder(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    config = resource.config
    found: Body = {"Name": config["name"]}
    given = config.get("recordingGroup")
    if isinstance(given, dict):
        found["RecordingGroup"] = spelled(
            given, KINDS[resource.type]["recordingGroup"], lambda word: word[:1].upper() + word[1:]
        )
    status = config.get("Status")
    if isinstance(status, dict) and not isinstance(status.get("recording"), Unknown):
        found["Recording"] = status.get("recording")
    return found, {}


def block(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Any, Body]:
    found = resource.config.get("PublicAccessBlock")
    return (spelled(found, KINDS[resource.type]["PublicAccessBlock"], bean) if isinstance(found, dict) else None), {}


def table(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    found = resource.config.get("Table")
    own = spelled(found, KINDS[resource.type]["Table"], name) if isinstance(found, dict) else {}
    return {**own, name("TableName"): resource.config["TableName"]}, {}


def attributes(where: str) -> Callable[..., tuple[Body, Body]]:
    def make(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
        kind = KINDS[resource.type]
        own = {each: value for each, value in resource.config.items() if each != "Attributes"}
        found = spelled(own, {each: inner for each, inner in kind.items() if each != "Attributes"}, name)
        given = dict(_known(resource.config, "Attributes"))
        more = {where: text(spelled(given["Attributes"], kind["Attributes"], bean))} if given else {}
        return found, more

    return make


def upper(word: str) -> str:
    return word[:1].upper() + word[1:]


def nested(attached: str, *names: str, **own: str) -> Callable[..., tuple[Body, Body]]:
    """CloudFormation's names for fields of what is attached, and for the resource's `own`."""

    def make(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
        found = {to: value for of, to in own.items() for _, value in _known(resource.config, of)}
        inner = resource.config.get(attached)
        for each, value in _known(inner, *names) if isinstance(inner, dict) else ():
            found[upper(each)] = spelled(value, KINDS[resource.type][attached].get(each), upper)
        return found, {}

    return make


def own_fields(resource: Resource) -> dict[str, Any]:
    attach = load_catalog()[resource.type].attach
    return {key: value for key, value in resource.config.items() if key not in attach}


def distribution(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    """What the list has of a distribution stands in its configuration, too."""
    kinds, config = KINDS[resource.type], resource.config.get("Config")
    own = own_fields(resource)
    inside = {key: each for key, each in kinds.items() if key in kinds["Config"]}
    outside = {key: each for key, each in kinds.items() if key not in inside and key not in ("Config", "Tags")}
    found = spelled({key: value for key, value in own.items() if key not in inside}, outside, bean)
    found["arn"] = found.pop("aRN")
    known = config if isinstance(config, dict) else {}
    whole = {**{key: value for key, value in own.items() if key in inside}, **known}
    return {**found, "distributionConfig": spelled(whole, kinds["Config"] if known else inside, bean)}, {}


def project(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    found: Body = {"name": resource.config["Name"]}
    inner = resource.config.get("Project")
    for _, variables in _known(inner, "Variables") if isinstance(inner, dict) else ():
        found["environment"] = {
            "environmentVariables": [{**spelled(each, {}, bean), "value": "x"} for each in variables]
        }
    return found, {}


def detector(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    found: Body = {"Id": resource.config["DetectorId"]}
    inner = resource.config.get("Detector")
    for _, status in _known(inner, "Status") if isinstance(inner, dict) else ():
        found["Enable"] = status == "ENABLED"
    return found, {}


def cluster(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Any, Body]:
    """A cluster with servers; others are of another type there."""
    config = resource.config
    if config.get("ClusterType") != "PROVISIONED":
        return None, {}
    found = {"Arn": config["ClusterArn"], **dict(_known(config, "ClusterName"))}
    inner = config.get("Provisioned")
    kinds = KINDS[resource.type]["Provisioned"]
    for key, value in _known(inner, "BrokerNodeGroupInfo") if isinstance(inner, dict) else ():
        found[key] = spelled(value, kinds[key], upper)
    return found, {}


def function(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    kinds = {key: each for key, each in KINDS[resource.type].items() if key not in load_catalog()[resource.type].attach}
    policy = resource.config.get("Policy")
    more = {} if policy is None or isinstance(policy, Unknown) else {"Policy": text(policy)}
    return spelled(own_fields(resource), kinds, name), more


def blocked(attached: str, block: str, **own: str) -> Callable[..., tuple[Body, Body]]:
    """A point of access: the resource's `own` names, and whether it is closed."""

    def make(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
        found = {to: value for of, to in own.items() for _, value in _known(resource.config, of)}
        inner = resource.config.get(attached) if attached else resource.config
        for _, value in _known(inner, block) if isinstance(inner, dict) else ():
            found["PublicAccessBlockConfiguration"] = spelled(value, {}, upper)
        return found, {}

    return make


def firewall(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    config = resource.config
    inner = config.get("Firewall")
    found = spelled(inner, KINDS[resource.type]["Firewall"], bean) if isinstance(inner, dict) else {}
    return {"firewall": {**found, "firewallArn": config["FirewallArn"], "firewallName": config["FirewallName"]}}, {}


def as_graphql(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    names = ("arn", "apiId", "name", "authenticationType", "additionalAuthenticationProviders", "xrayEnabled")
    kind = KINDS[resource.type]
    return {upper(key): spelled(value, kind[key], upper) for key, value in _known(resource.config, *names)}, {}


def definition(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    fields = (
        "containerDefinitions",
        "ipcMode",
        "networkMode",
        "pidMode",
        "taskDefinitionArn",
        "taskRoleArn",
        "volumes",
    )
    found, more = nested("Definition", *fields, Family="Family")(encoder, resource, name)
    return {**found, "TaskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/f:7", "Status": "ACTIVE"}, more


def template(encoder: Encoder, resource: Resource, name: Callable[[str], str]) -> tuple[Body, Body]:
    own = {"LaunchTemplateId": "Id", "LaunchTemplateName": "LaunchTemplateName"}
    found, more = nested("DefaultVersion", "LaunchTemplateData", **own)(encoder, resource, name)
    return {**found, "DefaultVersionNumber": "2", "LatestVersionNumber": encoder.chance.choice(["2", "2", "3"])}, more


SPECIAL = {
    "AWS::ECS::TaskDefinition": definition,
    "AWS::EC2::LaunchTemplate": template,
    "AWS::EC2::TransitGateway": nested(
        "Options",
        *("AutoAcceptSharedAttachments", "DefaultRouteTableAssociation", "DefaultRouteTablePropagation", "DnsSupport"),
        TransitGatewayId="Id",
    ),
    "AWS::SecretsManager::Secret": as_cloudformation(
        {"ARN": "ARN", "Name": "Name", "KmsKeyId": "KMSKeyId", "RotationEnabled": "RotationEnabled"}
    ),
    "AWS::SSM::Document": as_cloudformation({"Name": "Name", "DocumentType": "DocumentType"}),
    "AWS::AccessAnalyzer::Analyzer": as_cloudformation({"arn": "Arn", "name": "AnalyzerName", "type": "Type"}),
    "AWS::SageMaker::NotebookInstance": nested(
        "Notebook",
        *("DirectInternetAccess", "InstanceType", "KmsKeyId", "RoleArn", "RootAccess", "SubnetId"),
        NotebookInstanceName="NotebookInstanceName",
    ),
    "AWS::EKS::Cluster": nested(
        "Cluster", "arn", "encryptionConfig", "resourcesVpcConfig", "roleArn", "version", Name="Name"
    ),
    "AWS::OpenSearchService::Domain": nested(
        "Domain",
        *("AdvancedSecurityOptions", "DomainEndpointOptions", "EncryptionAtRestOptions", "EngineVersion"),
        "NodeToNodeEncryptionOptions",
        DomainName="DomainName",
    ),
    "AWS::CloudFront::Distribution": distribution,
    "AWS::CodeBuild::Project": project,
    "AWS::GuardDuty::Detector": detector,
    "AWS::MSK::Cluster": cluster,
    "AWS::Lambda::Function": function,
    "AWS::NetworkFirewall::Firewall": firewall,
    "AWS::S3::AccessPoint": blocked(
        "Configuration",
        "PublicAccessBlockConfiguration",
        **{name: name for name in ("Name", "Bucket", "NetworkOrigin", "Alias", "BucketAccountId")},
        AccessPointArn="Arn",
    ),
    "AWS::S3::MultiRegionAccessPoint": blocked("", "PublicAccessBlock", Name="Name", Alias="Alias"),
    "AWS::ECR::Repository": as_cloudformation(
        {
            "repositoryArn": "Arn",
            "repositoryName": "RepositoryName",
            "imageTagMutability": "ImageTagMutability",
        }
    ),
    "AWS::SNS::Topic": nested("Attributes", "DisplayName", "KmsMasterKeyId", TopicArn="TopicArn"),
    "AWS::SQS::Queue": nested("Attributes", "KmsMasterKeyId", "QueueArn", "SqsManagedSseEnabled", QueueUrl="QueueUrl"),
    "AWS::ECS::Service": nested(
        "Service",
        *("desiredCount", "enableExecuteCommand", "launchType", "networkConfiguration", "serviceName"),
        ServiceArn="ServiceArn",
    ),
    "AWS::AppSync::GraphQLApi": as_graphql,
    "AWS::DMS::ReplicationInstance": as_cloudformation(
        {name: name for name in ("ReplicationInstanceIdentifier", "PubliclyAccessible", "MultiAZ", "EngineVersion")}
    ),
    "AWS::S3::Bucket": bucket,
    "AWS::CloudTrail::Trail": trail,
    "AWS::KMS::Key": key,
    "AWS::EC2::SecurityGroup": group,
    "AWS::Config::ConfigurationRecorder": recorder,
    "AWS::Account": block,
    "AWS::RDS::DBSnapshot": attributes("DBSnapshotAttributes"),
    "AWS::RDS::DBClusterSnapshot": attributes("DBClusterSnapshotAttributes"),
    "AWS::DynamoDB::Table": table,
    "AWS::EC2::PrefixList": as_cloudformation(
        {name: name for name in ("PrefixListId", "PrefixListName", "OwnerId", "AddressFamily", "MaxEntries", "Entries")}
    ),
    "AWS::EFS::FileSystem": as_cloudformation(
        {"FileSystemId": "FileSystemId", "FileSystemArn": "Arn", "Encrypted": "Encrypted", "KmsKeyId": "KmsKeyId"}
    ),
}


def recorder_item(account: str, region: str, moment: datetime, **group: Any) -> Body:
    """The item of a recorder: of one that records all there is, if nothing else is said."""
    recording = {"AllSupported": True, "IncludeGlobalResourceTypes": True, "ResourceTypes": [], **group}
    return {
        "awsAccountId": account,
        "awsRegion": region,
        "resourceType": "AWS::Config::ConfigurationRecorder",
        "resourceId": "default",
        "configuration": {"Name": "default", "Recording": True, "RecordingGroup": recording},
        "supplementaryConfiguration": {},
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "tags": {},
    }


def with_global(recorder: Resource) -> bool:
    """Whether a recorder has what is nowhere in one region."""
    group = recorder.config.get("recordingGroup")
    return isinstance(group, dict) and group.get("includeGlobalResourceTypes") is True


def items(snapshot: Snapshot, encoder: Encoder, moment: datetime) -> dict[tuple[str, str], list[Body]]:
    """(account, region) → its items, as AWS Config would have recorded a snapshot."""
    found: dict[tuple[str, str], list[Body]] = {}
    for identity in snapshot.accounts:
        account = snapshot.account(identity)
        regions = list(account.regions)
        whole = [each.region for each in account.read(RECORDER) if with_global(each)] if regions else []
        for region in regions:
            found[identity, region] = []
        for kind in account.coverage:
            for resource in account.read(kind):
                complete(resource.config, load_catalog()[kind])
                item = encoder.item(resource, moment)
                # AWS Config has each where it is, and what is nowhere in one region.
                place = resource.region if resource.region in regions else [*whole, *regions][0]
                owned = kind in (
                    "AWS::EFS::FileSystem",
                    "AWS::EC2::PrefixList",
                    "AWS::EC2::TransitGateway",
                )  # and another's is not recorded
                foreign = owned and resource.config.get("OwnerId", identity) != identity
                if item is not None and not foreign:
                    found[identity, place].append(item)
        for region in regions:
            own = [each for each in found[identity, region] if each["resourceType"].endswith("::ConfigurationRecorder")]
            if not own and not account.coverage.get("AWS::Config::ConfigurationRecorder"):
                # What could not be read there, nobody recorded either.
                unread = [kind for kind, coverage in account.coverage.items() if coverage.missing]
                left_out = {"ResourceTypes": [RENAMED.get(kind, kind) for kind in unread]}
                strategy = {"UseOnly": "EXCLUSION_BY_RESOURCE_TYPES"}
                group = {"AllSupported": False, "RecordingStrategy": strategy, "ExclusionByResourceTypes": left_out}
                found[identity, region].append(recorder_item(identity, region, moment, **(group if unread else {})))
    return found


def file_name(
    account: str, region: str, moment: datetime, what: str = "ConfigSnapshot", kind: str = "AWS::EC2::VPC"
) -> str:
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    of = "" if what == "ConfigSnapshot" else f"{kind}_"
    return f"{account}_Config_{region}_{what}_{of}{stamp}_0f1e2d3c.json.gz"


def deliver(
    folder: Path,
    found: Mapping[tuple[str, str], list[Body]],
    moment: datetime,
    what: str = "ConfigSnapshot",
    kind: str = "AWS::EC2::VPC",
) -> list[Path]:
    """Files as AWS Config delivers them, below AWSLogs: those of histories for a type each."""
    paths = []
    for (account, region), own in found.items():
        day = f"{moment.year}/{moment.month}/{moment.day}"
        name = file_name(account, region, moment, what, kind)
        path = folder / "AWSLogs" / account / "Config" / region / day / what / name
        path.parent.mkdir(parents=True, exist_ok=True)
        document: Body = {"fileVersion": "1.0", "configurationItems": own}
        if what == "ConfigSnapshot":
            document["configSnapshotId"] = "0f1e2d3c"
        path.write_bytes(gzip.compress(msgspec.json.encode(document), 1))
        paths.append(path)
    return paths


def soon(moment: datetime, minutes: int = 5) -> datetime:
    return moment + timedelta(minutes=minutes)
