"""What is fuzzed of files that others wrote for importers, and of what stands beside the snapshots of an archive."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from answering import CATALOG, gather, respond
from builders import shipped
from config_items import Encoder, deliver, items
from fuzz.edits import LOSE, Edit, altered, edited
from fuzz.targets import IDS, Try, accepted, as_json, command, estate, unique
from msgspec.json import encode
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.model.finding import Status
from stillframe.engine.telling.told import TOLD, Channel, Known, read_told, write_told
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import open_snapshot
from stillframe.snapshot.catalog import REGION_TYPE
from stillframe.snapshot.collector.decode import ANSWER
from stillframe.snapshot.collector.recorded import import_recorded
from stillframe.snapshot.format import too_deep
from stillframe.snapshot.importing.aws_config import import_aws_config
from stillframe.snapshot.remote import Place
from stillframe.snapshot.verify import verify

THEN = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "us-east-1"


def hold_whole(snapshot: Place) -> None:
    """A snapshot is whole: values of the wrong kind, which are unknown, are the most that can be said of it."""
    faults = [each for each in verify(snapshot) if "MalformedValue" not in each]
    assert not faults, faults


def config_files(folder: Path) -> Try:
    """A snapshot file of AWS Config: its gzip, its JSON, what it says; what an item loses makes nothing pass."""
    tempfile.tempdir = str(folder)  # where an import keeps what it has read
    found = items(fixture(unique(estate())), Encoder(), THEN)
    path = max(deliver(folder / "delivered", found, THEN), key=lambda each: each.stat().st_size)
    into, policies = folder / "imported", shipped(*IDS)
    packed = path.read_bytes()
    text = gzip.decompress(packed)
    honest = json.loads(text)

    def passes() -> set[tuple[str, str]]:
        shutil.rmtree(into, ignore_errors=True)
        snapshot = open_snapshot(import_aws_config([path], into, regions=[REGION], as_of=THEN).path)
        hold_whole(snapshot.path)
        return {(each.policy, each.resource) for each in evaluate(snapshot, policies) if each.status is Status.PASS}

    whole = passes()
    assert whole

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        lost = says and bool(edits) and all(what == LOSE for what, *_ in edits)
        if lost:
            rows = list(honest["configurationItems"])
            at = pick % len(rows)
            rows[at] = {**rows[at], "configuration": altered(rows[at]["configuration"], edits)}
            data = gzip.compress(encode({**honest, "configurationItems": rows}), 1)
        elif says:
            data = gzip.compress(as_json(altered(honest, edits)), 1)
        else:
            data = edited(packed, edits) if pick % 2 else gzip.compress(edited(text, edits), 1)
        path.write_bytes(data)
        now: set[tuple[str, str]] = set()
        read = accepted(lambda: now.update(passes()))
        assert not lost or now <= whole, f"passes by a loss: {now - whole}"
        if loud:
            shutil.rmtree(into, ignore_errors=True)
            command("import", "aws-config", path, "--into", into)
        return read

    return attempt


def recorded(folder: Path) -> Try:
    """Recorded answers, by their text, what they say and their names."""
    about, vpc = {"captured_at": "2026-01-01T00:00:00Z"}, {"VpcId": "vpc-1", "State": "available", "OwnerId": ACCOUNT}
    regions = {"Regions": [{"RegionName": REGION, "OptInStatus": "opt-in-not-required"}]}
    honest = {
        "recording.json": about,
        f"{ACCOUNT}/{REGION}/ec2/describe-regions/AllRegions=true.json": regions,
        f"{ACCOUNT}/{REGION}/ec2/describe-vpcs.json": {"Vpcs": [vpc]},
        f"{ACCOUNT}/{REGION}/ec2/describe-flow-logs.json": {"FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": "vpc-1"}]},
    }
    names, answers, into = sorted(honest), folder / "answers", folder / "imported"

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        for each in (answers, into):
            shutil.rmtree(each, ignore_errors=True)
        harmed = names[pick % len(names)]
        for name, said in honest.items():
            path = answers / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_json(said))
            if name == harmed:
                path.write_bytes(as_json(altered(said, edits)) if says else edited(path.read_bytes(), edits))

        def work() -> None:
            done = import_recorded(answers, into, types=("AWS::EC2::VPC", "AWS::EC2::FlowLog"))
            hold_whole(done.collected.path)

        read = accepted(work)
        if loud:
            shutil.rmtree(into, ignore_errors=True)
            command("import", "recorded", answers, "--into", into, "--types", "AWS::EC2::VPC")
        return read

    return attempt


def collected(folder: Path) -> Try:
    """What AWS answers with, as botocore reads it, of every type: whatever it says, a collection ends, and is whole."""
    names, into = sorted(CATALOG), folder / "collected"

    def attempt(pick: int, _: bool, edits: Sequence[Edit], loud: bool) -> bool:
        kind, harmed = names[pick % len(names)], pick // len(names) % 4
        asked = count()

        def harm(model: Any, params: Mapping[str, Any], **_: Any) -> Any:
            status, answer = respond(model, params)
            said = altered(answer, edits) if next(asked) == harmed else answer
            # What is no object, or too deep, is refused before botocore has read it: `answers` tries that.
            return status, said if isinstance(said, dict) and not too_deep(encode(said), ANSWER) else answer

        shutil.rmtree(into, ignore_errors=True)
        return accepted(
            lambda: hold_whole(gather(into, harm, types={each: CATALOG[each] for each in (REGION_TYPE, kind)}).path)
        )

    return attempt


def told(folder: Path) -> Try:
    """What channels were told: it is read in an archive that others write to, or told again."""
    known = Known(account=ACCOUNT, policy="vpc-flow-logs", name="12", resource="vpc-1")
    write_told(folder, {"github:them/it": Channel(failing={"ab" * 20: known}, unknown=["cd" * 20], snapshot="x")}, None)
    text = (folder / TOLD).read_bytes()

    def attempt(_: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        data = as_json(altered(json.loads(text), edits)) if says else edited(text, edits)
        (folder / TOLD).write_bytes(data)
        if loud:
            command("snapshot", "list", folder)

        def work() -> None:
            channels, tag = read_told(folder)
            write_told(folder, channels, tag)

        return accepted(work)

    return attempt


IMPORTED: Mapping[str, Callable[[Path], Try]] = {
    each.__name__: each for each in (config_files, recorded, collected, told)
}
