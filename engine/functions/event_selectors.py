"""What the event selectors of a CloudTrail trail record.

An event is recorded where some selector takes it, and a selector takes what each of its fields takes: one of Equals,
StartsWith and EndsWith, where there is any, and none of their opposites.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from math import prod

from msgspec import Struct
from msgspec.json import decode, encode

from ...snapshot.model import Json, Unknown
from ..errors import EvaluationError
from .arguments import kind
from .unknowns import Truth, kleene_any, known_items, maybe_items, unknown_in

EVENTS = 10_000  # how many different events are tried at most

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_KINDS = ("EventSelectors", "AdvancedEventSelectors")
_OTHER = "\0"  # what no selector names
_READS: Mapping[Json, Sequence[str]] = {"ReadOnly": ["true"], "WriteOnly": ["false"], "All": ["true", "false"]}
_PARTITION = re.compile("^arn:aws[a-z-]*")  # a trail names resources of its own partition alone

Matches = Sequence[tuple[str, str]]  # an operator and its text


class _Field(Struct, frozen=True):
    """What a selector says of a field. `takes` is None where it takes what it does not leave out."""

    name: str
    takes: Matches | None
    leaves: Matches

    def passes(self, value: str) -> bool:
        taken = self.takes is None or _any(self.takes, value)
        return taken and not _any(self.leaves, value)


Selector = Sequence[_Field]


def selects_events(selectors: Json, event: Json) -> Truth:
    """Whether the selectors of a trail, of either kind and together, record each event that has some fields.

    What is not said of the event may be anything. A value that ends with * stands for every text that begins so.
    """
    if isinstance(selectors, Unknown):
        return selectors
    if (gap := unknown_in(event)) is not None:
        return gap
    if not isinstance(selectors, dict):
        raise EvaluationError(f"selects_events() takes the selectors of a trail, not {kind(selectors)}")
    if unknown_in(selectors) is not None:
        return _select(selectors, check_event(event))
    return _selected(encode(selectors), encode(event))


def check_event(event: Json) -> Mapping[str, str]:
    """The event. Raises EvaluationError for what is none."""
    if not isinstance(event, dict) or not all(isinstance(value, str) for value in event.values()):
        raise EvaluationError("selects_events() takes an event: an object whose values are texts")
    return event


@lru_cache(maxsize=4096)  # most trails have selectors of a few kinds, and are asked about by policy after policy
def _selected(selectors: bytes, event: bytes) -> Truth:
    return _select(decode(selectors), check_event(decode(event)))


def _select(selectors: Json, wanted: Mapping[str, str]) -> Truth:
    found = list(_selectors(selectors, wanted.get("eventCategory")))
    known: list[Selector] = known_items(found)
    fields = [field for selector in known for field in selector]
    values = {name: _values(name, wanted, fields) for name in {*wanted, *(field.name for field in fields)}}
    if prod(map(len, values.values())) > EVENTS:
        return Unknown.because(f"selects_events(): more than {EVENTS} kinds of events")
    events = (dict(zip(values, chosen, strict=True)) for chosen in product(*values.values()))
    whole = all(any(all(field.passes(each[field.name]) for field in selector) for selector in known) for each in events)
    return kleene_any([whole, *maybe_items(found)])


def _selectors(selectors: Json, category: str | None) -> Iterator[Selector | Unknown]:
    basic, advanced = map(selectors.get, _KINDS)
    for each in _items(basic):
        yield from map(_read, [each] if isinstance(each, Unknown) else _as_advanced(each, category))
    for each in _items(advanced):
        yield _read(each if isinstance(each, Unknown) else each.get("FieldSelectors"))


def _as_advanced(basic: Mapping[str, Json], category: str | None) -> Iterator[Json]:
    """A basic selector as the fields of those that say the same, as far as they may be of a category."""
    reads = basic.get("ReadWriteType")
    read = {"Field": "readOnly", "Equals": reads if isinstance(reads, Unknown) else _READS.get(reads, [])}
    included, excluded = basic.get("IncludeManagementEvents"), basic.get("ExcludeManagementEventSources")
    if category != "Data" and included not in (False, None):
        yield [
            {"Field": "eventCategory", "Equals": included if isinstance(included, Unknown) else ["Management"]},
            {"Field": "eventSource", "NotEquals": [] if excluded is None else excluded},
            read,
        ]
    for data in _items(basic.get("DataResources")) if category != "Management" else ():
        if isinstance(data, Unknown):
            yield data
        else:
            yield [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": [data.get("Type")]},
                {"Field": "resources.ARN", "StartsWith": data.get("Values")},
                read,
            ]


def _items(found: Json) -> Sequence[Json]:
    return [found] if isinstance(found, Unknown) else found or []


def _read(fields: Json) -> Selector | Unknown:
    if (gap := unknown_in(fields)) is not None:
        return gap
    new = {operator for field in fields for operator in field} - {"Field", *_OPERATORS, *map(_opposite, _OPERATORS)}
    return Unknown.because(f"an event selector with {min(new)}") if new else [_field(each) for each in fields]


def _opposite(operator: str) -> str:
    return f"Not{operator}"


def _field(written: Mapping[str, Json]) -> _Field:
    def matches(name: Callable[[str], str]) -> Matches | None:
        """Every text of these operators; None where there is none of them."""
        found = {each: texts for each in _OPERATORS if (texts := written.get(name(each))) is not None}
        return [(each, _plain(text)) for each, texts in found.items() for text in texts] if found else None

    name, takes, leaves = written["Field"], matches(str), matches(_opposite)
    # AWS takes no field without an operator, and these with no other than Equals.
    garbage = takes is None and (leaves is None or name in ("eventCategory", "readOnly", "resources.type"))
    return _Field(name, [] if garbage else takes, leaves or [])


def _plain(text: str) -> str:
    return _PARTITION.sub("arn:aws", text)


def _any(matches: Matches, value: str) -> bool:
    return any(_OPERATORS[operator](value, text) for operator, text in matches)


def _values(name: str, event: Mapping[str, str], fields: Sequence[_Field]) -> Sequence[str]:
    """Values of a field of such an event, of which each selector takes one if it takes all that are like it."""
    wanted = _plain(event.get(name, "*"))
    if not wanted.endswith("*"):
        return [wanted]
    if name == "readOnly":
        return ["true", "false"]
    begins = wanted[:-1]
    matches = [match for field in fields if field.name == name for match in (*(field.takes or ()), *field.leaves)]
    texts = {operator: {text for each, text in matches if each == operator} for operator in _OPERATORS}
    firsts = {begins, *(text for text in texts["StartsWith"] if text.startswith(begins))}
    made = {first + _OTHER + last for first in firsts for last in {"", *texts["EndsWith"]}}
    nothing = begins if begins.endswith(":") else ""  # an ARN that names nothing: no event is about it
    return sorted(made | {text for text in texts["Equals"] if text.startswith(begins) and text != nothing})
