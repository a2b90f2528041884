"""Fold verdicts on resources into one per account, region or group. Over nothing it never passes, but where `at_most`
asks, and there is no group of nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from ...snapshot.catalog import ACCOUNT_TYPE, REGION_TYPE
from ...snapshot.model import EVERYWHERE, GLOBAL, Account, Json, Resource, Unknown
from ..functions.unknowns import Truth, kleene_all, kleene_any
from ..model.finding import Status
from ..model.policy import Bound, Count, Policy, Require, Within
from .counting import counted, number_of, said
from .grouping import Group, astray

_FOLD: Mapping[Require, Callable[[Sequence[Truth]], Truth]] = {Require.ALL: kleene_all, Require.ANY: kleene_any}
ORGANISATION = "organisation"  # the subject of a finding about all accounts
NOTHING = "there is nothing to evaluate"
CAUSES = 10  # that a message names
# What a resource may come to and change nothing of any group that it might be of.
_IDLE: Mapping[Require | Bound, Status | None] = {
    Require.ALL: Status.PASS,
    Require.ANY: Status.FAIL,
    Bound.AT_LEAST: Status.FAIL,
    Bound.AT_MOST: Status.FAIL,
    Bound.SHARE: None,
}
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
    account: str = ""  # where it is not that of all others


class Place(Struct, frozen=True, kw_only=True):
    """An account of those that are folded together: the group that all of it is of, unless each resource says it, and
    why resources of it may be missing."""

    group: Group | None
    gap: Unknown | None


class Folded(Struct, frozen=True, kw_only=True):
    """What a rollup says of one account, region or group. Its texts may name what `failed`, what is `unknown`, and of
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


def fold(
    policy: Policy, account: Account, items: Sequence[Item], group: Callable[[Item], Group] | None = None
) -> Iterator[Folded]:
    """One verdict per account, per enabled region of the account, or per group, as the policy's rollup asks."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    kinds = policy.subjects()
    applicable = [item for item in items if item.status is not Status.NOT_APPLICABLE]
    if group and policy.rollup.by:
        gap = _merged(account.gap_anywhere(kind) for kind in kinds)
        yield from _by_group(policy, policy.rollup.by.text, [(item, group(item)) for item in applicable], gap)
    elif policy.rollup.per is Within.ACCOUNT:
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


def fold_all(policy: Policy, placed: Sequence[tuple[Item, Group]], places: Sequence[Place]) -> Iterator[Folded]:
    """One verdict for all accounts, or per group of them, as the policy's rollup asks, on what it applies to."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    if policy.rollup.by:
        yield from _by_group(policy, policy.rollup.by.text, placed, _merged(place.gap for place in places))
    elif not policy.rollup.unit:
        gap = _merged(place.gap for place in places)
        yield _fold(policy, [item for item, _ in placed], gap, EVERYWHERE, ACCOUNT_TYPE, ORGANISATION)
    else:
        near = defaultdict[str, list[Unknown | None]](list)
        for place in places:
            if isinstance(place.group, str):
                near[place.group].append(place.gap)
        gap = _merged(place.gap for place in places if isinstance(place.group, Unknown))
        unseen = astray("the unit", "account", [each.group for each in places if isinstance(each.group, Unknown)])
        known = {name: _merged(gaps) for name, gaps in near.items()}
        yield from _by_group(policy, "the unit", placed, gap, known, unseen)


def _by_group(
    policy: Policy,
    by: str,
    placed: Sequence[tuple[Item, Group]],
    gap: Unknown | None,
    near: Mapping[str, Unknown | None] = MappingProxyType({}),
    unseen: Unknown | None = None,
) -> Iterator[Folded]:
    """One verdict per group. What nobody can place may be of any of them, and of others that nobody has seen.

    `near` has groups that are there whatever is of them, and what may be missing from them alone; `unseen` says why
    there may be others.
    """
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    found = defaultdict[str, list[Item]](list, {name: [] for name in near})
    for item, name in placed:
        if isinstance(name, str):
            found[name].append(item)
    lost = [(item, name) for item, name in placed if isinstance(name, Unknown)]
    idle = _IDLE[policy.rollup.require.bound if isinstance(policy.rollup.require, Count) else policy.rollup.require]
    felt = [name for item, name in lost if item.status is not idle]
    maybes = (len(felt), told) if (told := astray(by, "resource", felt)) is not None else None
    for name in sorted(found):
        yield _fold(policy, found[name], _merged([gap, near.get(name)]), EVERYWHERE, ACCOUNT_TYPE, name, maybes)
    unplaced = _merged([astray(by, "resource", [name for _, name in lost]), gap, unseen])
    if unplaced is not None:
        yield Folded(
            region=EVERYWHERE,
            type=ACCOUNT_TYPE,
            subject=ACCOUNT_TYPE,
            status=Status.UNKNOWN,
            message=_causes(unplaced),
            evidence={label: item.evidence for label, item in _labels([item for item, _ in lost])},
            failed=(),
            passed=(),
            unknown=(),
        )


def _fold(
    policy: Policy,
    items: Sequence[Item],
    gap: Unknown | None,
    region: str,
    kind: str,
    subject: str,
    maybes: tuple[int, Unknown] | None = None,
) -> Folded:
    """A verdict. `maybes` are how many more there may be among the items, and why nobody knows."""
    assert policy.rollup is not None  # noqa: S101 - the caller looked
    require = policy.rollup.require
    statuses = {item.status for item in items}
    truths: list[Truth] = [_TRUTH[status] for status in statuses & _TRUTH.keys()]
    if not statuses <= _TRUTH.keys():
        truths += [Unknown.because(item.message) for item in items if item.status not in _TRUTH]
    if maybes is not None:
        truths.append(maybes[1])
    if gap is not None:
        truths.append(gap)
    elif not items and require is Require.ALL:
        truths.append(Unknown.because(NOTHING))
    each, headline = [item.status for item in items], ""
    if isinstance(require, Count):
        number, gaps = number_of(require, policy), [truth for truth in truths if isinstance(truth, Unknown)]
        votes = Counter(each) + Counter({Status.UNKNOWN: maybes[0] if maybes else 0})
        truth, headline = counted(require, number, votes, gaps, whole=gap is None), said(require, number, each)
    else:
        truth = _FOLD[require](truths)
    if policy.unsure is not None:
        truth = policy.unsure
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
    """Each message once, with the resources it is about; over none, that there are none."""
    about: dict[str, list[str]] = {}
    for label, item in _labels(items):
        about.setdefault(item.message, []).append(label)
    return "; ".join(f"{message} ({', '.join(labels)})" for message, labels in about.items()) or NOTHING


def _alone(item: Item) -> bool:
    """Whether an id says where the item is: an account may have what is of another, such as a trail."""
    if item.id.startswith("arn:"):
        return not item.account or "".join(item.id.split(":")[4:5]) in ("", item.account)
    return item.id == item.region and not item.account


def _labels(items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each item, and what tells it from the others."""
    several = len({item.type for item in items}) > 1
    apart = Counter(
        (kind, name) for kind, name, _, _ in {(each.type, each.id, each.account, each.region) for each in items}
    )
    for item in items:
        alone = _alone(item) and apart[item.type, item.id] == 1
        label = item.id if alone else f"{item.account} {item.region} {item.id}".lstrip()
        yield f"{item.type} {label}" if several else label, item


def _merged(gaps: Iterable[Unknown | None]) -> Unknown | None:
    found = [gap for gap in gaps if gap is not None]
    return Unknown.merge(found) if found else None
