"""What to evaluate and show of all there is: by policy, severity, framework, account and tag.

What cannot be known is not left out: a resource whose tags were not read may be one that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ...snapshot.errors import ArgumentError
from ...snapshot.model import Json, Snapshot, Unknown
from ..model.policy import Policy, Severity, base
from ..model.waiver import glob
from ..suggest import suggest
from .batch import Batch, batch
from .tags import Tags

_OF_POLICY: Mapping[str, Callable[[Policy], Iterable[str]]] = {
    "policy": lambda policy: {policy.id, base(policy.id)},
    "severity": lambda policy: (policy.severity.value,),
    "framework": lambda policy: policy.frameworks,
}
KEYS = (*_OF_POLICY, "account", "tag")
Patterns = Mapping[str, Sequence[str]]


class _Line(msgspec.Struct):
    region: str
    type: str
    resource: str
    waiver: Json


_read = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is chosen: for each key of `only` one of its patterns fits, and no pattern of `but`."""

    only: Patterns = field(default_factory=dict)
    but: Patterns = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.only or self.but)

    @property
    def by_tag(self) -> bool:
        return "tag" in self.only or "tag" in self.but

    def notes(self) -> Iterator[str]:
        """A line for people, where something may be left out."""
        options = (("--only", self.only), ("--except", self.but))
        said = [f"{option} {key}={','.join(found)}" for option, given in options for key, found in given.items()]
        if said:
            yield f"this is a part: {' '.join(said)}"

    def policies(self, policies: Sequence[Policy]) -> list[Policy]:
        """The policies that are chosen. Raises ArgumentError where there is none."""
        chosen = [policy for policy in policies if all(self._fits(key, of(policy)) for key, of in _OF_POLICY.items())]
        if policies and not chosen:
            raise ArgumentError(
                "no policy in force is chosen by --only and --except", "`stillframe policy list` lists those there are"
            )
        return chosen

    def over(self, batches: Iterable[Batch], *snapshots: Snapshot) -> Iterator[Batch]:
        """The findings that are chosen. A resource's tags are those of the first snapshot that has it."""
        if not self.partial:
            yield from batches
            return
        tags = Tags(snapshots)
        for found in batches:
            if self._fits("account", (found.account,)):
                kept = self._by_tag(found, tags) if self.by_tag else found
                if kept:
                    yield kept

    def _by_tag(self, found: Batch, tags: Tags) -> Batch | None:
        lines = [(line, _read(line)) for line in found.lines()]
        kept = [(line, each) for line, each in lines if self._tagged(_known(found.account, each, tags))]
        made = batch(found.account, found.policy, [line for line, _ in kept])
        return made and msgspec.structs.replace(made, waived=sum(each.waiver is not None for _, each in kept))

    def _tagged(self, tags: Mapping[str, str] | None) -> bool:
        return tags is None or self._fits("tag", {*tags, *(f"{name}={value}" for name, value in tags.items())})

    def _fits(self, key: str, values: Iterable[str]) -> bool:
        found = list(values)

        def any_of(patterns: Sequence[str]) -> bool:
            return any(glob(pattern, value) for pattern in patterns for value in found)

        return (key not in self.only or any_of(self.only[key])) and not any_of(self.but.get(key, ()))


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
