"""A resource of an item of AWS Config, by the block `config` of its type's entry in the catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import unquote

from jmespath.exceptions import JMESPathError

from ..catalog import ResourceType, Steps, load_catalog, steps
from ..collector.decode import change, finish, put_for
from ..config_rule import ConfigRule
from ..format import encode, too_deep
from ..kinds import config_kind, mark
from ..model import GLOBAL, Json, Resource, Unknown
from ..names import REGION
from ..resource import TAGS, compiled, gap_in, id_of, known, name_of, tags_of
from ..types import ANY, Kind
from .folding import NOT_RECORDED, Folding, unpacked
from .items import BrokenError, Item

DEEP = 80  # how deep an item may be nested: what is made of it stands in a line
_LOST = object()
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


@cache
def importable() -> Mapping[str, ResourceType]:
    """The resource types that can be made of AWS Config's, by AWS Config's names."""
    return {spec.config.type: spec for spec in load_catalog().values() if spec.config}


def resource_of(spec: ResourceType, item: Item) -> Resource:
    """The resource that an item is about. Raises BrokenError where it cannot be told which that is."""
    rule = _rule(spec)
    if too_deep(encode(dict(item.body)), DEEP):
        raise BrokenError("nested too deep")
    config = finish(_config(spec, rule, item), spec)
    mark(config, spec.type)  # a secret must not slip through because it came in another form
    if id_of(spec, config) is None:
        raise BrokenError(f"without {spec.id}, which identifies it")
    tags = _tags(spec, config, item)
    return Resource(
        type=spec.type,
        id=id_of(spec, config) or "",
        account=item.account,
        region=_region(spec, config, item),
        name=name_of(spec, config),
        tags=tags,
        config=config,
    )


def is_one(spec: ResourceType, item: Item) -> bool:
    """Whether an item is of a type, and there. Raises BrokenError where that cannot be told."""
    rule = _rule(spec)
    if item.gone or rule.only is None:
        return not item.gone
    found = _asked(rule.only, item)
    if not isinstance(found, bool):
        raise BrokenError(f"without what `{rule.only}` reads")
    return found


def rank_of(spec: ResourceType, resource: Resource) -> int:
    """Which of several with one id counts: the highest. Raises BrokenError."""
    rule = _rule(spec)
    found: Json = dict(resource.config)
    if rule.latest is None:
        return 0
    for step in steps(rule.latest):
        found = found.get(step) if isinstance(found, dict) else None
    number = _NUMBER.search(found) if isinstance(found, str) else None
    if number is None:
        raise BrokenError(f"without {rule.latest}, by which the latest is known")
    return int(number[0])


def _asked(condition: str, item: Item) -> Json:
    """What a condition says of an item; None where it cannot be said."""
    try:
        return compiled(condition).search({**item.body, "configuration": unpacked(item.body.get("configuration"))})
    except JMESPathError:
        return None


def _rule(spec: ResourceType) -> ConfigRule:
    if spec.config is None:
        raise BrokenError("of a type that is not imported")
    return spec.config


def _config(spec: ResourceType, rule: ConfigRule, item: Item) -> dict[str, Json]:
    given: dict[str, Json] = {}
    configuration = unpacked(item.body.get("configuration"))
    own = {*spec.attach, *(path.partition(".")[0] for path in rule.fields)}
    if rule.fold and isinstance(configuration, dict):
        lower = {name.casefold() for name in own}
        given = {name: each for name, each in configuration.items() if name.casefold() not in lower}
    for path, source in rule.fields.items():
        found = _at(item.body, source)
        if found is not _LOST and (path not in rule.where or _asked(rule.where[path], item) is True):
            _put(given, path.split("."), found)
    folding = _folding(spec)
    config: Any = folding.fold(given, config_kind(spec.type))
    for path, day in rule.absent.items():
        if item.moment is not None and item.moment.date().isoformat() >= day:
            put_for(config, steps(path), NOT_RECORDED, None)
    for path, words in rule.words.items():
        config = change(config, steps(path), partial(_word, words))
    for path, expression in rule.values.items():
        config = change(config, steps(path), partial(_computed, expression))
    for always in spec.always:
        if len(always) > 1 or always[0] not in spec.attach:  # of what is attached, null says that there is none
            put_for(config, always, None, NOT_RECORDED)
    for path_steps in spec.json:
        config = change(config, path_steps, _document)
    if isinstance(spec.tags, str) and spec.tags.isidentifier():
        config = _with_tags(config, spec.tags, spec, item)
    whole: dict[str, Json] = config
    return whole


@cache
def _foldings() -> dict[str, Folding]:
    return {}


def _folding(spec: ResourceType) -> Folding:
    if spec.type not in _foldings():
        more: dict[Steps, set[str]] = {(): set(spec.attach)}
        for path in spec.json:
            more.setdefault(path[:-1], set()).add(path[-1])
        _foldings()[spec.type] = Folding(names=_rule(spec).names, more=more)
    return _foldings()[spec.type]


def _at(body: Mapping[str, Json], path: str) -> Any:
    """What stands at a path of an item, unpacking text on the way; `_LOST` where a key is not there."""
    found: Any = body
    for step in path.split("."):
        found = unpacked(found) if found is not body else found
        if found is None:
            return None
        if not isinstance(found, Mapping) or step not in found:
            return _LOST
        found = found[step]
    return found


def _put(given: dict[str, Json], path: list[str], value: Json) -> None:
    *above, last = path
    for step in above:
        given = given.setdefault(step, {})
    given[last] = value


def _word(words: Mapping[str, Json], value: Json) -> Json:
    if isinstance(value, dict | list):
        return value
    word = value if isinstance(value, str) else json.dumps(value)
    return words[word] if word in words else Unknown.because("MalformedValue: a word that AWS Config does not document")


def _computed(expression: str, value: Json) -> Json:
    gap = gap_in(expression, value)
    if gap is not None:
        return gap
    try:
        return compiled(expression).search(value)
    except JMESPathError:
        return Unknown.because("MalformedDocument: AWS Config")


def _document(value: Json) -> Json:
    return unquote(value) if isinstance(value, str) and value.startswith("%") else value


def _with_tags(config: dict[str, Json], name: str, spec: ResourceType, item: Item) -> dict[str, Json]:
    """The item's own tags as the API would send them, where its configuration has none."""
    there = config.get(name)
    pairs = [] if isinstance(there, list | dict) and there else list(_pairs(item.body.get("tags")))
    if not pairs:
        return config
    kind = config_kind(spec.type).members.get(name, ANY)
    if kind.kind is not Kind.ARRAY:
        return {**config, name: dict(pairs)}
    key, value = next(names for names in TAGS if names[0] in kind.item.members)
    return {**config, name: [{key: one, value: other} for one, other in pairs]}


def _pairs(tags: Json) -> Iterator[tuple[str, str]]:
    match unpacked(tags):
        case dict() as found:
            yield from ((name, str(value)) for name, value in found.items())
        case list() as found if all(isinstance(tag, dict) and isinstance(tag.get("key"), str) for tag in found):
            yield from ((tag["key"], str(tag.get("value", ""))) for tag in found)
        case _:
            pass


def _tags(spec: ResourceType, config: dict[str, Json], item: Item) -> Any:
    """A resource's tags. That an item has none says nothing: of some types AWS Config records none."""
    if spec.tags is None:
        return tags_of(spec, config)
    pairs = dict(_pairs(item.body.get("tags")))
    return pairs or tags_of(spec, config)


def _region(spec: ResourceType, config: dict[str, Json], item: Item) -> str:
    if spec.region is None:
        return GLOBAL if spec.scope == "account" else item.region
    found = compiled(spec.region).search(known(config))
    return found if isinstance(found, str) and REGION.match(found) else item.region
