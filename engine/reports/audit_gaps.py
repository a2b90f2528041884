"""The chapter of the auditor's report about what is unknown, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...snapshot.gaps import Gap
from ...snapshot.model import EVERYWHERE, GLOBAL
from .audit_front import CHAPTERS
from .audit_topics import Topic, Topics
from .markup import Inside, Markup, element, table


def chapter(topics: Topics, causes: Sequence[Mapping[str, Any]], unread: Sequence[Gap]) -> Markup:
    """What could not be decided; of how many findings each cause is one; and what was not read."""
    open_ = [topic for _, found in topics.chapters() for topic in found if topic.unknown]
    return element(
        "section",
        element("h2", dict(CHAPTERS)["unknown"]),
        *_told("Not decided", _UNDECIDED, [_topic_row(topics, each) for each in open_], _NOTHING),
        *_told("Causes", ("Cause", "Of what*", "Policies*", "What would help"), map(_cause, causes), ""),
        *_told("Not read", ("Type*", "Cause*", "Where*", "Times#"), _unread(topics, unread), _ALL_READ),
        element("p", _OTHERS, of="small"),
        at="unknown",
    )


_UNDECIDED = ("", "", "Status", "Unknown#", "Where*")
_NOTHING = "Everything that was evaluated could be decided."
_ALL_READ = "All that these policies read was read, in every account and region."
_OTHERS = "Of types that none of these policies reads, stillframe snapshot show says what was not read."


def _told(heading: str, headings: Sequence[str], rows: Iterable[Sequence[Inside]], none: str) -> Iterator[Markup]:
    if found := list(map(tuple, rows)):
        yield from (element("h3", heading), table(headings, found))
    elif none:
        yield from (element("h3", heading), element("p", none))


def _topic_row(topics: Topics, topic: Topic) -> tuple[Inside, ...]:
    counts: Counter[str] = Counter()
    for row in topic.rows:
        counts.update(topics.kept(row.policy).unknown)
    return topic.number, topic.title, topic.said, f"{topic.unknown:,}", topics.where(counts)


def _cause(cause: Mapping[str, Any]) -> tuple[Inside, ...]:
    about = ", ".join(cause["about"]) + (f", and {cause['more']:,} others, in the annex" if cause["more"] else "")
    return cause["kind"], about, ", ".join(cause["policies"]), cause["advice"]


def _unread(topics: Topics, unread: Iterable[Gap]) -> Iterator[tuple[Inside, ...]]:
    """A row for each type and cause, with the accounts and regions in which it is one."""
    accounts: dict[tuple[str, str], Counter[str]] = {}
    regions: dict[tuple[str, str], set[str]] = {}

    def count(gap: Gap, region: str, cause: str, times: int) -> None:
        # This cause names the place, and would be another one in each.
        unasked = cause.startswith(f"{gap.type} was not collected from ")
        key = gap.type, "it was not collected" if unasked else cause
        accounts.setdefault(key, Counter())[gap.account] += times
        regions.setdefault(key, set()).add(region)

    for gap in unread:
        for region, why in gap.lists.items():
            count(gap, region, str(why), 1)
        for (region, cause), times in gap.within.items():
            count(gap, region, cause, times)
    for kind, cause in sorted(accounts):
        places = regions[kind, cause] - {EVERYWHERE, GLOBAL}
        where = topics.where(accounts[kind, cause]) + (f"; in {', '.join(sorted(places))}" if places else "")
        yield kind, cause, where, f"{accounts[kind, cause].total():,}"
