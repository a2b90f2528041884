"""A filling that is stopped, wherever that is, can be completed: the bytes are those of one that was not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import furnish
from config_items import Encoder, deliver, items
from stillframe.snapshot import list_snapshots, open_snapshot
from stillframe.snapshot.archive import read_manifest
from stillframe.snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE, ResourceType
from stillframe.snapshot.collector import clients
from stillframe.snapshot.collector import run as run_
from stillframe.snapshot.collector.collect import Watch, collect, resume
from stillframe.snapshot.collector.demo import MANAGEMENT, session, types
from stillframe.snapshot.collector.fill import fill
from stillframe.snapshot.collector.unfinished import unfinished
from stillframe.snapshot.errors import CollectError, OtherPlanError
from stillframe.snapshot.importing import filling
from stillframe.snapshot.names import moment_of
from stillframe.snapshot.verify import verify, verify_archive

from bench.proxy import proxy, told

KILLS = int(os.environ.get("STILLFRAME_KILLS", "1"))
ACCOUNTS = (MANAGEMENT, "222222222222", "333333333333")
EAST, WEST = "us-east-1", "us-west-2"
KINDS = (ACCOUNT_TYPE, REGION_TYPE, "AWS::EC2::VPC", "AWS::KMS::Key", "AWS::S3::Bucket")


def few() -> dict[str, ResourceType]:
    """Of what the stand-in knows enough to be lacking, and to be recorded."""
    return {kind: types()[kind] for kind in KINDS}


@pytest.fixture(scope="module")
def estate(stand_in: Any) -> Iterator[str]:
    """Something to ask for in each of three accounts."""
    with stand_in() as url:
        furnish(url, ACCOUNTS)
        yield url


@pytest.fixture(scope="module")
def logs(estate, tmp_path_factory) -> Path:
    """What AWS Config recorded of the one region that it records."""
    given: dict[str, Any] = {"session": session(), "endpoint_url": estate, "accounts": ACCOUNTS, "catalog": few()}
    live = collect(tmp_path_factory.mktemp("live"), regions=[EAST], **given).path
    found = items(open_snapshot(live), Encoder(1), datetime.now(UTC) - timedelta(hours=3))
    own = {place: rows for place, rows in found.items() if place[1] == EAST}
    deliver(folder := tmp_path_factory.mktemp("logs"), own, datetime.now(UTC) - timedelta(minutes=1))
    return folder


def filled(url: str, logs: Path, into: Any, *, again: bool = False, begun: datetime | None = None, **how: Any) -> Any:
    """Fill what AWS Config recorded, or go on with that; gives the snapshot."""
    place = unfinished(into) if again else into
    when = begun or (moment_of(place.name) if again else None)
    counts = how.pop("counts", {})
    with filling.filling([logs], counts, begun=when) as whole:
        given = {"session": session(), "endpoint_url": url, "accounts": whole.accounts}
        given |= {"catalog": few(), "regions": [EAST, WEST]}
        return fill(whole, place, resume=again, **given | how).path


def contents(path: Any) -> tuple[Any, ...]:
    """All that a snapshot holds: files by their digests, and what is said of it, but for times."""
    said = read_manifest(path)
    return open_snapshot(path).digests, {**said.scope, "filled": None}


@pytest.fixture(scope="module")
def sound(estate, logs, tmp_path_factory) -> tuple[Any, ...]:
    return contents(filled(estate, logs, tmp_path_factory.mktemp("sound")))


def stop(_: str) -> None:
    raise KeyboardInterrupt


def stopped(estate: str, logs: Path, into: Any) -> Any:
    with pytest.raises(KeyboardInterrupt):
        filled(estate, logs, into, workers=1, watch=Watch(account=stop))
    return unfinished(into)


# A process that ends before it does a certain thing to a file of the archive.
FILL = f"""
import os, sys
archive, at, url, logs, *more = sys.argv[1:]
seen = 0
def hook(event, given):
    global seen
    if event in ("open", "os.rename", "os.link", "os.mkdir", "os.remove") and str(given[0]).startswith(archive):
        if event != "open" or (given[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen += 1
            if seen == int(at):
                os._exit(9)
sys.path.append({str(Path(__file__).parent)!r})
sys.path.append({str(Path(__file__).parents[2])!r})
from pathlib import Path
from test_filling_again import filled
sys.addaudithook(hook)
filled(url, Path(logs), Path(archive), again=bool(more))
print(seen)
"""


def started(archive: Path, at: int, url: str, logs: Path, *more: str) -> subprocess.CompletedProcess[str]:
    process = [sys.executable, "-c", FILL, str(archive), str(at), url, str(logs), *more]
    return subprocess.run(process, capture_output=True, text=True, check=False)


def test_killed_at_any_moment_it_can_be_completed_and_no_complete_account_is_asked_again(estate, logs, sound, tmp_path):
    whole = started(tmp_path / "whole", 0, estate, logs)
    assert whole.returncode == 0, whole.stderr
    touched = int(whole.stdout)
    assert touched > 20
    with proxy(estate, tmp_path / "log") as url:
        for number in range(KILLS):
            archive, at = tmp_path / f"killed-{number}", 1 + (2 * number + 1) * touched // (2 * KILLS)
            assert started(archive, at, url, logs).returncode == 9
            folder = next(archive.glob("2*"), None)
            if folder is None or (not (folder / ".plan.json").exists() and not (folder / "manifest.json").exists()):
                continue  # it had not begun
            if not (folder / "manifest.json").exists():
                complete, before = {path.name for path in folder.glob("[0-9]*")}, len(told(tmp_path / "log"))
                again = started(archive, 0, url, logs, "again")
                assert again.returncode == 0, (at, again.stderr)
                asked = {account for _, account, _ in told(tmp_path / "log")[before:]}
                assert not asked & complete - {MANAGEMENT}  # whose credentials also say who is calling
            assert contents(folder) == sound, at
            assert [*verify_archive(archive)] == []
            assert {path.name for path in folder.glob(".*")} <= {".plan.json"}


@pytest.mark.parametrize("place", ["memory"], indirect=True)
def test_wherever_the_archive_is_what_was_complete_stays(estate, logs, sound, tmp_path, place):
    for into in (tmp_path / "into", place):
        folder = stopped(estate, logs, into)
        with pytest.raises(OtherPlanError, match="import that is being filled"):
            resume(into, session=session(), endpoint_url=estate)
        taken: list[str] = []
        assert filled(estate, logs, into, again=True, watch=Watch(account=taken.append)) == folder
        assert contents(folder)[0] == sound[0]
        assert len(taken) == len(ACCOUNTS)
        assert [*verify(folder)] == []
        assert [entry.accounts for entry in list_snapshots(into)] == [len(ACCOUNTS)]


def test_an_account_that_was_changed_meanwhile_is_asked_again(estate, logs, sound, tmp_path):
    """By this user's journal, though somebody made the digests agree; and by the digests, where there is none."""
    folder = stopped(estate, logs, tmp_path / "into")
    (complete,) = folder.glob("[0-9]*")
    (complete / "account.json").write_text(
        (complete / "account.json").read_text().replace('"recorded"', '"in"', 0) + " "
    )
    filled(estate, logs, tmp_path / "into", again=True)
    assert contents(folder) == sound

    folder = stopped(estate, logs, tmp_path / "other")
    (complete,) = folder.glob("[0-9]*")
    next(complete.glob("*.jsonl")).write_text("{}\n")
    for journal in Path(os.environ["XDG_STATE_HOME"]).rglob("plans/*"):
        journal.unlink()
    filled(estate, logs, tmp_path / "other", again=True)
    assert contents(folder) == sound


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"roles": ["another"]}, "asks for something else: roles"),
        ({"types": ["AWS::KMS::Key"], "catalog": None}, "asks for something else: types"),
        ({"counts": {"AWS::KMS::Key": {("KeyId",)}}}, "asks for something else: filling"),
    ],
)
def test_nothing_is_gone_on_with_otherwise_than_it_was_begun(estate, logs, tmp_path, how, says):
    folder = stopped(estate, logs, tmp_path / "into")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(OtherPlanError, match=says):
        filled(estate, logs, tmp_path / "into", again=True, **how)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_that_came_since_change_nothing_and_others_than_it_was_begun_with_are_refused(
    estate, logs, sound, tmp_path
):
    own = tmp_path / "logs"
    for path in logs.rglob("*.json.gz"):
        (own / path.name).parent.mkdir(exist_ok=True)
        (own / path.name).write_bytes(path.read_bytes())
    folder = stopped(estate, own, tmp_path / "into")
    begun = moment_of(folder.name)
    deliver(own, {(ACCOUNTS[1], EAST): []}, begun + timedelta(seconds=1))
    with pytest.MonkeyPatch.context() as later:
        later.setattr(filling, "datetime", Later)
        assert contents(filled(estate, own, tmp_path / "into", again=True)) == sound
    folder = stopped(estate, logs, tmp_path / "other")
    with pytest.raises(OtherPlanError, match="filling"):
        filled(estate, next(logs.rglob("*.json.gz")).parent, tmp_path / "other", again=True)


class Later(datetime):
    by = timedelta(minutes=1)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) + cls.by


def test_what_was_begun_days_ago_is_not_gone_on_with(estate, logs, tmp_path, monkeypatch):
    stopped(estate, logs, tmp_path / "into")
    monkeypatch.setattr(Later, "by", filling.FRESH)
    monkeypatch.setattr(filling, "datetime", Later)
    with pytest.raises(CollectError, match=r"begun at .* more than 2 days ago"):
        filled(estate, logs, tmp_path / "into", again=True)


def test_the_command_says_how_to_go_on_and_does(estate, logs, tmp_path, run, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "demo")
    monkeypatch.setattr(clients, "ATTEMPTS", 1)  # what the stand-in does not know it answers with 500
    into, given = tmp_path / "into", ["import", "aws-config", logs, "--fill", "--types", "AWS::EC2::VPC"]
    given += ["--endpoint-url", estate, "--into", into]
    with monkeypatch.context() as context:
        context.setattr(run_, "Visit", lambda *_, **__: stop(""))
        result = run(*given)
    assert (result.code, "the same command, and --resume" in result.err) == (130, True), result.err
    assert [entry.accounts for entry in list_snapshots(into)] == [None]
    again = run(*given, "--resume")
    assert (again.code, "resources of 3 accounts in" in again.err) == (0, True), again.err
    assert [entry.accounts for entry in list_snapshots(into)] == [3]
    nothing = run(*given, "--resume")
    assert (nothing.code, "no unfinished snapshot here" in nothing.err) == (3, True)
