"""The settings of stillframe.yaml: what they say, and every fault of it at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..documents.reader import Reader
from ..documents.yaml12 import Path
from ..model.glob import wild
from ..model.layers import MOST
from ..model.policy import Effort, Exposure, Policy, Severity, base
from ..model.scope import Scope
from ..model.setting import Setting, means
from .param_files import ParamFiles, names_file
from .policies import misfit
from .scopes import check_scope, no_policy

Values = dict[Path, Any]  # of parameters, by where they stand

QUOTE = ": put it in quotes"
SCOPE = ("account", "unit", "account_tag", "region", "tag")
_EVERYWHERE = ("severity", "effort", "exposure")


def check_settings(reader: Reader, known: Mapping[str, Policy], files: ParamFiles) -> Values:
    """The values of parameters, of files as well. Notes what no policy is called, and what no policy takes."""
    values: Values = {}
    for at, name, entry in _entries(reader):
        _check_scope(reader, at, entry)
        if fault := no_policy(name, known):
            reader.fault(at[:2], fault, key=True)
            continue
        if name in known and known[name].is_wide() and (place := next((key for key in SCOPE if key in entry), "")):
            reader.fault((*at, place), f"{name} counts over accounts: it is set the same everywhere", key=True)
        given = entry.get("params")
        meant = [policy for policy in known.values() if means(name, policy.id) or policy.id == base(name)]
        for parameter, written in given.items() if isinstance(given, dict) and meant else ():
            having = [policy for policy in meant if parameter in policy.params] if wild(name) else meant
            values[*at, parameter] = _value(reader, (*at, "params", parameter), written, having or meant[:1], files)
    _check_number(reader, known)
    return values


def _check_scope(reader: Reader, at: Path, entry: Mapping[str, Any]) -> None:
    check_scope(reader, at, entry)
    here = [key for key in SCOPE if key in entry]
    for key in _EVERYWHERE if here else ():
        if key in entry:
            fault = f"{key} is the same everywhere: by {here[0]} only params and enabled may differ"
            reader.fault((*at, key), fault, key=True)
    if here and entry.keys().isdisjoint(("params", "enabled", *_EVERYWHERE)):
        reader.fault(at, "nothing is set here")


def _check_number(reader: Reader, known: Mapping[str, Policy]) -> None:
    """Note the first setting that is one too many by region or tag for a policy."""
    by_line = [(at, name) for at, name, entry in _entries(reader) if "region" in entry or "tag" in entry]
    for policy in known if len(by_line) > MOST else ():
        of = [at for at, name in by_line if means(name, policy)]
        if len(of) > MOST:
            reader.fault(of[MOST], f"{policy} may have at most {MOST} settings by region or tag")
            return


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
