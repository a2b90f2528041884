"""The snapshots of the workloads: built when they are missing, and kept until what builds them changes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from stillframe.snapshot.catalog import catalog_digest
from stillframe.snapshot.collector.write import AccountData, Row, SnapshotWriter, row
from stillframe.snapshot.model import GLOBAL, Coverage

from . import dense, fleet
from .buckets import bucket
from .shapes import aws_account, aws_region, flow_log, key, recorder, resource, trail, vpc

HERE = Path(__file__).parent
MAKERS = ("arithmetic", "buckets", "dense", "estate", "filler", "fleet", "instances", "shapes", "snapshots")
CACHE = "cache"  # where findings of before are kept
FIRST, CHANGED, LATER = 0, 1, 2  # the pictures of the archive for incremental runs, in order


def fleet_of(into: Path, scale: float) -> Path:
    """The folder of a fleet's snapshot."""
    return _only(_kept(into, f"fleet-{scale:g}", lambda archive: fleet.build(fleet.Fleet(scale=scale), archive)))


def whole_of(into: Path, scale: float) -> Path:
    """The same with all that a whole benchmark reads."""
    return _only(
        _kept(into, f"whole-{scale:g}", lambda archive: fleet.build(fleet.Fleet(scale=scale), archive, whole=True))
    )


def dense_of(into: Path, instances: int) -> Path:
    return _only(_kept(into, f"dense-{instances}", lambda archive: dense.build(instances, archive)))


def series_of(into: Path, scale: float) -> list[Path]:
    """Three pictures: a fleet; a day later 1 % of its accounts differ; another day later all trails have delivered."""

    def build(archive: Path) -> None:
        pictures = (
            fleet.Fleet(scale=scale),
            fleet.Fleet(scale=scale, changed=0.01),
            fleet.Fleet(scale=scale, changed=0.01, later=True),
        )
        for days, picture in enumerate(pictures):
            fleet.build(picture, archive, fleet.TIME + timedelta(days=days))

    return _snapshots(_kept(into, f"series-{scale:g}", build))


def ten_of(into: Path) -> Path:
    """A snapshot of ten resources, which is judged in no time: what is left is start-up."""
    return _only(_kept(into, "ten", _ten))


def small_of(into: Path, accounts: int) -> Path:
    """Many accounts with the same ten resources."""
    return _only(_kept(into, f"small-{accounts}", lambda archive: _ten(archive, accounts)))


def _ten(archive: Path, accounts: int = 1) -> Path:
    writer = SnapshotWriter(archive, fleet.TIME)
    for number in range(accounts):
        writer.add(_small(f"{111122223333 + number}"))
    return writer.finish({})


def _small(account: str) -> AccountData:
    region = "us-east-1"
    network = vpc(account, 1)
    made: list[tuple[str, str, str, dict[str, object]]] = [
        ("AWS::Account", "AccountId", GLOBAL, aws_account(account, Regions=[region])),
        ("AWS::Region", "RegionName", region, aws_region(region)),
        ("AWS::CloudTrail::Trail", "TrailARN", region, _trail(account, region)),
        ("AWS::Config::ConfigurationRecorder", "name", region, recorder(account, region)),
        ("AWS::S3::Bucket", "Name", region, bucket(account, region, f"acme-trails-{account}", 1)),
        ("AWS::KMS::Key", "KeyArn", region, key(account, region, 1, rotated=True)),
        ("AWS::KMS::Key", "KeyArn", region, key(account, region, 2, rotated=False)),
        ("AWS::EC2::VPC", "VpcId", region, network),
        ("AWS::EC2::VPC", "VpcId", region, vpc(account, 2)),
        ("AWS::EC2::FlowLog", "FlowLogId", region, flow_log(account, region, 1, network["VpcId"])),
    ]
    resources: dict[str, list[Row]] = {kind: [] for kind, *_ in made}
    for kind, identity, where, config in made:
        resources[kind].append(row(resource(kind, str(config[identity]), account, where, config)))
    coverage = {
        kind: Coverage(read=frozenset({GLOBAL if kind in fleet.GLOBAL_KINDS else region}), missing={})
        for kind in resources
    }
    return AccountData(id=account, name=None, regions=[region], coverage=coverage, resources=resources)


def _trail(account: str, region: str) -> dict[str, object]:
    return trail(account, "main", 1, bucket=f"acme-trails-{account}", bucket_region=region, later=False)


def _kept(into: Path, name: str, build: Callable[[Path], object]) -> Path:
    """An archive below `into`, built if it is not there. Its name says what built it."""
    made_by = hashlib.sha256(catalog_digest().encode())
    for module in MAKERS:
        made_by.update((HERE / f"{module}.py").read_bytes())
    archive = into / f"{name}-{made_by.hexdigest()[:8]}"
    if not archive.exists():
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = into / f".{archive.name}"
        for old in [*into.glob(f"{name}-????????"), *into.glob(f".{name}-????????")]:
            shutil.rmtree(old, ignore_errors=True)
        build(partial)
        partial.rename(archive)
    return archive


def _only(archive: Path) -> Path:
    (snapshot,) = _snapshots(archive)
    return snapshot


def _snapshots(archive: Path) -> list[Path]:
    return sorted(path for path in archive.iterdir() if is_snapshot(path))


def is_snapshot(path: Path) -> bool:
    return (path / "manifest.json").exists()
