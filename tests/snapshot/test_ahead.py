from __future__ import annotations

import pickle
import threading

import pytest
from msgspec.structs import replace
from stillframe.engine.testing.examples import fixture
from stillframe.snapshot import SnapshotError, ahead
from stillframe.snapshot.ahead import ACCOUNTS, ReadingAhead
from stillframe.snapshot.model import lines_of

MANY = [f"{number:012}" for number in range(100)]
VPC, KEY = "AWS::EC2::VPC", "AWS::KMS::Key"


class Store:
    """Accounts of which each has one line of each type; what is read of it, in order; and what cannot be."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.broken: set[str] = set()
        self.main: list[str] = []

    def open(self, identity: str):
        self._note(identity)
        account = replace(next(map(fixture({VPC: []}).account, fixture({VPC: []}).accounts)), id=identity)
        coverage = {kind: replace(account.coverage[VPC], count=1) for kind in (VPC, KEY)}
        return replace(account, coverage=coverage, lines=lambda kind: self._lines(identity, kind))

    def _lines(self, identity: str, kind: str):
        self._note(f"{identity} {kind}")
        return lines_of(f'{{"{identity}": "{kind}"}}\n'.encode(), utf8=True, plain=True)

    def _note(self, what: str) -> None:
        if what in self.broken:
            raise SnapshotError(f"{what}: damaged")
        self.read.append(what)
        if threading.current_thread() is threading.main_thread():
            self.main.append(what)


@pytest.fixture
def store() -> Store:
    return Store()


def test_what_comes_next_is_read_before_it_is_asked_for_and_once(store):
    opened = ReadingAhead(store.open, MANY)
    for identity in MANY:
        assert opened(identity).lines(VPC).data == f'{{"{identity}": "{VPC}"}}\n'.encode()
    assert sorted(store.read) == sorted([*MANY, *(f"{each} {VPC}" for each in MANY)])
    assert len(store.main) <= 1 + ACCOUNTS  # those of the first ones, whose types nobody knew yet


def test_what_is_asked_for_out_of_turn_is_read_alone(store):
    opened = ReadingAhead(store.open, MANY)
    for identity in (MANY[50], MANY[70], MANY[50], MANY[20]):
        opened(identity).lines(KEY)
    assert {each[:12] for each in store.read} == {MANY[20], MANY[50], MANY[70]}


def test_a_share_in_the_middle_is_read_ahead_too(store):
    opened = ReadingAhead(store.open, MANY)
    for identity in MANY[40:70]:
        opened(identity).lines(VPC)
        opened(MANY[3]).lines(KEY)
    assert len([each for each in store.main if each.endswith(VPC)]) <= 2 + ACCOUNTS


def test_not_more_than_a_few_are_kept(store, monkeypatch):
    monkeypatch.setattr(ahead, "KEPT", 20)
    opened = ReadingAhead(store.open, MANY)
    for _ in range(2):
        for identity in MANY:
            opened(identity)
    assert len(opened._reads) == 20


def test_what_is_damaged_is_an_error_when_it_is_its_turn(store):
    store.broken |= {f"{MANY[30]} {VPC}", MANY[60]}
    opened = ReadingAhead(store.open, MANY)
    for identity in MANY[:30]:
        opened(identity).lines(VPC)
    with pytest.raises(SnapshotError, match=f"{MANY[30]} {VPC}: damaged"):
        opened(MANY[30]).lines(VPC)
    for identity in MANY[31:60]:
        opened(identity).lines(VPC)
    with pytest.raises(SnapshotError, match=f"{MANY[60]}: damaged"):
        opened(MANY[60])


def test_it_goes_to_another_process_without_what_is_under_way():
    opened = ReadingAhead(str, MANY)
    assert pickle.loads(pickle.dumps(opened))._accounts == MANY


def test_asked_for_once_more_an_account_is_open_and_its_files_are_read_ahead(store):
    opened = ReadingAhead(store.open, MANY)
    for kind in (VPC, KEY):
        store.main.clear()
        for identity in MANY:
            assert opened(identity).lines(kind).number == 1
        assert len(store.main) <= 1 + ACCOUNTS
    assert sorted(each for each in store.read if each in MANY) == MANY
