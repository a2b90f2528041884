"""Load policies: YAML → Policy. Every fault of every file is reported at once, with its line and column."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from ..snapshot.catalog import load_catalog
from ..snapshot.errors import ArgumentError, SnapshotError
from ..snapshot.format import decode
from .documents import Reader, open_document, schema, validator
from .errors import EvaluationError, PolicyError, Problem
from .expression import Expression, check_variables, parse, suggest
from .model import Assertion, Excuse, Lookup, Policy, Require, Rollup, Severity, Within
from .template import Template, parse_template
from .test_files import Beside, beside_of, holds_tests, misplaced, tests_name, tests_schema
from .yaml12 import YamlError, load

T = TypeVar("T")

CONFIG_FILE = "stillframe.yaml"
ENVELOPE = ("account", "region", "id", "name", "tags", "params", "snapshot_time")
FOLDED = ("account", "region", "id", "params", "snapshot_time", "failed", "unknown")


def load_policies(paths: Sequence[Path] = (), *, shipped: bool = True) -> list[Policy]:
    """The shipped policies, and those of files and folders (every *.yaml below them), sorted by id.

    Raises PolicyError with every fault found in any of them.
    """
    problems: list[Problem] = []
    found: list[Policy] = []
    for source, data, beside in _sources(paths, problems, shipped=shipped):
        policy = _load_one(source, data, problems, beside)
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


def parse_policy(source: str, text: str) -> Policy:
    """One policy from its text. Raises PolicyError with every fault found in it."""
    problems: list[Problem] = []
    policy = _load_one(source, text.encode(), problems)
    if policy is None:
        raise PolicyError(problems)
    return policy


def override(policy: Policy, params: Mapping[str, Any]) -> Policy:
    """A policy with other parameter values. Raises EvaluationError for a name or a value it does not allow."""
    for name, value in params.items():
        if fault := misfit(policy, name, value):
            raise EvaluationError(fault)
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
            if misfit(policy, parameter, value) and not misfit(policy, parameter, text):
                value = text  # an account id is text, though YAML reads a number
            by_id[name] = override(by_id[policy.id], {parameter: value})
        except (EvaluationError, YamlError) as error:
            raise ArgumentError(f"{setting}: {error}") from None
    return list(by_id.values())


def misfit(policy: Policy, parameter: str, value: Any) -> str:
    """Why a policy does not take a value for a parameter; empty where it does."""
    declared = load_params(policy)
    if parameter not in declared:
        return f"{policy.id} has no parameter {parameter}{suggest(parameter, declared)}"
    fault = next(validator(declared[parameter]).iter_errors(value), None)
    return f"parameter {parameter}: {fault.message}" if fault else ""


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


def policy_schema() -> Mapping[str, Any]:
    """The JSON Schema of a policy file."""
    return schema("schema.json")


def _sources(
    paths: Sequence[Path], problems: list[Problem], *, shipped: bool
) -> Iterator[tuple[str, bytes, Beside | None]]:
    if shipped:
        there = {file.name: file for file in files("stillframe.policies").iterdir()}
        for name, file in sorted(there.items()):
            if name.endswith(".yaml") and not holds_tests(name):
                tests = there.get(tests_name(name))
                beside = (f"policies/{tests.name}", tests.read_bytes()) if tests else None
                yield f"policies/{name}", file.read_bytes(), beside
    for path in paths:
        try:
            inside = sorted(_below(path)) if path.is_dir() else [path]
            if not inside:
                problems.append(Problem(path=str(path), line=0, column=0, message="no policies here: no *.yaml file"))
            for file in inside:
                if not holds_tests(file.name):
                    yield str(file), file.read_bytes(), beside_of(file)
                elif fault := misplaced(file, named=file == path):
                    problems.append(fault)
        except OSError as error:
            problems.append(Problem(path=str(path), line=0, column=0, message=f"cannot be read: {error.strerror}"))


def _below(folder: Path) -> Iterator[Path]:
    """Every YAML file of a folder that may be a policy: stillframe.yaml may lie among those it is about."""
    yield from (file for ending in ("*.yaml", "*.yml") for file in folder.rglob(ending) if file.name != CONFIG_FILE)


def _load_one(source: str, data: bytes, problems: list[Problem], beside: Beside | None = None) -> Policy | None:
    policy = _load_policy(source, data, problems)
    document = open_document(*beside, problems) if beside else None
    if not beside or not document:
        return policy
    reader = _Reader(beside[0], document, text="")
    tests = reader.tests(dict(load_params(policy)) if policy else None)
    problems += reader.problems
    if policy is None:
        return None
    texts = {beside[0]: beside[1].decode("utf-8-sig")}
    return dataclasses.replace(policy, tests=(*policy.tests, *tests), beside=texts)


def _load_policy(source: str, data: bytes, problems: list[Problem]) -> Policy | None:
    document = open_document(source, data, problems)
    if document is None:
        return None
    reader = _Reader(source, document, text=data.decode())
    policy = reader.policy() if reader.valid() else None
    problems += reader.problems
    return None if reader.problems else policy


@dataclass(slots=True)
class _Reader(Reader):
    """One policy document."""

    text: str = field(kw_only=True)

    def valid(self) -> bool:
        """Check the document against the JSON Schema."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a policy is a mapping with id, title, severity, resource and assert")
            return False
        return self.conforms(policy_schema())

    def tests(self, params: dict[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
        """The tests of a file of them, for a policy with these parameters; None where the policy itself is at fault."""
        if not isinstance(self.document.value, dict):
            self.fault((), "a file of tests is a mapping with tests")
        elif self.conforms(tests_schema(policy_schema())) and params is not None:
            for number, test in enumerate(self.document.value["tests"]):
                self._check_test(test, ("tests", number), params)
            return tuple(self.document.value["tests"])
        return ()

    def wording(self, path: tuple[str | int, ...], error: Any) -> str:
        return _expected(path, error) if error.validator == "oneOf" else f"{error.message}{_quoting(error)}"

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
            excuses=tuple(Excuse(**{"never": None, "becomes": None, **entry}) for entry in given.get("excuse", ())),
            source=self.source,
            text=self.text,
        )

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
            if fault := next(validator(_schema_of(entry)).iter_errors(entry["default"]), None):
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
            for start, expression in parsed.holes() if isinstance(parsed, Template) else [(0, parsed)]:
                assert isinstance(expression, Expression)  # noqa: S101
                check_variables(expression, variables, start)
        except EvaluationError as error:
            self.fault(path, str(error), key=key, offset=error.at)
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
            elif fault := next(validator(_schema_of(params[name])).iter_errors(value), None):
                self.fault((*at, "params", name), f"parameter {name}: {fault.message}")

    def _check_type(self, kind: str, path: tuple[str | int, ...], *, key: bool = False) -> None:
        if kind not in load_catalog():
            self.fault(path, f"unknown resource type {kind}{suggest(kind, load_catalog())}", key=key)


def _theirs(name: str) -> str:
    # On their side `$account` is a field of the row, as in `$bucket.$account`, not our account.
    return f"@.{name}" if name.startswith("$") else name


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
    if path[:1] == ("excuse",):
        return "an excuse has either never: true or false, or becomes: what no example tells it from"
    if path[-1:] == ("expect",):
        return f"{error.instance!r} is neither a status nor a mapping of resource ids to statuses"
    return "a list of resources is wanted here, or {$missing: cause}"


def _at(given: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        given = given.get(step) if isinstance(given, dict) else None
    return given


def _schema_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("default", "description")}
