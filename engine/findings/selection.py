"""What to evaluate and show of all there is: by policy and control, by account, unit, region, type and tag.

What cannot be known is not left out: a resource whose tags were not read may be one that was asked for. What nothing is
called is an error, since a choice of nothing looks like a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from ...snapshot.errors import ArgumentError
from ...snapshot.model import EVERYWHERE, Snapshot, Unknown
from ..model.glob import glob
from ..model.policy import Policy, Severity, base
from ..suggest import THESE_POLICIES, suggest
from .batch import Batch, batch
from .names import Names
from .tags import Tags, texts

_OF_POLICY: Mapping[str, Callable[[Policy], Iterable[str]]] = {
    "policy": lambda policy: {policy.id, base(policy.id)},
    "severity": lambda policy: (policy.severity.value,),
    "framework": lambda policy: policy.frameworks,
    "control": lambda policy: {
        name
        for framework, named in policy.frameworks.items()
        for each in named
        for name in (each, f"{framework}/{each}")
    },
}
_OF_LINE = ("region", "type", "tag")
KEYS = (*_OF_POLICY, "account", "unit", *_OF_LINE)
Patterns = Mapping[str, Sequence[str]]


class _Line(msgspec.Struct):
    severity: str
    region: str
    type: str
    resource: str


_read = msgspec.json.Decoder(_Line).decode


class Selection(Struct, frozen=True, kw_only=True):
    """What is chosen: for each key of `only` one of its patterns fits, and no pattern of `but`."""

    only: Patterns = field(default_factory=dict)
    but: Patterns = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.only or self.but)

    @property
    def by_line(self) -> bool:
        """Whether some findings of a policy in an account may be left out, and others not."""
        return any(key in self.only or key in self.but for key in _OF_LINE)

    def asks(self, key: str) -> bool:
        return key in self.only or key in self.but

    def notes(self) -> Iterator[str]:
        """A line for people, where something may be left out."""
        options = (("--only", self.only), ("--except", self.but))
        said = [f"{option} {key}={','.join(found)}" for option, given in options for key, found in given.items()]
        if said:
            yield f"this is a part: {' '.join(said)}"

    def policies(self, policies: Sequence[Policy]) -> list[Policy]:
        """The policies that are chosen. Raises ArgumentError where there is none, or a pattern fits none."""
        for key in ("policy", "framework", "control") if policies else ():
            self._check(key, {name for policy in policies for name in _OF_POLICY[key](policy)})
        chosen = [policy for policy in policies if self._of_policy(policy)]
        if policies and not chosen:
            raise ArgumentError("no policy in force is chosen by --only and --except", THESE_POLICIES)
        return chosen

    def _of_policy(self, policy: Policy) -> bool:
        """Whether it may have findings that are chosen. Those of a rollup are of what it folds into."""
        if not policy.rollup and not any(self._fits("type", (kind,)) for kind in policy.subjects()):
            return False
        return all(self._fits(key, of(policy)) for key, of in _OF_POLICY.items())

    def accounts(self, snapshot: Snapshot) -> Sequence[str]:
        """The accounts of a snapshot that are chosen; all whose units are unknown may be."""
        if not self.partial:
            return snapshot.accounts
        names = Names([snapshot])
        return [account for account in snapshot.accounts if self._of_account(account, names)]

    def check(self, snapshots: Sequence[Snapshot]) -> None:
        """Raise ArgumentError where nothing in these snapshots is called what a pattern says."""
        if any(self.asks(key) for key in ("account", "unit", "region", "type")):
            names = Names(snapshots)
            for key, of in (("account", names.accounts), ("unit", names.units), ("region", names.regions)):
                if self.asks(key):
                    self._check(key, of())
            if self.asks("type"):
                self._check("type", names.types())

    def _check(self, key: str, known: set[str] | None) -> None:
        for option, patterns in (("--only", self.only), ("--except", self.but)) if known is not None else ():
            for pattern in patterns.get(key, ()):
                if not any(glob(pattern, name) for name in known or ()):
                    raise ArgumentError(
                        f"{option} {key}={pattern}: there is no such {key} here{suggest(pattern, known or ())}",
                        _HELP[key],
                    )

    def over(
        self,
        batches: Iterable[Batch],
        *snapshots: Snapshot,
        wide: Collection[str] = (),
        severities: Mapping[tuple[str, str], Severity | None] = {},
    ) -> Iterator[Batch]:
        """The findings that are chosen. A resource's tags are those of the first snapshot that has it.

        Those of policies that are `wide` are of every account, also where the one that they stand in is not chosen.
        `severities` are those that are not everywhere as the policy says.
        """
        if not self.partial:
            yield from batches
            return
        tags, names = Tags(snapshots), Names(snapshots)
        for found in batches:
            if found.policy in wide or self._of_account(found.account, names):
                severity = severities.get((found.account, found.policy), "")
                if severity and not self._fits("severity", (severity,)):
                    continue
                by_line = self.by_line or (severity is None and self.asks("severity"))
                kept = self._by_line(found, tags) if by_line else found
                if kept:
                    yield kept

    def _of_account(self, account: str, names: Names) -> bool:
        if self.asks("account"):
            only, but = self.only.get("account", ()), self.but.get("account")
            if names.fit(only, account) is False or (but and names.fit(but, account) is True):
                return False
        units = names.above(account) if self.asks("unit") else None
        return units is None or self._fits("unit", units)

    def _by_line(self, found: Batch, tags: Tags) -> Batch | None:
        kept = [line for line in found.lines() if self._chosen(found.account, _read(line), tags)]
        return batch(found.account, found.policy, kept)

    def _chosen(self, account: str, each: _Line, tags: Tags) -> bool:
        if each.region != EVERYWHERE and not self._fits("region", (each.region,)):
            return False
        if not self._fits("type", (each.type,)) or not self._fits("severity", (each.severity,)):
            return False
        found = _known(account, each, tags) if self.asks("tag") else None
        return found is None or self._fits("tag", texts(found))

    def _fits(self, key: str, values: Iterable[str]) -> bool:
        found = list(values)

        def any_of(patterns: Sequence[str]) -> bool:
            return any(glob(pattern, value) for pattern in patterns for value in found)

        return (key not in self.only or any_of(self.only[key])) and not any_of(self.but.get(key, ()))


_HELP = {
    "policy": THESE_POLICIES,
    "framework": "`stillframe pack list` lists those there are; policies say in `frameworks` what they answer",
    "control": "write NUMBER or FRAMEWORK/NUMBER, as in cis-aws-5.0.0/3.7",
    "account": "write an account's id or its name; `stillframe snapshot show` says what was collected",
    "unit": "write a unit's name, its id, or its path, as in Root/Workloads/Prod",
    "region": "an account's enabled regions are in its snapshot; `global` is where an account has things once",
    "type": "`stillframe resource list` lists those there are",
}


def _known(account: str, line: _Line, tags: Tags) -> Mapping[str, str] | None:
    """A resource's tags; None where they are unknown."""
    found = tags.of(account, line.region, line.type, line.resource)
    return None if isinstance(found, Unknown) else found


def selection(only: Sequence[str] = (), but: Sequence[str] = ()) -> Selection:
    """What `--only` and `--except` say: KEY=PATTERN, of which several are separated by commas, but for tags.

    Raises ArgumentError.
    """
    return Selection(only=_patterns(only), but=_patterns(but))


def _patterns(given: Sequence[str]) -> Patterns:
    found: dict[str, list[str]] = {}
    for each in given:
        key, equals, text = each.partition("=")
        if not equals or key not in KEYS or not text:
            raise ArgumentError(
                f"{each!r} chooses nothing{suggest(key, KEYS)}", "write KEY=PATTERN, as in policy=kms-*"
            )
        patterns = [text] if key == "tag" else [part.strip() for part in text.split(",") if part.strip()]
        for pattern in patterns if key == "severity" else ():
            if pattern not in list(Severity):
                raise ArgumentError(f"{pattern!r} is no severity{suggest(pattern, list(Severity))}")
        found.setdefault(key, []).extend(patterns)
    return found
