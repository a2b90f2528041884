"""What of an answer a JMESPath expression reads: the rest is nobody's business, and may be a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from jmespath.visitor import TreeInterpreter

from ..model import Json
from ..resource import compiled

_THROUGH = frozenset({"multi_select_list", "or_expression", "and_expression"})  # give what is in them as it is


def kept_of(answer: Json, expressions: Iterable[str]) -> Json:
    """An answer without what none of some expressions reads of it: each gives the same of what is left."""
    reader = _Reader()
    for expression in expressions:
        reader.keep(reader.read(compiled(expression).parsed, [answer]))
    return reader.left(answer)


class _Reader:
    """What was read: values of which all is kept, and the ways to others, which are keys, by the id of each value."""

    def __init__(self) -> None:
        self._whole: set[int] = set()
        self._ways: dict[int, set[Any]] = {}

    def keep(self, values: Iterable[Json]) -> None:
        self._whole.update(map(id, values))

    def left(self, value: Json) -> Json:
        ways = self._ways.get(id(value), ())
        match value:
            case dict() | list() if id(value) in self._whole:
                return value
            case dict():
                return {key: self.left(each) for key, each in value.items() if key in ways}
            case list():
                return [self.left(each) for at, each in enumerate(value) if at in ways]
            case _:
                return value

    def read(self, node: Any, values: list[Json]) -> list[Json]:
        """What a node gives for some values; of what is made of them, what it is made of."""
        match node["type"]:
            case "current" | "identity":
                return values
            case "field":
                return [found for each in values if isinstance(each, dict) for found in self._go(each, [node["value"]])]
            case "index" | "slice":  # all before it, too, or it were another
                return [found for each in values for found in self._items(each)]
            case "subexpression" | "index_expression" | "pipe":
                for child in node["children"]:
                    values = self.read(child, values)
                return values
            case "flatten":
                items = [item for each in self.read(node["children"][0], values) for item in self._items(each)]
                return [inner for item in items for inner in self._items(item)]
            case "projection":
                left, right = node["children"]
                return self.read(right, [item for each in self.read(left, values) for item in self._items(each)])
            case "value_projection":
                left, right = node["children"]
                maps = [each for each in self.read(left, values) if isinstance(each, dict)]
                return self.read(right, [item for each in maps for item in self._go(each, list(each))])
            case "filter_projection":
                left, right, condition = node["children"]
                holds = partial(_holds, condition)
                found = [item for each in self.read(left, values) for item in self._items(each, holds)]
                self.keep(self.read(condition, found))
                return self.read(right, found)
            case kind:
                children = [each for each in node["children"] if isinstance(each, dict)]
                found = [item for child in children for item in self.read(child, values)]
                if kind not in _THROUGH:
                    self.keep(found)
                return found

    def _items(self, value: Json, which: Callable[[Json], bool] = lambda _: True) -> list[Json]:
        """What is in a list; anything else itself, as an item of a list that an expression makes."""
        if not isinstance(value, list):
            return [value]
        return self._go(value, [at for at, each in enumerate(value) if which(each)])

    def _go(self, value: Any, keys: Iterable[Any]) -> list[Json]:
        found = [key for key in keys if isinstance(value, list) or key in value]
        self._ways.setdefault(id(value), set()).update(found)
        return [value[key] for key in found]


def _holds(condition: Any, item: Json) -> bool:
    return bool(TreeInterpreter().visit(condition, item))
