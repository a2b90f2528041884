"""The settings of stillframe.yaml: what they say, and every fault of it at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..documents.reader import Reader
from ..documents.yaml12 import Path
from ..model.glob import wild
from ..model.layers import MOST
from ..model.policy import Effort, Exposure, Policy, Severity, base
from ..model.scope import Scope
from ..model.setting import Setting, alters, means, misplaced, reaching, unmet
from .param_files import ParamFiles, names_file
from .policies import misfit
from .scopes import check_scope, no_policy

Values = dict[Path, Any]  # of parameters, by where they stand

QUOTE = ": put it in quotes"
SCOPE = ("account", "unit", "account_tag", "region", "tag")
_EVERYWHERE = ("effort", "exposure")


def check_settings(
    reader: Reader, known: Mapping[str, Policy], files: ParamFiles, in_force: Mapping[str, Policy]
) -> Values:
    """The values of parameters, of files as well. Notes what no policy is called, and what no policy takes."""
    values: Values = {}
    for at, name, entry in _entries(reader):
        _check_scope(reader, at, entry)
        if fault := no_policy(name, known):
            reader.fault(at[:2], fault, key=True)
            continue
        given = entry.get("params")
        meant = [policy for policy in known.values() if means(name, policy.id) or policy.id == base(name)]
        for parameter, written in given.items() if isinstance(given, dict) and meant else ():
            having = [policy for policy in meant if parameter in policy.params] if wild(name) else meant
            values[*at, parameter] = _value(reader, (*at, "params", parameter), written, having or meant[:1], files)
    _check_reach(reader, {**known, **in_force}.values())
    return values


def _check_scope(reader: Reader, at: Path, entry: Mapping[str, Any]) -> None:
    check_scope(reader, at, entry)
    here = [key for key in SCOPE if key in entry]
    for key in _EVERYWHERE if here else ():
        if key in entry:
            fault = f"{key} is the same everywhere: by {here[0]} only params, severity and enabled may differ"
            reader.fault((*at, key), fault, key=True)
    if here and entry.keys().isdisjoint(("params", "severity", "enabled", *_EVERYWHERE)):
        reader.fault(at, "nothing is set here")


def _check_reach(reader: Reader, policies: Iterable[Policy]) -> None:
    """Note what is set somewhere for a policy that cannot be; and the first setting that makes too many of one."""
    placed = [(at, _outline(name, entry)) for at, name, entry in _entries(reader) if any(key in entry for key in SCOPE)]
    for policy in policies if placed else ():
        reached = [
            (at, each) for at, each in placed if any(alters(policy, found) for found in reaching(policy, [each]))
        ]
        for at, each in reached:
            if each.policy in (policy.id, base(policy.id)) and (
                fault := misplaced(policy, each.scope) or unmet(policy, each.scope)
            ):
                key = next(key for key in (SCOPE if policy.is_wide() else ("region",)) if getattr(each.scope, key))
                reader.fault((*at, key), fault, key=True)
        if beyond := _one_too_many(policy, [(at, each) for at, each in reached if each.scope.by_line]):
            reader.fault(beyond, f"with this, settings by region or tag make more than {MOST} variants of {policy.id}")
            return


def _one_too_many(policy: Policy, settings: Iterable[tuple[Path, Setting]]) -> Path | None:
    """Where the setting stands with which a policy may be set in more ways than it may."""
    ways: set[frozenset[tuple[str, Any]]] = {frozenset()}  # which setting each parameter is from
    for number, (at, each) in enumerate(settings if not policy.is_wide() else ()):
        said = {name: number for name in each.params if name in policy.params}
        said |= {} if each.enabled is None else {"enabled?": number}
        ways |= {frozenset({**dict(way), **said}.items()) for way in ways}
        if len(ways) > MOST:
            return at
    return None


def _outline(name: str, entry: Mapping[str, Any]) -> Setting:
    """A setting as far as it can be read whatever is wrong with it."""
    given = entry.get("params")
    params = given if isinstance(given, dict) else {}
    severity = Severity.LOW if "severity" in entry else None  # one or another: what it says is read when all is right
    return Setting(policy=name, scope=Scope.of(entry), params=params, severity=severity, enabled=entry.get("enabled"))


def _value(reader: Reader, at: Path, written: Any, policies: list[Policy], files: ParamFiles) -> Any:
    """The value of a parameter that is one of all of some policies."""
    parameter = str(at[-1])
    try:
        values = files.values(written) if names_file(written) else [written]
    except ValueError as error:
        reader.fault(at, f"parameter {parameter}: {error}")
        return None
    faults = [next(filter(None, (misfit(each, parameter, value) for each in policies)), "") for value in values]
    if len(values) > 1 and not any(faults) and values[0] != values[-1]:
        items = "give the parameter `items` of one type, such as {type: string} or {type: number}"
        reader.fault(at, f"parameter {parameter}: {written['file']} may be texts or numbers: {items}")
        return None
    for value, fault in zip(values, faults, strict=True):
        if not fault:
            return value
    hint = "" if any(misfit(each, parameter, str(written)) for each in policies) else QUOTE
    reader.fault(at, faults[0] + hint, key=all(parameter not in policy.params for policy in policies))
    return None


def read_settings(reader: Reader, values: Values) -> tuple[Setting, ...]:
    """What they say."""
    return tuple(
        Setting(
            policy=name,
            scope=Scope.of(entry),
            params={each: values[*at, each] for each in entry.get("params", {}) if (*at, each) in values},
            severity=Severity(entry["severity"]) if "severity" in entry else None,
            effort=Effort(entry["effort"]) if "effort" in entry else None,
            exposure=Exposure(entry["exposure"]) if "exposure" in entry else None,
            enabled=entry.get("enabled"),
            reason=entry.get("reason", ""),
            place=f"{reader.source}:{reader.place(at, key=len(at) == 2)[0]}",
        )
        for at, name, entry in _entries(reader)
    )


def _entries(reader: Reader) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """Each setting with its place and the name of its policies, of which one name may have several."""
    given = reader.document.value.get("settings")
    for name, written in given.items() if isinstance(given, dict) else ():
        several = isinstance(written, list)
        for number, entry in enumerate(written if several else [written]):
            at: Path = ("settings", name, number) if several else ("settings", name)
            yield at, str(name), entry if isinstance(entry, dict) else {}
