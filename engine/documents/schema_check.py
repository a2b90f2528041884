"""Whether a value fits a JSON Schema, and no more: quick, for schemas of the few keywords that ours have.

jsonschema knows all keywords and says what is wrong, but takes long to import and to run. Nearly every document is
in order, so it is asked only about those that are not, and about schemas with a keyword that is unknown here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
Check = Callable[[Any], bool]
Compile = Callable[[Any], Check]


def compiled(schema: Schema) -> Check | None:
    """A check that says what jsonschema would by draft 2020-12; None where a keyword is unknown here."""
    references = {f"#/$defs/{name}": part for name, part in schema.get("$defs", {}).items()}
    definitions: dict[str, Check] = {}

    def compile_(part: Any) -> Check:
        if not isinstance(part, dict):
            raise _NotKnown
        return _every([keyword(name, part) for name in part if name not in _SAYS_NOTHING])

    def keyword(name: str, part: Schema) -> Check:
        wanted = part[name]
        if name == "$ref" and str(wanted) in references:
            return lambda value: bool(definitions[wanted](value))  # it may be compiled after this
        taken, about, make = _KEYWORDS.get(name, (object, "", None))
        if make is None or not isinstance(wanted, taken):
            raise _NotKnown
        check = make(wanted, part, compile_)
        return _only(_TYPES[about], check) if about else check

    try:
        definitions |= {reference: compile_(part) for reference, part in references.items()}
        return compile_({name: part for name, part in schema.items() if name not in _OF_A_DOCUMENT})
    except (_NotKnown, re.error):
        return None


class _NotKnown(Exception):  # noqa: N818 - no error: jsonschema is asked instead
    pass


def _every(checks: Sequence[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def every(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - most of the work is here, and all() takes twice as long
            if not check(value):
                return False
        return True

    return every


def _some(checks: Sequence[Check]) -> Check:
    return checks[0] if len(checks) == 1 else lambda value: any(check(value) for check in checks)


def _one(checks: Sequence[Check]) -> Check:
    return lambda value: sum(check(value) for check in checks) == 1


def _only(about: Check, check: Check) -> Check:
    """A keyword about values of one type allows all others."""
    return lambda value: not about(value) or check(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Check] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _number(value) and value % 1 == 0,
    "null": lambda value: value is None,
    "number": _number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _type(wanted: Any, *_: Any) -> Check:
    names = wanted if isinstance(wanted, list) else [wanted]
    if not all(str(name) in _TYPES for name in names):
        raise _NotKnown
    return _some([_TYPES[name] for name in names])


def _equals(choice: Any) -> Check:
    if isinstance(choice, list | dict):
        raise _NotKnown
    boolean = isinstance(choice, bool)  # true is 1 in Python, but not in JSON
    return lambda value: bool(value == choice) and isinstance(value, bool) is boolean


def _properties(wanted: Any, _: Schema, compile_: Compile) -> Check:
    checks = {name: compile_(part) for name, part in wanted.items()}
    return lambda value: all(checks[name](value[name]) for name in value if name in checks)


def _additional(wanted: Any, schema: Schema, compile_: Compile) -> Check:
    named: dict[str, Any] = schema.get("properties", {})
    alike = [re.compile(pattern).search for pattern in schema.get("patternProperties", ())]
    check = None if isinstance(wanted, bool) else compile_(wanted)

    def additional(value: Any) -> bool:
        others = [name for name in value if name not in named and not any(search(name) for search in alike)]
        return all(check(value[name]) for name in others) if check else wanted or not others

    return additional


def _by_pattern(wanted: Any, _: Schema, compile_: Compile) -> Check:
    checks = [(re.compile(pattern).search, compile_(part)) for pattern, part in wanted.items()]
    return lambda value: all(check(value[name]) for search, check in checks for name in value if search(name))


def _if(wanted: Any, schema: Schema, compile_: Compile) -> Check:
    condition, then = compile_(wanted), compile_(schema.get("then", {}))
    return lambda value: not condition(value) or then(value)


def _each(check: Check) -> Callable[[Iterable[Any]], bool]:
    return lambda values: all(check(value) for value in values)


def _not(wanted: Any, _: Schema, compile_: Compile) -> Check:
    check = compile_(wanted)
    return lambda value: not check(value)


def _pattern(wanted: Any, *_: Any) -> Check:
    search = re.compile(wanted).search
    return lambda value: search(value) is not None


def _least(wanted: Any, *_: Any) -> Check:
    return lambda value: len(value) >= wanted


def _most(wanted: Any, *_: Any) -> Check:
    return lambda value: len(value) <= wanted


_OF_A_DOCUMENT = frozenset({"$schema", "$id", "$defs"})
_SAYS_NOTHING = frozenset({"title", "description", "default"})
# Keyword → what it takes, the type of value that it is about if not all, and its check: of what it is given, of the
# schema around it, and with a way to compile a part.
_KEYWORDS: Mapping[str, tuple[Any, str, Callable[[Any, Schema, Compile], Check]]] = {
    "additionalProperties": (bool | dict, "object", _additional),
    "anyOf": (list, "", lambda wanted, _, compile_: _some([compile_(part) for part in wanted])),
    "const": (object, "", lambda wanted, *_: _equals(wanted)),
    "enum": (list, "", lambda wanted, *_: _some([_equals(choice) for choice in wanted])),
    "exclusiveMinimum": (int | float, "number", lambda wanted, *_: lambda value: value > wanted),
    "if": (dict, "", _if),
    "items": (dict, "array", lambda wanted, _, compile_: _each(compile_(wanted))),
    "maxLength": (int, "string", _most),
    "maximum": (int | float, "number", lambda wanted, *_: lambda value: value <= wanted),
    "minItems": (int, "array", _least),
    "minLength": (int, "string", _least),
    "minProperties": (int, "object", _least),
    "minimum": (int | float, "number", lambda wanted, *_: lambda value: value >= wanted),
    "not": (dict, "", _not),
    "oneOf": (list, "", lambda wanted, _, compile_: _one([compile_(part) for part in wanted])),
    "pattern": (str, "string", _pattern),
    "patternProperties": (dict, "object", _by_pattern),
    "properties": (dict, "object", _properties),
    "propertyNames": (dict, "object", lambda wanted, _, compile_: _each(compile_(wanted))),
    "required": (list, "object", lambda wanted, *_: lambda value: all(name in value for name in wanted)),
    "then": (dict, "", lambda *_: lambda _: True),  # `if` sees to it
    "type": (str | list, "", _type),
}
