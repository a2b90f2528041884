"""What people are to be told: what fails or is unknown now, of that what they were not told yet, and what is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from ..console import counted
from ..findings.batch import Batch, read_finding
from ..findings.counts import SHOWN
from ..model.finding import Finding, Status
from ..model.policy import Severity
from ..printable import printable

LISTED = 20  # findings that a message spells out


class Current(Struct):
    """What a snapshot has to tell, by fingerprint: failures from a severity on, and what is unknown, as lines.

    `seen` is all that fails or is unknown, told or not; `gaps` are accounts and policies of which something could not
    be listed. What else is not there was evaluated, and is over.
    """

    accounts: frozenset[str]
    policies: frozenset[str]
    failing: dict[str, bytes] = field(default_factory=dict)
    unknown: dict[str, bytes] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    gaps: set[tuple[str, str]] = field(default_factory=set)

    def learn(self, batches: Iterable[Batch]) -> None:
        """Take all findings, whether or not anybody is to be told of them."""
        for found in (each for batch in batches for each in batch.findings(*SHOWN)):
            self.seen.add(found.fingerprint)
            if found.status is not Status.FAIL and found.resource == found.type:
                self.gaps.add((found.account, found.policy))

    def choose(self, batches: Iterable[Batch], least: Severity | None) -> None:
        """Take those to tell people of. A failure that somebody answers for is nothing new to anybody."""
        for line in (line for batch in batches for line in batch.having(*SHOWN)):
            found = read_finding(line)
            if found.status is not Status.FAIL:
                self.unknown[found.fingerprint] = line
            elif not found.waived and least is not None and found.severity.rank <= least.rank:
                self.failing[found.fingerprint] = line

    def is_over(self, mark: str, account: str, policy: str) -> bool:
        """Whether a finding that failed was evaluated, and fails no more. What could not be seen is not over."""
        evaluated = account in self.accounts and policy in self.policies and (account, policy) not in self.gaps
        return evaluated and mark not in self.seen


class News(Struct, frozen=True, kw_only=True):
    """What one channel has not been told of a snapshot. On its `first` night that is nothing but how much there is.

    `over` is what it was told of and fails no more, by fingerprint, with the channel's own name for it; `resolved` says
    the same for people. `ended` is the fault that it was told of, when a night works again.
    """

    snapshot: str
    failing: Sequence[Finding] = ()
    unknown: Sequence[Finding] = ()
    over: Mapping[str, str] = field(default_factory=dict)
    resolved: Sequence[str] = ()
    ended: str = ""
    first: str = ""
    fault: str = ""

    def __bool__(self) -> bool:
        return bool(self.failing or self.unknown or self.over or self.first or self.fault or self.ended)

    @property
    def title(self) -> str:
        """A line."""
        if self.fault:
            return "Stillframe: the night did not work"
        if self.first:
            return f"Stillframe: {self.first}"
        parts = (
            (self.ended, "the night works again"),
            (self.failing, counted(len(self.failing), "new failure")),
            (self.unknown, f"{len(self.unknown):,} newly unknown"),
            (self.over, f"{len(self.over):,} resolved"),
        )
        return f"Stillframe: {', '.join(text for number, text in parts if number)}"

    @property
    def body(self) -> str:
        """The worst of it, a line each."""
        if self.fault:
            return printable(self.fault)
        again = [printable(f"It works again, after: {self.ended}")] if self.ended else []
        return "\n".join([*again, f"Snapshot {self.snapshot}", *self._listed()])

    def _listed(self) -> Iterator[str]:
        found = sorted(
            [*self.failing, *self.unknown], key=lambda each: (each.status is not Status.FAIL, each.severity.rank)
        )
        for each in found[:LISTED]:
            place = f"{each.account} {each.region} {each.name or each.resource}"
            yield printable(f"- {each.status} {each.severity} {each.policy} {place}: {each.message}")
        if len(found) > LISTED:
            yield f"and {len(found) - LISTED:,} more"
        for text in self.resolved[:LISTED]:
            yield printable(f"- resolved {text}")
        if len(self.resolved) > LISTED:
            yield f"and {len(self.resolved) - LISTED:,} more resolved"
