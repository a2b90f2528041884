"""What to judge by: policies as stillframe.yaml and the command line change them, and waivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..snapshot.model import Snapshot
from .errors import ConfigError, PolicyError, Problem
from .model import Policy
from .policies import apply_settings, load_policies, override
from .waivers import Waiver, Waivers

if TYPE_CHECKING:
    from .config import ConfigReader, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policies in force, and as they are `written`; `disabled` are those of the latter that are not in force."""

    policies: Sequence[Policy]
    written: Sequence[Policy] = ()
    disabled: Mapping[str, Setting] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    digest: str | None = None

    def notes(self) -> Iterator[str]:
        """A line for each policy that is not judged by."""
        for name, setting in self.disabled.items():
            yield f"{setting.place}: {name} is disabled: {setting.reason}"

    def waivers_for(self, snapshot: Snapshot) -> Waivers:
        """The waivers of these policies, at the time of a snapshot."""
        judged = {policy.id for policy in self.policies}
        return Waivers(
            [waiver for waiver in self.waivers if waiver.policy in judged], snapshot.captured_at, snapshot.accounts
        )


def load_rules(
    config: Path | None = None,
    paths: Sequence[Path] = (),
    *,
    shipped: bool = False,
    settings: Sequence[str] = (),
) -> Rules:
    """Policies from `paths`, or else those that stillframe.yaml names, or else the shipped ones; then what it changes.

    Raises PolicyError with every fault of any of the files, ArgumentError for a setting.
    """
    problems: list[Problem] = []
    reader = _open(config, problems) if config else None
    named, wanted = reader.sources() if reader else ([], True)
    unread: list[Problem] = []
    own = [] if paths and not reader else _load(named, unread, shipped=wanted or (shipped and not paths))
    written = _load(paths, unread, shipped=shipped) if paths else own
    if reader:  # a policy that cannot be read is not an unknown one
        reader.check(None if unread else {policy.id: policy for policy in (*own, *written)})
    if problems:
        raise ConfigError([*problems, *unread])
    if unread:
        raise PolicyError(unread)
    given = reader.config() if reader else None
    differing = given.settings if given else {}
    changed = [_change(policy, differing.get(policy.id)) for policy in written]
    disabled = {name: setting for name, setting in differing.items() if not setting.enabled}
    return Rules(
        policies=[policy for policy in apply_settings(changed, settings) if policy.id not in disabled],
        written=written,
        disabled={name: disabled[name] for name in disabled if any(policy.id == name for policy in written)},
        waivers=given.waivers if given else (),
        digest=given.digest if given else None,
    )


def _open(config: Path, problems: list[Problem]) -> ConfigReader | None:
    from .config import open_config

    return open_config(config, problems)


def _load(paths: Sequence[Path], problems: list[Problem], *, shipped: bool) -> list[Policy]:
    try:
        return load_policies(paths, shipped=shipped)
    except PolicyError as error:
        problems += error.problems
        return []


def _change(policy: Policy, setting: Setting | None) -> Policy:
    if setting is None:
        return policy
    changed = override(policy, setting.params)
    return replace(changed, severity=setting.severity or policy.severity)
