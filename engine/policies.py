"""Load policies: YAML → Policy. Every fault of every file is reported at once, with its line and column."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from ..snapshot.catalog import load_catalog
from ..snapshot.errors import ArgumentError, SnapshotError
from ..snapshot.format import decode
from .errors import EvaluationError, PolicyError, Problem
from .expression import Expression, check_variables, parse, suggest
from .model import Assertion, Lookup, Policy, Require, Rollup, Severity, Within
from .template import Template, parse_template
from .yaml12 import Document, YamlError, load

T = TypeVar("T")

ENVELOPE = ("account", "region", "id", "name", "tags", "params", "snapshot_time")
FOLDED = ("account", "region", "id", "params", "snapshot_time", "failed", "unknown")


def load_policies(paths: Sequence[Path] = (), *, shipped: bool = True) -> list[Policy]:
    """The shipped policies, and those of files and folders (every *.yaml below them), sorted by id.

    Raises PolicyError with every fault found in any of them.
    """
    problems: list[Problem] = []
    found: list[Policy] = []
    for source, data in _sources(paths, problems, shipped=shipped):
        policy = _load_one(source, data, problems)
        if policy:
            found.append(policy)
    by_id: dict[str, Policy] = {}
    for policy in found:
        first = by_id.setdefault(policy.id, policy)
        if first is not policy:
            problems.append(
                Problem(
                    path=policy.source,
                    line=1,
                    column=1,
                    message=f"id {policy.id!r} is already in {first.source}",
                )
            )
    if problems:
        raise PolicyError(problems)
    return sorted(found, key=lambda policy: policy.id)


def override(policy: Policy, params: Mapping[str, Any]) -> Policy:
    """A policy with other parameter values. Raises EvaluationError for a name or a value it does not allow."""
    import dataclasses

    schema: Mapping[str, Any] = load_params(policy)
    for name, value in params.items():
        if name not in schema:
            raise EvaluationError(f"{policy.id} has no parameter {name}{suggest(name, schema)}")
        if fault := next(_validator(schema[name]).iter_errors(value), None):
            raise EvaluationError(f"parameter {name}: {fault.message}")
    return dataclasses.replace(policy, params={**policy.params, **params})


def apply_settings(policies: Sequence[Policy], settings: Sequence[str]) -> list[Policy]:
    """Policies with parameters set as POLICY.PARAMETER=VALUE, VALUE being YAML. Raises ArgumentError."""
    by_id = {policy.id: policy for policy in policies}
    for setting in settings:
        target, equals, text = setting.partition("=")
        name, dot, parameter = target.rpartition(".")
        if not (equals and dot):
            raise ArgumentError(f"{setting!r} does not set a parameter", "write POLICY.PARAMETER=VALUE")
        policy = pick(policies, name)
        try:
            value = load(text.encode()).value
            if not fits(policy, parameter, value) and fits(policy, parameter, text):
                value = text  # an account id is text, though YAML reads a number
            by_id[name] = override(by_id[policy.id], {parameter: value})
        except (EvaluationError, YamlError) as error:
            raise ArgumentError(f"{setting}: {error}") from None
    return list(by_id.values())


def fits(policy: Policy, parameter: str, value: Any) -> bool:
    """Whether a parameter takes a value."""
    schema = load_params(policy).get(parameter)
    return schema is not None and _validator(schema).is_valid(value)


def pick(policies: Sequence[Policy], name: str) -> Policy:
    """The policy of that id. Raises ArgumentError."""
    by_id = {policy.id: policy for policy in policies}
    if name not in by_id:
        raise ArgumentError(f"unknown policy {name}{suggest(name, by_id)}", "`stillframe policy list` lists them")
    return by_id[name]


def load_params(policy: Policy) -> Mapping[str, Any]:
    """The declared parameters of a policy: name → JSON Schema."""
    declared = load(policy.text.encode()).value.get("params", {})
    return {name: _schema_of(entry) for name, entry in declared.items()}


@cache
def policy_schema() -> Mapping[str, Any]:
    """The JSON Schema of a policy file."""
    schema: Mapping[str, Any] = json.loads((files("stillframe.policies") / "schema.json").read_text())
    return schema


def _sources(paths: Sequence[Path], problems: list[Problem], *, shipped: bool) -> Iterator[tuple[str, bytes]]:
    if shipped:
        folder = files("stillframe.policies")
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.name.endswith(".yaml"):
                yield f"policies/{file.name}", file.read_bytes()
    for path in paths:
        try:
            inside = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
            if not inside:
                problems.append(Problem(path=str(path), line=0, column=0, message="no policies here: no *.yaml file"))
            for file in inside:
                yield str(file), file.read_bytes()
        except OSError as error:
            problems.append(Problem(path=str(path), line=0, column=0, message=f"cannot be read: {error.strerror}"))


def _load_one(source: str, data: bytes, problems: list[Problem]) -> Policy | None:
    try:
        document = load(data)
    except YamlError as error:
        problems += [
            Problem(path=source, line=line, column=column, message=text) for line, column, text in error.places
        ]
        return None
    reader = _Reader(source, document, data.decode())
    policy = reader.policy() if reader.valid() else None
    problems += reader.problems
    return None if reader.problems else policy


@dataclass(slots=True)
class _Reader:
    """One policy document. Faults are gathered in `problems`, so that all are shown at once."""

    source: str
    document: Document
    text: str
    problems: list[Problem] = field(default_factory=list)

    def valid(self) -> bool:
        """Check the document against the JSON Schema."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a policy is a mapping with id, title, severity, resource and assert")
            return False
        for error in _validator(policy_schema()).iter_errors(self.document.value):
            self._explain(error)
        return not self.problems

    def policy(self) -> Policy:
        given: dict[str, Any] = self.document.value
        self._check_type(given["resource"], ("resource",))
        lookups = self._lookups(given.get("lookup", {}))
        variables = (*ENVELOPE, *lookups)
        rollup = given.get("rollup")
        worded = FOLDED if rollup else variables
        remediation = given.get("remediation", {})
        for number, test in enumerate(given.get("tests", ())):
            self._check_test(test, ("tests", number), given.get("params", {}))
        return Policy(
            id=given["id"],
            title=given["title"],
            severity=Severity(given["severity"]),
            resource=given["resource"],
            assertions=tuple(self._assertions(given["assert"], variables)),
            where=self._expression(given, ("where",), variables),
            lookups=lookups,
            rollup=Rollup(per=Within(rollup["per"]), require=Require(rollup["require"])) if rollup else None,
            params=self._params(given.get("params", {})),
            message=self._template(given, ("message",), worded),
            description=given.get("description", ""),
            rationale=given.get("rationale", ""),
            frameworks={name: tuple(controls) for name, controls in given.get("frameworks", {}).items()},
            remediation=remediation.get("text", ""),
            remediation_cli=self._template(given, ("remediation", "cli"), worded),
            references=tuple(given.get("references", ())),
            tests=tuple(given.get("tests", ())),
            source=self.source,
            text=self.text,
        )

    def fault(self, path: tuple[str | int, ...], message: str, *, key: bool = False) -> None:
        line, column = self.document.keys.get(path) if key and path in self.document.keys else self.document.place(path)  # type: ignore[misc]
        self.problems.append(Problem(path=self.source, line=line, column=column, message=message))

    def _lookups(self, given: dict[str, Any]) -> dict[str, Lookup]:
        lookups: dict[str, Lookup] = {}
        for name, entry in given.items():
            at = ("lookup", name)
            self._check_type(entry["from"], (*at, "from"))
            earlier = (*ENVELOPE, *lookups)
            match = entry.get("match", {})
            theirs = [self._parsed(_theirs(name), (*at, "match", name), parse, (), key=True) for name in match]
            ours = [self._expression(given, (name, "match", theirs), earlier, base=("lookup",)) for theirs in match]
            where = self._expression(given, (name, "where"), earlier, base=("lookup",))
            lookups[name] = Lookup(
                source=entry["from"],
                theirs=tuple(expression for expression in theirs if expression),
                ours=tuple(expression for expression in ours if expression),
                where=where,
                within=Within(entry.get("within", "region")),
                one=entry.get("one", False),
            )
        return lookups

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
            if fault := next(_validator(_schema_of(entry)).iter_errors(entry["default"]), None):
                self.fault(("params", name, "default"), f"the default does not fit the parameter: {fault.message}")
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
            for expression in parsed.expressions() if isinstance(parsed, Template) else [parsed]:
                assert isinstance(expression, Expression)  # noqa: S101
                check_variables(expression, variables)
        except EvaluationError as error:
            self.fault(path, str(error), key=key)
            return None
        return parsed

    def _check_test(self, test: dict[str, Any], at: tuple[str | int, ...], params: dict[str, Any]) -> None:
        for kind, entries in test["given"].items():
            self._check_type(kind, (*at, "given", kind), key=True)
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                try:
                    decode(entry)
                except SnapshotError as error:
                    self.fault((*at, "given", kind, number), str(error))
        for name, value in test.get("params", {}).items():
            if name not in params:
                self.fault((*at, "params", name), f"no parameter {name}{suggest(name, params)}", key=True)
            elif fault := next(_validator(_schema_of(params[name])).iter_errors(value), None):
                self.fault((*at, "params", name), f"parameter {name}: {fault.message}")

    def _check_type(self, kind: str, path: tuple[str | int, ...], *, key: bool = False) -> None:
        if kind not in load_catalog():
            self.fault(path, f"unknown resource type {kind}{suggest(kind, load_catalog())}", key=key)

    def _explain(self, error: Any) -> None:
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for name in (name for name in error.instance if name not in known):
                self.fault((*path, name), f"unknown key {name!r}{suggest(name, known)}", key=True)
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            self.fault(path, f"missing {', '.join(map(repr, missing))}")
        elif error.validator == "enum":
            self.fault(
                path,
                f"{error.instance!r} is none of {', '.join(map(str, error.validator_value))}{_close(error)}",
            )
        elif "propertyNames" in error.absolute_schema_path:
            self.fault(path, f"{error.instance!r} cannot be a name here")
        elif error.validator == "oneOf":
            self.fault(path, _expected(path, error))
        else:
            self.fault(path, f"{error.message}{_quoting(error)}")


def _theirs(name: str) -> str:
    # On their side `$account` is a field of the row, as in `$bucket.$account`, not our account.
    return f"@.{name}" if name.startswith("$") else name


def _close(error: Any) -> str:
    words = [word for word in error.validator_value if isinstance(word, str)]
    hint = suggest(str(error.instance), words)
    return hint if "did you mean" in hint else ""


def _quoting(error: Any) -> str:
    # Plain YAML makes lists of [?…], mappings of {…} and null of &…: an expression there needs a block scalar.
    expression = error.schema.get("description", "").startswith(("A JMESPath", "Which", "Their", "Text with"))
    return ": write the expression after `>-`, or in quotes" if error.validator == "type" and expression else ""


def _expected(path: tuple[str | int, ...], error: Any) -> str:
    if path[:1] == ("assert",):
        return (
            "assert takes an expression, or a list of expressions or of {that, message}:"
            " write an expression after `>-`, or in quotes"
        )
    if path[-1:] == ("expect",):
        return f"{error.instance!r} is neither a status nor a mapping of resource ids to statuses"
    return "a list of resources is wanted here, or {$missing: cause}"


def _at(given: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        given = given.get(step) if isinstance(given, dict) else None
    return given


def _schema_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("default", "description")}


def _validator(schema: Mapping[str, Any]) -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(schema)
