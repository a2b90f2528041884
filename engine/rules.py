"""What to judge by: policies as packs, stillframe.yaml and the command line change them, and waivers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..snapshot.model import Snapshot
from .errors import ConfigError, PolicyError, Problem
from .model import Policy, base
from .packs.asked import asked
from .packs.find import DEFAULT, find_packs
from .packs.model import Pack
from .policies import apply_settings, distinct, load_policies, override, shipped_files
from .waivers import Waiver, Waivers

if TYPE_CHECKING:
    from .config import ConfigReader, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody wants to judge by. `packs` and `shipped` are None where they do not say."""

    policies: Sequence[Path] = ()
    packs: Sequence[str] | None = None
    shipped: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policies in force, and as they are `written`; `disabled` are those of the latter that are not in force.

    `packs` are those that were asked for: each of their policies is in force, or disabled.
    """

    policies: Sequence[Policy]
    written: Sequence[Policy] = ()
    packs: Sequence[Pack] = ()
    disabled: Mapping[str, Setting] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    digest: str | None = None

    def notes(self) -> Iterator[str]:
        """A line for each policy that is not judged by."""
        for name, setting in self.disabled.items():
            yield f"{setting.place}: {name} is disabled: {setting.reason}"

    def waivers_for(self, snapshot: Snapshot) -> Waivers:
        """The waivers of these policies, at the time of a snapshot."""
        judged = {name for policy in self.policies for name in (policy.id, base(policy.id))}
        return Waivers(
            [waiver for waiver in self.waivers if waiver.policy in judged], snapshot.captured_at, snapshot.accounts
        )


def load_rules(
    config: Path | None = None,
    paths: Sequence[Path] = (),
    *,
    packs: Sequence[str] = (),
    shipped: bool = False,
    every: bool = False,
    settings: Sequence[str] = (),
) -> Rules:
    """What `paths` and `packs` name, or else stillframe.yaml, or else the pack `logging`; as both change it.

    With `every`, all that ships takes the place of the pack `logging`.

    Of the shipped policies only those are read that are in force, or that something is said of. Raises PolicyError
    with every fault of any of the files, ArgumentError for a setting or a pack.
    """
    problems: list[Problem] = []
    unread: list[Problem] = []
    reader = _open(config, problems) if config else None
    choice = _choice(reader, paths, packs, shipped=shipped, every=every)
    chosen = find_packs(choice.packs or (), unread)
    theirs = {ask.policy for pack in chosen for ask in pack.asks()} if not choice.shipped else shipped_files().keys()
    said = {base(name) for name in reader.mentioned()} if reader else set()
    own = _load(choice.policies, unread)
    others = _load(reader.choice().policies, unread) if reader and choice.policies is paths else []
    found = _load((), unread, shipped=theirs | (said - {policy.id for policy in (*own, *others)}))
    known = {policy.id: policy for policy in (*others, *found, *own)}
    written = distinct([*own, *(policy for policy in found if policy.id in theirs)], unread)
    if not unread:
        in_force = {policy.id: policy for policy in (written if choice.shipped else own)}
        in_force |= {policy.id: policy for pack in chosen for policy in asked(pack, known, unread)}
    if reader:  # a policy that cannot be read is not an unknown one
        reader.check(None if unread else known)
    if problems:
        raise ConfigError([*problems, *unread])
    if unread:
        raise PolicyError(unread)
    given = reader.config() if reader else None
    differing = given.settings if given else {}
    changed = [_change(policy, differing) for _, policy in sorted(in_force.items())]
    disabled = {name: setting for name, setting in differing.items() if not setting.enabled}
    return Rules(
        policies=[
            policy for policy in apply_settings(changed, settings) if not {policy.id, base(policy.id)} & disabled.keys()
        ],
        written=written,
        packs=chosen,
        disabled={name: disabled[name] for name in disabled if any(policy.id == base(name) for policy in written)},
        waivers=given.waivers if given else (),
        digest=given.digest if given else None,
    )


def _choice(
    reader: ConfigReader | None, paths: Sequence[Path], packs: Sequence[str], *, shipped: bool, every: bool
) -> Choice:
    """What the command line names, or else stillframe.yaml, or else the pack `logging`."""
    if paths or packs:
        return Choice(policies=paths, packs=packs, shipped=shipped)
    choice = reader.choice() if reader else Choice()
    if shipped or (every and choice.packs is None and choice.shipped is None):
        choice = replace(choice, shipped=True)
    if choice.packs is None and choice.shipped is None:
        choice = replace(choice, packs=(DEFAULT,))
    return choice


def _open(config: Path, problems: list[Problem]) -> ConfigReader | None:
    from .config import open_config

    return open_config(config, problems)


def _load(paths: Sequence[Path], problems: list[Problem], *, shipped: Collection[str] = ()) -> list[Policy]:
    try:
        return load_policies(paths, shipped=shipped)
    except PolicyError as error:
        problems += error.problems
        return []


def _change(policy: Policy, settings: Mapping[str, Setting]) -> Policy:
    for name in dict.fromkeys((base(policy.id), policy.id)):
        if setting := settings.get(name):
            changed = override(policy, setting.params)
            policy = replace(changed, severity=setting.severity or policy.severity)
    return policy
