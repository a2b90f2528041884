"""The command that takes snapshots."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stillframe.engine.commands.groups import grouped
from stillframe.engine.commands.options import ARCHIVE, names
from stillframe.engine.commands.purpose import Purpose

if TYPE_CHECKING:
    from stillframe.snapshot.choice import Reads
    from stillframe.snapshot.model import Collected
    from stillframe.snapshot.remote import Place


@grouped
def collect(
    into: Annotated[
        str, typer.Option(help="The archive to add a snapshot to: a folder, or a URL such as s3://BUCKET/PREFIX.")
    ] = ARCHIVE,
    accounts: Annotated[
        str, typer.Option(help="Accounts to collect, with commas; the caller's own if not given.")
    ] = "",
    org: Annotated[bool, typer.Option("--org", help="Collect every active account of the organisation.")] = False,
    exclude: Annotated[str, typer.Option(help="Accounts to leave out, with commas.")] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="The role to assume in other accounts; repeatable: the last is in each account, those before it, by "
            "their ARN, lead there. OrganizationAccountAccessRole if not given."
        ),
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="The external id that the roles ask for.")] = None,
    regions: Annotated[str, typer.Option(help="Regions to ask, with commas; every enabled one if not given.")] = "",
    purpose: Purpose = Purpose(),
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Send every call to this URL instead of AWS.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Calls under way at once.")] = 16,
    deadline: Annotated[
        float, typer.Option(min=1, help="Seconds for a call with all that is tried again.", metavar="SECONDS")
    ] = 300,
    resume: Annotated[bool, typer.Option("--resume", help="Complete the latest unfinished snapshot.")] = False,
    record: Annotated[str, typer.Option(help="Write what AWS answers to this new folder as well.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and how often.")] = False,
    print_iam_policy: Annotated[
        bool, typer.Option("--print-iam-policy", help="Print the least that the role must be allowed, and ask nothing.")
    ] = False,
) -> None:
    """Take a snapshot: ask AWS for its configuration and write it to an archive."""
    from stillframe.snapshot.collector.session import open_session

    types, reads = purpose.asked()
    if print_iam_policy:
        _print_policy(types, reads, organization=org)
        return
    _either("--org", org, "--accounts", accounts)
    _either("--resume", resume, "--dry-run", dry_run)
    _either("--record", record, "--dry-run", dry_run)
    how: dict[str, Any] = {
        "endpoint_url": endpoint_url,
        "workers": workers,
        "deadline": deadline,
        "accounts": _accounts(accounts, "--accounts"),
        "organization": org,
        "exclude": _accounts(exclude, "--exclude"),
        "roles": role or None,
        "external_id": external_id,
        "regions": names(regions),
        "types": types,
        "reads": reads,
        "record": record,
    }
    done = _foresee if dry_run else partial(show, resume=resume)
    done(into, session=open_session(profile), **{name: value for name, value in how.items() if value})


def _either(one: str, given: object, other: str, also: object) -> None:
    if given and also:
        raise typer.BadParameter(f"{one} and {other} exclude each other")


def show(into: "Place | str", *, resume: bool = False, **how: Any) -> "Collected":
    """Collect, and show how it goes and what came of it."""
    from stillframe.engine.console import console
    from stillframe.engine.terminal.collecting import collecting, print_collected
    from stillframe.snapshot.collector import collect as collector

    err = console(stderr=True)
    with collecting(err) as progress:
        watch = collector.Watch(
            accounts=progress.expect, account=progress.account, call=progress.call, error=progress.error
        )
        try:
            done = (collector.resume if resume else collector.collect)(into, watch=watch, **how)
        except (KeyboardInterrupt, SystemExit):
            place = "" if into == ARCHIVE else f" --into {into}"
            typer.echo(f"complete the snapshot with `stillframe collect --resume{place}`", err=True)
            raise
    print_collected(err, done)
    return done


def _foresee(into: str, **how: Any) -> None:
    from stillframe.engine.console import console
    from stillframe.engine.terminal.collecting import print_forecast
    from stillframe.snapshot.collector import collect as collector

    print_forecast(console(), collector.foresee(collector.prepare(**how), into))


def _print_policy(types: list[str], reads: "Reads", *, organization: bool) -> None:
    from stillframe.snapshot.choice import choose
    from stillframe.snapshot.permissions import actions, callers_actions, policy

    chosen = choose(types, reads).values()
    typer.echo(policy(sorted({*actions(chosen), *(callers_actions(chosen) if organization else ())})))


def _accounts(text: str, option: str) -> list[str]:
    named = names(text)
    for account in named:
        if not (len(account) == 12 and account.isdecimal()):
            raise typer.BadParameter(f"{account!r} is not an account id: 12 digits", param_hint=option)
    return named
