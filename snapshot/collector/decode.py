"""What the collector makes of answers before they are written: JSON in text, CSV, and secrets taken out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from ..catalog import ResourceType, Steps
from ..format import DEPTH, too_deep
from ..gaps import REDACTED
from ..model import Json, Unknown

ANSWER = DEPTH - 20  # how deep an answer, or a document in one, may be nested: it stands in a resource's line


def finish(config: Json, spec: ResourceType) -> Json:
    """A resource's config as it is written: JSON documents parsed, and no secret in it.

    Of an expression that makes objects null is what the answer lacks: what AWS always sends is unknown then.
    """
    for steps in spec.always:
        if len(steps) > 1 or steps[0] not in spec.attach:  # of what is attached, null says that there is none
            put_for(config, steps, None, Unknown.because(f"UnexpectedAnswer: {_action(spec, steps)}"))
    for steps in spec.json:
        config = change(config, steps, partial(_parsed, _action(spec, steps)))
    for steps in spec.redact:
        config = change(config, steps, lambda _: REDACTED)
    return config


def _action(spec: ResourceType, steps: Steps) -> str:
    return spec.attach[steps[0]].action if steps[0] in spec.attach else spec.list.action


def put_for(config: Json, path: Steps, old: Json, new: Json) -> None:
    """Put one value, in place, for another, where that stands at a path."""
    step, rest = path[0], path[1:]
    match config:
        case list() if step == "[]":
            for each in config:
                put_for(each, rest, old, new)
        case dict() if rest:
            put_for(config.get(step), rest, old, new)
        case dict() if step in config and config[step] == old:
            config[step] = new


def change(node: Json, steps: Steps, become: Callable[[Json], Json]) -> Json:
    """The same value with what stands at a path replaced. Null stays null, and unknown unknown.

    Where a value is not of the form that the path says, all of it is replaced: a secret must not slip through
    because AWS sent it in another form.
    """
    if node is None or isinstance(node, Unknown):
        return node
    if not steps:
        return become(node)
    step, rest = steps[0], steps[1:]
    match step, node:
        case "[]", list():
            return [change(item, rest, become) for item in node]
        case "*", dict():
            return {key: change(item, rest, become) for key, item in node.items()}
        case _, dict() if step != "[]":
            return {**node, step: change(node[step], rest, become)} if step in node else node
    return become(node)


def rows(content: Json, columns: Sequence[str], action: str) -> Json:
    """The rows of CSV, each as an object; Unknown where it is none, or has not all of these columns."""
    try:
        text = content.decode() if isinstance(content, bytes) else str(content)
        reader = csv.DictReader(io.StringIO(text), strict=True)
        found = list(reader)
    except (csv.Error, UnicodeDecodeError):
        return Unknown.because(f"MalformedDocument: {action}")
    whole = all(None not in row and None not in row.values() for row in found)  # neither longer nor shorter
    if not whole or not set(columns) <= set(reader.fieldnames or ()):
        return Unknown.because(f"MalformedDocument: {action}")
    return found


def _parsed(action: str, found: Json) -> Json:
    if isinstance(found, (dict, list)):
        return found  # parsed on its way to us
    try:
        if isinstance(found, str) and not too_deep(found.encode(), ANSWER):
            return msgspec.json.decode(found)
    except (msgspec.DecodeError, UnicodeError):
        pass  # as unknown as what is too deep
    return Unknown.because(f"MalformedDocument: {action}")
