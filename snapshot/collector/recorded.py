"""Take a snapshot of answers that were recorded: the collector runs as ever, and nobody is asked.

    from stillframe.snapshot.collector.recorded import import_recorded

    done = import_recorded("answers", "snapshots")

What was not recorded is unknown: NotRecorded.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec
import yaml
from botocore import xform_name
from botocore.exceptions import ClientError
from msgspec import Struct

from ..catalog import Call
from ..chain import is_finished, manifest_at
from ..choice import asked_in_part, choose
from ..error_kinds import EXPIRED, code_of, kind_of
from ..errors import ArgumentError, CollectError, SnapshotError
from ..format import Manifest, decode, parse, snapshot_id
from ..given import check_names, path_of
from ..given import place_of as archive_of
from ..layout import MANIFEST
from ..model import Collected, Json
from ..names import moment_of
from ..own_types import carried
from ..remote import Place, read
from .anew import begin_anew
from .call import Answer
from .clients import Clients
from .fitting import UnfitError, fitted
from .pages import TOKENS, Page, announces_more
from .plan import Plan
from .recording import (
    ABOUT,
    LAYOUT,
    Key,
    Recording,
    UnusableError,
    about,
    error_of,
    found_in,
    key_of,
    model_of,
    place_of,
    read_answer,
)
from .run import NoneEnteredError, run
from .session import Caller
from .targets import Target
from .write import Writer

SOURCE = "recorded"
NOT_RECORDED = "NotRecorded"


class Imported(Struct, frozen=True, kw_only=True):
    """What an import brought. `problems` are files that were not used, a line each; `script` records what lacks.

    It is not `written` where the archive has a snapshot of the same answers.
    """

    collected: Collected
    problems: tuple[str, ...]
    script: str
    written: bool


def import_recorded(
    folder: Path | str,
    into: Path | str,
    *,
    as_of: datetime | None = None,
    regions: Collection[str] = (),
    types: Collection[str] = (),
    workers: int = 2,
) -> Imported:
    """Write what a folder of recorded answers tells to an archive.

    `as_of` is the time of the answers, where the recording does not say it, or something else. Where there is a
    snapshot of that time that holds something else, it is of a later second. Raises ArgumentError, SnapshotError or
    CollectError.
    """
    check_names(regions=regions, types=types)
    folder, archive = path_of(folder), archive_of(into)
    if not folder.is_dir():
        raise ArgumentError(f"{folder}: no such folder", f"name one that `collect --record` wrote: {LAYOUT}")
    said, player = about(folder), Player(folder)
    if not player.accounts:
        raise CollectError("; ".join([f"{folder}: no recorded answer there", *player.problems[:3]]), LAYOUT)
    moment = _moment(folder, said, as_of)
    accounts = sorted({*said.accounts, *player.accounts})
    plan = Plan(
        types=choose(
            types or [name for name in said.types if name not in said.attached], None if types else said.attached
        ),
        regions=frozenset(regions or said.regions or ()) or None,
        organization=said.organization,
        workers=workers,
        answers=player.answers,
        paced=False,
    )
    before = list(_before(archive, moment))
    writer = begin_anew(archive, moment, len(accounts), exact=not before)
    try:
        done = run(
            [_target(folder, said, account) for account in accounts],
            writer,
            clients=Nobody(),
            caller=Caller(account=accounts[0], partition=said.partition),
            plan=plan,
            scope=_scope(said, plan),
            finish=partial(_finish, before),
        )
    except NoneEnteredError:
        why = "; ".join([*player.problems, *player.unused()][:3])
        raise CollectError(f"{folder}: no answer there tells of a resource; {why}", LAYOUT) from None
    return Imported(
        collected=done,
        problems=(*player.problems, *player.unused()),
        script=player.script(),
        written=done.path.name == snapshot_id(writer.captured_at),
    )


def _moment(folder: Path, said: Recording, as_of: datetime | None) -> datetime:
    moment = as_of or (moment_of(said.captured_at) if said.captured_at else None)
    if moment is None and said.captured_at:
        raise SnapshotError(
            f"{folder / ABOUT}: there is no time {said.captured_at}", "write one such as 2026-01-01T00:00:00Z"
        )
    if moment is None:
        raise ArgumentError(
            f"{folder}: nothing says of when its answers are",
            f"give --as-of TIME, or write captured_at into {ABOUT}",
        )
    return moment


def _before(archive: Place, moment: datetime) -> Iterator[Place]:
    """The snapshots of a moment that an archive has, or had before they were pruned: each a second after the other."""
    while is_finished(path := archive / snapshot_id(moment)):
        yield path
        moment += timedelta(seconds=1)


def _finish(before: Collection[Place], writer: Writer, scope: Mapping[str, Any]) -> Place:
    """Finish a snapshot, unless there is one that holds the same."""
    own = carried(scope["types"]) or msgspec.UNSET
    for path in before:
        there: Manifest = parse(read(place := manifest_at(path) or path / MANIFEST), Manifest, place)
        if (there.accounts, there.types) == (writer.done, own):
            writer.discard()
            return path
    return writer.finish(scope)


def _target(folder: Path, said: Recording, account: str) -> Target:
    try:
        return Target(account=account, name=said.accounts.get(account), facts=decode(said.facts.get(account, {})))
    except SnapshotError as error:
        raise SnapshotError(f"{folder / ABOUT}: facts of {account}: {error}", "remove it from there") from None


def _scope(said: Recording, plan: Plan) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "accounts": "organization" if said.organization else "listed",
        "partition": said.partition,
        "regions": sorted(plan.regions) if plan.regions else None,
        "roles": [],
        "skipped": {},
        "types": sorted(plan.types),
        **({"attached": attached} if (attached := asked_in_part(plan.types)) else {}),
    }


class Nobody(Clients):
    """Clients that know AWS's models, and reach no network."""

    def __init__(self) -> None:
        super().__init__(boto3.Session("nobody", "nobody", region_name="us-east-1"))

    def _make(self, service: str, region: str) -> Any:  # noqa: ARG002 - the model is the same everywhere
        return SimpleNamespace(meta=SimpleNamespace(service_model=model_of(service)))


class Player:
    """Answers from a folder. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._files, self.problems = found_in(folder)
        self._lock = threading.Lock()
        self._used: set[Key] = set()
        self._lacking: dict[Key, Mapping[str, Json]] = {}
        self.accounts = {account for account, *_ in self._files}

    def answers(self, account: str, region: str) -> Answer:
        """What answers in the place of AWS."""

        def answer(client: Any, call: Call, given: Mapping[str, Json], _: float) -> Page:
            key = key_of(account, region, call.service, call.operation, given)
            path = self._files.get(key)
            with self._lock:
                first = key not in self._used
                self._used.add(key)
                if path is None:
                    self._lacking[key] = given
            if path is not None:
                try:
                    return _answer(path, client, call)
                except UnusableError as error:
                    if first:
                        self.problems.append(f"{path}: {error}")
            raise ClientError({"Error": {"Code": NOT_RECORDED}}, call.operation)

        return answer

    def unused(self) -> list[str]:
        """What nobody asked for, a line for each operation: a name with a letter wrong, say."""
        left: dict[tuple[str, ...], list[Path]] = {}
        for key, path in self._files.items():
            if key not in self._used:
                left.setdefault(key[:-1], []).append(path)
        return [f"{paths[0]}{_more(paths)}: nobody asks for it{self._instead(call)}" for call, paths in left.items()]

    def _instead(self, call: tuple[str, ...]) -> str:
        found = next((key for key in sorted(self._lacking) if key[:-1] == call), None)
        return f", but for {call[-1]} {found[-1] or 'without parameters'}" if found else ""

    def script(self) -> str:
        """Shell commands that record what was asked for and is not there, into the folder where they are run."""
        return "".join(f"{line}\n" for line in _script(self._lacking))


def _answer(path: Path, client: Any, call: Call) -> Page:
    answer = read_answer(path)
    error = error_of(answer, call.operation)
    if error is not None:
        if kind_of(code_of(error)) is EXPIRED:
            raise UnusableError("the credentials had expired: ask again")
        raise error
    if not call.first and (announces_more(answer) or any(answer.get(name) for name in TOKENS)):
        raise UnusableError("is cut off, or begins in the middle: it names another page")
    try:
        found: Page = fitted(answer, client.meta.service_model.operation_model(call.operation).output_shape)
    except UnfitError as unfit:
        raise UnusableError(f"is no answer to {call.operation}: {unfit}") from None
    return found


@cache
def _commands() -> Mapping[str, str]:
    """Services that the AWS command line calls otherwise than boto3."""
    found: Mapping[str, str] = yaml.safe_load(files(__package__).joinpath("commands.yaml").read_text())
    return found


def _script(lacking: Mapping[Key, Mapping[str, Json]]) -> Iterator[str]:
    accounts: set[str] = set()
    for (account, region, service, operation, _), given in sorted(lacking.items(), key=lambda each: each[0]):
        if account not in accounts:
            accounts.add(account)
            yield f"# with credentials of {account}"
        path = place_of(account, region, service, operation, given)
        call = f"{_commands().get(service, service)} {xform_name(operation, '-')} --region {region} --output json"
        parameters = f" --cli-input-json {quote(json.dumps(given))}" if given else ""
        yield f"mkdir -p {quote(path.rpartition('/')[0])}"
        yield f"aws {call}{parameters} > {quote(path)} 2>&1"


def _more(paths: Collection[Path]) -> str:
    return f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
