"""What programs give to our functions: paths as text or as Path, and a clear word for what is neither."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import pytest
from builders import write_snapshot
from stillframe.engine.loading.policies import load_policies
from stillframe.snapshot import ArgumentError, CollectError, SnapshotError, find_snapshot, list_snapshots, open_snapshot
from stillframe.snapshot.collector.collect import collect, prepare, resume
from stillframe.snapshot.prune import parse_keep, prune
from stillframe.snapshot.verify import verify, verify_archive

VPC = "AWS::EC2::VPC"
GIVEN = {VPC: [{"VpcId": "vpc-1", "OwnerId": "111122223333", "IsDefault": False, "State": "available"}]}
POLICY = f"id: own\ntitle: own\nseverity: low\nresource: {VPC}\nassert: '!IsDefault'\n"


@pytest.fixture
def archive(tmp_path) -> Path:
    write_snapshot(tmp_path / "archive", GIVEN)
    return tmp_path / "archive"


READERS = {
    "find_snapshot": find_snapshot,
    "list_snapshots": list_snapshots,
    "open_snapshot": lambda path: open_snapshot(path).id,
    "verify": lambda path: list(verify(path)),
    "verify_archive": lambda path: list(verify_archive(path)),
    "prune": lambda path: prune(path, parse_keep("last=1"), dry_run=True),
}


@pytest.mark.parametrize("name", READERS)
def test_a_path_may_be_text(archive, name):
    assert READERS[name](str(archive)) == READERS[name](archive)


@pytest.mark.parametrize("given", [None, 1, b"archive", "", "a\0b", ["archive"]])
@pytest.mark.parametrize("name", [*READERS, "collect", "resume"])
def test_what_is_no_path_is_an_error(name, given):
    function = READERS.get(name) or {"collect": collect, "resume": resume}[name]
    with pytest.raises(ArgumentError, match=re.escape(f"{given!r} is no path")):
        function(given)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("path", ["absent", "a" * 300])
def test_where_nothing_is_or_can_be_is_an_error(name, path):
    with pytest.raises((SnapshotError, CollectError), match=path):
        READERS[name](path)


def test_an_account_that_is_not_there_is_named(archive):
    with pytest.raises(ArgumentError, match="account 999999999999 is not in this snapshot"):
        open_snapshot(archive).account("999999999999")


def test_policies_are_loaded_from_text_and_paths_and_from_a_list_of_them(tmp_path):
    (tmp_path / "own.yaml").write_text(POLICY)
    for given in ([str(tmp_path)], [tmp_path / "own.yaml"], (tmp_path,)):
        assert [policy.id for policy in load_policies(given, shipped=False)] == ["own"]
    for wrong in (str(tmp_path), tmp_path, None):
        with pytest.raises(ArgumentError, match="is no list of paths"):
            load_policies(wrong, shipped=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ({name: "eu-west-1"}, f"{name}: 'eu-west-1' is no list of names")
            for name in ("regions", "types", "accounts")
        ),
        *(
            ({name: wrong}, f"{name}: {wrong!r} is no list")
            for name in ("exclude", "roles")
            for wrong in ([1], None, {})
        ),
        ({"regions": [""]}, "regions: [''] is no list of names"),
        ({"workers": "4"}, "workers: '4' is no number above zero"),
        ({"workers": 0}, "workers: 0 is no number"),
        ({"workers": True}, "workers: True is no number"),
        ({"deadline": float("nan")}, "deadline: nan is no number"),
        ({"session": "audit"}, "session: 'audit' is none of boto3's"),
    ],
)
def test_options_of_the_wrong_kind_are_errors_and_ask_nothing(options, message):
    given = {"session": boto3.Session("x", "x", region_name="us-east-1"), "endpoint_url": "http://127.0.0.1:1"}
    with pytest.raises(ArgumentError, match=re.escape(message)):
        prepare(**given | options)
