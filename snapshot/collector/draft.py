"""A first catalogue entry, drafted from AWS's API model of the call that lists a type. People complete it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from msgspec import Struct

from ..errors import ArgumentError
from .pages import TOKENS

_VERB = re.compile(r"List|Describe|Get")
_TAGGING = ("ListTagsForResource", "ListTags", "ListTagsOfResource", "ListResourceTags", "GetTags")
_TAGS = ("tags", "Tags", "TagList", "TagSet")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", ""))
_TODO = "..."  # what only people know
_OURS = dict.fromkeys(("AccountId", "AwsAccountId"), "'\"$account\"'")


class _Attached(Struct, frozen=True):
    """A call about one resource, and the shape of what it brings."""

    name: str
    operation: str
    arguments: str
    result: str
    shape: Any

    def __str__(self) -> str:
        result = f", result: {self.result}" if self.result else ""
        return f"{self.name}: {{call: {self.operation}, with: {{{self.arguments}}}{result}}}"


def draft(service: str, operation: str) -> str:
    """An entry as YAML. Both names are known. Raises ArgumentError where the answer has no list."""
    return "\n".join([*_Draft(service, operation).lines(), ""])


@cache
def _session() -> Any:
    return botocore.session.Session()


class _Draft:
    """What the model of one service says about one call."""

    def __init__(self, service: str, operation: str) -> None:
        self.service, self.operation = service, operation
        self.model = _session().get_service_model(service)
        self.call = self.model.operation_model(operation)
        self.noun = _singular(_VERB.sub("", operation, count=1) or operation)
        self.items, self.item = self._items()
        self.fields: dict[str, Any] = dict(getattr(self.item, "members", {}))
        self.identity = self._identity() if self.fields else "Id"

    def lines(self) -> Iterator[str]:
        tags, attached = self._attached()
        yield f"service: {self.service}"
        if self.model.signing_name != self.service:
            yield f"iam: {self.model.signing_name} # as IAM calls it: see the service authorization reference"
        yield "resources:"
        yield f"  AWS::{self._vendor()}::{self.noun}: # as CloudFormation calls it, if it does"
        if self._is_global():
            yield "    scope: account"
        yield f"    list: {{call: {self.operation}, items: {_quoted(self.items)}{self._asked()}}}{self._pages()}"
        yield f"    id: {self.identity or _TODO} # what identifies it in an account and region"
        if name := self._field("name", f"{self.noun}name"):
            yield f"    name: {name}"
        if tags:
            yield f"    tags: {tags}"
        if attached:
            yield from ("    attach:", *(f"      {each}" for each in attached))
        required = getattr(self.item, "required_members", [])
        always = dict.fromkeys([*([self.identity] if self.identity else []), *required])
        yield f"    always: [{', '.join(always)}] # add what AWS sends with every one: where it is lost, it is unknown"
        secrets = [*_secrets("", self.item), *(path for each in attached for path in _secrets(each.name, each.shape))]
        if secrets:
            yield f"    redact: [{', '.join(map(_quoted, secrets))}]"

    def _items(self) -> tuple[str, Any]:
        """Where the list is in the answer, and the shape of an item."""
        members = self.call.output_shape.members if self.call.output_shape else {}
        lists = {name: shape.member for name, shape in members.items() if shape.type_name == "list"}
        name = next(iter([*(key for key in self._paged() if key in lists), *lists]), None)
        if name is None:
            raise ArgumentError(f"the answer of {self.operation} has no list", "name the call that lists the type")
        item = lists[name]
        return (name, item) if item.type_name == "structure" else (f"{name}[].{{Id: @}}", item)

    def _paged(self) -> list[str]:
        with suppress(UnknownServiceError):
            loaded = _session().get_component("data_loader").load_service_model(self.service, "paginators-1")
            keys = loaded["pagination"].get(self.operation, {}).get("result_key", [])
            return [keys] if isinstance(keys, str) else list(keys)
        return []

    def _field(self, *names: str) -> str | None:
        """The first of these fields, however it is written, that an item has as text."""
        by_lower = {name.lower(): name for name, shape in self.fields.items() if shape.type_name == "string"}
        return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)

    def _identity(self) -> str | None:
        one = self.noun
        likely = ("arn", f"{one}arn", f"{one}id", "id", f"{one}identifier", "resourcearn", "name", f"{one}name")
        ending = (name for end in ("arn", "id") for name in self.fields if name.lower().endswith(end))
        return self._field(*likely, *ending)

    def _attached(self) -> tuple[str | None, list[_Attached]]:
        """Where the tags are, and the calls about one resource that bring more of it."""
        found = [described] if (described := self._described()) else []
        if tags := next((name for name in _TAGS if name in self.fields), None):
            return tags, found
        for name in _TAGS if described else ():
            if described and name in getattr(described.shape, "members", {}):
                return f"{described.name}.{name}", found
        tagging = self._tagging()
        return ("Tags", [*found, tagging]) if tagging else (None, found)

    def _described(self) -> _Attached | None:
        """The call that says more of one, if all that it needs is in the list."""
        for operation in (f"Describe{self.noun}", f"Get{self.noun}"):
            if operation in self.model.operation_names and operation != self.operation:
                call = self.model.operation_model(operation)
                arguments, shape = self._arguments(call), call.output_shape
                if arguments and shape:
                    whole = list(shape.members) if len(shape.members) == 1 else []
                    result = whole[0] if whole and shape.members[whole[0]].type_name == "structure" else ""
                    taken = {name.lower() for name in self.fields}
                    name = "Details" if self.noun.lower() in taken else self.noun
                    return _Attached(name, operation, arguments, result, shape.members[result] if result else shape)
        return None

    def _arguments(self, call: Any) -> str | None:
        """What a call needs, from the fields of an item; None where these have not all of it."""
        found = []
        for name in sorted(call.input_shape.required_members) if call.input_shape else ():
            bare = name.lower().removeprefix(self.noun.lower())
            field = self._field(name, bare, f"{self.noun}{name}") if self.fields else "Id"
            field = field or _OURS.get(name)
            if field is None:
                return None
            found.append(f"{name}: {field}")
        return ", ".join(found) or None

    def _tagging(self) -> _Attached | None:
        for operation in _TAGGING if (self.identity or "").lower().endswith("arn") else ():
            if operation in self.model.operation_names:
                call = self.model.operation_model(operation)
                needed = call.input_shape.required_members if call.input_shape else []
                held = [name for name in call.output_shape.members if name in _TAGS] if call.output_shape else []
                if len(needed) == 1 and held:
                    shape = call.output_shape.members[held[0]]
                    return _Attached("Tags", operation, f"{needed[0]}: {self.identity}", held[0], shape)
        return None

    def _asked(self) -> str:
        needed = sorted(self.call.input_shape.required_members) if self.call.input_shape else []
        return f", with: {{{', '.join(f'{name}: {_OURS.get(name, _TODO)}' for name in needed)}}}" if needed else ""

    def _pages(self) -> str:
        """What has pages that nobody here knows how to ask for."""
        taken = self.call.input_shape.members if self.call.input_shape else {}
        lost = [name for name in TOKENS if name in self.call.output_shape.members and name not in taken]
        return f" # see to its pages: it answers {lost[0]} and does not take it" if lost and not self._paged() else ""

    def _is_global(self) -> bool:
        services = _session().get_data("endpoints")["partitions"][0]["services"]
        return services.get(self.model.endpoint_prefix, {}).get("isRegionalized") is False

    def _vendor(self) -> str:
        joined = "".join(re.findall(r"[A-Za-z0-9]+", str(self.model.service_id)))
        return joined if joined != joined.lower() else joined.upper()


def _secrets(path: str, shape: Any, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of what the model calls sensitive."""
    if path and shape.metadata.get("sensitive"):
        yield path
    elif shape.type_name == "structure" and shape.name not in above:
        for name, member in shape.members.items():
            yield from _secrets(f"{path}.{name}".lstrip("."), member, (*above, shape.name))
    elif shape.type_name == "list" and path:
        yield from _secrets(f"{path}[]", shape.member, above)
    elif shape.type_name == "map" and path:
        yield from _secrets(f"{path}.*", shape.value, above)


def _singular(plural: str) -> str:
    for ending, one in _ENDINGS:
        if plural.endswith(ending) and not plural.endswith("ss"):
            return plural[: -len(ending)] + one
    return plural


def _quoted(text: str) -> str:
    return f'"{text}"' if set(text) & set("{[*") else text
