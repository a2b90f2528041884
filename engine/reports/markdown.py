"""Markdown for a comment on a pull request: short, with the findings folded away, and never longer than one may be.

Whatever comes from a snapshot stands in code, where it is neither markup nor a mention.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct, field

from ..findings.counts import Row, ranked
from ..model.change import Change
from ..packs.text import summary as shares
from . import summary
from .report import Context, Lines, Record, Totals
from .text import one_line, reasons

MOST = 60_000  # GitHub takes 65,536 characters, GitLab more
_EACH = 10  # findings shown of a policy
_REASONS = 3
_LONGEST = 300
_LISTED = ("fail", "error", "unknown")
_CHANGES = ("new", "unknown", "resolved")
_HEADINGS = {"new": "newly failing", "unknown": "unknown", "error": "in error", "fail": "failing"}


class Comment(Struct):
    """One page. It keeps a few findings of each policy."""

    context: Context
    _kept: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def begin(self) -> Iterator[bytes]:
        return iter(())

    def add(self, lines: Lines) -> Iterator[bytes]:
        for record in lines.records:
            group = record.change or ("" if record.waiver else record.status)
            if group in (_CHANGES if self.context.before else _LISTED):
                self._counts[record.policy, group] += 1
                kept = self._kept.setdefault((record.policy, group), [])
                if len(kept) < _EACH:
                    kept.append(record)
        return iter(())

    def end(self, totals: Totals) -> Iterator[bytes]:
        head = [*_headline(self.context, totals), *(_compared if self.context.before else _judged)(totals)]
        head += [f"\n**{_plain(each.pack.title)}:** {shares(each)}" for each in totals.packs if self.context.named]
        tail = [f"> {one_line(note)}" for note in totals.notes]
        page = "\n".join([*head, "", *self._folded(totals, MOST - sum(map(len, [*head, *tail]))), *tail])
        yield page.encode("utf-8", "replace") + b"\n"

    def _folded(self, totals: Totals, room: int) -> Iterator[str]:
        named = dict.fromkeys(row.policy for row in (*ranked(totals.rows), *totals.rows, *totals.before))
        order = {policy: number for number, policy in enumerate(named)}
        for policy, group in sorted(self._kept, key=lambda key: (_place(key[1]), order[key[0]])):
            count, kept = self._counts[policy, group], self._kept[policy, group]
            title = f"<code>{policy}</code>: {count:,} {_HEADINGS.get(group, group)}"
            more = [f"- … and {count - len(kept):,} more"] if count > len(kept) else []
            text = "\n".join(
                [f"<details><summary>{title}</summary>", "", *map(_item, kept), *more, "", "</details>", ""]
            )
            room -= len(text)
            if room < 0:
                yield "More is left out, as this page is full.\n"
                return
            yield text


def _place(group: str) -> int:
    return (*_CHANGES[:1], *_LISTED, *_CHANGES[2:]).index(group)


def _headline(context: Context, totals: Totals) -> Iterator[str]:
    shown = code(context.snapshot.id)
    if context.before:
        new = sum(count for (_, change), count in totals.changes.items() if change is Change.NEW)
        yield f"### Stillframe: {_counted(new, 'new failure')}"
        yield f"\nFrom {code(context.before.id)} to {shown}, {_counted(len(context.snapshot.accounts), 'account')}.\n"
        return
    yield f"### Stillframe: {summary.totals(totals.rows)}"
    yield f"\nSnapshot {shown}, {_counted(len(context.snapshot.accounts), 'account')}.\n"


def _judged(totals: Totals) -> Iterator[str]:
    telling = [row for row in totals.rows if row.failures or row.unknown or row.waived]
    if telling:
        yield "| Policy | Severity | Population | Failures | % | Waived | Unknown |"
        yield "|---|---|--:|--:|--:|--:|--:|"
    for row in telling:
        share = "–" if row.share is None else f"{row.share:.1f}"
        numbers = f"{row.population:,} | **{row.failures:,}** | {share} | {row.waived:,} | {row.unknown:,}"
        yield f"| {_policy(row)} | {', '.join(row.severities)} | {numbers} |"
    passing = sum(1 for row in totals.rows if row.population and row not in telling)
    nothing = sum(1 for row in totals.rows if not row.population)
    if passing:
        yield f"\n{_counted(passing, 'policy passes', 'policies pass')} everywhere."
    if nothing:
        yield f"\n{_counted(nothing, 'policy', 'policies')} had nothing to evaluate."
    for line in summary.first_steps(totals.rows, totals.accounts):
        yield f"\n{line[0].upper()}{line[1:]}."


def _compared(totals: Totals) -> Iterator[str]:
    seen = [change for change in Change if any(kind is change for _, kind in totals.changes)]
    yield f"| Policy | Population | Failures | Unknown |{''.join(f' {change.heading} |' for change in seen)}"
    yield f"|---|--:|--:|--:|{'--:|' * len(seen)}"
    for old, new in totals.pairs():
        counts = "".join(f" {totals.changes[new.policy, change]:,} |" for change in seen)
        pairs = ((getattr(row, name) for row in (old, new)) for name in ("population", "failures", "unknown"))
        yield f"| {_policy(new)} | {' | '.join(_arrow(*pair) for pair in pairs)} |{counts}"


def _policy(row: Row) -> str:
    return f"`{row.policy}` {_plain(row.title)}"


def _item(record: Record) -> str:
    head = f"- {code(record.account)} {code(record.region)} {code(_cut(record.resource))}"
    lines = [record.message, *reasons(record)[:_REASONS]]
    return "<br>".join([head, *(code(_cut(line)) for line in lines if line)])


def code(text: str) -> str:
    """Text as code, whatever it holds."""
    shown = one_line(text)
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _plain(text: str) -> str:
    """A policy's own words, as no markup, and as no mention: hosts of code read those in what is escaped, too."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", one_line(text)).replace("@", "@\u200b")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _arrow(old: int, new: int) -> str:
    return f"{new:,}" if old == new else f"{old:,} → {new:,}"


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"
