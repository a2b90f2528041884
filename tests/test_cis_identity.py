"""Identity and monitoring on the stand-in: an account built to comply, and each thing broken in one of its own.

What the stand-in does not know, such as the root user, Access Analyzer and keys of last year, is put into the answers
that the collector gets; all else is done through AWS's API.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from builders import collect_from, shipped
from cis import SESSION, Pictures, Place, lost, places, types_of
from conftest import REGIONS, Once, enable_few
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import override
from stillframe.engine.model.policy import Policy
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.collector.clients import _SENDER
from stillframe.snapshot.collector.demo import HOME, MANAGEMENT

pytestmark = pytest.mark.xdist_group("cis-identity")

Answers = dict[str, Any]  # what differs, by name; see `Told`
Judged = Mapping[str, Mapping[str, Mapping[str, Collection[str]]]]
MONITORING = {policy.id: policy for policy in shipped() if policy.id.startswith("monitoring-")}
IDENTITY = {
    policy.id: override(policy, {"users": ["ada", "grace"]} if policy.id == "iam-central-identity" else {})
    for policy in shipped()
    if policy.id.startswith(("iam-", "account-", "accessanalyzer-", "securityhub-all"))
}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SOME = {**ALL, "Action": ["s3:Get*"]}
LOG_GROUP, NAMESPACE = "trail", "CIS"
LONG_AGO, OF_LATE = "2025-01-01T00:00:00+00:00", "2025-12-30T00:00:00+00:00"

# ----------------------------------------------------------------------------------------------- what complies


def identity(place: Place) -> None:
    iam = place.iam
    iam.update_account_password_policy(
        MinimumPasswordLength=14,
        PasswordReusePrevention=24,
        MaxPasswordAge=90,
        RequireUppercaseCharacters=True,
        RequireLowercaseCharacters=True,
        RequireSymbols=True,
        RequireNumbers=True,
    )
    iam.create_group(GroupName="developers")
    place.made["reads"] = policy(place, "reads", SOME)
    iam.attach_group_policy(GroupName="developers", PolicyArn=place.made["reads"])
    user(place, "ada")
    provider = iam.create_saml_provider(Name="acme", SAMLMetadataDocument="<any/>" * 200)
    place.made["provider"] = provider["SAMLProviderArn"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="support", AssumeRolePolicyDocument=trust)
    place.made["support"] = attach(place, "AWSSupportAccess", SOME)
    contact = {"Name": "Ada", "Title": "Security", "EmailAddress": "security@example.com", "PhoneNumber": "1"}
    client(place, "account").put_alternate_contact(AlternateContactType="SECURITY", **contact)
    for region in REGIONS:
        client(place, "securityhub", region).enable_security_hub()


def client(place: Place, service: str, region: str = HOME) -> Any:
    return SESSION.client(service, region_name=region, endpoint_url=place.url, **place.keys)


def user(place: Place, name: str, *, mfa: bool = True) -> None:
    """A user with a password and a key, as the answers below say of late use."""
    iam = place.iam
    iam.create_user(UserName=name)
    iam.create_login_profile(UserName=name, Password="correct horse battery staple")
    iam.add_user_to_group(UserName=name, GroupName="developers")
    iam.create_access_key(UserName=name)
    if mfa:
        serial = f"arn:aws:iam::{place.account}:mfa/{name}"
        iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
        iam.enable_mfa_device(
            UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )


def policy(place: Place, name: str, statement: Mapping[str, Any]) -> str:
    """A policy; see `Told` for those whose name begins with AWS."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(place.iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"])


def attach(place: Place, name: str, statement: Mapping[str, Any]) -> str:
    arn = policy(place, name, statement)
    place.iam.attach_role_policy(RoleName="support", PolicyArn=arn)
    return arn


def chains(place: Place) -> None:
    """A trail, its log group, a topic, and for each of the fifteen a filter and an alarm."""
    bucket = f"logs-{place.account}"
    place.s3.create_bucket(Bucket=bucket)
    place.logs.create_log_group(logGroupName=LOG_GROUP)
    group = f"arn:aws:logs:{HOME}:{place.account}:log-group:{LOG_GROUP}:*"
    role = f"arn:aws:iam::{place.account}:role/any"
    place.cloudtrail.create_trail(
        Name="main",
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=role,
    )
    place.cloudtrail.start_logging(Name="main")
    select(place, "All")
    topic = place.made["topic"] = place.sns.create_topic(Name="security")["TopicArn"]
    place.made["subscription"] = place.sns.subscribe(
        TopicArn=topic, Protocol="email", Endpoint="security@example.com", ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    for name, each in MONITORING.items():
        put_filter(place, name, each.params["pattern"])
        put_alarm(place, name)


def select(place: Place, events: str) -> None:
    selector = {"ReadWriteType": events, "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}
    place.cloudtrail.put_event_selectors(TrailName="main", EventSelectors=[selector])


def put_filter(place: Place, name: str, pattern: str, metric: str = "") -> None:
    metrics = [{"metricName": metric or name, "metricNamespace": NAMESPACE, "metricValue": "1"}]
    place.logs.put_metric_filter(
        logGroupName=LOG_GROUP, filterName=name, filterPattern=pattern, metricTransformations=metrics
    )


def put_alarm(place: Place, name: str, **more: Any) -> None:
    options = {"Namespace": NAMESPACE, "MetricName": name, "AlarmActions": [place.made["topic"]], **more}
    place.cloudwatch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        Period=300,
        Statistic="Sum",
        **options,
    )


# ------------------------------------------------------------------------------------- what is put into answers

SUMMARY = {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "AccountPasswordPresent": 1}
ROOT = {
    "user": "<root_account>",
    "password_enabled": "not_supported",
    "password_last_used": "no_information",
    "access_key_1_active": "false",
    "access_key_1_last_used_date": "N/A",
    "access_key_2_active": "false",
    "access_key_2_last_used_date": "N/A",
}
ADA = {
    "user_creation_time": LONG_AGO,
    "password_last_used": OF_LATE,
    "password_last_changed": OF_LATE,
    "access_key_1_last_rotated": OF_LATE,
    "access_key_1_last_used_date": OF_LATE,
}
CONTACT = {"FullName": "Acme", "PhoneNumber": "1", "AddressLine1": "1 Main Street"}


class Told:
    """The answers of one collection, by account: those of an account that complies, but for what was said of it."""

    def __init__(self, url: str, said: Mapping[str, Answers]) -> None:
        self._said = said
        self._account = cache(partial(_owner, url))

    def said(self, name: str, usual: Any) -> Any:
        credentials = _SENDER.get().credentials
        account = self._account(*credentials.get_frozen_credentials()[:3]) if credentials else MANAGEMENT
        found = self._said.get(account, {}).get(name, usual)
        return {**usual, **found} if isinstance(usual, dict) and isinstance(found, dict) else found

    def hook(self, session: boto3.Session) -> boto3.Session:
        events = session.events
        events.register("after-call.ec2.DescribeRegions", enable_few)
        events.register("after-call.iam.GetAccountSummary", self._summary)
        events.register("after-call.iam.GetCredentialReport", self._report)
        events.register("after-call.iam.GetAccountAuthorizationDetails", self._policies)
        events.register("after-call.iam.ListServerCertificates", self._certificates)
        for operation, answer in (
            ("accessanalyzer.ListAnalyzers", self._analyzers),
            ("account.GetContactInformation", self._contact),
            ("sso-admin.ListInstances", lambda _: {"Instances": []}),
        ):
            events.register(f"before-call.{operation}", partial(self._instead, answer))
        return session

    def _instead(self, answer: Callable[[str], Any], params: Any, **_: Any) -> tuple[Any, Any]:
        return SimpleNamespace(status_code=200), answer(params["context"]["client_region"])

    def _summary(self, parsed: dict[str, Any], **_: Any) -> None:
        parsed["SummaryMap"] |= self.said("summary", SUMMARY)

    def _report(self, parsed: dict[str, Any], **_: Any) -> None:
        if "Content" not in parsed:
            return  # not made yet
        rows = list(csv.DictReader(io.StringIO(parsed["Content"].decode())))
        root = {**dict.fromkeys(rows[0] if rows else ADA, "N/A"), "arn": "arn:aws:iam::root", **ROOT}
        rows = [{**root, **self.said("root", {})}, *({**row, **ADA, **self.said("report", {})} for row in rows)]
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[-1]))
        writer.writeheader()
        writer.writerows(rows)
        parsed["Content"] = out.getvalue().encode()

    def _policies(self, parsed: dict[str, Any], **_: Any) -> None:
        """The stand-in has none of AWS's own."""
        attached = [policy for role in parsed["RoleDetailList"] for policy in role["AttachedManagedPolicies"]]
        for each, name in [(policy, "Arn") for policy in parsed["Policies"]] + [
            (each, "PolicyArn") for each in attached
        ]:
            each[name] = re.sub(r"::\d+:policy/AWS", "::aws:policy/AWS", each[name])

    def _certificates(self, parsed: dict[str, Any], **_: Any) -> None:
        for each in parsed.get("ServerCertificateMetadataList", ()):
            each["Expiration"] = self.said("expiration", "2027-01-01T00:00:00Z")

    def _analyzers(self, region: str) -> Any:
        analyzer = {
            "arn": f"arn:aws:access-analyzer:{region}:1:analyzer/a",
            "name": "a",
            "type": "ACCOUNT",
            "status": "ACTIVE",
            "createdAt": LONG_AGO,
        }
        return {"analyzers": [{**analyzer, **self.said("analyzer", {}).get(region, {})}]}

    def _contact(self, _: str) -> Any:
        return {"ContactInformation": self.said("contact", CONTACT)}


def _owner(url: str, access_key: str, secret_key: str, token: str) -> str:
    client = boto3.client(
        "sts",
        region_name=HOME,
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
    )
    return str(client.get_caller_identity()["Account"])


def say(**answers: Any) -> Callable[[Place], None]:
    return lambda place: place.made.update(said=answers)


def statuses(
    url: str, archive: Path, wanted: Mapping[str, Place], policies: Sequence[Policy], pictures: Pictures
) -> Mapping[str, Mapping[str, Collection[str]]]:
    """Collect and judge places: name → status → policies."""
    told = Told(url, {place.account: place.made.get("said", {}) for place in wanted.values()})
    names = {place.account: name for name, place in wanted.items()}
    done = collect_from(url, archive, names, each=told.hook, types=types_of(policies), workers=8)
    pictures.append((done.path, policies))
    found: dict[str, dict[str, set[str]]] = {name: {} for name in wanted}
    for each in evaluate(open_snapshot(done.path), policies):
        found[names[each.account]].setdefault(each.status.value, set()).add(each.policy)
    return found


# -------------------------------------------------------------------------------------------------- what breaks


def password(place: Place, **changes: Any) -> None:
    """The password policy with something changed; without what is None."""
    now = place.iam.get_account_password_policy()["PasswordPolicy"]
    now.pop("ExpirePasswords", None)
    place.iam.update_account_password_policy(**{k: v for k, v in {**now, **changes}.items() if v is not None})


def detach_support(place: Place) -> None:
    place.iam.detach_role_policy(RoleName="support", PolicyArn=place.made["support"])


def upload_certificate(place: Place) -> None:
    place.iam.upload_server_certificate(ServerCertificateName="shop", CertificateBody="any", PrivateKey="any")


def expired(place: Place) -> None:
    upload_certificate(place)
    say(expiration=LONG_AGO)(place)


def own_policy(place: Place) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    place.iam.put_user_policy(UserName="ada", PolicyName="mine", PolicyDocument=document)


def without_hub(place: Place) -> None:
    client(place, "securityhub", REGIONS[1]).disable_security_hub()


def without_contact(place: Place) -> None:
    client(place, "account").delete_alternate_contact(AlternateContactType="SECURITY")


OLD = {"access_key_1_last_rotated": LONG_AGO}
UNUSED = {"password_last_used": LONG_AGO}
INITIAL = {"user_creation_time": OF_LATE, "access_key_1_last_used_date": "N/A"}

PASSWORDS = " ".join(name.removeprefix("iam-") for name in IDENTITY if name.startswith("iam-password-"))

# Name → what is done to an account that complies, and the policies that fail then, without `iam-`.
BROKEN: dict[str, tuple[Callable[[Place], Any], str]] = {
    "a root key": (say(summary={"AccountAccessKeysPresent": 1}), "root-no-access-key"),
    "no root MFA": (say(summary={"AccountMFAEnabled": 0}), "root-mfa root-hardware-mfa"),
    "root signed in": (say(root={"password_last_used": OF_LATE}), "root-not-used"),
    "a root key was used": (say(root={"access_key_2_last_used_date": OF_LATE}), "root-not-used"),
    "a short password": (lambda p: password(p, MinimumPasswordLength=13), "password-length"),
    "passwords again": (lambda p: password(p, PasswordReusePrevention=23), "password-reuse"),
    "no upper case": (lambda p: password(p, RequireUppercaseCharacters=False), "password-uppercase"),
    "no lower case": (lambda p: password(p, RequireLowercaseCharacters=False), "password-lowercase"),
    "no symbols": (lambda p: password(p, RequireSymbols=False), "password-symbol"),
    "no numbers": (lambda p: password(p, RequireNumbers=False), "password-number"),
    "passwords for ever": (lambda p: password(p, MaxPasswordAge=None), "password-expiry"),
    "no password policy": (
        lambda p: p.iam.delete_account_password_policy(),
        PASSWORDS,
    ),
    "a user without MFA": (lambda p: user(p, "grace", mfa=False), "user-console-mfa"),
    "a password that nobody uses": (say(report=UNUSED), "user-credentials-unused"),
    "no provider": (
        lambda p: p.iam.delete_saml_provider(SAMLProviderArn=p.made["provider"]),
        "central-identity",
    ),
    "somebody who signs in by a password": (lambda p: user(p, "eve"), "central-identity"),
    "an old key": (say(report=OLD), "user-key-rotation"),
    "a key that came with the user": (say(report=INITIAL), "user-no-initial-key"),
    "a second key": (lambda p: p.iam.create_access_key(UserName="ada"), "user-one-active-key"),
    "a policy of a user's own": (own_policy, "user-no-direct-policies"),
    "a policy attached to a user": (
        lambda p: p.iam.attach_user_policy(UserName="ada", PolicyArn=p.made["reads"]),
        "user-no-direct-policies",
    ),
    "a policy for everything": (lambda p: attach(p, "all", ALL), "no-admin-policies"),
    "a policy for everything, in lists": (
        lambda p: attach(p, "all", {**ALL, "Action": ["s3:Get*", "*"], "Resource": ["*"]}),
        "no-admin-policies",
    ),
    "a policy for all but a little": (
        lambda p: attach(p, "all", {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        "no-admin-policies",
    ),
    "a policy for everything that is attached to nothing": (lambda p: policy(p, "all", ALL), ""),
    "no support role": (detach_support, "support-role"),
    "an expired certificate": (expired, "no-expired-certificates"),
    "a certificate": (upload_certificate, ""),
    "CloudShell": (lambda p: attach(p, "AWSCloudShellFullAccess", SOME), "cloudshell-restricted"),
    "no analyzer in a region": (say(analyzer={HOME: {"type": "ACCOUNT_UNUSED_ACCESS"}}), "accessanalyzer-all-regions"),
    "no hub in a region": (without_hub, "securityhub-all-regions"),
    "no security contact": (without_contact, "account-security-contact"),
    "no contact": (say(contact={"PhoneNumber": None}), "account-contact-details"),
}


def narrower(place: Place, name: str) -> None:
    """The filter of a policy with one clause more, which it did not need."""
    pattern = MONITORING[name].params["pattern"].strip("{} ")
    put_filter(place, name, f'{{ ({pattern}) && ($.awsRegion = "us-east-1") }}')


EACH = {name: (partial(narrower, name=name), name) for name in MONITORING}
ONE, ANOTHER = "monitoring-iam-changes", "monitoring-vpc-changes"
EVERY = " ".join(MONITORING)
LINKS: dict[str, tuple[Callable[[Place], Any], str]] = {
    "no filter": (lambda p: p.logs.delete_metric_filter(logGroupName=LOG_GROUP, filterName=ONE), ONE),
    "a filter of another metric": (lambda p: put_filter(p, ONE, MONITORING[ONE].params["pattern"], "other"), ONE),
    "no alarm": (lambda p: p.cloudwatch.delete_alarms(AlarmNames=[ONE]), ONE),
    "an alarm in another namespace": (lambda p: put_alarm(p, ONE, Namespace="other"), ONE),
    "an alarm whose actions are off": (lambda p: p.cloudwatch.disable_alarm_actions(AlarmNames=[ONE]), ONE),
    "an alarm without a topic": (lambda p: put_alarm(p, ONE, AlarmActions=[]), ONE),
    "an alarm on another's metric": (lambda p: put_alarm(p, ONE, MetricName=ANOTHER), ONE),
    "no subscription": (lambda p: p.sns.unsubscribe(SubscriptionArn=p.made["subscription"]), EVERY),
    "a stopped trail": (lambda p: p.cloudtrail.stop_logging(Name="main"), EVERY),
    "a trail of writes": (lambda p: select(p, "WriteOnly"), EVERY),
    "a trail of one region": (lambda p: p.cloudtrail.update_trail(Name="main", IsMultiRegionTrail=False), EVERY),
    "no trail": (lambda p: p.cloudtrail.delete_trail(Name="main"), EVERY),
}
GROUPS = {
    "identity": (identity, IDENTITY, BROKEN),
    "monitoring": (chains, MONITORING, {**EACH, **LINKS}),
}


@pytest.fixture(scope="module")
def judged(once: Once, request: pytest.FixtureRequest) -> tuple[Judged, Pictures]:
    step = 1 if request.config.getoption("--sweep") else SAMPLE
    return once("cis-identity", lambda folder: judge_all(folder, request.getfixturevalue("empty"), step))


@pytest.fixture(scope="module")
def world(judged: tuple[Judged, Pictures]) -> Judged:
    """Accounts built to comply and then broken, as they are judged: group → what was broken → status → policies."""
    return judged[0]


def judge_all(folder: Path, url: str, step: int) -> tuple[Judged, Pictures]:
    chosen = {group: ["", *list(breaks)[::step]] for group, (_, _, breaks) in GROUPS.items()}
    found, pictures = {}, Pictures()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(folder / "absent"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        new = iter(places(url, sum(map(len, chosen.values()))))
        for group, (build, policies, breaks) in GROUPS.items():
            made = {name: next(new) for name in chosen[group]}
            for name, place in made.items():
                build(place)
                if name:
                    breaks[name][0](place)
            found[group] = statuses(url, folder / group, made, [*policies.values()], pictures)
    return found, pictures


@pytest.mark.parametrize("group", GROUPS)
def test_what_complies_passes_everything(world, group):
    found, policies = world[group][""], GROUPS[group][1]
    assert found.keys() == {"pass", "not_applicable"} if group == "identity" else {"pass"}
    assert {*found["pass"]} >= policies.keys() - SILENT


@pytest.mark.parametrize("group", GROUPS)
def test_each_thing_that_is_broken_fails_what_it_must_and_nothing_else(world, group):
    breaks = GROUPS[group][2]
    judged = {name: statuses for name, statuses in world[group].items() if name}
    wanted = {name: {_id(each) for each in breaks[name][1].split()} for name in judged}
    assert {name: {*statuses.get("fail", ())} for name, statuses in judged.items()} == wanted
    assert {status for statuses in judged.values() for status in statuses} <= {"pass", "fail", "not_applicable"}


def test_a_lost_row_that_another_names_makes_nothing_pass(judged, request):
    # Primes, so that all kinds of rows are met: the accounts, which are many, differ in one thing each.
    tried = lost(judged[1], 7 if request.config.getoption("--sweep") else 61)
    assert tried.faults == []
    assert tried.named > 10


def _id(name: str) -> str:
    return name if name in {**MONITORING, **IDENTITY} else f"iam-{name}"


SILENT = {"iam-no-expired-certificates"}  # of no certificate there is no finding
SAMPLE = 10  # one break in so many; `--sweep` takes all
