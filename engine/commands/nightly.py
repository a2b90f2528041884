"""The command for every night: collect, compare with the night before, write reports, prune, and say what happened."""

import sys
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stillframe.engine.commands.collecting import Asked, LogFormat, completing, log_of, show
from stillframe.engine.commands.groups import By, Choice, Counted, grouped
from stillframe.engine.commands.options import (
    ARCHIVE,
    Catalogue,
    Outputs,
    Types,
    UseCache,
    kept,
)
from stillframe.engine.commands.purpose import Purpose, TypeNames
from stillframe.engine.commands.telling import Notify, Telling

if TYPE_CHECKING:
    from stillframe.engine.commands.run_diff import Compared
    from stillframe.engine.model.ruleset import Ruleset
    from stillframe.engine.terminal.log import Log
    from stillframe.snapshot.choice import Reads
    from stillframe.snapshot.model import Snapshot
    from stillframe.snapshot.remote import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling(By):
    """What to evaluate by."""

    catalogue: Catalogue = None
    types: TypeNames = ""
    needed: Annotated[
        bool, typer.Option("--needed", help="Collect only what these policies read; everything if not given.")
    ] = False

    def asked(self) -> "tuple[list[str], Reads]":
        """What to collect: everything, since an archive may be asked other things later; or what is read tonight."""
        purpose = Purpose(types=self.types, catalogue=self.catalogue, config=self.config)
        if self.needed:
            more: dict[str, Any] = {"packs": self.packs, "policies": self.policies, "shipped": self.shipped}
            purpose = replace(purpose, needed=True, **more)
        return purpose.asked()

    def ruleset(self, *snapshots: "Snapshot", checked: bool = False) -> "Ruleset":
        return self.rules(Types(self.catalogue, snapshots, checked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What is written of a night."""

    output: Outputs = None
    changes: Annotated[
        list[str] | None,
        typer.Option(
            help="Write what changed since the night before to FILE, in the format of its ending; repeatable.",
            metavar="FILE",
        ),
    ] = None
    notify: Notify = None


Fresh = Annotated[
    float,
    typer.Option(
        min=0,
        max=24 * 365,
        help="A snapshot that was begun within so many hours, and asks the same, is of this night.",
        metavar="HOURS",
    ),
]


@grouped
def nightly(
    archive: Annotated[
        str, typer.Argument(help="The archive: a folder, or a URL such as s3://BUCKET/PREFIX.", metavar="ARCHIVE")
    ] = ARCHIVE,
    asked: Asked = Asked(),
    fresh: Fresh = 12,
    ruling: Ruling = Ruling(),
    counted: Counted = Counted(),
    choice: Choice = Choice(),
    reporting: Reporting = Reporting(),
    keep: Annotated[
        str, typer.Option(help="Prune then, and keep as many as `snapshot prune --keep` says.", metavar="RULES")
    ] = "",
    cache: UseCache = True,
    log_format: LogFormat = None,
) -> None:
    """Do all of a night: collect, compare with the night before, write reports, prune. Run it again if it was stopped.

    Printed is what changed, and nothing where nothing did. The exit code is that of diff.
    """
    from datetime import timedelta

    from stillframe.engine.reports.formats import files, targets
    from stillframe.engine.reports.targets import distinct
    from stillframe.engine.terminal.log import Log
    from stillframe.snapshot import find_snapshot, open_snapshot, snapshot_before
    from stillframe.snapshot.archive import keep_apart
    from stillframe.snapshot.collector.night import alone
    from stillframe.snapshot.given import place_of
    from stillframe.snapshot.prune import parse_keep

    if not isfinite(fresh):
        raise typer.BadParameter("--fresh: no number of hours")
    place, log = place_of(archive), log_of(log_format) or Log()
    reports, changes = targets(reporting.output or ()), targets(reporting.changes or (), compares=True)
    distinct(files([*reports, *changes]))
    keep_apart(place)
    how = asked.options(*ruling.asked())
    limits, chosen, staying = counted.limits(), choice.selection(), parse_keep(keep) if keep else {}
    ruling.ruleset(checked=True)  # what is wrong with it is said before anybody is asked
    again = completing(place, asked, ruling.catalogue, ruling.config)
    telling = Telling(place, asked.session, asked.endpoint_url, log, reporting.notify or ())
    with alone(place), telling.faults():
        took = _collect(place, timedelta(hours=fresh), log, again=again, session=asked.session(), **how)
        new = open_snapshot(find_snapshot(took))
        before = snapshot_before(new.path or place)
        old = open_snapshot(before) if before else new
        ruleset = ruling.ruleset(old, new)
        more = {"limits": limits, "chosen": chosen, "method": _method(cache)}
        unmade = _evaluate(new, ruleset, reports, log, **more)
        found = _compare(old, new, ruleset, changes, log, **more)
        told = _told(new, found, first=before is None)
        untold = _tell(telling, new, ruleset, told, old=old, **more) if reporting.notify else ""
        pruned = _prune(place, staying, log) if staying else ""
    log("night", f"{told}{unmade}{untold}{pruned}; exit code {found.code}", code=found.code)
    raise typer.Exit(found.code)


def _collect(place: "Place", fresh: Any, log: "Log", *, again: str, **how: Any) -> "Place":
    """Tonight's snapshot: the one that is there, the one that is unfinished, or a new one."""
    from stillframe.snapshot.collector.collect import is_of
    from stillframe.snapshot.collector.night import tonight
    from stillframe.snapshot.errors import OtherPlanError

    found = tonight(place, fresh)
    for name in found.left:
        log(
            "left", f"{name} is unfinished, and of an earlier night: pruning removes it a day after it was last written"
        )
    if found.finished and is_of(found.finished, **how):
        log("collected", f"{found.finished} is of this night: not collected again")
        return found.finished
    if found.unfinished:
        log("collecting", f"completing {found.unfinished}")
        try:
            return show(found.unfinished, resume=True, log=log, again=again, **how).path
        except OtherPlanError as error:
            log("collecting", f"{error}: collecting anew")
    log("collecting", f"into {place}")
    return show(place, log=log, again=again, **how).path


def _method(cache: bool) -> Any:
    from stillframe.engine.execution.judge import Method

    return Method(workers=1, cache=kept(cache))


def _evaluate(snapshot: "Snapshot", ruleset: Any, files: Any, log: "Log", **more: Any) -> str:
    """What could not be made, for the last line. That a browser fails is no reason to lose the night."""
    from stillframe.engine.commands.run_evaluate import run_evaluate
    from stillframe.engine.reports.targets import NotMadeError

    if not files:
        return ""
    log("evaluating", f"{snapshot.id}: {', '.join(each.name for each in files)}")
    try:
        run_evaluate(snapshot, ruleset, _quiet(), _quiet(), targets=files, **more)
    except NotMadeError as error:
        log("not written", f"{error}; {error.help}")
        return ", not all written"
    return ""


def _compare(old: "Snapshot", new: "Snapshot", ruleset: Any, files: Any, log: "Log", **more: Any) -> "Compared":
    from stillframe.engine.commands.run_diff import run_diff
    from stillframe.engine.console import console

    log("comparing", f"{new.id} with {old.id}" if old.id != new.id else f"{new.id} is the first: nothing is new")
    err = _quiet() if log.form == "json" else console(stderr=True)
    return run_diff(old, new, ruleset, console(), err, targets=files, **more)


def _tell(
    telling: Telling, new: "Snapshot", ruleset: "Ruleset", told: str, *, old: "Snapshot | None" = None, **more: Any
) -> str:
    """Tell every channel what it does not know. That nobody could be told is no reason to lose what was found."""
    from stillframe.engine.assess import assess, choose
    from stillframe.engine.commands.telling import import_findings
    from stillframe.engine.telling.news import Current
    from stillframe.snapshot import StillframeError, list_snapshots, open_snapshot

    chosen, method = more["chosen"], more["method"]
    now = Current(frozenset(new.accounts), frozenset(policy.id for policy in ruleset.policies))
    now.learn(assess(new, ruleset, method=method))
    [part] = choose(chosen, ruleset, of=[old or new, new])
    now.choose(assess(new, part, chosen, method), more["limits"].fail_on)

    def import_all(role: str, since: str) -> None:
        whole = [each.path for each in list_snapshots(telling.place) if each.accounts is not None and each.id == since]
        import_findings(telling, role, open_snapshot(whole[0]) if whole else None, new, ruleset, **more)

    telling.import_all = import_all
    try:
        return telling.tell(now, new.id, told)
    except StillframeError as error:
        telling.log("not told", f"{error}; {error.help}")
        return ", nobody told"


def _quiet() -> Any:
    from rich.console import Console

    return Console(file=sys.stderr, quiet=True)


def _prune(place: "Place", staying: Any, log: "Log") -> str:
    """What was removed, for the last line. That nothing could be is no reason to lose what was found."""
    from stillframe.engine.console import counted
    from stillframe.snapshot import StillframeError
    from stillframe.snapshot.prune import prune

    try:
        _, going = prune(place, staying)
    except StillframeError as error:
        log("pruning", f"not pruned: {error}; {error.help}")
        return ", not pruned"
    for name in going:
        log("pruning", f"removed {name}")
    return f", {counted(len(going), 'snapshot')} removed" if going else ""


def _told(snapshot: "Snapshot", found: "Compared", *, first: bool) -> str:
    """A night in a line."""
    from stillframe.engine.model.change import Change
    from stillframe.engine.reports.summary import totals

    unknown = found.number(Change.UNKNOWN) - found.unseen
    kinds = [(found.number(Change.NEW), "new"), (found.number(Change.RESOLVED), "resolved"), (unknown, "newly unknown")]
    kinds += [(found.unseen, "out of sight")] if found.unseen else []
    changed = "the first night" if first else ", ".join(f"{number:,} {name}" for number, name in kinds)
    return f"{snapshot.id}: {changed}; now {totals(found.rows)}"
