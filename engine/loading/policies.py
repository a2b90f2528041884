"""Load policies: YAML → Policy. Every fault of every file is reported at once, with its line and column."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...snapshot.errors import ArgumentError
from ...snapshot.given import paths_of
from ..documents.named_files import is_yaml, read_below, read_named, yaml_files
from ..documents.reader import open_document, unfit
from ..documents.yaml12 import YamlError, load
from ..errors import EvaluationError, PolicyError, Problem
from ..model.policy import Item, Policy, base
from ..suggest import THESE_POLICIES, suggest, unreadable
from .bases import Bases, Document, Near, by_id
from .example_files import Beside, beside_of, holds_tests, misplaced, tests_name
from .extends import extended, identity_of, moved, origin
from .policy_reader import PolicyReader, read_policy, schema_of
from .several import placed, policies_of
from .shipped import PACKS, policy_files

CONFIG_FILE = "stillframe.yaml"
_UNSEEN = "unknown key 'extends'"
_ALONE = "extends begins a line, with the id of the other policy after it: write each key on a line of its own"


class _Source(Struct, frozen=True):
    """The document of a policy; of a file of several it is an `item`."""

    path: str
    data: bytes
    beside: Beside | None = None
    near: Near | None = None
    item: Item | None = None


def load_policies(
    paths: Sequence[Path | str] = (), *, shipped: bool | Collection[str] = True, among: Sequence[Path] = ()
) -> list[Policy]:
    """The shipped policies, or those of some ids, and those of files and folders (every *.yaml below them), by id.

    They may extend each other, and what is `among` other files and folders. Raises PolicyError with every fault found
    in any of them.
    """
    problems: list[Problem] = []
    sources = list(_sources(paths_of(paths), problems, shipped=shipped))

    @cache
    def named() -> Mapping[str, Document]:
        every = [*sources, *_sources(among, [], shipped=False)]
        return by_id(Document(each.data, each.near, each.path) for each in every if each.near)

    bases = Bases(named)
    read = [(source, faults, _load_one(source, faults, bases)) for source in sources for faults in [list[Problem]()]]
    problems += _causes([(source.data, faults) for source, faults, _ in read])
    found = [policy for _, _, policy in read if policy]
    distinct(found, problems)
    if problems:
        raise PolicyError(problems)
    return sorted(found, key=lambda policy: policy.id)


def _causes(read: Sequence[tuple[bytes, list[Problem]]]) -> Iterator[Problem]:
    """The faults of policies, without those that are of what they take from another, and told of that."""
    told: dict[str, set[str]] = {}
    for data, faults in read:
        own = [
            origin(each) for each in faults if not each.message.startswith("extends: ")
        ]  # of which two may be a circle
        told.setdefault(identity_of(data) or "", set()).update(own)
    for data, faults in read:
        base, _ = extended(data) or ("", 0) if faults else ("", 0)
        yield from (each for each in faults if not base or origin(each) not in told.get(base, ()))


def distinct(found: Sequence[Policy], problems: list[Problem]) -> None:
    """Note policies that have an id which one before them has."""
    by_id: dict[str, Policy] = {}
    for policy in found:
        first = by_id.setdefault(policy.id, policy)
        if first is not policy:
            place = f":{_place_of(first)[0]}" if first.item else ""
            message = f"id {policy.id!r} is already in {first.source}{place}"
            line, column = _place_of(policy) if policy.item else (1, 1)
            problems.append(Problem(path=policy.source, line=line, column=column, message=message))


def _place_of(policy: Policy) -> tuple[int, int]:
    return policy.placed(load(policy.text.encode()).place(("id",)))


def parse_policy(source: str, text: str) -> Policy:
    """One policy from its text. Raises PolicyError with every fault found in it."""
    problems: list[Problem] = []
    policy = _load_one(_Source(source, text.encode()), problems)
    if policy is None:
        raise PolicyError(problems)
    return policy


def override(policy: Policy, params: Mapping[str, Any]) -> Policy:
    """A policy with other parameter values. Raises EvaluationError for a name or a value it does not allow."""
    for name, value in params.items():
        if fault := misfit(policy, name, value):
            raise EvaluationError(fault)
    return replace(policy, params={**policy.params, **params})


def apply_settings(policies: Sequence[Policy], settings: Sequence[str]) -> list[Policy]:
    """Policies with parameters set as POLICY.PARAMETER=VALUE, VALUE being YAML. Raises ArgumentError.

    POLICY stands for itself and for POLICY@PACK.
    """
    by_id = {policy.id: policy for policy in policies}
    for setting in settings:
        target, equals, text = setting.partition("=")
        name, dot, parameter = target.rpartition(".")
        if not (equals and dot):
            raise ArgumentError(f"{setting!r} does not set a parameter", "write POLICY.PARAMETER=VALUE")
        meant = [policy for policy in by_id.values() if name in (policy.id, base(policy.id))]
        for policy in meant or [pick(policies, name)]:
            try:
                by_id[policy.id] = override(policy, {parameter: _value(policy, parameter, text)})
            except (EvaluationError, YamlError) as error:
                raise ArgumentError(f"{setting}: {error}") from None
    return list(by_id.values())


def last_params(policy: Policy, settings: Sequence[str]) -> dict[str, Any]:
    """Of the parameters of a policy those that such settings set, as they are in it."""
    targets = {setting.partition("=")[0].rpartition(".")[::2] for setting in settings}
    return {
        name: value for name, value in policy.params.items() if {(policy.id, name), (base(policy.id), name)} & targets
    }


def _value(policy: Policy, parameter: str, text: str) -> Any:
    value = load(text.encode()).value
    if misfit(policy, parameter, value) and not misfit(policy, parameter, text):
        return text  # an account id is text, though YAML reads a number
    return value


def misfit(policy: Policy, parameter: str, value: Any) -> str:
    """Why a policy does not take a value for a parameter; empty where it does."""
    declared = load_params(policy)
    if parameter not in declared:
        return f"{policy.id} has no parameter {parameter}{suggest(parameter, declared)}"
    fault = unfit(declared[parameter], value)
    return f"parameter {parameter}: {fault}" if fault else ""


def pick(policies: Sequence[Policy], name: str) -> Policy:
    """The policy of that id. Raises ArgumentError."""
    by_id = {policy.id: policy for policy in policies}
    if name not in by_id:
        raise ArgumentError(f"unknown policy {name}{suggest(name, by_id)}", THESE_POLICIES)
    return by_id[name]


def load_params(policy: Policy) -> Mapping[str, Any]:
    """The declared parameters of a policy: name → JSON Schema."""
    declared = load(policy.text.encode()).value.get("params", {})
    return {name: schema_of(entry) for name, entry in declared.items()}


def _shipped(wanted: Collection[str] | None) -> Iterator[_Source]:
    there = policy_files()
    for name, file in there.items():
        if not holds_tests(name) and (wanted is None or name.removesuffix(".yaml") in wanted):
            tests = there.get(tests_name(name))
            beside = (_source(tests), tests.read_bytes()) if tests else None
            yield _Source(_source(file), file.read_bytes(), beside)


def _source(file: Path) -> str:
    return "/".join(("policies", *Path(str(file)).parts[-2:]))


def _sources(paths: Sequence[Path], problems: list[Problem], *, shipped: bool | Collection[str]) -> Iterator[_Source]:
    if shipped:
        yield from _shipped(None if shipped is True else shipped)
    beside = cache(_beside)
    for path in paths:
        try:
            inside = sorted(_below(path)) if path.is_dir() else [path]
        except OSError as error:
            problems.append(_unread(path, error))
            continue
        if not inside:
            problems.append(Problem(path=str(path), line=0, column=0, message="no policies here: no *.yaml file"))
        for file in inside:
            try:
                if not holds_tests(file.name):
                    yield from _given(file, path, beside, problems)
                elif fault := misplaced(file, named=file == path):
                    problems.append(fault)
            except OSError as error:
                problems.append(_unread(file, error))


def _given(
    file: Path, named: Path, near: Callable[[Path, Path], Mapping[str, Document]], problems: list[Problem]
) -> Iterator[_Source]:
    """The policies of a file: one that was named, or one below a folder that was. Raises OSError."""
    within = file.parent if file == named else named
    data = read_named(file) if file == named else read_below(file, named)
    beside = beside_of(file, within)
    several = False
    for document, item in policies_of(str(file), data, problems):
        several = item is not None
        yield _Source(str(file), document, None if item else beside, partial(near, file.parent, within), item)
    if beside and several:
        message = f"these tests are of no one policy: {file.name} has several, and each holds its own"
        problems.append(Problem(path=beside[0], line=0, column=0, message=message))


def _unread(path: Path, error: OSError) -> Problem:
    shown = os.fsencode(path).decode(errors="backslashreplace")
    from .libraries import names_library

    library = f': a library is named in {CONFIG_FILE} alone, as policies: ["{shown}"]' if names_library(shown) else ""
    return Problem(path=shown, line=0, column=0, message=f"{unreadable(path, error)}{library}")


def _below(folder: Path) -> Iterator[Path]:
    """Every YAML file of a folder that may be a policy: stillframe.yaml and packs may lie among them."""
    for file in yaml_files(folder):
        if file.name != CONFIG_FILE and PACKS not in file.relative_to(folder).parts[:-1]:
            yield file


def _load_one(source: _Source, problems: list[Problem], bases: Bases = Bases(dict)) -> Policy | None:
    found: list[Problem] = []
    policy = _read(source, found, bases)
    problems += placed(found, source.item)
    if policy and source.item:
        policy = replace(policy, item=source.item)
    beside = source.beside
    document = open_document(*beside, problems) if beside else None
    if not beside or not document:
        return policy
    reader = PolicyReader(beside[0], document, text="")
    tests = reader.bounded(lambda: reader.tests(dict(load_params(policy)) if policy else None)) or ()
    problems += reader.problems
    if policy is None:
        return None
    texts = {beside[0]: beside[1].decode("utf-8-sig")}
    return replace(policy, tests=(*policy.tests, *tests), beside=texts)


def _read(source: _Source, problems: list[Problem], bases: Bases) -> Policy | None:
    """A policy, with what it takes from another if it extends one."""
    try:
        whole, extends = bases.whole(Document(source.data, source.near))
    except EvaluationError as error:
        _, line = extended(source.data) or ("", 0)
        problems.append(Problem(path=source.path, line=line, column=1, message=f"extends: {error}"))
        return None
    except UnicodeDecodeError:
        return read_policy(source.path, source.data, problems)
    found: list[Problem] = []
    policy = read_policy(source.path, whole, found)
    if extends is None:
        problems += (replace(each, message=_ALONE) if each.message.startswith(_UNSEEN) else each for each in found)
        return policy
    problems += moved(found, extends)
    return replace(policy, extends=extends) if policy else None


def _beside(folder: Path, within: Path) -> Mapping[str, Document]:
    """The documents in a folder that say that they are policies, by the ids that they give themselves."""
    found: list[Document] = []
    for file in sorted(folder.iterdir()):
        if is_yaml(file.name):
            with suppress(OSError):  # a link that leads elsewhere, a pipe: no policy of this folder
                data = read_below(file, within)
                found += [Document(each, path=str(file)) for each, _ in policies_of(str(file), data, [])]
    return by_id(found)
