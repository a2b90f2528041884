"""Fixtures against AWS's API models: a typo in an example must not hide the same typo in its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from ...snapshot.format import MISSING
from ...snapshot.types import Kind, Type
from ..documents.yaml12 import Document, Path, Place
from ..loading.scopes import ACCOUNT
from ..model.glob import wild
from ..model.regions import never
from ..suggest import suggest

_JSON: dict[Kind, tuple[type, ...]] = {
    Kind.ARRAY: (list,),
    Kind.BOOLEAN: (bool,),
    Kind.MAP: (dict,),
    Kind.NUMBER: (int, float),
    Kind.OBJECT: (dict,),
    Kind.STRING: (str,),
}


class Fault(Struct, frozen=True, kw_only=True):
    """What AWS would not send, and where it stands."""

    place: Place
    code: str
    message: str


def check_rows(rows: Any, config: Type, path: Path, document: Document) -> Iterator[Fault]:
    """Every fault of the resources that an example gives for one type. `$account` and the like are ours."""
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        for name, wrong in (("$account", _no_account), ("$region", _no_region)):
            at = (*path, number, name)
            if at in document.keys and (message := wrong(row[name])):
                yield Fault(place=document.place(at), code="bad-fixture", message=message)
        fields = {name: value for name, value in row.items() if not name.startswith("$")}
        yield from _check(fields, config, (*path, number), document)


def _no_account(value: Any) -> str:
    fits = isinstance(value, str) and re.fullmatch("[0-9]{12}", value)
    return "" if fits else f"{value!r} {ACCOUNT}"


def _no_region(value: Any) -> str:
    return never(value) if isinstance(value, str) and not wild(value) else f"no region is called {value}"


def _check(value: Any, wanted: Type, path: Path, document: Document) -> Iterator[Fault]:
    kinds = _JSON.get(wanted.kind)
    if value is None or kinds is None or (isinstance(value, dict) and MISSING in value):
        return
    fits: bool = isinstance(value, kinds) and not (isinstance(value, bool) and wanted.kind is Kind.NUMBER)
    if not fits:
        yield Fault(place=document.place(path), code="bad-fixture", message=f"AWS sends {wanted.kind.value} here")
    elif wanted.kind is Kind.OBJECT:
        for name, item in value.items():
            at = (*path, name)
            if name in wanted.members:
                yield from _check(item, wanted.members[name], at, document)
            elif at in document.keys:  # what is merged from an anchor is evaluated where it stands
                hint = suggest(name, wanted.members)
                message = f"{wanted.name or 'this object'} has no field {name}{hint}"
                yield Fault(place=document.keys[at], code="unknown-field", message=message)
    elif wanted.kind is Kind.ARRAY:
        for number, item in enumerate(value):
            yield from _check(item, wanted.item, (*path, number), document)
    elif wanted.enum and value not in wanted.enum:
        message = f"{value!r} is no value of {wanted.name}{suggest(str(value), wanted.enum)}"
        yield Fault(place=document.place(path), code="not-in-enum", message=message)
