"""One policy document → Policy: its schema, its expressions and its examples, every fault at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import field

from ...snapshot.errors import SnapshotError
from ...snapshot.format import decode
from ..documents.reader import Reader, open_document, schema, unfit
from ..errors import EvaluationError, Problem
from ..judging.growth import is_steady
from ..language.lets import Lets, bound, bound_text
from ..language.parser import Expression, check_variables, parse
from ..language.shell import variables
from ..language.shell_syntax import VALUE, check_command
from ..language.template import Template, parse_template
from ..model.policy import (
    Assertion,
    Effort,
    Excuse,
    Exposure,
    Lookup,
    Policy,
    Rollup,
    Severity,
    Within,
    wanted_in,
)
from ..suggest import suggest
from .example_files import tests_schema
from .let_reader import read_lets
from .policy_types import check_type, read_types, tagged
from .policy_wording import wording
from .rollup_reader import WORDS, read_per, read_rollup

T = TypeVar("T")

_HOLE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LOOKUPS = 16  # each reads all that it may find, whatever it finds
REQUIRED = ["id", "title", "severity", "resource", "assert"]
ENVELOPE = ("account", "region", "id", "name", "tags", "type", "self", "params", "snapshot_time")
FOLDED = ("account", "region", "id", "params", "snapshot_time", "failed", "unknown")


def read_policy(source: str, data: bytes, problems: list[Problem]) -> Policy | None:
    """The policy of a file; None where it is at fault, and then `problems` says how."""
    document = open_document(source, data, problems)
    if document is None:
        return None
    reader = PolicyReader(source, document, text=data.decode())
    policy = reader.bounded(lambda: reader.policy() if reader.valid() else None)
    problems += reader.problems
    return None if reader.problems else policy


def policy_schema() -> Mapping[str, Any]:
    """The JSON Schema of a whole policy: one that extends another is read with what it takes from there."""
    parts = schema("schema.json")["$defs"]
    written = {key: part for key, part in parts["policy"].items() if key != "anyOf"}
    properties = {key: part for key, part in written["properties"].items() if key != "extends"}
    others = {name: part for name, part in parts.items() if name not in ("policy", "several")}
    return {**written, "required": REQUIRED, "properties": properties, "$defs": others}


def _tests_schema() -> Mapping[str, Any]:
    return tests_schema(policy_schema())


def schema_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a declared parameter."""
    return {key: value for key, value in entry.items() if key not in ("default", "description")}


class PolicyReader(Reader, kw_only=True):
    """One policy document."""

    text: str
    lets: Lets = field(default_factory=dict)

    def valid(self) -> bool:
        """Check the document against the JSON Schema."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a policy is a mapping with id, title, severity, resource and assert")
            return False
        return self.conforms(policy_schema)

    def tests(self, params: dict[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
        """The tests of a file of them, for a policy with these parameters; None where the policy itself is at fault."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a file of tests is a mapping with tests")
        elif self.conforms(_tests_schema) and params is not None:
            for number, test in enumerate(self.document.value["tests"]):
                self._check_test(test, ("tests", number), params)
            return tuple(self.document.value["tests"])
        return ()

    def beside(self, path: tuple[str | int, ...]) -> Sequence[str]:
        return () if path else ("extends", "policies")  # which are read before there is a policy

    def wording(self, path: tuple[str | int, ...], error: Any) -> str:
        return wording(path, error)

    def policy(self) -> Policy:
        given: dict[str, Any] = self.document.value
        types = read_types(self, given["resource"])
        named = given.get("lookup", {})
        self.lets = read_lets(self, given, (*ENVELOPE, *named))
        lookups = self._lookups(named)
        variables = (*ENVELOPE, *lookups, *self.lets)
        rollup = given.get("rollup")
        worded = variables if not rollup else FOLDED if isinstance(rollup["require"], str) else (*FOLDED, "passed")
        remediation = given.get("remediation", {})
        for number, test in enumerate(given.get("tests", ())):
            self._check_test(test, ("tests", number), given.get("params", {}))
        policy = Policy(
            id=given["id"],
            title=given["title"],
            severity=Severity(given["severity"]),
            resource=(types or [""])[0],
            types=tuple(types[1:] and types),
            assertions=tuple(self._assertions(given["assert"], variables)),
            where=self._expression(given, ("where",), variables),
            lookups=lookups,
            lets=self.lets,
            rollup=self._rollup(rollup, given.get("params", {})) if rollup else None,
            params=self._params(given.get("params", {})),
            message=self._template(given, ("message",), worded),
            description=given.get("description", ""),
            rationale=given.get("rationale", ""),
            frameworks={name: tuple(controls) for name, controls in given.get("frameworks", {}).items()},
            remediation=remediation.get("text", ""),
            remediation_cli=self._command(given, remediation, worded),
            fill=remediation.get("fill", {}),
            each=remediation.get("each", {}),
            fixes=self._fixes(remediation.get("on"), lookups),
            effort=Effort(given.get("effort", Effort.MEDIUM)),
            exposure=Exposure(given.get("exposure", Exposure.INTERNAL)),
            references=tuple(given.get("references", ())),
            tests=tuple(given.get("tests", ())),
            excuses=tuple(Excuse(**{"never": None, "becomes": None, **entry}) for entry in given.get("excuse", ())),
            source=self.source,
            text=self.text,
        )
        return tagged(policy, given["resource"])

    def _rollup(self, given: dict[str, Any], params: Mapping[str, Any]) -> Rollup | None:
        by, path = read_per(self, given["per"]), ("rollup", "per")
        group = self._parsed(by, path, parse, (*ENVELOPE, *self.lets)) if by else None
        if group and (lookups := group.variables() - {*ENVELOPE, *self.lets}):
            self.fault(path, f"which group a resource is of cannot rest on a lookup: {', '.join(sorted(lookups))}")
        return read_rollup(self, given, params, group) if group or given["per"] in WORDS else None

    def _command(self, given: Any, remediation: Mapping[str, Any], worded: Collection[str]) -> Template | None:
        """The command, whose variables are those that a person is told of."""
        path = ("remediation", "cli")
        template = self._template(given, path, worded)
        if template:
            try:
                check_command(_HOLE.sub(lambda hole: VALUE * len(hole[0]), remediation["cli"]))
            except EvaluationError as error:
                self.fault(path, str(error), offset=error.at)
        told = {name: key for key in ("fill", "each") for name in remediation.get(key, ())}
        used = dict(variables(template)) if template else {}
        for name, right in variables(template) if template else ():
            if not right:
                self.fault(path, f'write variable {name} as "${{{name}:?}}", in double quotes')
            elif name not in told:
                self.fault(path, f"say in remediation.fill, or in each, what {name} stands for{suggest(name, told)}")
        for name, key in told.items():
            if name not in used:
                self.fault(("remediation", key, name), f'the command has no "${{{name}:?}}"', key=True)
        return template

    def _fixes(self, name: str | None, lookups: Mapping[str, Lookup]) -> str | None:
        ones = [each for each, lookup in lookups.items() if lookup.one]
        if name is not None and name not in ones:
            self.fault(("remediation", "on"), f"{name} is no lookup of `one` resource{suggest(name, ones)}")
        return name

    def _lookups(self, given: dict[str, Any]) -> dict[str, Lookup]:
        lookups: dict[str, Lookup] = {}
        if len(given) > _LOOKUPS:
            self.fault(("lookup",), f"there are more than {_LOOKUPS} lookups", key=True)
        for name, entry in given.items():
            at = ("lookup", name)
            check_type(self, entry["from"], (*at, "from"))
            earlier = (*ENVELOPE, *lookups, *self.lets)
            match = entry.get("match", {})
            theirs = [self._parsed(_theirs(name), (*at, "match", name), parse, (), key=True) for name in match]
            listed = {next(iter(wanted)): at for at, wanted in enumerate(match.values()) if isinstance(wanted, dict)}
            if sum(isinstance(wanted, dict) for wanted in match.values()) > 1:
                self.fault((*at, "match"), "only one key may be `in` a list, or a list that `contains`")
            ours = [
                self._expression(given, (name, "match", theirs, *wanted_in(wanted)), earlier, base=("lookup",))
                for theirs, wanted in match.items()
            ]
            for key, expression in zip(match, theirs, strict=True):
                if expression and not is_steady(expression):
                    self.fault((*at, "match", key), "too much is made of a row: match it by its fields", key=True)
            where = self._expression(given, (name, "where"), earlier, base=("lookup",))
            lookups[name] = Lookup(
                source=entry["from"],
                theirs=tuple(expression for expression in theirs if expression),
                ours=tuple(expression for expression in ours if expression),
                among=listed.get("in"),
                spread=listed.get("contains"),
                where=where,
                within=Within(entry.get("within", "region")),
                one=entry.get("one", False),
                refers=self._refers(entry, at),
            )
        return lookups

    def _refers(self, entry: Mapping[str, Any], at: tuple[str, ...]) -> bool:
        refers: bool = entry.get("refers", False)
        if refers and entry.get("one"):
            self.fault((*at, "refers"), "`one` says already that it exists: leave `refers` out", key=True)
        elif refers and not entry.get("match"):
            self.fault((*at, "refers"), "without `match` nothing is referred to: leave `refers` out", key=True)
        return refers

    def _assertions(self, given: Any, variables: Collection[str]) -> Iterator[Assertion]:
        listed = given if isinstance(given, list) else [given]
        for number, entry in enumerate(listed):
            at: tuple[str | int, ...] = ("assert", number) if isinstance(given, list) else ("assert",)
            if isinstance(entry, dict):
                that = self._parsed(entry["that"], (*at, "that"), parse, variables)
                message = self._parsed(entry["message"], (*at, "message"), parse_template, variables)
            else:
                that, message = self._parsed(entry, at, parse, variables), None
            if that:
                yield Assertion(that=that, message=message)

    def _params(self, given: dict[str, Any]) -> dict[str, Any]:
        for name, entry in given.items():
            if fault := unfit(schema_of(entry), entry["default"]):
                self.fault(("params", name, "default"), f"the default does not fit the parameter: {fault}")
        return {name: entry["default"] for name, entry in given.items()}

    def _expression(
        self, given: Any, path: tuple[str, ...], variables: Collection[str], base: tuple[str, ...] = ()
    ) -> Expression | None:
        text = _at(given, path)
        return None if text is None else self._parsed(text, (*base, *path), parse, variables)

    def _template(self, given: Any, path: tuple[str, ...], variables: Collection[str]) -> Template | None:
        text = _at(given, path)
        return None if text is None else self._parsed(text, path, parse_template, variables)

    def _parsed(
        self,
        text: str,
        path: tuple[str | int, ...],
        parser: Callable[[str], T],
        variables: Collection[str],
        *,
        key: bool = False,
    ) -> T | None:
        try:
            parsed = parser(text)
            for start, expression in parsed.holes() if isinstance(parsed, Template) else [(0, parsed)]:
                assert isinstance(expression, Expression)  # noqa: S101
                check_variables(expression, variables, start)
            bind: Any = bound_text if isinstance(parsed, Template) else bound
            whole: T = bind(parsed, self.lets)
        except EvaluationError as error:
            self.fault(path, str(error), key=key, offset=error.at)
            return None
        return whole

    def _check_test(self, test: dict[str, Any], at: tuple[str | int, ...], params: dict[str, Any]) -> None:
        for kind, entries in test["given"].items():
            check_type(self, kind, (*at, "given", kind), key=True)
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                try:
                    decode(entry)
                except SnapshotError as error:
                    self.fault((*at, "given", kind, number), str(error))
        for name, value in test.get("params", {}).items():
            if name not in params:
                self.fault((*at, "params", name), f"no parameter {name}{suggest(name, params)}", key=True)
            elif fault := unfit(schema_of(params[name]), value):
                self.fault((*at, "params", name), f"parameter {name}: {fault}")


def _theirs(name: str) -> str:
    # On their side `$account` is a field of the row, as in `$bucket.$account`, not our account.
    return f"@.{name}" if name.startswith("$") else name


def _at(given: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        given = given.get(step) if isinstance(given, dict) else None
    return given
