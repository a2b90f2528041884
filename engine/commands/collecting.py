"""The command that takes snapshots."""

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stillframe.engine.commands.groups import grouped
from stillframe.engine.commands.options import ARCHIVE, ClusterAddress, cluster_at, names
from stillframe.engine.commands.purpose import Purpose

if TYPE_CHECKING:
    from boto3 import Session
    from stillframe.engine.terminal.log import Log
    from stillframe.snapshot.choice import Reads
    from stillframe.snapshot.model import Collected
    from stillframe.snapshot.remote import Place


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Whom to ask."""

    accounts: Annotated[
        str, typer.Option(help="Accounts to collect, with commas; the caller's own if not given.", metavar="ACCOUNTS")
    ] = ""
    org: Annotated[bool, typer.Option("--org", help="Collect every active account of the organisation.")] = False
    exclude: Annotated[str, typer.Option(help="Accounts to leave out, with commas.", metavar="ACCOUNTS")] = ""
    regions: Annotated[
        str, typer.Option(help="Regions to ask, with commas; every enabled one if not given.", metavar="REGIONS")
    ] = ""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to ask."""

    role: Annotated[
        list[str] | None,
        typer.Option(
            help="The role to assume in other accounts; repeatable: the last is in each account, those before it, by "
            "their ARN, lead there. OrganizationAccountAccessRole if not given.",
            metavar="ROLE",
        ),
    ] = None
    external_id: Annotated[str | None, typer.Option(help="The external id that the roles ask for.", metavar="ID")] = (
        None
    )
    profile: Annotated[str | None, typer.Option(help="The AWS profile to use.", metavar="NAME")] = None
    endpoint_url: Annotated[
        str | None, typer.Option(help="Send every call to this URL instead of AWS.", metavar="URL")
    ] = None
    workers: Annotated[int, typer.Option(min=1, max=256, help="Calls under way at once.", metavar="NUMBER")] = 16
    deadline: Annotated[
        float, typer.Option(min=1, help="Seconds for a call with all that is tried again.", metavar="SECONDS")
    ] = 300

    def means(self) -> dict[str, Any]:
        """What the collector takes of it."""
        found = {
            "endpoint_url": self.endpoint_url,
            "workers": self.workers,
            "deadline": self.deadline,
            "roles": self.role or None,
            "external_id": self.external_id,
        }
        return {name: value for name, value in found.items() if value}

    def session(self) -> "Session":
        from stillframe.snapshot.collector.session import open_session

        return open_session(self.profile)


@dataclass(frozen=True, kw_only=True)
class Asked(Way, Whom):
    """Whom to ask what, and how."""

    def options(self, types: list[str], reads: "Reads") -> dict[str, Any]:
        """What the collector takes, with the types to ask as a whole and in part. Raises BadParameter."""
        _either("--org", self.org, "--accounts", self.accounts)
        found: dict[str, Any] = {
            "accounts": _accounts(self.accounts, "--accounts"),
            "organization": self.org,
            "exclude": _accounts(self.exclude, "--exclude"),
            "regions": names(self.regions),
            "types": types,
            "reads": reads,
        }
        return self.means() | {name: value for name, value in found.items() if value}


# What says how to ask, and not whom or what: an unfinished snapshot has the rest in its plan.
_HOW = ("profile", "endpoint_url", "workers", "deadline")
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        help="Progress as lines with times: text, or json. If not given a bar, and lines where there is no terminal.",
        metavar="FORMAT",
    ),
]


@grouped
def collect(
    into: Annotated[
        str,
        typer.Option(
            help="The archive to add a snapshot to: a folder, or a URL such as s3://BUCKET/PREFIX.", metavar="ARCHIVE"
        ),
    ] = ARCHIVE,
    asked: Asked = Asked(),
    purpose: Purpose = Purpose(),
    resume: Annotated[bool, typer.Option("--resume", help="Complete the latest unfinished snapshot.")] = False,
    record: Annotated[
        str, typer.Option(help="Write what AWS answers to this new folder as well.", metavar="FOLDER")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and how often.")] = False,
    print_iam_policy: Annotated[
        bool, typer.Option("--print-iam-policy", help="Print the least that the role must be allowed, and ask nothing.")
    ] = False,
    log_format: LogFormat = None,
    cluster: ClusterAddress = None,
) -> None:
    """Take a snapshot: ask AWS for its configuration and write it to an archive."""
    types, reads = purpose.asked()
    if print_iam_policy:
        _print_policy(types, reads, organization=asked.org)
        return
    _either("--resume", resume, "--dry-run", dry_run)
    _either("--record", record, "--dry-run", dry_run)
    _either("--record", record, "--cluster", cluster)  # before the cluster is begun or reached
    how, log = asked.options(types, reads), log_of(log_format)
    if dry_run:
        _foresee(into, session=asked.session(), **how)
        return
    again = completing(into, asked, purpose.catalogue, purpose.config, cluster)
    how |= {"record": record} if record else {}
    with cluster_at(cluster, say=partial(log, "cluster") if log else None) as reached:
        how |= {"cluster": reached} if reached else {}
        show(into, resume=resume, log=log, again=again, session=asked.session(), **how)


def _either(one: str, given: object, other: str, also: object) -> None:
    if given and also:
        raise typer.BadParameter(f"{one} and {other} exclude each other")


def log_of(form: str | None) -> "Log | None":
    """The log of that format; None if none is asked for."""
    from stillframe.engine.suggest import suggest
    from stillframe.engine.terminal.log import FORMATS, Log

    if form is not None and form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is no format{suggest(form, FORMATS)}", param_hint="--log-format")
    return Log(form) if form else None


def completing(
    into: "Place | str",
    asked: Asked,
    catalogue: list[Path] | None,
    config: Path | None,
    cluster: str | None = None,
) -> str:
    """The command that completes what was asked for so, where it is stopped."""
    given = {name: getattr(asked, name) for name in _HOW if getattr(asked, name) != getattr(Asked(), name)}
    pairs = [("into", into if str(into) != ARCHIVE else None), *given.items(), ("config", config), ("cluster", cluster)]
    pairs += [("catalogue", each) for each in catalogue or ()]
    words = [word for name, value in pairs if value for word in (f"--{name.replace('_', '-')}", f"{value}")]
    return shlex.join(["stillframe", "collect", "--resume", *words])


def show(
    into: "Place | str",
    *,
    resume: bool = False,
    log: "Log | None" = None,
    again: str = "stillframe collect --resume",
    **how: Any,
) -> "Collected":
    """Collect, and show how it goes and what came of it; where it is stopped, what to do `again`."""
    from stillframe.engine.console import console
    from stillframe.engine.terminal.collecting import collecting, print_collected
    from stillframe.snapshot.collector import collect as collector
    from stillframe.snapshot.errors import UnfinishedError

    err = console(stderr=True)
    with collecting(err, log) as progress:
        watch = collector.Watch(
            accounts=progress.expect, account=progress.account, call=progress.call, error=progress.error
        )
        try:
            done = (collector.resume if resume else collector.collect)(into, watch=watch, **how)
        except (KeyboardInterrupt, SystemExit):
            text = f"complete the snapshot with `{again}`"
            log("stopped", text) if log else typer.echo(text, err=True)
            raise
        except UnfinishedError as error:
            raise UnfinishedError(str(error), f"{error.help}: `{again}`") from error
    if log and log.form == "json":
        facts = {"accounts": done.accounts, "entered": done.entered, "resources": done.resources, "unknown": done.gaps}
        log("collected", str(done.path), **facts, skipped=done.skipped, not_entered=done.not_entered)
    else:
        print_collected(err, done)
    return done


def _foresee(into: str, **how: Any) -> None:
    from stillframe.engine.console import console
    from stillframe.engine.terminal.collecting import print_forecast
    from stillframe.snapshot.collector import collect as collector

    print_forecast(console(), collector.foresee(collector.prepare(**how), into))


def _print_policy(types: list[str], reads: "Reads", *, organization: bool) -> None:
    from stillframe.snapshot.catalog import load_catalog
    from stillframe.snapshot.choice import choose
    from stillframe.snapshot.permissions import actions, callers_actions, policy

    chosen = (choose(types, reads) if types or reads else load_catalog()).values()
    typer.echo(policy(sorted({*actions(chosen), *(callers_actions(chosen) if organization else ())})))


def _accounts(text: str, option: str) -> list[str]:
    named = names(text)
    for account in named:
        if not (len(account) == 12 and account.isdecimal()):
            raise typer.BadParameter(f"{account!r} is not an account id: 12 digits", param_hint=option)
    return named
