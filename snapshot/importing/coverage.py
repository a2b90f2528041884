"""What may be taken as read: an item says what there was, and nothing says what AWS Config would have recorded.

Only the recorder's own item does: that it recorded all types that are supported, or this one by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from ..config_rule import ConfigRule
from ..model import EVERYWHERE, Json
from .folding import unpacked

RECORDER = "AWS::Config::ConfigurationRecorder"
SERVICES_OWN = "AWSConfigurationRecorderFor"  # how the names of recorders begin that AWS services make for themselves
# Regions that are on by themselves: AWS Config has recorded there whatever it records elsewhere. In others types came
# later, and some are not there yet.
_SETTLED = frozenset(
    {
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
        *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)


class Recorder(Struct, frozen=True, kw_only=True):
    """What one recorder's item says. `named` is None where it records all types but the `excluded`."""

    running: bool
    named: frozenset[str] | None
    excluded: frozenset[str]
    with_global: bool

    def has(self, rule: ConfigRule) -> bool:
        """Whether it records a type, if AWS Config can."""
        if self.named is not None:
            return rule.type in self.named
        return rule.type not in self.excluded and (self.with_global or not rule.once)


class Place(Struct, kw_only=True):
    """What is known of one region of one account: its whole file, if there is one, and its recorders."""

    moment: datetime | None = None  # of the whole file
    file: str | None = None
    broken: bool = False
    recorders: dict[str, list[Recorder | None]] = field(default_factory=dict)  # each that there was; None where gone
    seen: set[str] = field(default_factory=set)  # types of which there is an item
    damaged: set[str] = field(default_factory=set)  # types of which an item cannot be used
    lost: set[str] = field(default_factory=set)  # types of which something later is lost; `*` for all
    latest: datetime | None = None
    later: int = 0  # items that are later than the whole file
    ahead: datetime | None = None  # of a file or an item that is of a time to come, and was not read

    def believed(self, kind: str) -> bool:
        """Whether items of a type count: not of a recorder that stopped, nor where a later one may be lost."""
        stopped = any(not each.running for states in self.recorders.values() for each in states if each)
        return not stopped and self.lost.isdisjoint((kind, EVERYWHERE))


def recorder_of(body: Mapping[str, Json]) -> tuple[str, Recorder] | None:
    """The recorder that an item is about, by name; None where it is a service's own, or says too little."""
    found = unpacked(body.get("configuration"))
    if not isinstance(found, dict):
        return None
    fields = {name.casefold(): each for name, each in found.items()}
    name, group = fields.get("name"), fields.get("recordinggroup")
    if not isinstance(name, str) or not isinstance(group, dict) or name.startswith(SERVICES_OWN):
        return None
    group = {key.casefold(): each for key, each in group.items()}
    strategy = _inner(group.get("recordingstrategy"), "useonly")
    excluding = strategy == "EXCLUSION_BY_RESOURCE_TYPES"
    everything = _true(group.get("allsupported"))
    excluded = _inner(group.get("exclusionbyresourcetypes"), "resourcetypes")
    if excluding and not isinstance(excluded, list):
        return name, Recorder(running=True, named=frozenset(), excluded=frozenset(), with_global=False)
    return name, Recorder(
        running=_true(fields.get("recording")),
        named=None if everything or excluding else frozenset(_texts(group.get("resourcetypes"))),
        excluded=frozenset(_texts(excluded)) if excluding else frozenset(),
        with_global=excluding or _true(group.get("includeglobalresourcetypes")),
    )


def _inner(value: Json, name: str) -> Json:
    lower = {key.casefold(): each for key, each in value.items()} if isinstance(value, dict) else {}
    return lower.get(name)


def _texts(value: Json) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _true(value: Json) -> bool:
    return value is True or value == "true"


def gap_of(rule: ConfigRule, region: str, place: Place | None) -> str | None:
    """Why resources of a type in a region may be missing from what AWS Config recorded; None if none are."""
    kind = rule.type
    if place is None or (place.moment is None and not place.broken):
        return f"NotRecorded: AWS Config gave no snapshot of {region}"
    if place.moment is None:
        return f"NotRecorded: the snapshot that AWS Config gave of {region} is damaged"
    if kind in place.damaged or not place.lost.isdisjoint((kind, EVERYWHERE)):
        return f"MalformedDocument: an item of {kind} in {region}"
    if not place.recorders:
        return f"NotRecorded: AWS Config does not say what it recorded in {region}"
    states = list(place.recorders.values())
    if not any(
        all(each is not None and each.running and each.has(rule) for each in each_state) for each_state in states
    ):
        return f"NotRecorded: AWS Config did not record {kind} in {region}"
    named = any(each is not None and each.named is not None for state in states for each in state)
    early = place.moment.date().isoformat() < rule.since or region not in _SETTLED
    if early and not named and kind not in place.seen:
        return f"NotRecorded: AWS Config may not have known {kind} in {region} then"
    return None
