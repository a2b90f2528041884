"""What to ask of each account, and the file that an unfinished snapshot keeps of it, so that it can be completed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from ..catalog import ResourceType, catalog_digest
from ..errors import CollectError, OtherPlanError
from ..files import DOCUMENT, PLAN, open_held, write_file, writing
from ..format import AccountId, Edge, Timestamp, decode, digest, encode, parse
from ..model import Json
from ..names import moment_of
from ..remote import Place
from .call import Answer
from .journal import Journal, begin, find
from .pages import whole_answer
from .shared_calls import repeated
from .targets import Target

Answers = Callable[[str, str], Answer]


def ask_aws(account: str, region: str) -> Answer:  # noqa: ARG001 - its clients know
    return whole_answer


class Known(Protocol):
    """What is known of accounts from elsewhere, and need not be asked. It is asked from several threads."""

    def lacking(
        self, account: str, spec: ResourceType, places: Collection[str], regions: Collection[str]
    ) -> Collection[str]:
        """Of some places those where the resources of a type must be listed; `regions` are those that are enabled."""
        ...

    def attached(self, account: str, spec: ResourceType, region: str, identity: str) -> Mapping[str, Json]:
        """What of a resource that was listed need not be attached, by name."""
        ...


_AGAIN = "collect again, without --resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to ask of each account. `regions` None means every enabled region.

    `on_call` hears of each call that is made, `on_error` of the kind of each answer that is an error.
    `answers` says who answers to what is asked of an account in a region, if it is not AWS alone, and `known` what
    need not be asked; `paced` whether AWS's published limits are kept.
    """

    types: Mapping[str, ResourceType]
    regions: frozenset[str] | None = None
    organization: bool = False
    workers: int = 16
    on_call: Callable[[], None] = lambda: None
    on_error: Callable[[str], None] = lambda _: None
    answers: Answers = ask_aws
    known: Known | None = None
    paced: bool = True
    repeated: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "repeated", repeated(self.types.values()))


class Kept(Edge, frozen=True, kw_only=True):
    """`.plan.json`: what was asked for. It is removed when the snapshot is finished."""

    format: int = 1
    catalog: str
    captured_at: Timestamp
    caller: str
    accounts: dict[AccountId, str | None]  # with their names
    facts: dict[str, Any]
    types: list[str]
    attached: dict[str, list[str]] = msgspec.field(default_factory=dict)  # of types asked in part
    regions: list[str] | None
    roles: list[str]
    external_id: str | None
    scope: dict[str, Any]


def keep(folder: Path, kept: Kept) -> tuple[IO[bytes], Journal]:
    """Write the plan into an unfinished snapshot, and hold the snapshot for as long as the file is open."""
    partial, data = folder / f"{PLAN}.new", kept_bytes(kept)
    with writing(folder):
        write_file(partial, data)
        file = _held(folder, partial)
        partial.rename(folder / PLAN)  # from now on others see it, and that it is held
    return file, begin(digest(data))


def kept_bytes(kept: Kept) -> bytes:
    return encode({name: getattr(kept, name) for name in kept.__struct_fields__})


def read_plan(data: bytes, folder: Place) -> Kept:
    """The plan of an unfinished snapshot. Raises CollectError where it cannot be completed."""
    kept: Kept = parse(data, Kept, folder / PLAN)
    if kept.catalog != catalog_digest():
        raise OtherPlanError(f"{folder}: it was begun with another catalogue of resource types", _AGAIN)
    if moment_of(kept.captured_at) is None or folder.name != kept.captured_at.replace(":", "-"):
        raise OtherPlanError(f"{folder / PLAN}: it is of another time, {kept.captured_at}", _AGAIN)
    return kept


def pick_up(folder: Path) -> tuple[Kept, IO[bytes], Journal | None]:
    """The plan of an unfinished snapshot, which is held. Raises CollectError where it cannot be completed.

    There is no journal of a plan that this user did not make here: then nothing that it says may be done.
    """
    try:
        file = _held(folder, folder / PLAN)
    except FileNotFoundError:
        raise OtherPlanError(f"{folder}: it keeps no plan by which to complete it", _AGAIN) from None
    except OSError as error:
        raise CollectError(f"{folder / PLAN}: cannot be opened ({error.strerror})", _AGAIN) from None
    try:
        data = file.read(DOCUMENT)
        kept = read_plan(data, folder)
    except BaseException:
        file.close()
        raise
    return kept, file, find(digest(data))


def targets_of(kept: Kept) -> list[Target]:
    """The accounts of a plan that was kept."""
    return [
        Target(account=account, name=name, facts=decode(kept.facts.get(account, {})))
        for account, name in sorted(kept.accounts.items())
    ]


def _held(folder: Path, path: Path) -> IO[bytes]:
    file = open_held(path)
    if file is None:
        raise CollectError(f"{folder}: another collector is at work on it", "wait for it to end")
    return file
