"""The entries of the functions that know AWS: its policies, addresses, ports, metric filters and events."""

from __future__ import annotations

from functools import partial

from ...snapshot.types import BOOLEAN, NUMBER, STRING, array, struct
from . import network, text
from .function import Cost, function, later

_TEXTS = array(STRING)
_PRINCIPAL = struct(dict.fromkeys(("AWS", "CanonicalUser", "Federated", "Service"), _TEXTS), "Principal")
_STATEMENT = struct(
    {
        "Effect": STRING,
        **dict.fromkeys(("Principal", "NotPrincipal"), _PRINCIPAL),
        **dict.fromkeys(("Action", "NotAction", "Resource", "NotResource"), _TEXTS),
        "Condition": array(struct({"Operator": STRING, "Key": STRING, "Value": _TEXTS}, "Condition")),
        **dict.fromkeys(("Fixes", "Accounts"), _TEXTS),
        "Public": BOOLEAN,
    },
    "Statement",
)
_REACHED = struct(
    {
        "IpProtocol": STRING,
        **dict.fromkeys(("FromPort", "ToPort"), NUMBER),
        **dict.fromkeys(("IPv4", "IPv6"), BOOLEAN),
    },
    "Reached",
)
_ARN = struct(dict.fromkeys(("partition", "service", "region", "account", "resource"), STRING), "ARN", nullable=True)

_aws = partial(function, "AWS, addresses and ports")
OF_AWS = (
    _aws(
        *("acl_opens_port(entries, port, reading?)", "array array|number string", BOOLEAN),
        run=later("acl", "acl_opens_port"),
        aware=True,
        checks={"port": network.ports, "reading": network.check_reading},
        says="the entries of a network ACL let the whole internet in to that TCP or UDP port, or to one of a list",
        example=(
            (
                'acl_opens_port(`[{"RuleNumber": 100, "RuleAction": "allow", "Protocol": "-1", "Egress": false, '
                '"CidrBlock": "0.0.0.0/0"}]`, `22`)'
            ),
            True,
        ),
    ),
    _aws(
        *("arn(text)", "string", _ARN, text.arn),
        says="the parts of an ARN, by the names partition, service, region, account and resource; null for other text",
        example=("arn('arn:aws:kms:eu-west-1:111122223333:key/1').account", "111122223333"),
    ),
    _aws(
        *("cidr_contains(cidr, other)", "array|string array|string", BOOLEAN, network.cidr_contains),
        checks={"cidr": network.networks, "other": network.networks},
        cost=Cost(parts=4, product=1),
        says="all of the other, an address or a CIDR, is in the CIDR; of lists, all of them in those together",
        example=("cidr_contains('10.0.0.0/8', '10.1.0.0/16')", True),
    ),
    _aws(
        *("cidr_overlaps(cidr, other)", "array|string array|string", BOOLEAN, network.cidr_overlaps),
        checks=dict.fromkeys(("cidr", "other"), partial(network.networks, function="cidr_overlaps")),
        cost=Cost(parts=4, product=1),
        says="some address is in both, each an address, a CIDR, or a list of such",
        example=("cidr_overlaps(['10.0.0.0/16', '10.2.0.0/16'], '10.2.128.0/17')", True),
    ),
    _aws(
        *("alarm_patterns(filters, alarms, account, actions?)", "array array string array", array(STRING)),
        run=later("metric_alarm", "alarm_patterns"),
        aware=True,
        rows={
            "filters": (
                *("filterPattern", "metricTransformations", "fieldSelectionCriteria"),
                *("applyOnTransformedLogs", "emitSystemFieldDimensions"),
            ),
            "alarms": (
                *("AlarmArn", "Namespace", "MetricName", "Dimensions", "Unit", "Statistic", "ExtendedStatistic"),
                *("Metrics", "EvaluationCriteria", "ComparisonOperator", "Threshold", "TreatMissingData"),
                "AlarmActions",
            ),
        },
        cost=Cost(pairs=8, long=True),
        says="filter patterns of what makes some alarm go off, by the metric filters that it watches; with `actions`, "
        "an alarm that has one of them",
        example=(
            (
                'alarm_patterns(`[{"filterPattern": "{ $.a = x }", "metricTransformations": [{"metricNamespace": '
                '"CIS", "metricName": "A", "metricValue": "1"}]}]`, `[{"AlarmArn": "a", "Namespace": "CIS", '
                '"MetricName": "A", "Statistic": "Sum", "Threshold": 1, "ComparisonOperator": '
                '"GreaterThanOrEqualToThreshold"}]`, '
                "'111122223333')"
            ),
            ["{ $.a = x }"],
        ),
    ),
    _aws(
        *("filter_covers(patterns, required, account?)", "array string string", BOOLEAN),
        run=later("filter_cover", "filter_covers"),
        aware=True,
        checks={"required": later("filter_cover", "check_required")},
        cost=Cost(long=True),
        says="filter patterns of CloudWatch Logs match every event that another one matches",
        example=(
            (
                "filter_covers(['{ ($.eventName = \"Start*\") || $.eventName = StopLogging }'], "
                "'{ $.eventName = StopLogging }')"
            ),
            True,
        ),
    ),
    _aws(
        *("filter_covers_part(pattern, required, account?)", "string string string", BOOLEAN),
        run=later("filter_cover", "filter_covers_part"),
        aware=True,
        checks={"required": later("filter_cover", "check_required")},
        cost=Cost(long=True),
        says="a filter pattern matches at least one of the alternatives of another, if not all",
        example=(
            (
                "filter_covers_part('{ $.eventName = StopLogging }', "
                "'{ $.eventName = StartLogging || $.eventName = StopLogging }')"
            ),
            True,
        ),
    ),
    _aws(
        *("is_public_policy(policy)", "any", BOOLEAN),
        run=later("policy_document", "is_public"),
        may_be_unknown=True,
        says="a bucket policy is public by the definition that Amazon S3 publishes for Block Public Access",
        example=(
            'is_public_policy(`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}`)',
            True,
        ),
    ),
    _aws(
        *("opens_port(permission, port)", "object array|number", BOOLEAN, network.opens_port),
        aware=True,
        checks={"port": network.ports},
        says="an `IpPermission` of EC2 is about that TCP or UDP port, or one of a list",
        example=('opens_port(`{"IpProtocol": "tcp", "FromPort": 20, "ToPort": 22}`, `22`)', True),
    ),
    _aws(
        *("selects_events(selectors, event)", "object object", BOOLEAN),
        run=later("event_selectors", "selects_events"),
        aware=True,
        checks={"event": later("event_selectors", "check_event")},
        members={"selectors": ("EventSelectors", "AdvancedEventSelectors")},
        says="the event selectors of a CloudTrail trail record, together, every event that has these fields",
        example=(
            (
                'selects_events(`{"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", '
                '"Equals": ["Management"]}]}]}`, `{"eventCategory": "Management"}`)'
            ),
            True,
        ),
    ),
    _aws(
        *("statements(policy, of?)", "any string", array(_STATEMENT)),
        run=later("policy_document", "statements"),
        checks={"of": later("policy_document", "check_of")},
        may_be_unknown=True,
        cost=Cost(parts=4, expands=2),
        says="the statements of a policy document in one form; of null, none. With `'identity'`, of one that names no "
        "principals",
        example=(
            'statements(`{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}}`)[0].Principal.AWS',
            ["*"],
        ),
    ),
    _aws(
        *("world_reaches(permissions, prefix_lists, reading?)", "array array string", array(_REACHED)),
        run=later("security_group", "world_reaches"),
        aware=True,
        checks={"reading": network.check_reading},
        rows={"prefix_lists": ("PrefixListId", "OwnerId", "Entries")},
        cost=Cost(parts=2, place=0),
        says="what the whole of IPv4, or of IPv6, reaches by `IpPermissions` of EC2 together",
        example=(
            (
                'world_reaches(`[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": '
                '[{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]}]`, `[]`)'
            ),
            [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IPv4": True, "IPv6": False}],
        ),
    ),
)
