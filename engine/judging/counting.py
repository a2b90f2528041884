"""Rollups that count: at least or at most so many resources that pass, or a share of them.

What is unknown may pass or fail, or be none of those that count, and where a list was not read there may be any number
more. So the count is an interval, and the answer is known only where each number in it gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from ...snapshot.model import Unknown
from ..functions.unknowns import Truth
from ..model.finding import Status
from ..model.policy import Bound, Count, Policy


def counted(count: Count, number: Fraction, statuses: Iterable[Status], gaps: list[Unknown], *, whole: bool) -> Truth:
    """Whether a count holds of so many of each status.

    `gaps` say why something is unknown; it is `whole` where no resource may be missing.
    """
    found = Counter(statuses)
    passed, failed = found[Status.PASS], found[Status.FAIL]
    unsure = found.total() - passed - failed
    unknown = Unknown.merge(gaps) if gaps else Unknown.because("there is nothing to evaluate")
    match count.bound:
        case Bound.AT_LEAST:
            holds, fails = passed >= number, whole and passed + unsure < number
        case Bound.AT_MOST:
            holds, fails = whole and passed + unsure <= number, passed > number
        case Bound.SHARE:
            total = passed + failed + unsure
            some = whole and passed + failed > 0  # of none there is no share
            holds, fails = some and passed >= number * total, some and passed + unsure < number * total
    return True if holds else False if fails else unknown


def number_of(count: Count, policy: Policy) -> Fraction:
    """The number that a count asks for, which a parameter may say."""
    asked = policy.params[count.param] if count.param else count.number
    return Fraction(str(asked))


def said(count: Count, number: Fraction, statuses: Iterable[Status]) -> str:
    """How many pass, and how many should."""
    found = Counter(statuses)
    shown = f"{float(number):g}" if count.bound is Bound.SHARE else str(number)
    wanted = {Bound.AT_LEAST: "at least {} must", Bound.AT_MOST: "at most {} may", Bound.SHARE: "a share of {} must"}
    return f"{found[Status.PASS]:,} of {found.total():,} pass, where {wanted[count.bound].format(shown)}"
