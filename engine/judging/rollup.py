"""Fold verdicts on resources into one per account or region. Over nothing it never passes, but where `at_most` asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from ...snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE
from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Json, Resource, Unknown
from ..functions.unknowns import Truth, kleene_all, kleene_any
from ..model.finding import Status
from ..model.policy import Bound, Count, Policy, Require, Within
from .counting import counted, number_of, said

_FOLD: Mapping[Require, Callable[[Sequence[Truth]], Truth]] = {Require.ALL: kleene_all, Require.ANY: kleene_any}
CAUSES = 10  # that a message names
_STATUS = {True: Status.PASS, False: Status.FAIL}
_TRUTH = {status: truth for truth, status in _STATUS.items()}


class Item(Struct, kw_only=True):
    """The verdict on one resource that a rollup folds. `resource` gives all of it, should a text name it."""

    resource: Callable[[], Resource]
    type: str
    region: str
    id: str
    status: Status
    message: str
    evidence: Mapping[str, Json]


class Folded(Struct, frozen=True, kw_only=True):
    """What a rollup says of one account or region. Its texts may name what `failed`, what is `unknown`, and of
    one that counts what `passed`.

    One that passes has no `message`: its policy's title is said.
    """

    region: str
    type: str
    subject: str
    status: Status
    message: str
    evidence: Mapping[str, Json]
    failed: Sequence[Item]
    unknown: Sequence[Item]
    passed: Sequence[Item]


def fold(policy: Policy, account: Account, items: Sequence[Item]) -> Iterator[Folded]:
    """One verdict per account, or per enabled region of the account, as the policy's rollup asks."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    kinds = policy.subjects()
    applicable = [item for item in items if item.status is not Status.NOT_APPLICABLE]
    if policy.rollup.per is Within.ACCOUNT:
        gap = _merged(account.gap_anywhere(kind) for kind in kinds)
        yield _fold(policy, applicable, gap, GLOBAL, ACCOUNT_TYPE, account.id)
    elif isinstance(account.regions, Unknown):
        yield _fold(policy, [], account.regions, EVERYWHERE, REGION_TYPE, REGION_TYPE)
    else:
        # A region that AWS lists and nobody enabled is none to evaluate; what was found in any other is.
        found = defaultdict[str, list[Item]](list)
        for item in applicable:
            found[item.region].append(item)
        others = () if REGION_TYPE in kinds else found
        for region in sorted({*account.regions, *others}):
            gap = _merged(account.gap(kind, region) for kind in kinds)
            yield _fold(policy, found.get(region, ()), gap, region, REGION_TYPE, region)


def _fold(policy: Policy, items: Sequence[Item], gap: Unknown | None, region: str, kind: str, subject: str) -> Folded:
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    require = policy.rollup.require
    statuses = {item.status for item in items}
    truths: list[Truth] = [_TRUTH[status] for status in statuses & _TRUTH.keys()]
    if not statuses <= _TRUTH.keys():
        truths += [Unknown.because(item.message) for item in items if item.status not in _TRUTH]
    if gap is not None:
        truths.append(gap)
    elif not items and require is Require.ALL:
        truths.append(Unknown.because("there is nothing to evaluate"))
    each, headline = [item.status for item in items], ""
    if isinstance(require, Count):
        number, gaps = number_of(require, policy), [truth for truth in truths if isinstance(truth, Unknown)]
        truth, headline = counted(require, number, each, gaps, whole=gap is None), said(require, number, each)
    else:
        truth = _FOLD[require](truths)
    if isinstance(truth, Unknown):
        status = Status.ERROR if any(item.status is Status.ERROR for item in items) else Status.UNKNOWN
        deciding = [item for item in items if item.status in (Status.UNKNOWN, Status.ERROR)]
    else:
        status = _STATUS[truth]
        too_many = isinstance(require, Count) and require.bound is Bound.AT_MOST and not truth
        deciding = [item for item in items if item.status is (Status.PASS if too_many else status)]
    return Folded(
        region=region,
        type=kind,
        subject=subject,
        status=status,
        message=_causes(truth) if isinstance(truth, Unknown) else "" if truth else headline or _reasons(deciding),
        evidence={label: item.evidence for label, item in _labels(deciding)},
        failed=[item for item in items if item.status is Status.FAIL] if Status.FAIL in statuses else (),
        passed=[item for item in items if item.status is Status.PASS] if isinstance(require, Count) else (),
        unknown=[item for item in items if item.status is Status.UNKNOWN] if Status.UNKNOWN in statuses else (),
    )


def _causes(unknown: Unknown) -> str:
    more = len(unknown.causes) - CAUSES
    return "; ".join([*unknown.causes[:CAUSES], *([f"and {more:,} more"] if more > 0 else [])])


def _reasons(items: Sequence[Item]) -> str:
    """Each message once, with the resources it is about."""
    about: dict[str, list[str]] = {}
    for label, item in _labels(items):
        about.setdefault(item.message, []).append(label)
    return "; ".join(f"{message} ({', '.join(labels)})" for message, labels in about.items())


def _label(item: Item) -> str:
    return item.id if item.id.startswith("arn:") or item.id == item.region else f"{item.region} {item.id}"


def _labels(items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each item, and what tells it from the others."""
    several = len({item.type for item in items}) > 1
    for item in items:
        yield f"{item.type} {_label(item)}" if several else _label(item), item


def _merged(gaps: Iterable[Unknown | None]) -> Unknown | None:
    found = [gap for gap in gaps if gap is not None]
    return Unknown.merge(found) if found else None
