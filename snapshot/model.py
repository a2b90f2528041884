"""What a snapshot holds: accounts, their resources, and the gaps where something could not be read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from .remote import Place

Json = Any  # AWS owns these values; we never model them

GLOBAL = "global"  # the region of what an account has once, and of calls that list account-wide
EVERYWHERE = "*"  # the region of a gap that covers a whole account
_OPENS, _CLOSES = b"{}"
TOGETHER = 1 << 20  # bytes of lines: while they are evaluated they stay in the processor's cache


class Unknown(Struct, frozen=True):
    """A value that could not be known, with every cause. It stands in data where the value would."""

    causes: tuple[str, ...]

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither true nor false")

    def __str__(self) -> str:
        return "; ".join(self.causes)

    @classmethod
    def because(cls, *causes: str) -> Unknown:
        return cls(tuple(dict.fromkeys(causes)))

    @classmethod
    def merge(cls, unknowns: Iterable[Unknown]) -> Unknown:
        return cls.because(*(cause for unknown in unknowns for cause in unknown.causes))


class Resource(Struct, frozen=True, kw_only=True):
    """One resource as AWS described it. `id` is unique within its account, region and type."""

    type: str
    id: str
    account: str
    region: str
    name: str | None
    tags: Mapping[str, str] | Unknown
    config: dict[str, Json]


class Coverage(Struct, frozen=True, kw_only=True):
    """Where one resource type was read, and where it could not be: region → cause.

    A type that AWS lists once per account is read in `GLOBAL`; a gap in `EVERYWHERE` covers the account.
    """

    read: Collection[str]
    missing: Mapping[str, str]
    count: int = 0
    sha256: str | None = None


class Lines(Struct, kw_only=True):
    """The resources of one type as text, one a line, and their number.

    `utf8` says that all of it is, and `plain` that moreover no name in it means anything to us; `neat` that each line
    begins and ends with a brace. Between two braces that face away from each other no record goes on.
    """

    data: bytes
    number: int
    utf8: bool
    plain: bool
    neat: bool
    _lines: Sequence[memoryview] | None = None

    @property
    def lines(self) -> Sequence[memoryview]:
        """Each line. They are cut when one is first asked for, as views: a copy of each costs more than reading."""
        if self._lines is None:
            view = memoryview(self.data)
            self._lines = [view[start:end] for start, end in _ends(self.data)]
        return self._lines

    def have_at_most(self, most: int) -> bool:
        """Whether no line has more bytes."""
        data, start, stop = self.data, 0, len(self.data)
        while stop - start > most:
            end = data.rfind(b"\n", start, start + most + 1)  # all lines up to there are as short
            if end < 0:
                return False
            start = end + 1
        return True

    def parts(self) -> Iterator[tuple[int, bytes | memoryview]]:
        """Some lines at a time, with their number."""
        data, start = self.data, 0
        if len(data) <= TOGETHER:
            yield from [(self.number, data)] if data else []
            return
        view = memoryview(data)
        while start < len(data):
            end = data.find(b"\n", start + TOGETHER) + 1 or len(data)
            yield sum(1 for _ in _ends(data, start, end)), view[start:end]
            start = end


def lines_of(data: bytes, *, utf8: bool, plain: bool) -> Lines:
    """The lines of a file."""
    number, neat, start, stop, find = 0, True, 0, len(data), data.find
    while start < stop:  # as `_ends` does, without its calls: they would be most of what this takes
        end = find(b"\n", start)
        if end < 0:
            end = stop
        number += 1
        if start == end or data[start] != _OPENS or data[end - 1] != _CLOSES:
            neat = False
        start = end + 1
    return Lines(data=data, number=number, utf8=utf8, plain=plain, neat=neat)


def _ends(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends."""
    stop, find = len(data) if stop is None else stop, data.find
    while start < stop:
        end = find(b"\n", start, stop)
        if end < 0:
            end = stop
        yield start, end
        start = end + 1


# Of an import that was filled: each type that AWS itself was asked for, to the places that answered, as `in`, and the
# attached answers that were `recorded` before.
Filled = Mapping[str, Mapping[str, Sequence[str]]]


class Account(Struct, frozen=True, kw_only=True):
    """One account of a snapshot. `read(type)` yields its resources of that type, sorted by (region, id).

    Where the snapshot is in files, `lines(type)` gives the same as text, and `parse(type, line, number)` reads one;
    `stamp(types)` is a digest of all that the account's files say of some types.
    """

    id: str
    name: str | None
    regions: tuple[str, ...] | Unknown
    coverage: Mapping[str, Coverage]
    read: Callable[[str], Iterable[Resource]]
    lines: Callable[[str], Lines] | None = None
    parse: Callable[[str, bytes | memoryview, int], Resource] | None = None
    stamp: Callable[[Sequence[str]], bytes] | None = None
    filled: Filled | None = None

    def gap(self, kind: str, region: str) -> Unknown | None:
        """Why resources of this type in this region may be missing from the snapshot; None if none are."""
        coverage = self.coverage.get(kind)
        if coverage is None:
            return Unknown.because(f"{kind} was not collected from account {self.id}")
        for place in (EVERYWHERE, GLOBAL, region):
            if place in coverage.missing:
                return Unknown.because(coverage.missing[place])
        if region in coverage.read or GLOBAL in coverage.read:
            return None
        if region == EVERYWHERE and isinstance(self.regions, Unknown):
            return self.regions
        return Unknown.because(f"{kind} was not collected from {region} in account {self.id}")

    def gap_anywhere(self, kind: str) -> Unknown | None:
        """The same for the whole account."""
        gaps = self.gaps(kind)
        return Unknown.merge(gaps.values()) if gaps else None

    def count(self, kind: str) -> int:
        """How many resources of a type were collected."""
        coverage = self.coverage.get(kind)
        return coverage.count if coverage else 0

    def gaps(self, kind: str) -> dict[str, Unknown]:
        """Region → cause, for each place where listing this type failed, or where nobody asked.

        What was read decides: every region that is enabled must have been, or all of the account at once.
        """
        coverage = self.coverage.get(kind)
        regions = (EVERYWHERE,) if isinstance(self.regions, Unknown) else self.regions
        if coverage is None:
            places: Iterable[str] = (EVERYWHERE,)
        elif GLOBAL in coverage.read or EVERYWHERE in coverage.missing or GLOBAL in coverage.missing:
            places = coverage.missing
        elif not coverage.missing and (coverage.read == [*regions] or {*regions} <= {*coverage.read}):
            return {}
        else:
            places = {*regions, *coverage.missing}
        return {place: gap for place in sorted(places) if (gap := self.gap(kind, place)) is not None}


class Snapshot(Struct, frozen=True, kw_only=True):
    """A snapshot of an organisation. `account(id)` opens one account; `captured_at` is ISO-8601 UTC with `Z`.

    `digest` is of its manifest, and so of all its files; `path` is its folder, `digests` are of its
    accounts; `types` are what it says of resource types that do not ship, and `scope` of what was asked for, which
    decides nothing. `passed_over` has a line for each later one of its archive that is unfinished, where it was found
    as the latest. One in memory has none of them.
    """

    id: str
    captured_at: str
    accounts: tuple[str, ...]
    account: Callable[[str], Account]
    digest: str | None = None
    path: Place | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    scope: Mapping[str, Any] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()


class Collected(Struct, frozen=True, kw_only=True):
    """How a collection went. `gaps` counts what could not be read: cause → number of places.

    `skipped` are the accounts that were left out: account → its status, or EXCLUDED. `not_entered` are those that no
    role let in.
    """

    path: Place
    accounts: int
    entered: int
    resources: int
    gaps: Mapping[str, int]
    skipped: Mapping[str, str] = field(default_factory=dict)
    not_entered: Sequence[str] = ()
