"""The container's image and the cluster to try: what can be known of them without a daemon that builds them.

With --sweep the image's steps are run in a folder, and the program as another user on a file system that is read-only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from builders import write_snapshot

ROOT = Path(__file__).parent.parent
STEPS = [
    (line.split(" ", 1)[0], line.split(" ", 1)[1])
    for line in (ROOT / "Dockerfile").read_text().splitlines()
    if line and not line.startswith("#")
]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_image_is_of_a_distribution_and_runs_as_nobody_in_particular():
    assert [name for name, _ in STEPS].count("FROM") == 2
    last = dict(STEPS[[name for name, _ in STEPS].index("FROM", 1) :])
    assert last["FROM"].startswith("debian:")
    assert int(last["USER"].split(":")[0]) > 1000
    assert last["ENTRYPOINT"] == '["stillframe"]'
    (extras,) = [text.partition("=")[2] for name, text in STEPS if name == "ARG"]
    asked = [extras, *(each["build"]["args"]["EXTRAS"] for each in COMPOSE["services"].values())]
    assert {name for text in asked for name in text.split(",")} <= EXTRAS.keys()


def test_what_the_image_is_made_of_is_what_the_package_is():
    """Nothing else goes to who builds it: no archive, no findings and no credentials that lie about."""
    shown = (ROOT / ".dockerignore").read_text().splitlines()
    assert shown[0] == "*"
    given = {line[1:] for line in shown if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {name.split(".")[1] for name in project["tool"]["setuptools"]["packages"] if "." in name}
    assert given == {*folders, "*.py", "LICENSE", "README.md", "py.typed", "pyproject.toml"}


def test_the_cluster_to_try_has_a_scheduler_two_workers_and_a_store():
    services = COMPOSE["services"]
    assert services["worker"]["deploy"]["replicas"] == 2
    for name, each in services.items():
        assert (each["read_only"], each["tmpfs"], each["cap_drop"]) == (True, ["/tmp"], ["ALL"]), name
        assert not [port for port in each.get("ports", ()) if not port.startswith("127.0.0.1:")], name
        assert each["environment"]["AWS_SECRET_ACCESS_KEY"] == "testing", name


@pytest.mark.parametrize("service", ["scheduler", "worker", "store"])
def test_what_a_service_runs_is_there_and_has_its_options(service):
    command, *words = COMPOSE["services"][service]["entrypoint"]
    names = [words.pop(0)] if command == "dask" else []
    told = subprocess.run(
        [Path(sys.executable).parent / command, *names, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [word for word in words if word.startswith("--") and word not in told] == []


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that others may read, and that is not below /tmp, which is another inside."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_by_its_steps_it_works_where_nothing_may_be_written(request, place):
    if not request.config.getoption("--sweep"):
        pytest.skip("only with --sweep: it installs")
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only where this user may make a file system read-only")
    source, image, with_extras = place / "source", place / "image", {**os.environ, "EXTRAS": "dask,s3"}
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "tests", "bench", "docs", "__pycache__"))
    for name, text in STEPS:
        if name == "RUN" and not text.startswith("apt-get"):
            step = text.replace("/opt/stillframe", str(image)).replace("/source", str(source))
            step = step.replace("python3 -m", "/usr/bin/python3 -m")
            subprocess.run(["/bin/sh", "-ec", step], check=True, capture_output=True, env=with_extras)
    vpcs = [{"VpcId": f"vpc-{number}"} for number in range(600)]
    archive = write_snapshot(place / "archive", {"AWS::EC2::VPC": vpcs}).parent
    environment = dict(STEPS)["ENV"].replace("/opt/stillframe", str(image))
    user = dict(STEPS)["USER"].split(":")[0]
    subprocess.run(["chmod", "--recursive", "a+rX", archive, image], check=True)
    inside = place / "inside.sh"
    inside.write_text(INSIDE.format(place=place, image=image, archive=archive, environment=environment, user=user))
    for more in ("", "--workers 2", "--cluster local:1"):
        done = subprocess.run(["unshare", "--mount", "sh", "-eu", inside, more], capture_output=True, text=True)
        assert done.returncode in (1, 4), (more, done.returncode, done.stderr)
        assert "error:" not in done.stderr, (more, done.stderr)


INSIDE = """
mount --make-rprivate /
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777 none /tmp
cd /tmp
if touch {place}/written /written 2> /dev/null; then exit 99; fi
export {environment}
exec setpriv --reuid {user} --regid {user} --clear-groups {image}/bin/stillframe evaluate {archive} $1 -o /tmp/out.jsonl
"""
