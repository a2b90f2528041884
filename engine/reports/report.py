"""What a report is: made from a context, given the findings as they come, and the totals at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ...snapshot.model import Snapshot
from ..console import counted
from ..findings.counts import Row
from ..findings.selection import Selection
from ..findings.variants import Variants
from ..findings.waivers import Use
from ..model import finding
from ..model.change import Change
from ..model.pack import Pack
from ..model.policy import Policy, Severity
from ..packs.report import PackReport

if TYPE_CHECKING:
    from ..history.trend import Point


class Record(finding.Record, frozen=True, kw_only=True, gc=False):
    """A line of findings, or of differences, read again. `evidence` and `why` are still JSON."""

    change: str | None = None
    before: str | None = None
    after: str | None = None
    why: msgspec.Raw = msgspec.Raw(b"[]")


DIFFERENCE_FIELDS = (*(name for name in Record.__struct_fields__ if name not in finding.FIELDS), *finding.FIELDS)
_RECORD = msgspec.json.Decoder(Record)


class Lines:
    """Some findings in their order, as JSON Lines. They are read once, whoever asks, and only if somebody does."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def records(self) -> list[Record]:
        return _RECORD.decode_lines(self.data)


class Context(Struct, frozen=True, kw_only=True):
    """What is known before the first finding. Were its packs `named`? `before` is a comparison's earlier snapshot.

    The parameters of policies that are `varied` are not everywhere the same. `config` is the digest of stillframe.yaml.
    Of all there is, `chosen` was evaluated.
    """

    snapshot: Snapshot
    policies: Sequence[Policy]
    packs: Sequence[Pack] = ()
    named: bool = False
    before: Snapshot | None = None
    varied: Collection[str] = ()
    trend: Sequence[Point] = ()
    config: str | None = None
    chosen: Selection = Selection()

    @property
    def accounts(self) -> Sequence[str]:
        """The accounts that were evaluated."""
        return self.chosen.accounts(self.snapshot)

    def counted(self, noun: str) -> str:
        """How many accounts were evaluated: `4 accounts`, or of a part `1 of 4 accounts`."""
        number, every = len(self.accounts), len(self.snapshot.accounts)
        return counted(every, noun) if number == every else f"{number:,} of {counted(every, noun)}"

    @property
    def fields(self) -> tuple[str, ...]:
        """What every line has, in order."""
        return DIFFERENCE_FIELDS if self.before else finding.FIELDS


class Totals(Struct, frozen=True, kw_only=True):
    """What is known after the last finding: a row per policy, the failures of each account by severity, notes.

    And what the rows say of each pack, what became of each waiver, and the receipt if all findings were seen. Of a
    comparison also how they were before, and what changed. `variants` are the policies as they were evaluated where.
    """

    rows: Sequence[Row]
    accounts: Mapping[str, Counter[Severity]] = field(default_factory=dict)
    before: Sequence[Row] = ()
    changes: Counter[tuple[str, Change]] = field(default_factory=Counter)
    packs: Sequence[PackReport] = ()
    notes: Sequence[str] = ()
    uses: Sequence[Use] = ()
    receipt: bytes | None = None
    variants: Variants | None = None

    def pairs(self) -> Iterator[tuple[Row, Row]]:
        """Each policy's row before and now. One that is in force on one side only has an empty one on the other."""
        was, now = ({row.policy: row for row in rows} for rows in (self.before, self.rows))
        for row in {**was, **now}.values():
            empty = replace(row, counts={}, waived=0, parts=())
            yield was.get(row.policy, empty), now.get(row.policy, empty)


class Report(Protocol):
    """One format of one evaluation: the pieces of a file, in order. It keeps no more than its format needs.

    A format that is a folder of files gives pairs of a name and that file's bytes instead.
    """

    def begin(self) -> Iterable[Any]:
        """What stands before the first finding."""

    def add(self, lines: Lines) -> Iterable[Any]:
        """What some findings add."""

    def end(self, totals: Totals) -> Iterable[Any]:
        """What stands after the last one."""
