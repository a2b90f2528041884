"""Types of which AWS Config records a part of what decides: that is known, in whatever form it comes, and no more."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import shipped
from config_items import deliver, recorder_item
from stillframe.engine.judging.evaluate import evaluate
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import load_catalog
from stillframe.snapshot.format import write_line
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.importing.folding import NOT_RECORDED
from stillframe.snapshot.importing.items import BrokenError, Item
from stillframe.snapshot.importing.resources import resource_of
from stillframe.snapshot.model import Unknown

A, EAST, TIME = "111122223333", "us-east-1", datetime(2026, 1, 1, tzinfo=UTC)
ARN = f"arn:aws:x:{EAST}:{A}:thing/1"
SECRET = "correct-horse-battery-staple"
CONTAINER = {
    "Name": "web",
    "Privileged": False,
    "Environment": [{"Name": "KEY", "Value": SECRET}],
    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-token": SECRET}},
}
# What stands in `configuration` of an item, and by path what comes of it; None where AWS Config has nothing of it.
RECORDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AWS::ECS::TaskDefinition": (
        {"Family": "web", "TaskDefinitionArn": f"{ARN}:12", "Status": "ACTIVE", "ContainerDefinitions": [CONTAINER]},
        {
            "Definition.containerDefinitions[0].privileged": False,
            "Definition.containerDefinitions[0].environment[0].name": "KEY",
            "Definition.containerDefinitions[0].logConfiguration.logDriver": "awslogs",
            "Definition.containerDefinitions[0].readonlyRootFilesystem": None,
            "Definition.pidMode": None,
        },
    ),
    "AWS::WAFv2::WebACL": (
        {"name": "front", "id": "1", "capacity": 50, "defaultAction": {"allow": {}}, "resourceARN": ARN},
        {"Name": "front", "Acl.Capacity": 50, "Acl.Rules": None, "Logging": None},
    ),
    "AWS::WAFv2::RuleGroup": (
        {"name": "g", "id": "1", "capacity": 5, "visibilityConfig": {"cloudWatchMetricsEnabled": False}},
        {"Details.VisibilityConfig.CloudWatchMetricsEnabled": False, "Details.Rules": None},
    ),
    "AWS::WAFv2::IPSet": (
        {"name": "office", "id": "1", "iPAddressVersion": "IPV4", "addresses": ["192.0.2.0/24"]},
        {"Details.IPAddressVersion": "IPV4", "Details.Addresses": ["192.0.2.0/24"], "Tags": None},
    ),
    "AWS::EC2::LaunchTemplate": (
        {
            "Id": "lt-1",
            "LaunchTemplateName": "web",
            "DefaultVersionNumber": "3",
            "LatestVersionNumber": "3",
            "LaunchTemplateData": {
                "UserData": SECRET,
                "MetadataOptions": {"HttpTokens": "required"},
                "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": "false"}],
            },
        },
        {
            "DefaultVersionNumber": 3,
            "DefaultVersion.LaunchTemplateData.MetadataOptions.HttpTokens": "required",
            "DefaultVersion.LaunchTemplateData.NetworkInterfaces[0].AssociatePublicIpAddress": False,
            "DefaultVersion.LaunchTemplateData.ImageId": None,
        },
    ),
    "AWS::EC2::TransitGateway": (
        {"Id": "tgw-1", "AmazonSideAsn": 64512, "AutoAcceptSharedAttachments": "enable"},
        {
            "Options.AmazonSideAsn": 64512,
            "Options.AutoAcceptSharedAttachments": "enable",
            "OwnerId": None,
            "State": None,
        },
    ),
    "AWS::EC2::ClientVpnEndpoint": (
        {
            "Id": "cvpn-1",
            "AuthenticationOptions": [{"Type": "certificate-authentication"}],
            "ConnectionLogOptions": {"Enabled": "false"},
            "VpnPort": 443,
        },
        {"AuthenticationOptions[0].Type": "certificate-authentication", "ConnectionLogOptions.Enabled": False},
    ),
    "AWS::StepFunctions::StateMachine": (
        {
            "Arn": ARN,
            "StateMachineName": "m",
            "StateMachineType": "STANDARD",
            "RoleArn": "r",
            "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": True},
        },
        {"Machine.loggingConfiguration.level": "ALL", "Machine.encryptionConfiguration": None, "Machine.status": None},
    ),
    "AWS::Kinesis::Stream": (
        {
            "Arn": ARN,
            "Name": "s",
            "RetentionPeriodHours": 24,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "k"},
        },
        {"Stream.EncryptionType": "KMS", "Stream.RetentionPeriodHours": 24, "StreamStatus": None, "Policy": None},
    ),
    "AWS::Athena::WorkGroup": (
        {"Name": "primary", "State": "ENABLED", "WorkGroupConfiguration": {"EnforceWorkGroupConfiguration": True}},
        {"WorkGroup.Configuration.EnforceWorkGroupConfiguration": True, "WorkGroup.Configuration.EngineVersion": None},
    ),
    "AWS::SecretsManager::Secret": (
        {"ARN": ARN, "Name": "s", "KMSKeyId": "k", "RotationEnabled": False, "RotationRules": {}},
        {"RotationEnabled": False, "KmsKeyId": "k", "Policy": None, "RotationRules.Duration": None},
    ),
    "AWS::Backup::BackupVault": (
        {"BackupVaultArn": ARN, "BackupVaultName": "v", "EncryptionKeyArn": "k"},
        {"EncryptionKeyArn": "k", "Locked": None, "Policy": None},
    ),
    "AWS::WorkSpaces::Workspace": (
        {"Id": "ws-1", "DirectoryId": "d", "UserName": "ada", "BundleId": "b", "RootVolumeEncryptionEnabled": False},
        {"RootVolumeEncryptionEnabled": False, "UserVolumeEncryptionEnabled": None, "State": None},
    ),
    "AWS::Glue::Job": (
        {"Name": "j", "Role": "r", "SecurityConfiguration": "s", "DefaultArguments": {"--password": SECRET}},
        {"SecurityConfiguration": "s", "DefaultArguments": None, "LogUri": None},
    ),
    "AWS::ElasticLoadBalancingV2::Listener": (
        {
            "ListenerArn": ARN,
            "LoadBalancerArn": "l",
            "Port": 443,
            "Protocol": "HTTPS",
            "DefaultActions": [{"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientSecret": SECRET}}],
        },
        {"Protocol": "HTTPS", "Port": 443, "DefaultActions[0].Type": "authenticate-oidc", "Rules": None},
    ),
    "AWS::NetworkFirewall::FirewallPolicy": (
        {
            "firewallPolicy": {"statelessDefaultActions": ["aws:pass"]},
            "firewallPolicyResponse": {"firewallPolicyArn": ARN, "firewallPolicyName": "p"},
        },
        {
            "Details.FirewallPolicy.StatelessDefaultActions": ["aws:pass"],
            "Details.FirewallPolicy.StatelessFragmentDefaultActions": None,
        },
    ),
    "AWS::NetworkFirewall::RuleGroup": (
        {"ruleGroupResponse": {"ruleGroupArn": ARN, "ruleGroupName": "g", "type": "STATELESS", "capacity": 5}},
        {"Details.RuleGroupResponse.Capacity": 5, "Details.RuleGroup": None},
    ),
    "AWS::AmazonMQ::Broker": (
        {"Arn": ARN, "Id": "b-1", "BrokerName": "b", "PubliclyAccessible": True, "Users": [{"Password": SECRET}]},
        {"Broker.PubliclyAccessible": True, "Broker.Logs": None, "EngineType": None},
    ),
    "AWS::AccessAnalyzer::Analyzer": (
        {"Arn": ARN, "AnalyzerName": "a", "Type": "ACCOUNT"},
        {"name": "a", "type": "ACCOUNT", "status": None},
    ),
    "AWS::SSM::Document": ({"Name": "d", "DocumentType": "Command"}, {"DocumentType": "Command", "Permission": None}),
}


def floats(value: Any) -> Any:
    """As queries answer."""
    match value:
        case dict():
            return {key: floats(each) for key, each in value.items()}
        case list():
            return [floats(each) for each in value]
        case int() if not isinstance(value, bool):
            return float(value)
    return value


def item(kind: str, configuration: Any, **more: Any) -> Item:
    arn = f"arn:aws:wafv2:{EAST}:{A}:regional/webacl/1" if "WAF" in kind else ARN
    body = {"accountId": A, "arn": arn, "configurationItemStatus": "OK", "configuration": configuration, **more}
    return Item(account=A, region=EAST, type=kind, id="x", moment=TIME, gone=False, body=body)


def at(value: Any, path: str) -> Any:
    for step in path.replace("[0]", ".0").split("."):
        if isinstance(value, Unknown):
            break
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("kind", RECORDED)
def test_what_is_recorded_is_known_and_what_is_not_has_that_for_a_cause(kind):
    configuration, expected = RECORDED[kind]
    spec = load_catalog()[kind]
    for given in (
        configuration,
        json.dumps(configuration),
        floats(configuration),
        json.dumps(json.dumps(configuration)),
    ):
        found = resource_of(spec, item(kind, given))
        for path, value in expected.items():
            assert at(found.config, path) == (NOT_RECORDED if value is None else value), path
        assert SECRET.encode() not in write_line(found)


@pytest.mark.parametrize("kind", RECORDED)
def test_a_key_that_is_lost_makes_no_other_value(kind):
    """Whatever of an item is deleted: each value is what it was, or not known."""

    def same(found: Any, whole: Any) -> bool:
        match found, whole:
            case Unknown(), _:
                return True
            case dict(), dict():
                return all(same(found[key], whole[key]) for key in found)
            case list(), list():
                return len(found) == len(whole) and all(map(same, found, whole))
        return found == whole

    spec, configuration = load_catalog()[kind], RECORDED[kind][0]
    whole, tried = resource_of(spec, item(kind, configuration)).config, 0
    for place in keys(configuration):
        tried += 1
        with suppress(BrokenError):  # of what identifies it
            assert same(resource_of(spec, item(kind, without(configuration, place))).config, whole), place
    assert tried >= 2


def keys(value: Any, place: tuple[Any, ...] = ()) -> Any:
    """The place of each key in a value."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*place, key)
        yield from keys(each, (*place, key))


def without(value: Any, place: tuple[Any, ...]) -> Any:
    found = holder = copy.deepcopy(value)
    for step in place[:-1]:
        holder = holder[step]
    del holder[place[-1]]
    return found


# ------------------------------------------------------------------------------------ which item a resource is made of


def delivered(folder: Path, *items: Any, at: datetime = TIME) -> Any:
    """What comes of a region's file with these items: (type, configuration, more of the item)."""
    rows = [recorder_item(A, EAST, at)]
    for number, (kind, configuration, more) in enumerate(items):
        body = {**item(kind, configuration).body, "awsAccountId": A, "awsRegion": EAST, "resourceType": kind}
        del body["accountId"]
        body |= {"resourceId": f"r-{number}", "configurationItemCaptureTime": at.isoformat(), **more}
        rows.append({key: each for key, each in body.items() if each is not None})
    deliver(folder, {(A, EAST): rows}, at)
    return import_aws_config([folder / "AWSLogs"], folder / "into", regions=[EAST])


TASK = "AWS::ECS::TaskDefinition"


def revision(number: Any, *, privileged: bool, **more: Any) -> Any:
    containers = [{**CONTAINER, "Privileged": privileged}]
    arn = f"{ARN}:{number}"
    whole = {"Family": "web", "TaskDefinitionArn": arn, "Status": "ACTIVE", "ContainerDefinitions": containers, **more}
    return TASK, {key: each for key, each in whole.items() if each is not None}, {"resourceId": arn}


def privileged(done: Any) -> list[str]:
    found = evaluate(open_snapshot(done.path), shipped("ecs-task-definition-not-privileged"))
    return sorted({each.status.value for each in found})


def test_of_revisions_the_last_that_is_active_counts(tmp_path):
    """Whichever was recorded last; and none, where the last may be lacking."""
    old, new, gone = (
        revision(9, privileged=True),
        revision(10, privileged=False),
        revision(11, privileged=True, Status="INACTIVE"),
    )
    early = (*new[:2], new[2] | {"configurationItemCaptureTime": "2025-12-01T00:00:00Z"})
    assert privileged(delivered(tmp_path / "1", old, early, gone)) == ["pass"]
    assert privileged(delivered(tmp_path / "2", revision(9, privileged=False), revision(10, privileged=True))) == [
        "fail"
    ]
    bad = revision(10, privileged=True)
    cases = [
        (TASK, bad[1], bad[2] | {lost: None})
        for lost in (
            "resourceType",
            "resourceId",
            "awsRegion",
            "awsAccountId",
            "configurationItemStatus",
            "configuration",
        )
    ]
    cases += [revision(10, privileged=True, **{lost: None}) for lost in ("Family", "TaskDefinitionArn", "Status")]
    cases += [revision("x", privileged=True), revision(10, privileged=True, Status="active")]
    for number, broken in enumerate(cases):
        done = delivered(tmp_path / f"lost-{number}", revision(9, privileged=False), broken)
        assert privileged(done) == ["unknown"], broken
    (tmp_path / "answer").mkdir()
    rows = [
        {
            **item(TASK, revision(9, privileged=False)[1]).body,
            "awsRegion": EAST,
            "resourceType": TASK,
            "resourceId": "r",
        }
    ]
    rows[0]["configurationItemCaptureTime"] = TIME.isoformat()
    (tmp_path / "answer" / "a.json").write_text(json.dumps({"configurationItems": rows}))
    done = import_aws_config([tmp_path / "answer"], tmp_path / "answer-into", regions=[EAST])
    assert privileged(done) == ["unknown"]  # of answers there may be more


def test_a_revision_that_was_deregistered_or_deleted_is_none(tmp_path):
    deliver(tmp_path, {}, TIME)
    delivered(tmp_path, revision(9, privileged=True), revision(10, privileged=False))
    later = TIME.replace(hour=6)
    for status, configuration in (
        ("OK", revision(10, privileged=False, Status="INACTIVE")[1]),
        ("ResourceDeleted", None),
    ):
        body = {**item(TASK, configuration).body, "awsAccountId": A, "awsRegion": EAST, "resourceType": TASK}
        body |= {
            "resourceId": f"{ARN}:10",
            "configurationItemStatus": status,
            "configurationItemCaptureTime": later.isoformat(),
        }
        deliver(tmp_path, {(A, EAST): [body]}, later, "ConfigHistory", TASK)
        done = import_aws_config([tmp_path / "AWSLogs"], tmp_path / status, regions=[EAST])
        assert privileged(done) == ["fail"], status


def test_what_a_version_that_is_not_the_default_has_is_not_known_of_the_default():
    kind, (configuration, _) = "AWS::EC2::LaunchTemplate", RECORDED["AWS::EC2::LaunchTemplate"]
    for other in (
        {"LatestVersionNumber": "4"},
        {"DefaultVersionNumber": None},
        {"LatestVersionNumber": None, "DefaultVersionNumber": None},
    ):
        found = resource_of(load_catalog()[kind], item(kind, {**configuration, **other}))
        assert found.config["DefaultVersion"]["LaunchTemplateData"] == NOT_RECORDED


def test_what_protects_cloudfront_is_no_resource_of_a_region(tmp_path):
    """AWS Config has both by one name, in the files of one region."""
    kind, (configuration, _) = "AWS::WAFv2::WebACL", RECORDED["AWS::WAFv2::WebACL"]
    front, own = (f"arn:aws:wafv2:{EAST}:{A}:{scope}/webacl/front/1" for scope in ("global", "regional"))
    done = delivered(tmp_path, (kind, configuration, {"arn": front}), (kind, configuration, {"arn": own}))
    account = open_snapshot(done.path).account(A)
    assert ([each.id for each in account.read(kind)], account.gap(kind, EAST)) == ([own], None)
    done = delivered(tmp_path / "lost", (kind, configuration, {"arn": own}), (kind, configuration, {"arn": None}))
    assert "item 3: without what `contains(arn" in done.problems[0]
    other = f"arn:aws:wafv2:{EAST}:{A}:webacl/front/1"  # of neither form: AWS Config does not document which it has
    done = delivered(tmp_path / "other", (kind, configuration, {"arn": own}), (kind, configuration, {"arn": other}))
    assert open_snapshot(done.path).account(A).gap(kind, EAST) is not None
    assert account.gap("AWS::WAFv2::CloudFrontWebACL", EAST) is not None
    assert open_snapshot(done.path).account(A).gap(kind, EAST) is not None
