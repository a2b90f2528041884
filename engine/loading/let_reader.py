"""The names that a policy gives to expressions: which stand for what, and that none stands for itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..documents.reader import Reader
from ..errors import EvaluationError
from ..language.lets import Lets, bound
from ..language.parser import Expression, check_variables, parse

_NAMES = 50  # each is looked into as deep as those that it names


def read_lets(reader: Reader, given: Mapping[str, Any], variables: Collection[str]) -> Lets:
    """What the names of a policy stand for, each after those that it names; faults are noted, and have none."""
    parsed = dict(_parsed(reader, given, variables))
    ways = {**_lookup_ways(given), **{name: each.variables() for name, each in parsed.items()}}
    lets: dict[str, Expression] = {}
    for name in _ordered(reader, parsed, ways):
        try:
            lets[name] = bound(parsed[name], lets)
        except EvaluationError as error:
            reader.fault(("let", name), str(error), offset=error.at)
    return lets


def _ordered(reader: Reader, parsed: Mapping[str, Expression], ways: Mapping[str, frozenset[str]]) -> list[str]:
    """Names, each after those that it is made by."""
    found: dict[str, bool] = {}  # whether all that it is made by is found, too

    def visit(name: str, way: tuple[str, ...]) -> None:
        if found.get(name) is False:
            circle = (*way[way.index(name) :], name)
            named = next(each for each in circle if each in parsed)
            reader.fault(
                ("let", named), f"${named} stands for itself: {' → '.join(f'${each}' for each in circle)}", key=True
            )
        elif name not in found:
            found[name] = False
            for other in sorted(ways[name] & ways.keys()):
                visit(other, (*way, name))
            del found[name]
            found[name] = True

    for name in parsed:
        visit(name, ())
    return [name for name in found if name in parsed]


def _parsed(reader: Reader, given: Mapping[str, Any], variables: Collection[str]) -> Iterator[tuple[str, Expression]]:
    named = given.get("let", {})
    if len(named) > _NAMES:
        reader.fault(("let",), f"there are more than {_NAMES} names", key=True)
    for name, text in named.items():
        for other in ("lookup", "params"):
            if name in given.get(other, {}):
                line, column = reader.place((other, name), key=True)
                reader.fault(("let", name), f"{name} is in {other}, too, at {line}:{column}: rename one", key=True)
        try:
            expression = parse(text)
            check_variables(expression, (*variables, *named))
        except EvaluationError as error:
            reader.fault(("let", name), str(error), offset=error.at)
        else:
            yield name, expression


def _lookup_ways(given: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """Lookup → the variables that it is made by. What does not parse is told of elsewhere."""
    return {name: frozenset(_read(entry)) for name, entry in given.get("lookup", {}).items()}


def _read(entry: Mapping[str, Any]) -> Iterator[str]:
    match = entry.get("match", {}).values()
    ours = [text for each in match for text in (each.values() if isinstance(each, dict) else [each])]
    for text in (*ours, *([entry["where"]] if "where" in entry else [])):
        try:
            yield from parse(text).variables()
        except EvaluationError:
            continue
