"""Make data smaller while something stays true of it: keys, items and whole resources that do not matter go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...snapshot.format import MISSING

Steps = tuple[str | int, ...]


def shrink(value: Any, holds: Callable[[Any], bool]) -> Any:
    """The value without whatever can be left out so that `holds` still does. It must hold at the beginning."""
    return _shrink(value, (), holds)


def _shrink(root: Any, steps: Steps, holds: Callable[[Any], bool]) -> Any:
    node = _get(root, steps)
    if isinstance(node, dict) and MISSING not in node:
        for key in sorted(node, key=lambda key: (not key.startswith("$"), key)):  # what says who it is goes first
            less = {other: item for other, item in _get(root, steps).items() if other != key}
            root = _kept(root, steps, less, holds)
        inside: list[str | int] = list(_get(root, steps))
    elif isinstance(node, list):
        root = _fewer(root, steps, holds)
        inside = list(range(len(_get(root, steps))))
    else:
        return root
    for step in inside:
        root = _shrink(root, (*steps, step), holds)
    return root


def _fewer(root: Any, steps: Steps, holds: Callable[[Any], bool]) -> Any:
    """Leave out items of a list: half of them at once, then a quarter, and in the end one at a time."""
    size = len(_get(root, steps))
    while size:
        start = 0
        while start < len(items := _get(root, steps)):
            smaller = _kept(root, steps, [*items[:start], *items[start + size :]], holds)
            start += 0 if smaller is not root else size
            root = smaller
        size //= 2
    return root


def _kept(root: Any, steps: Steps, less: Any, holds: Callable[[Any], bool]) -> Any:
    smaller = _put(root, steps, less)
    return smaller if holds(smaller) else root


def _get(root: Any, steps: Steps) -> Any:
    for step in steps:
        root = root[step]
    return root


def _put(root: Any, steps: Steps, value: Any) -> Any:
    if not steps:
        return value
    copy = root.copy()
    copy[steps[0]] = _put(root[steps[0]], steps[1:], value)
    return copy
