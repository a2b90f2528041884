"""To tell people what a night found, or that it did not work: once each, by every channel that was named."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from boto3 import Session
    from stillframe.engine.model.ruleset import Ruleset
    from stillframe.engine.telling.channels import Tell
    from stillframe.engine.telling.news import Current, News
    from stillframe.engine.telling.told import Channel
    from stillframe.engine.terminal.log import Log
    from stillframe.snapshot.model import Snapshot
    from stillframe.snapshot.remote import Place

Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        help="Tell what is new: the name of a variable that holds an address of Apprise (Slack, Teams, mail, a webhook "
        "…), sns:TOPIC, eventbridge:BUS, securityhub:ROLE, github:OWNER/REPOSITORY or jira:PROJECT; repeatable.",
        metavar="CHANNEL",
    ),
]


@dataclass(slots=True)
class Telling:
    """The channels of a night. `import_all` brings Security Hub up to date from the snapshot of an id."""

    place: "Place"
    session: "Callable[[], Session]"
    endpoint_url: str | None
    log: "Log"
    names: Sequence[str] = ()
    import_all: "Callable[[str, str], None]" = lambda _role, _since: None
    _channels: "dict[str, Tell]" = field(init=False)
    _told: "dict[str, Channel]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        from stillframe.engine.telling.channels import channel

        self._channels = {name: channel(name, self._through_aws) for name in self.names}

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Where the night does not work, it is told why: the same fault once, until a night works again."""
        from stillframe.engine.telling.news import News
        from stillframe.snapshot.errors import StillframeError

        try:
            yield
        except StillframeError as error:
            fault = str(error)
            self._each(lambda known: News(snapshot="", fault="" if known.fault == fault else fault))
            raise

    def tell(self, now: "Current", snapshot: str, first: str) -> str:
        """Tell each channel what it does not know. Gives what to say of those that could not be told."""
        from stillframe.engine.console import counted
        from stillframe.engine.telling.told import news

        failed = self._each(lambda known: news(known, now, snapshot, first), now)
        return f", {counted(failed, 'channel')} not told" if failed else ""

    def _each(self, what: "Callable[[Channel], News]", now: "Current | None" = None) -> int:
        from stillframe.engine.telling.issues import NotToldError
        from stillframe.engine.telling.told import Channel, after, read_told, write_told
        from stillframe.snapshot.errors import StillframeError

        failed = 0
        for name, tell in self._channels.items():
            self._told, tag = read_told(self.place)
            known = self._told.get(name, Channel())
            news, names, done = what(known), dict[str, str](), True
            try:
                if news:
                    names = tell(news)
                    self.log("told", f"{name}: {news.title}")
            except StillframeError as error:
                failed, done = failed + 1, False
                names = dict(error.told) if isinstance(error, NotToldError) else {}
                self.log("not told", f"{name}: {error}; {error.help}")
            if now and (done or names):
                known = after(known, now, news, names, done=done)
            elif news.fault and done:
                known.fault = news.fault
            write_told(self.place, {**self._told, name: known}, tag)
        return failed

    def _through_aws(self, kind: str, address: str, news: "News") -> None:
        from stillframe.engine.findings.batch import finding_record
        from stillframe.snapshot.collector import publish

        if kind == "sns":
            publish.message(self.session(), address, news.title, news.body, self.endpoint_url)
        elif kind == "eventbridge":
            found = [("Finding fails", finding_record(each)) for each in news.failing]
            found += [("Finding is unknown", finding_record(each)) for each in news.unknown]
            found += [("Finding is over", {"fingerprint": mark}) for mark in news.over]
            plain = {"snapshot": news.snapshot, "title": news.title, "message": news.body}
            found += [("Night", plain)] if news.first or news.fault or news.ended else []
            publish.events(self.session(), address, found, self.endpoint_url)
        elif not news.fault:
            known = self._told.get(f"securityhub:{address}")
            self.import_all(address, known.snapshot if known else "")


def import_findings(
    telling: Telling, role: str, old: "Snapshot | None", new: "Snapshot", ruleset: "Ruleset", **more: Any
) -> None:
    """Bring Security Hub up to date: with all findings, or with what changed since an earlier snapshot."""
    import json

    from rich.console import Console
    from stillframe.engine.commands.run_diff import run_diff
    from stillframe.engine.commands.run_evaluate import run_evaluate
    from stillframe.engine.console import counted
    from stillframe.engine.reports.formats import targets
    from stillframe.snapshot.collector.publish import import_findings as send

    quiet = Console(quiet=True)
    with TemporaryDirectory() as folder:
        files = targets([f"{folder}/all.asff"])
        if old:
            run_diff(old, new, ruleset, quiet, quiet, targets=files, keep=0, **more)
        else:
            run_evaluate(new, ruleset, quiet, quiet, targets=files, **more)
        requests = (
            (path.name[:12], path.name[13:].rpartition("-")[0], json.loads(path.read_bytes())["Findings"])
            for path in sorted(Path(files[0].name).iterdir())
        )
        number = send(telling.session(), requests, role, telling.endpoint_url)
    telling.log("told", f"securityhub:{role}: {counted(number, 'finding')} imported")
