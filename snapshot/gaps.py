"""What of a snapshot could not be read, and why: lists, and what is attached to resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from .catalog import REGION_TYPE
from .error_kinds import NOT_ASKED, kind_of_cause
from .format import all_known, read_line
from .model import Account, Json, Resource, Snapshot, Unknown

NOT_ENABLED = "RegionNotEnabled"
ENTER = "sts:AssumeRole"
REDACTED = Unknown.because("redacted by the collector")


class Gap(Struct, frozen=True, kw_only=True):
    """What is not known of a type in an account: region → cause of lists; (region, cause) → of how many resources.

    A resource of which several fields are unknown for one cause is one.
    """

    account: str
    type: str
    lists: Mapping[str, Unknown]
    within: Mapping[tuple[str, str], int]


def gaps(snapshot: Snapshot, reads: Mapping[str, Collection[str]] | None = None) -> Iterator[Gap]:
    """The gaps of each account and type, if there are any; if it is said what is read, of these types alone.

    What was not asked for is a gap where it is in a field that is read.
    It reads every resource file. Raises SnapshotError where one is damaged.
    """
    for account in map(snapshot.account, snapshot.accounts):
        for kind in sorted(account.coverage.keys() if reads is None else reads):
            lists, lost = account.gaps(kind), within(account, kind, reads[kind] if reads else ())
            if lists or lost:
                yield Gap(account=account.id, type=kind, lists=lists, within=lost)


def within(account: Account, kind: str, fields: Collection[str] = ()) -> Counter[tuple[str, str]]:
    """What is not known of resources: (region, cause) → of how many; of `fields` also what was not asked for."""
    return Counter((region, cause) for region, causes in in_part(account, kind, fields) for cause in causes)


def in_part(account: Account, kind: str, fields: Collection[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """The region of each resource of which something is not known, and why; of `fields` also what was not asked for."""
    for each in _marked(account, kind):
        if causes := gaps_in(each, fields):
            yield each.region, causes


def action_of(cause: str) -> str:
    """The action that a cause names, if it names one."""
    return cause.partition(": ")[2].partition(" ")[0]


def keeps_out(causes: Iterable[str]) -> bool:
    """Whether one of the causes is that an account could not be entered."""
    return any(action_of(cause) == ENTER for cause in causes)


def not_entered(snapshot: Snapshot) -> list[str]:
    """The accounts that could not be entered: nothing at all is known of them."""
    found = ((each, snapshot.account(each).regions) for each in snapshot.accounts)
    return [account for account, regions in found if isinstance(regions, Unknown) and keeps_out([str(regions)])]


def _marked(account: Account, kind: str) -> Iterator[Resource]:
    """The resources of which something may be unknown, as they were written."""
    if kind not in account.coverage:
        return
    if account.lines is None or account.parse is None:
        yield from account.read(kind)
        return
    lines = account.lines(kind)
    for number, line in enumerate(() if lines.plain else lines.lines, 1):
        if not all_known(bytes(line)):
            account.parse(kind, line, number)  # which says what is wrong with it, and where
            yield read_line(bytes(line))


def gaps_in(resource: Resource, fields: Collection[str] = ()) -> list[str]:
    """Why something of a resource is not known, each cause once. What was not asked for is a gap in `fields` alone."""
    found = [(name, cause) for name, value in resource.config.items() for cause in _causes(value)]
    asked = [cause for name, cause in found if name in fields or kind_of_cause(cause) is not NOT_ASKED]
    # Every region of AWS is listed: most are not enabled.
    kept = [cause for cause in asked if resource.type != REGION_TYPE or not cause.startswith(NOT_ENABLED)]
    return list(dict.fromkeys(kept))


def _causes(value: Json) -> Iterator[str]:
    match value:
        case Unknown():
            yield from () if value == REDACTED else (str(value),)
        case dict():
            for each in value.values():
                yield from _causes(each)
        case list():
            for each in value:
                yield from _causes(each)
        case _:
            pass
