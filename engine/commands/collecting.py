"""The command that takes snapshots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stillframe.engine.commands.options import ARCHIVE, names

if TYPE_CHECKING:
    from stillframe.snapshot.model import Collected


def collect(
    into: Annotated[Path, typer.Option(help="The archive to add a snapshot to.")] = ARCHIVE,
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
    types: Annotated[str, typer.Option(help="Resource types to collect, with commas; all if not given.")] = "",
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Send every call to this URL instead of AWS.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Calls under way at once.")] = 16,
    deadline: Annotated[
        float, typer.Option(min=1, help="Seconds for a call with all that is tried again.", metavar="SECONDS")
    ] = 300,
    resume: Annotated[
        bool, typer.Option("--resume", help="Complete the latest snapshot that was not finished.")
    ] = False,
) -> None:
    """Take a snapshot: ask AWS for its configuration and write it to an archive."""
    from stillframe.snapshot.session import ORGANIZATION_ROLE, open_session

    if org and accounts:
        raise typer.BadParameter("--org and --accounts exclude each other")
    scoped = {"--accounts": accounts, "--org": org, "--exclude": exclude, "--role": role, "--external-id": external_id}
    scoped |= {"--regions": regions, "--types": types}
    for name, value in scoped.items():
        if resume and value:
            raise typer.BadParameter(f"--resume collects what was asked for before: leave out {name}")
    how: dict[str, Any] = {"endpoint_url": endpoint_url, "workers": workers, "deadline": deadline}
    how["session"] = open_session(profile)
    if resume:
        show(into, resume=True, **how)
        return
    show(
        into,
        accounts=_accounts(accounts, "--accounts"),
        organization=org,
        exclude=_accounts(exclude, "--exclude"),
        roles=role or [ORGANIZATION_ROLE],
        external_id=external_id,
        regions=names(regions),
        types=names(types),
        **how,
    )


def show(into: Path, *, resume: bool = False, **how: Any) -> "Collected":
    """Collect, and show how it goes and what came of it."""
    from stillframe.engine.collected import collecting, print_collected
    from stillframe.engine.terminal import console
    from stillframe.snapshot import collect as collector

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


def _accounts(text: str, option: str) -> list[str]:
    named = names(text)
    for account in named:
        if not (len(account) == 12 and account.isdecimal()):
            raise typer.BadParameter(f"{account!r} is not an account id: 12 digits", param_hint=option)
    return named
