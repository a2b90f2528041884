"""Which accounts are collected, what their organisation says of them, and the ways into them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from msgspec.structs import replace
from stillframe.snapshot import ArgumentError, CollectError, open_snapshot
from stillframe.snapshot.archive import read_manifest
from stillframe.snapshot.catalog import ACCOUNT_TYPE, load_catalog
from stillframe.snapshot.choice import choose
from stillframe.snapshot.collector import session as aws
from stillframe.snapshot.collector.clients import Clients
from stillframe.snapshot.collector.collect import collect, foresee, prepare
from stillframe.snapshot.collector.demo import MANAGEMENT, enter, session, types
from stillframe.snapshot.collector.session import Caller, Role, way_in
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.permissions import callers_actions

HUB = "arn:aws:iam::999999999999:role/hub"


class Organisation:
    """A stand-in's organisation: a unit in a unit, with an account in each, and one that was closed."""

    def __init__(self, url: str) -> None:
        self.url, client = url, session().client("organizations", endpoint_url=url)
        client.create_organization(FeatureSet="ALL")
        self.root = client.list_roots()["Roots"][0]["Id"]
        self.payments, self.website, self.closed = (
            client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]["AccountId"]
            for name in ("payments", "website", "closed")
        )
        self.units = []
        for name, account in (("Workloads", self.website), ("Production", self.payments)):
            parent = self.units[-1] if self.units else self.root
            unit = client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]
            self.units.append(unit)
            client.move_account(AccountId=account, SourceParentId=self.root, DestinationParentId=unit)
        client.tag_resource(ResourceId=self.payments, Tags=[{"Key": "owner", "Value": "pay"}])
        client.close_account(AccountId=self.closed)

    def collect(self, archive: Path, **options: Any) -> Any:
        given = {"session": session(), "organization": True, "catalog": account_type(), **options}
        return collect(archive, endpoint_url=self.url, **given)


def account_type() -> dict[str, Any]:
    """What the demo collects, with what organisations say of an account."""
    some, whole = types(), load_catalog()[ACCOUNT_TYPE].attach
    attach = {name: whole[name] for name in ("OrganizationalUnits", "OrganizationTags")}
    some[ACCOUNT_TYPE] = replace(load_catalog()[ACCOUNT_TYPE], attach=attach)
    return {kind: some[kind] for kind in (ACCOUNT_TYPE, "AWS::Region", "AWS::EC2::VPC")}


@pytest.fixture
def organisation(aws_url: str) -> Organisation:
    return Organisation(aws_url)


def fact(path: Path, account: str) -> Any:
    [found] = open_snapshot(path).account(account).read(ACCOUNT_TYPE)
    return found


def test_every_active_account_is_collected_with_its_units_and_tags(organisation, tmp_path):
    path = organisation.collect(tmp_path).path
    manifest = read_manifest(path)
    assert set(manifest.accounts) == {MANAGEMENT, organisation.payments, organisation.website}
    assert manifest.scope["skipped"] == {organisation.closed: "SUSPENDED"}
    names = {account: open_snapshot(path).account(account).name for account in manifest.accounts}
    assert (names[organisation.payments], names[organisation.website]) == ("payments", "website")
    units = {
        account: [unit["Name"] for unit in fact(path, account).config["OrganizationalUnits"]]
        for account in manifest.accounts
    }
    assert units == {
        MANAGEMENT: ["Root"],
        organisation.website: ["Root", "Workloads"],
        organisation.payments: ["Root", "Workloads", "Production"],
    }
    assert fact(path, organisation.payments).tags == {"owner": "pay"}
    assert fact(path, organisation.website).tags == {}


def test_accounts_may_be_left_out_and_are_recorded(organisation, tmp_path):
    path = organisation.collect(tmp_path, exclude=[organisation.payments]).path
    manifest = read_manifest(path)
    assert organisation.payments not in manifest.accounts
    assert manifest.scope["skipped"] == {organisation.closed: "SUSPENDED", organisation.payments: "EXCLUDED"}
    with pytest.raises(ArgumentError, match="not in the organisation: 999999999999"):
        organisation.collect(tmp_path, exclude=["999999999999"])
    with pytest.raises(CollectError, match="no accounts to collect"):
        organisation.collect(tmp_path, organization=False, exclude=[MANAGEMENT])


def test_a_delegated_administrator_collects_as_well(organisation, tmp_path):
    """From another account than the management's: its own needs no role, the management's does."""
    administrator = enter(session(), organisation.website, organisation.url)
    management = session().get_credentials()

    def answer(request: Any, **_: Any) -> None:
        """As the management account, to whom alone the stand-in tells of its organisation."""
        request.context["signing"] = {**request.context.get("signing", {}), "request_credentials": management}

    administrator.events.register("before-sign.organizations", answer)
    asked = listen(administrator, "sts.AssumeRole")
    path = organisation.collect(tmp_path, session=administrator).path
    assert set(read_manifest(path).accounts) == {MANAGEMENT, organisation.payments, organisation.website}
    assert {arn(each).split(":")[4] for each in asked} == {MANAGEMENT, organisation.payments}


def test_what_the_organisation_does_not_tell_is_unknown_and_costs_nothing_else(organisation, tmp_path):
    caller = aws._shared(session())
    for call in ("ListRoots", "ListTagsForResource"):
        caller.events.register(f"before-call.organizations.{call}", deny)
    done = organisation.collect(tmp_path, session=caller)
    found = fact(done.path, organisation.payments)
    assert str(found.config["OrganizationalUnits"]).startswith("AccessDeniedException: organizations:")
    assert isinstance(found.tags, Unknown)
    assert sum(done.gaps.values()) == 6


def test_without_the_organisation_nobody_asks_for_it(organisation, tmp_path):
    caller = aws._shared(session())
    asked = listen(caller, "organizations")
    done = organisation.collect(tmp_path, session=caller, organization=False)
    assert str(fact(done.path, MANAGEMENT).config["OrganizationTags"]).startswith("NotAsked: ")
    assert (asked, done.gaps) == ([], {})


@pytest.mark.parametrize("what", [{}, {"reads": {"AWS::EC2::VPC": ["VpcId"]}}])
def test_every_call_about_the_organisation_is_in_the_printed_policy(organisation, tmp_path, what):
    caller, given = aws._shared(session()), choose(**what, catalog=account_type())
    asked: set[str] = set()
    caller.events.register("before-call.organizations", lambda model, **_: asked.add(f"organizations:{model.name}"))
    organisation.collect(tmp_path, session=caller, **what)
    assert asked == {*callers_actions(given.values())}


def test_roles_lead_from_one_to_the_next_with_the_external_id(organisation, tmp_path):
    caller = aws._shared(session())
    asked = listen(caller, "sts.AssumeRole")
    organisation.collect(tmp_path, session=caller, roles=[HUB, "reader"], external_id="7f1c")
    accounts = (organisation.payments, organisation.website)
    expected = [HUB, *(f"arn:aws:iam::{account}:role/reader" for account in sorted(accounts))]
    assert sorted(map(arn, asked)) == sorted(expected)
    assert all(each["ExternalId"] == "7f1c" for each in asked)


def test_an_account_that_does_not_let_the_caller_in_costs_no_other(organisation, tmp_path):
    caller = aws._shared(session())

    def refuse(params, **_):
        return deny() if organisation.payments in str(params["body"]) else None

    caller.events.register("before-call.sts.AssumeRole", refuse)
    done = organisation.collect(tmp_path, session=caller)
    assert (done.accounts, done.entered) == (3, 2)
    gap = open_snapshot(done.path).account(organisation.payments).gap("AWS::EC2::VPC", "us-east-1")
    assert str(gap) == "AccessDeniedException: sts:AssumeRole"


def test_a_dry_run_counts_the_calls_that_are_then_made(organisation, tmp_path):
    made = []
    given = {"session": session(), "organization": True, "catalog": account_type(), "endpoint_url": organisation.url}
    before = foresee(prepare(**given), tmp_path)
    assert (before.likely, before.before) == (0, None)
    collect(tmp_path, **given, watch=SimpleNamespace(**watching(made)))
    assumed = 3
    assert before.sure == len(made) - assumed
    assert foresee(prepare(**given), tmp_path).before is not None
    assert len(list(tmp_path.glob("2*"))) == 1


def watching(made: list[int]) -> dict[str, Any]:
    nothing = {name: lambda *_: None for name in ("accounts", "account", "error")}
    return {**nothing, "call": lambda: made.append(1)}


# ---------------------------------------------------------------------------------------------- credentials


def test_credentials_of_a_role_are_renewed_before_they_expire_and_when_aws_says_so(aws_url, monkeypatch):
    caller = aws._shared(session())
    asked = listen(caller, "sts.AssumeRole")
    role: Role = way_in(Clients(caller, aws_url), Caller(account=MANAGEMENT, partition="aws"), ["reader"])(MANAGEMENT)
    first = role.get_frozen_credentials()
    assert role.get_frozen_credentials() is first
    assert role.renew()
    assert len(asked) == 1, "they are fresh: somebody else renewed them just now"
    role._since -= 60
    assert role.renew()
    assert role.get_frozen_credentials() is not first
    role._since -= 60
    role._until = 0
    role.get_frozen_credentials()
    assert len(asked) == 3


def test_a_call_that_expired_is_made_again_with_new_credentials(organisation, tmp_path, monkeypatch):
    """AWS may take credentials for expired before their time, as when the clock is wrong."""
    caller, expired = aws._shared(session()), []

    def expire(request, **_):
        key = request.headers["Authorization"].decode().split("=")[1].split("/")[0]
        if key != "demo" and not expired:
            expired.append(key)
            return error(request)
        return None

    caller.events.register("before-send.ec2.DescribeVpcs", expire)
    monkeypatch.setattr(aws, "FRESH", -1)
    done = organisation.collect(tmp_path, session=caller)
    assert expired
    assert done.gaps == {}


def error(request: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    body = b"<Response><Errors><Error><Code>ExpiredToken</Code><Message>x</Message></Error></Errors></Response>"
    return AWSResponse(request.url, 403, {}, SimpleNamespace(stream=lambda **_: iter([body])))


def listen(caller: boto3.Session, event: str) -> list[dict[str, Any]]:
    """What a session is asked to send from now on."""
    asked: list[dict[str, Any]] = []
    caller.events.register(f"provide-client-params.{event}", lambda params, **_: asked.append(dict(params)))
    return asked


def arn(params: dict[str, Any]) -> str:
    return params["RoleArn"]


def deny(**_: Any) -> tuple[Any, dict[str, Any]]:
    return SimpleNamespace(status_code=403, raw=None), {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
