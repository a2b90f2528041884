"""Read stillframe.yaml: which policies to evaluate, what differs from how they are written, what is waived."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ...snapshot.format import digest
from ..documents.named_files import held, read_below, read_named
from ..documents.reader import Reader, open_document, schema
from ..documents.yaml12 import Path as Steps
from ..errors import Problem
from ..model.attestation import Attestation, Said
from ..model.finding import Kind, Waived
from ..model.pack import Pack
from ..model.policy import Effort, Exposure, Policy, Severity, base
from ..model.priorities import DEFAULTS, EFFORTS, EXPOSURES, SEVERITIES, Priorities
from ..model.scope import BY_ACCOUNT, Scope
from ..model.setting import Setting
from ..model.waiver import Waiver, is_day
from ..suggest import suggest, unreadable
from .libraries import library, names_library, packs_of
from .pack_files import find_packs, names_file, shipped_packs
from .param_files import ParamFiles
from .policies import CONFIG_FILE
from .ruleset import Choice
from .scopes import ACCOUNT, check_scope, no_policy
from .settings import QUOTE, Values, check_settings, read_settings


class Config(Struct, frozen=True, kw_only=True):
    """What else stillframe.yaml says. `digest` is of its bytes; those of `files` are by their names."""

    settings: tuple[Setting, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    priorities: Priorities = DEFAULTS
    digest: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def config_schema() -> Mapping[str, Any]:
    """The JSON Schema of stillframe.yaml."""
    return schema("config.schema.json")


def open_config(path: Path, problems: list[Problem]) -> ConfigReader | None:
    """A reader of the file; None, with `problems`, where it is no YAML mapping.

    The stillframe.yaml that is found where somebody works was not named by anybody: as a link it leads no further.
    """
    try:
        data = read_below(path, path.parent) if path == Path(CONFIG_FILE) else read_named(path)
    except OSError as error:
        problems.append(Problem(path=str(path), line=0, column=0, message=unreadable(path, error)))
        return None
    document = open_document(str(path), data, problems)
    if document is None:
        return None
    if document.value is None:
        document.value = {}
    folder = path.parent
    reader = ConfigReader(str(path), document, problems, folder=folder, digest=digest(data), files=ParamFiles(folder))
    if isinstance(document.value, dict):
        return reader
    reader.fault((), f"stillframe.yaml is a mapping{suggest('', config_schema()['properties'])}")
    return None


class ConfigReader(Reader, kw_only=True):
    """One stillframe.yaml. Only what has no fault may become a `config`."""

    folder: Path
    digest: str
    files: ParamFiles
    values: Values = field(default_factory=dict)

    def choice(self) -> Choice:
        """What it wants evaluated; faults aside."""
        given = self.document.value
        packs = [pack for name in _texts(given.get("packs")) for pack in self._packs(name)]
        shipped = given.get("shipped")
        return Choice(
            policies=self._places("policies"),
            packs=packs if "packs" in given else None,
            shipped=shipped if isinstance(shipped, bool) else None,
        )

    def catalogue(self) -> list[Path]:
        """The files and folders of resource types that it names; faults aside."""
        return self._places("catalogue")

    def mentioned(self) -> set[str]:
        """The ids that it says something of: of policies that need not be in force."""
        given = self.document.value
        waived = [_mapping(entry).get("policy") for entry in _items(given.get("waivers"))]
        return {name for name in (*_mapping(given.get("settings")), *waived) if isinstance(name, str)}

    def _packs(self, name: str) -> list[str]:
        """A pack by name, or by its path relative to this file, or those of a library; none where there is none."""
        if not (names_library(name) or names_file(name)):
            return [name] if name in shipped_packs() else []
        if self._unread("packs", name):
            return []
        return packs_of(name) if names_library(name) else [str(self.folder / name)]

    def _places(self, key: str) -> list[Path]:
        """The files and folders that a key names, but for those that are at fault."""
        names = [name for name in _texts(self.document.value.get(key)) if not self._unread(key, name)]
        return [library(name, key) if names_library(name) else self.folder / name for name in names]

    def _unread(self, key: str, name: str) -> str:
        """Why what a key names is not read: it is below this folder, as the file may be a stranger's, or installed."""
        path = self.folder / name
        try:
            if names_library(name):
                library(name, key)
            else:
                held(path, self.folder).stat()
        except ValueError:
            return f"{name!r} is no path"
        except OSError as error:
            if names_library(name):
                return str(error.strerror)
            there = error.errno != errno.ENOENT
            return f"{path}: {error.strerror}" if there else f"{path}: no such file or folder"
        return ""

    def check(
        self, known: Mapping[str, Policy] | None, packs: Sequence[Pack], in_force: Mapping[str, Policy] = {}
    ) -> None:
        """Note every fault. Ids and parameters must be those of the `known` policies, if all could be read.

        What is said of controls must be of the `packs`, or of those that ship.
        """
        self.conforms(config_schema)
        given = self.document.value
        for key in ("policies", "catalogue"):
            self.check_places(key)
        for number, name in enumerate(_items(given.get("packs"))):
            if isinstance(name, str) and not self._packs(name):
                elsewhere = names_file(name) or names_library(name)
                fault = (
                    self._unread("packs", name) if elsewhere else f"unknown pack {name}{suggest(name, shipped_packs())}"
                )
                self.fault(("packs", number), fault)
        none = next((key for key in ("shipped", "packs") if given.get(key) in (False, [])), None)
        if none and not any(given.get(key) for key in ("policies", "packs", "shipped")):
            without = "the shipped policies" if none == "shipped" else "a pack"
            fault = f"without {without} there are none: name some in `policies`, or a pack in `packs`"
            self.fault((none,), fault, key=True)
        for number, entry in enumerate(_items(given.get("waivers"))):
            self._check_waiver(("waivers", number), _mapping(entry), known)
        for number, entry in enumerate(_items(given.get("attestations"))):
            self._check_attestation(("attestations", number), _mapping(entry), packs)
        if known is not None:
            self.values = check_settings(self, known, self.files, in_force)

    def check_places(self, key: str) -> None:
        """Note the files and folders that a key names and that cannot be read."""
        for number, name in enumerate(_items(self.document.value.get(key))):
            if isinstance(name, str) and (fault := self._unread(key, name)):
                self.fault((key, number), fault)

    def config(self) -> Config:
        """What the file says."""
        given = self.document.value
        return Config(
            settings=read_settings(self, self.values),
            waivers=tuple(self._waiver(number, entry) for number, entry in enumerate(given.get("waivers", ()))),
            attestations=tuple(
                self._attestation(number, entry) for number, entry in enumerate(given.get("attestations", ()))
            ),
            priorities=_priorities(_mapping(given.get("priorities"))),
            digest=self.digest,
            files=self.files.digests,
        )

    def _check_waiver(self, at: Steps, entry: Mapping[str, Any], known: Mapping[str, Policy] | None) -> None:
        name = entry.get("policy")
        if known is not None and isinstance(name, str) and (fault := no_policy(name, known)):
            self.fault((*at, "policy"), fault)
        policy = known.get(base(name)) if known is not None and isinstance(name, str) else None
        if policy and policy.is_wide() and (key := next((key for key in BY_ACCOUNT if key in entry), "")):
            fault = f"{policy.id} speaks of all accounts: its findings are of none; say which by `resource`"
            self.fault((*at, key), fault, key=True)
        self._check_day((*at, "expires"), entry.get("expires"))
        check_scope(self, at, entry)

    def _check_attestation(self, at: Steps, entry: Mapping[str, Any], packs: Sequence[Pack]) -> None:
        name, control = entry.get("pack"), entry.get("control")
        for key in ("when", "expires"):
            self._check_day((*at, key), entry.get(key))
        there = {pack.name: pack for pack in packs}
        known = there.keys() | shipped_packs().keys()
        if isinstance(name, str) and name not in known:
            self.fault((*at, "pack"), f"unknown pack {name}{suggest(name, known)}")
        elif isinstance(name, str) and isinstance(control, str):
            (pack,) = [there[name]] if name in there else find_packs([name], [])
            numbers = [each.number for each in pack.controls()]
            if control not in numbers:
                self.fault((*at, "control"), f"{name} has no control {control}{suggest(control, numbers)}")

    def _check_day(self, at: Steps, day: Any) -> None:
        if isinstance(day, str) and not is_day(day):
            self.fault(at, f"{day!r} {_WORDING[at[-1]]}")

    def inside(self, error: Any) -> Sequence[Any]:
        """What may be one or a list is told of as what it is."""
        branch = int(isinstance(error.instance, list))
        return [each for each in error.context if each.schema_path[0] == branch] if error.validator == "oneOf" else ()

    def wording(self, path: Steps, error: Any) -> str:
        name = path[-2] if len(path) > 1 and isinstance(path[-1], int) else path[-1]
        if name in _WORDING:
            return f"{error.instance!r} {_WORDING[name]}"
        if error.validator in _RULES:
            return _RULES[error.validator]
        if name in ("tag", "account_tag") and isinstance(error.instance, dict):
            meant = ", ".join(f"{key}={value}" if value else str(key) for key, value in error.instance.items())
            return f"a tag is written NAME=VALUE, or NAME: {meant}"
        number = error.validator == "type" and isinstance(error.instance, (bool, int, float))
        written = number and "string" in error.validator_value
        return f"{error.message}{QUOTE if written else ''}"

    def _waiver(self, number: int, entry: Mapping[str, Any]) -> Waiver:
        return Waiver(
            policy=entry["policy"],
            scope=Scope.of(entry),
            waived=Waived(
                kind=Kind(entry.get("kind", "accepted")),
                reason=entry["reason"],
                owner=entry["owner"],
                expires=entry["expires"],
            ),
            evidence=entry.get("evidence"),
            place=self._line(("waivers", number)),
        )

    def _attestation(self, number: int, entry: Mapping[str, Any]) -> Attestation:
        return Attestation(**{**entry, "status": Said(entry["status"])}, place=self._line(("attestations", number)))

    def _line(self, path: Steps, *, key: bool = False) -> str:
        return f"{self.source}:{self.place(path, key=key)[0]}"


_WORDING: Mapping[str | int, str] = {  # by key
    "account": ACCOUNT,
    "expires": "is not a day: YYYY-MM-DD",
    "when": "is not a day: YYYY-MM-DD",
    "evidence": "is neither a mapping of paths to values nor sha256: and 64 hexadecimal digits",
}
_RULES = {  # by keyword of the schema
    "anyOf": 'name an account, a region or a resource, a unit or a tag; `resource: "*"` is all of the policy\'s',
    "minProperties": "nothing is set here",
    "pattern": "there must be words here",
}


def _priorities(given: Mapping[str, Mapping[str, float]]) -> Priorities:
    return Priorities(
        severity=SEVERITIES | {Severity(name): weight for name, weight in given.get("severity", {}).items()},
        exposure=EXPOSURES | {Exposure(name): weight for name, weight in given.get("exposure", {}).items()},
        effort=EFFORTS | {Effort(name): weight for name, weight in given.get("effort", {}).items()},
        accounts=given.get("accounts", {}),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    return (each for each in _items(value) if isinstance(each, str))


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
