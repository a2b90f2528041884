"""Lint entries of the catalogue: every call, parameter, field and path against AWS's API models.

What is wrong here would not be seen later: a list of something else, a secret that is written, a field that is never
there. So every complaint is an error, and nothing is collected by an entry that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

from jmespath.functions import Functions
from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.catalog import Call, ResourceType, load_catalog, steps
from ...snapshot.own_types import spec_of
from ...snapshot.types import STRING, Kind, Type, struct
from ..documents.yaml12 import Path as Steps
from ..language.infer import infer
from ..language.node import walk
from ..language.parser import parse
from ..loading.type_files import TypeFile
from ..suggest import suggest
from .resource_types import result_of, type_of

READS = ("BatchGet", "Describe", "Get", "List")
_FAILING = ("Denied", "Throttl", "Unauthorized", "Expired", "Limit")  # of error codes that say nothing of what there is
_TAGS = ({"Key", "Value"}, {"key", "value"}, {"TagKey", "TagValue"})


class Models(Protocol):
    """What is asked of AWS's API models; `snapshot.collector.api_models` has it."""

    def services(self) -> Collection[str]: ...
    def operations(self, service: str) -> Collection[str]: ...
    def parameters(self, call: Call) -> Mapping[str, bool]: ...
    def error_codes(self, call: Call) -> Collection[str]: ...
    def output_type(self, call: Call) -> Type: ...


def check(file: TypeFile, models: Models) -> None:
    """Note every fault of a file of types that its schema does not see."""
    for name, own in list(file.entries()):
        _Entry(file, models, ("resources", name), own.entry, spec_of(name, own)).check()


class _Entry(Struct):
    """One entry of a file."""

    file: TypeFile
    models: Models
    at: Steps
    entry: Mapping[str, Any]
    spec: ResourceType

    def check(self) -> None:
        calls = list(self._calls())
        known = [self._is_known(path, call) for path, call in calls]
        if not all(known):
            return  # nothing is known of what it answers
        bare = replace(self.spec, json=(), always=())
        try:
            config = type_of(bare, self.models.output_type)
        except Exception:  # what it is made of has a fault, which is said where it stands
            config = struct({})
        full = struct({**config.members, "$account": STRING}, config.name)
        for path, call in calls:
            self._check_call(path, call, self._above(path, full))
        for word in ("id", "name", "region", "tags"):
            if word in self.entry:
                found = self._infer((*self.at, word), self.entry[word], config)
                self._check_word(word, found)
        for word in ("always", "json", "redact", "volatile"):
            for number, path in enumerate(self.entry.get(word, ())):
                end = self._walk((*self.at, word, number), path, config)
                if word == "json" and end is not None and end.kind not in (Kind.STRING, Kind.ANY):
                    self._fault((*self.at, word, number), f"a JSON document is text, and AWS sends {end} here")
        self._check_secrets(config)

    def _calls(self) -> Iterator[tuple[Steps, Call]]:
        """Each call, and where it stands. What ships and is only added to has none of its own list here."""
        if "list" in self.entry:
            yield (*self.at, "list"), self.spec.list
            if self.spec.list.of:
                yield (*self.at, "list", "of"), self.spec.list.of
        for name in self.entry.get("attach", {}):
            yield (*self.at, "attach", name), self.spec.attach[name]

    def _is_known(self, path: Steps, call: Call) -> bool:
        written = self._written(path)
        if call.service not in self.models.services():
            where: Steps = (*path, "service") if "service" in written else ("service",)
            self._fault(where, f"boto3 has no service {call.service}{suggest(call.service, self.models.services())}")
            return False
        operations = self.models.operations(call.service)
        if call.operation not in operations:
            self._fault(
                (*path, "call"), f"{call.service} has no call {call.operation}{suggest(call.operation, operations)}"
            )
            return False
        if not call.operation.startswith(READS):
            self._fault((*path, "call"), f"{call.operation} may change something: a call begins with {_words(READS)}")
            return False
        return True

    def _check_call(self, path: Steps, call: Call, at: Type) -> None:
        known, written = self.models.parameters(call), self._written(path)
        for word in ("params", "with", "leaves_out"):
            for name in written.get(word, {}):
                if name not in known:
                    self._fault(
                        (*path, word, name), f"{call.operation} takes no {name}{suggest(name, known)}", key=True
                    )
        missing = [name for name, needed in known.items() if needed and not {name} & {*call.params, *call.arguments}]
        if missing:
            self._fault((*path, "call"), f"{call.operation} needs {_words(missing)}: give it in `with`, or in `params`")
        for name, expression in call.arguments.items():
            self._infer((*path, "with", name), expression, at)
        if call.when:
            self._infer((*path, "when"), call.when, at)
        word = "result" if "result" in written else "items"
        found = self._infer((*path, word), call.result, self.models.output_type(call)) if word in written else None
        if word == "items" and found is not None and found.kind not in (Kind.ARRAY, Kind.ANY):
            self._fault((*path, word), f"the items are a list, and AWS sends {found} here")
        for number, code in enumerate(call.absent):
            self._check_absent((*path, "absent", number), call, code)

    def _check_absent(self, path: Steps, call: Call, entry: str) -> None:
        code, _, message = entry.partition(": ")
        known = self.models.error_codes(call)
        if any(word in code for word in _FAILING) and not message:
            self._fault(path, f"{code} does not say that there is nothing: name a part of its message, too")
        elif known and code not in known:
            self._fault(path, f"{call.operation} gives no error {code}{suggest(code, known)}")

    def _check_word(self, word: str, found: Type) -> None:
        path = (*self.at, word)
        if word == "tags":
            pairs = found.kind is Kind.ARRAY and found.item.kind is Kind.OBJECT
            if found.kind not in (Kind.MAP, Kind.ANY) and not (
                pairs and any(names <= found.item.members.keys() for names in _TAGS)
            ):
                self._fault(path, f"tags are a map, or a list of keys and values, and AWS sends {found} here")
        elif found.kind not in (Kind.STRING, Kind.ANY):
            self._fault(path, f"the {word} is text, and AWS sends {found} here")

    def _check_secrets(self, config: Type) -> None:
        """What AWS's models call sensitive may let somebody in: it is never written."""
        hidden = self.spec.redact
        own = self.entry.get("attach", {}) if load_catalog().ships(self.spec.type) else config.members
        for path in _secrets(config):
            if path[0] in own and not any(path[: len(each)] == each for each in hidden):
                text = ".".join(path).replace(".[]", "[]")
                where = (*self.at, "redact") if "redact" in self.entry else self.at
                self._fault(where, f"AWS's model calls {text} a secret: name it in `redact`", key=True)

    def _above(self, path: Steps, config: Type) -> Type:
        """What a call may read: an owner's list, of the resource; a list, of its owner."""
        of = self.spec.list.of
        if path[-1] == "list":
            owner = result_of(of, self.models.output_type).item if of else struct({})
            return struct({**owner.members, "$account": STRING}, "what lists it")
        return struct({"$account": STRING}, "what lists its owners") if path[-1] == "of" else config

    def _infer(self, path: Steps, text: str, at: Type) -> Type:
        """The type of an expression, with every complaint that is an error noted. The collector's is plain JMESPath."""
        expression = parse(text)
        for node in walk(expression.tree):
            if node.type == "function_expression" and node.value not in Functions.FUNCTION_TABLE:
                known = suggest(node.value, Functions.FUNCTION_TABLE)
                self._fault(path, f"the collector has no function {node.value}{known}", offset=node.start)
        found, complaints = infer(expression, at, {})
        for complaint in complaints:
            if complaint.code in ("unknown-field", "not-a-list", "bad-argument", "bad-comparison"):
                self._fault(path, complaint.message, offset=max(complaint.at, 0))
        return found

    def _walk(self, path: Steps, text: str, at: Type) -> Type | None:
        """The type at a path; None where there is no such."""
        offset = 0
        for step in steps(text):
            offset += offset > 0 and step != "[]"  # its dot
            match at.kind:
                case Kind.ANY:
                    return at
                case Kind.OBJECT if step in at.members:
                    at = at.members[step]
                case Kind.OBJECT if step == "*":
                    self._fault(path, f"{at} has fields of its own: name one{suggest('', at.members)}", offset=offset)
                    return None
                case Kind.OBJECT:
                    known = suggest(step, at.members)
                    self._fault(path, f"{at.name or 'this object'} has no field {step}{known}", offset=offset)
                    return None
                case Kind.ARRAY if step == "[]":
                    at = at.item
                case Kind.MAP if step != "[]":
                    at = at.item
                case _:
                    self._fault(path, f"{at} has no {step}", offset=offset)
                    return None
            offset += len(step)
        return at

    def _written(self, path: Steps) -> Mapping[str, Any]:
        found: Any = self.file.document.value
        for step in path:
            found = found[step]
        given: Mapping[str, Any] = found
        return given

    def _fault(self, path: Steps, message: str, *, key: bool = False, offset: int | None = None) -> None:
        self.file.fault(path, message, key=key, offset=offset)


def _secrets(kind: Type, path: tuple[str, ...] = (), around: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of what the models call sensitive."""
    if kind.secret and path:
        yield path
    elif kind.kind is Kind.OBJECT and kind.name not in around:
        for name, member in kind.members.items():
            yield from _secrets(member, (*path, name), (*around, *([kind.name] if kind.name else [])))
    elif kind.kind in (Kind.ARRAY, Kind.MAP):
        yield from _secrets(kind.item, (*path, "[]" if kind.kind is Kind.ARRAY else "*"), around)


def _words(names: Collection[str]) -> str:
    return ", ".join(names)


def kinds_of(spec: ResourceType, names: Collection[str] | None, output_of: Callable[[Call], Type]) -> dict[str, Any]:
    """The kinds of a type's values as a snapshot carries them; of some fields only, if they are named."""
    from ...snapshot.kinds import written

    whole: dict[str, Any] = written(type_of(spec, output_of))
    return whole if names is None else {name: whole[name] for name in names}
