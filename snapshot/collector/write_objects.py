"""Write a snapshot to an object store, so that no half of one can be taken for a whole, and no two writers for one.

Files are named by their digests: written twice they are the same, and what is there already is not written again. All
that can be fought over is written on condition: who begins a snapshot claims it, whoever completes it takes the claim
over, and the place in the chain is the object `last.json`, which is a copy of the last manifest.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec import structs

from ..archive import read_account_file
from ..chain import CLAIM, LAST, PRUNING, is_finished, last_link, settle
from ..errors import CollectError, OtherPlanError, SnapshotError
from ..files import PLAN
from ..format import BY_DIGEST, AccountId, Digest, Edge, Previous, digest, encode, parse, snapshot_id, timestamp
from ..layout import OBJECTS, Files
from ..remote import OvertakenError, Remote, every, find, get, put, put_if, remove
from ..resource_file import read_resources
from .journal import Journal, begin
from .journal import find as find_journal
from .kept import Kept, kept_bytes, read_plan
from .taking import at_work, refuse
from .write import AccountData, Written, check_account, compose, manifest_of

NOTES = 32  # how often it is written down which accounts are complete, in the course of a snapshot
TRIES = 100  # as many others may finish while this one does


class Claim(Edge, frozen=True, kw_only=True):
    """`.claim.json` of an unfinished snapshot: who is at work on it, and which accounts are complete."""

    holder: str
    accounts: dict[AccountId, Digest]


class ObjectWriter:
    """A snapshot being written, as `SnapshotWriter` is."""

    def __init__(
        self, path: Remote, captured_at: datetime, accounts: int, claim: Claim, tag: str, journal: Journal | None = None
    ) -> None:
        self.path, self.captured_at, self.journal = path, captured_at, journal
        self.files = Files(path, by_digest=True)
        self.done: dict[str, str] = dict(claim.accounts)
        self._holder, self._tag = claim.holder, tag
        self._every, self._noted = max(1, accounts // NOTES), len(self.done)
        self._lock = threading.Lock()
        self._pen = ObjectPen(path.parent)

    @property
    def pen(self) -> ObjectPen:
        return self._pen

    def add(self, account: AccountData) -> None:
        """Write one account's files, and take it in."""
        self.settle(self._pen.write(account))

    def settle(self, written: Written) -> None:
        """Note that an account is complete, and write that down from time to time."""
        if self.journal:
            self.journal.note(written.account, written.digest)
        with self._lock:
            self.done[written.account] = written.digest
            if len(self.done) >= self._noted + self._every:
                self._note()

    def finish(self, scope: Mapping[str, Any]) -> Remote:
        """Take the next place in the chain, and write the manifest, which makes the snapshot whole."""
        if not self.done:
            raise CollectError("no account was collected", "check --accounts, --role and the credentials")
        self.pause()
        archive = self.path.parent
        for _ in range(TRIES):
            last = settle(archive)
            if is_finished(self.path):  # by somebody who took it over, or by us, though nobody told us
                break
            before = last or last_link(archive)
            previous = Previous(id=before.id, sha256=before.digest) if before else None
            manifest = manifest_of(self.path.name, self.captured_at, previous, scope, self.done, BY_DIGEST)
            try:
                put_if(archive / LAST, manifest, last.tag if last else None)
                break
            except OvertakenError:  # another snapshot was finished
                continue
        else:
            raise CollectError(f"{archive}: {TRIES} others finished meanwhile", "complete the snapshot with --resume")
        settle(archive)
        self._forget()
        return self.path

    def pause(self) -> None:
        """Write down what is complete. Raises CollectError where somebody else has taken the snapshot over."""
        with self._lock:
            self._note()

    def discard(self) -> None:
        """Remove a snapshot that reached nothing."""
        self._forget()

    def _forget(self) -> None:
        remove([self.path / PLAN, self.path / CLAIM])
        if self.journal:
            self.journal.end()

    def _note(self) -> None:
        claim = Claim(holder=self._holder, accounts=dict(sorted(self.done.items())))
        try:
            self._tag = put_if(self.path / CLAIM, _bytes(claim), self._tag)
        except OvertakenError:
            raise CollectError(
                f"{self.path}: another collector has taken it over, or it was removed",
                "that one completes it; if there is none, collect again",
            ) from None
        self._noted = len(self.done)


class ObjectPen:
    """Writes the files of accounts under their digests, those that are not there."""

    def __init__(self, archive: Remote) -> None:
        self._archive = archive

    def __reduce__(self) -> Any:
        return ObjectPen, (self._archive,)

    @cached_property
    def _there(self) -> set[str]:
        return {each.name for each in every(self._archive / OBJECTS)}

    def write(self, account: AccountData) -> Written:
        check_account(account)
        data = compose(account, lambda _, data: self._put(data))
        return Written(account=account.id, digest=self._put(data))

    def _put(self, data: bytes) -> str:
        found = digest(data)
        if found not in self._there:
            put(self._archive / OBJECTS / found, data)
            self._there.add(found)
        return found


def begin_objects(archive: Remote, kept: Kept) -> ObjectWriter:
    """Begin a snapshot under a name that nobody has, and say what it is to become."""
    path, moment, claim, tag = _claimed(archive, datetime.fromisoformat(kept.captured_at))
    plan = kept_bytes(structs.replace(kept, captured_at=timestamp(moment)))
    journal = begin(digest(plan))  # before others see it
    put(path / PLAN, plan)
    _not_pruned(archive, [path / PLAN, path / CLAIM])
    return ObjectWriter(path, moment, len(kept.accounts), claim, tag, journal)


def begin_without_plan(archive: Remote, moment: datetime, accounts: int, *, exact: bool = True) -> ObjectWriter:
    """Begin a snapshot that cannot be completed, only begun anew: one that is made of what others recorded.

    Of an `exact` moment a claim is taken over. Who had it is told, should it still be at work. Raises CollectError.
    """
    path, moment, claim, tag = _claimed(archive, moment, exact=exact)
    _not_pruned(archive, [path / CLAIM])
    return ObjectWriter(path, moment, accounts, claim, tag)


def _claimed(archive: Remote, moment: datetime, *, exact: bool = False) -> tuple[Remote, datetime, Claim, str]:
    """The place and the time of a snapshot under a name that nobody has, and the claim to it with its tag."""
    moment = moment.replace(microsecond=0)
    claim = Claim(holder=secrets.token_hex(16), accounts={})
    while True:
        path = archive / snapshot_id(moment)
        before = find(path / CLAIM) if exact else None
        if exact:
            refuse(path)
        try:
            tag = put_if(path / CLAIM, _bytes(claim), before[1] if before else None)
            if not is_finished(path):
                return path, moment, claim, tag
            remove([path / CLAIM])
        except OvertakenError:  # another collector took this second
            pass
        if exact:
            raise at_work(path)
        moment += timedelta(seconds=1)


def pick_up_objects(path: Remote) -> tuple[Kept, Journal | None]:
    """The plan of an unfinished snapshot. Raises CollectError where it cannot be completed.

    There is no journal of a plan that this user did not make here: then nothing that it says may be done.
    """
    found = find(path / PLAN)
    if found is None:
        raise OtherPlanError(f"{path}: it keeps no plan by which to complete it", "collect again, without --resume")
    return read_plan(found[0], path), find_journal(digest(found[0]))


def resume_objects(path: Remote, kept: Kept, journal: Journal | None) -> ObjectWriter:
    """Take an unfinished snapshot over, with what is complete in it, and undamaged; if there is a journal, by its word.

    Whoever was at work on it is told when it next writes down what is complete.
    """
    data, tag = get(path / CLAIM)
    before: Claim = parse(data, Claim, path / CLAIM)
    if strangers := sorted(before.accounts.keys() - kept.accounts.keys()):
        raise OtherPlanError(f"{path / strangers[0]}: no account that was asked for", "collect again, without --resume")
    files = Files(path, by_digest=True)
    known = before.accounts if journal is None else journal.done
    sound = {
        account: found
        for account, found in before.accounts.items()
        if known.get(account) == found and _is_whole(files, account, found)
    }
    claim = Claim(holder=secrets.token_hex(16), accounts=sound)
    try:
        tag = put_if(path / CLAIM, _bytes(claim), tag)
    except OvertakenError:
        raise CollectError(f"{path}: another collector is at work on it", "wait for it to end") from None
    _not_pruned(path.parent, [])
    return ObjectWriter(path, datetime.fromisoformat(kept.captured_at), len(kept.accounts), claim, tag, journal)


def _is_whole(files: Files, account: str, found: str) -> bool:
    try:
        for kind, entry in read_account_file(files, account, found).types.items():
            for _ in read_resources(files, account, kind, entry):
                pass
    except SnapshotError:
        return False
    return True


def _not_pruned(archive: Remote, begun: list[Remote]) -> None:
    """Keep apart from one who removes files that nothing refers to: such are all of a snapshot that was just begun."""
    if (archive / PRUNING).is_file():
        remove(begun)
        raise CollectError(f"{archive}: it is being pruned", f"wait; if that was stopped, remove {archive / PRUNING}")


def _bytes(claim: Claim) -> bytes:
    return encode({"holder": claim.holder, "accounts": claim.accounts})
