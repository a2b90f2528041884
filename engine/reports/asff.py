"""AWS Security Finding Format: a folder of requests for Security Hub's BatchImportFindings, ready to be sent.

Security Hub takes findings of one account and region, no more than 100 at once; so each file is such a request, and
its name says whose it is: ACCOUNT-REGION-NNNN.json.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from ..model.policy import Policy
from .report import Context, Lines, Record, Totals
from .text import HOMES, answered, controls, one_line, partition, placed, remediation

MOST = 100
_STATUSES = {"pass": "PASSED", "fail": "FAILED"}  # of the others, none is known to be either
_WORKFLOWS = {"pass": "RESOLVED", "not_applicable": "RESOLVED"}
_Place = tuple[str, str]


class Requests(Struct):
    """The files of one folder. It keeps fewer than a hundred findings per region of one account."""

    context: Context
    _waiting: dict[_Place, list[dict[str, Any]]] = field(default_factory=dict)
    _written: Counter[_Place] = field(default_factory=Counter)
    _policies: dict[str, Policy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._policies = {policy.id: policy for policy in self.context.policies}

    def begin(self) -> Iterator[tuple[str, bytes]]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[tuple[str, bytes]]:
        for record in lines.records:
            place = record.account, placed(record) or HOMES.get(partition(record), HOMES["aws"])
            waiting = self._waiting.setdefault(place, [])
            waiting.append(self._finding(record, place[1]))
            if len(waiting) == MOST:
                yield self._request(place)

    def end(self, totals: Totals) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002 - requests have no summary
        for place in list(self._waiting):
            yield self._request(place)

    def _request(self, place: _Place) -> tuple[str, bytes]:
        self._written[place] += 1
        name = re.sub("[^0-9a-z-]", "_", f"{'-'.join(place)}-{self._written[place]:04}") + ".json"
        return name, msgspec.json.encode({"Findings": self._waiting.pop(place)})

    def _finding(self, record: Record, region: str) -> dict[str, Any]:
        policy, time = self._policies[record.policy], self.context.snapshot.captured_at
        part = partition(record)
        finding: dict[str, Any] = {
            "SchemaVersion": "2018-10-08",
            "Id": record.fingerprint,
            "ProductArn": f"arn:{part}:securityhub:{region}:{record.account}:product/{record.account}/default",
            "ProductName": "Stillframe",
            "CompanyName": "Stillframe",
            "GeneratorId": f"stillframe/{record.policy}",
            "AwsAccountId": record.account,
            "Region": region,
            "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
            "CreatedAt": time,
            "UpdatedAt": time,
            "Severity": {"Label": record.severity.upper(), "Original": record.severity},
            "Title": _cut(policy.title, 256),
            "Description": _cut(record.message or policy.title, 1024),
            "Resources": [
                {
                    "Type": _type(record.type),
                    "Id": _cut(record.resource, 512),
                    "Partition": part,
                    "Region": region,
                }
            ],
            "Compliance": {
                "Status": _STATUSES.get(record.status, "NOT_AVAILABLE"),
                "RelatedRequirements": controls(policy)[:32],
            },
            "Workflow": {"Status": "SUPPRESSED" if record.waiver else _WORKFLOWS.get(record.status, "NEW")},
            "RecordState": "ARCHIVED" if record.change == "vanished" or record.status == "not_applicable" else "ACTIVE",
            "ProductFields": {"stillframe/status": record.status, "stillframe/region": record.region},
        }
        if record.status == "fail" and (words := remediation(policy, record)):
            finding["Remediation"] = {"Recommendation": {"Text": _cut(words.replace("\n", " "), 512)}}
        if waived := answered(record):
            finding["Note"] = {"Text": _cut(waived, 512), "UpdatedBy": "stillframe", "UpdatedAt": time}
        return finding


def _type(kind: str) -> str:
    """AWS::EC2::VPC as Security Hub spells types: AwsEc2Vpc. What it does not know is Other."""
    return TYPES.get(ALIASES.get(kind, kind).removeprefix("AWS").replace("::", "").lower(), "Other")


def _cut(text: str, most: int) -> str:
    shown = one_line(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


ALIASES = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "AWS::ELBv2::LoadBalancer",
    "AWS::IAM::ManagedPolicy": "AWS::IAM::Policy",
}
# What Security Hub has details of, each without its Aws.
_NAMES = """
Account AmazonMqBroker ApiGatewayRestApi ApiGatewayStage ApiGatewayV2Api ApiGatewayV2Stage AppSyncGraphQlApi
AthenaWorkGroup AutoScalingAutoScalingGroup AutoScalingLaunchConfiguration BackupBackupPlan
BackupBackupVault BackupRecoveryPoint CertificateManagerCertificate CloudFormationStack
CloudFrontDistribution CloudTrailTrail CloudWatchAlarm CodeBuildProject DmsEndpoint DmsReplicationInstance
DmsReplicationTask DynamoDbTable Ec2ClientVpnEndpoint Ec2Eip Ec2Instance Ec2LaunchTemplate Ec2NetworkAcl
Ec2NetworkInterface Ec2RouteTable Ec2SecurityGroup Ec2Subnet Ec2TransitGateway Ec2Volume Ec2Vpc
Ec2VpcEndpointService Ec2VpcPeeringConnection Ec2VpnConnection EcrContainerImage EcrRepository EcsCluster
EcsContainer EcsService EcsTask EcsTaskDefinition EfsAccessPoint EksCluster ElasticBeanstalkEnvironment
ElasticsearchDomain ElbLoadBalancer Elbv2LoadBalancer EventSchemasRegistry EventsEndpoint EventsEventbus
GuardDutyDetector IamAccessKey IamGroup IamPolicy IamRole IamUser KinesisStream KmsKey LambdaFunction
LambdaLayerVersion MskCluster NetworkFirewallFirewall NetworkFirewallFirewallPolicy NetworkFirewallRuleGroup
OpenSearchServiceDomain RdsDbCluster RdsDbClusterSnapshot RdsDbInstance RdsDbSecurityGroup RdsDbSnapshot
RdsEventSubscription RedshiftCluster Route53HostedZone S3AccessPoint S3AccountPublicAccessBlock S3Bucket
S3Object SageMakerNotebookInstance SecretsManagerSecret SnsTopic SqsQueue SsmPatchCompliance
StepFunctionStateMachine WafRateBasedRule WafRegionalRateBasedRule WafRegionalRule WafRegionalRuleGroup
WafRegionalWebAcl WafRule WafRuleGroup WafWebAcl Wafv2RuleGroup Wafv2WebAcl XrayEncryptionConfig
"""
TYPES = {name.lower(): f"Aws{name}" for name in _NAMES.split()}
