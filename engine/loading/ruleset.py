"""What to evaluate with: policies as packs, stillframe.yaml and the command line change them, and waivers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import ConfigError, PackError, PolicyError, Problem
from ..functions.equality import equal
from ..model.layers import Layers
from ..model.pack import Pack
from ..model.policy import Policy, base
from ..model.priorities import DEFAULTS
from ..model.ruleset import Ruleset
from ..model.setting import Setting, by_place, changed, disabling, everywhere, settings_of, unheard
from .pack_files import DEFAULT, find_packs
from .pack_policies import resolve
from .policies import apply_settings, distinct, last_params, load_policies
from .shipped import shipped_files

if TYPE_CHECKING:
    from .config import ConfigReader


class Choice(Struct, frozen=True, kw_only=True):
    """What somebody wants evaluated. `packs` and `shipped` are None where they do not say.

    Were the packs `named`? Was it `given` on the command line? Is it all that ships, `instead` of a pack that
    nobody named?
    """

    policies: Sequence[Path] = ()
    packs: Sequence[str] | None = None
    shipped: bool | None = None
    named: bool = True
    given: bool = False
    instead: bool = False


def load_rules(
    config: Path | None = None,
    paths: Sequence[Path] = (),
    *,
    packs: Sequence[str] = (),
    shipped: bool = False,
    every: bool = False,
    settings: Sequence[str] = (),
    budget: int | None = None,
    together: int | None = None,
) -> Ruleset:
    """What `paths` and `packs` name, or else stillframe.yaml, or else the pack `logging`; as both change it.

    With `every`, all that ships takes the place of the pack `logging`.

    Of the shipped policies only those are read that are in force, or that something is said of. Raises PolicyError
    with every fault of any of the files, ArgumentError for a setting or a pack.

    Where a `budget` is given, it is of each policy; of more policies than may take that much `together`, it is less.
    """
    problems: list[Problem] = []
    reader = _open(config, problems) if config else None
    choice = _choice(reader, paths, packs, shipped=shipped, every=every)
    found = _read(choice, reader)
    if reader:  # a policy that cannot be read is not an unknown one
        reader.bounded(lambda: reader.check(None if found.unread else found.known, found.packs, found.in_force))
    if problems:
        raise ConfigError([*problems, *found.unread, *found.misread])
    if found.unread:
        raise PolicyError([*found.unread, *found.misread])
    if found.misread:
        raise PackError(found.misread)
    if budget and together:
        budget = max(1, min(budget, together // max(1, len(found.written), len(found.in_force))))
    given = reader.config() if reader else None
    differing = {policy.id: settings_of(policy, given.settings) if given else [] for policy in found.every()}
    there = [replace(policy, budget=budget or policy.budget) for _, policy in sorted(found.in_force.items())]
    disabled = {name: setting for name, each in differing.items() if (setting := disabling(each))}
    changes = [changed(policy, everywhere(differing[policy.id])) for policy in there]
    judged = [policy for policy in apply_settings(changes, settings) if policy.id not in disabled]
    last = {policy.id: last_params(policy, settings) for policy in judged}
    scoped = [each for each in changes if each.id in last and by_place(differing[each.id])]
    return Ruleset(
        policies=judged,
        written=[replace(policy, budget=budget or policy.budget) for policy in found.written],
        packs=found.packs,
        named=choice.named and bool(found.packs),
        instead=choice.instead,
        layers={each.id: _layers(each, found, differing, last) for each in scoped},
        disabled=_once(disabled),
        tailored=list(_tailored(found, judged)) if choice.named else (),
        unheard=list(unheard(given.settings, judged)) if given else (),
        waivers=given.waivers if given else (),
        priorities=given.priorities if given else DEFAULTS,
        attestations=given.attestations if given else (),
        digest=given.digest if given else None,
        files=given.files if given else {},
    )


def _layers(
    policy: Policy, found: _Found, differing: Mapping[str, Sequence[Setting]], last: Mapping[str, Mapping[str, Any]]
) -> Layers:
    written = replace(policy, params=found.in_force[policy.id].params)
    return Layers(policy=written, settings=differing[policy.id], last=last[policy.id])


def _once(disabled: Mapping[str, Setting]) -> Mapping[str, Setting]:
    """Without the POLICY@PACK that POLICY speaks for."""
    return {name: each for name, each in disabled.items() if name == base(name) or each != disabled.get(base(name))}


class _Found(Struct, kw_only=True):
    """What was read: packs; policies as they are written, as they are in force, and all; faults of both."""

    packs: list[Pack]
    written: Sequence[Policy] = ()
    in_force: dict[str, Policy] = field(default_factory=dict)
    known: dict[str, Policy] = field(default_factory=dict)
    unread: list[Problem] = field(default_factory=list)
    misread: list[Problem] = field(default_factory=list)

    def every(self) -> Iterator[Policy]:
        """The policies as they are written and in force, which have other ids where packs ask otherwise."""
        yield from {policy.id: policy for policy in (*self.written, *self.in_force.values())}.values()


def _read(choice: Choice, reader: ConfigReader | None) -> _Found:
    misread: list[Problem] = []
    found = _Found(packs=find_packs(choice.packs or (), misread), misread=misread)
    elsewhere = reader.choice().policies if reader and choice.given else ()
    own = _load(choice.policies, found.unread, among=elsewhere)
    others = _load(elsewhere, found.unread)
    wanted = {ask.policy for pack in found.packs for ask in pack.asks()}
    wanted |= shipped_files().keys() if choice.shipped else set()
    wanted -= {policy.id for policy in own if _is_shipped(policy)}  # named by its file, it is the same
    said = {base(name) for name in reader.mentioned()} if reader else set()
    shipped = _load((), found.unread, shipped=wanted | (said - {policy.id for policy in (*own, *others)}))
    found.known = {policy.id: policy for policy in (*others, *shipped, *own)}
    chosen = [policy for policy in shipped if policy.id in wanted]
    distinct([*chosen, *own], found.unread)  # a fault stands in the file that is not ours
    found.written = [*own, *chosen]
    found.in_force = {policy.id: policy for policy in (found.written if choice.shipped else own)}
    for number, pack in enumerate(() if found.unread else found.packs):
        found.packs[number], asked = resolve(pack, found.known, misread)
        found.in_force |= asked
    return found


def _is_shipped(policy: Policy) -> bool:
    file = shipped_files().get(policy.id)
    return file is not None and policy.files()[policy.source].encode() == file.read_bytes()


def _tailored(found: _Found, judged: Sequence[Policy]) -> Iterator[str]:
    """A line for each parameter that is not what a pack asks for: it says what a benchmark does not."""
    by_id = {policy.id: policy for policy in judged}
    for pack in found.packs:
        for name in sorted({ask.policy for ask in pack.asks()} & by_id.keys()):
            for param, asked in found.in_force[name].params.items():
                if not equal(value := by_id[name].params[param], asked):
                    yield f"{name} is evaluated with {param} {value}, where {pack.name} asks {asked}"


def _choice(
    reader: ConfigReader | None, paths: Sequence[Path], packs: Sequence[str], *, shipped: bool, every: bool
) -> Choice:
    """What the command line names, or else stillframe.yaml, or else the pack `logging`."""
    if paths or packs:
        return Choice(policies=paths, packs=packs, shipped=shipped, given=True)
    choice = reader.choice() if reader else Choice()
    instead = every and not shipped and choice.packs is None and choice.shipped is None
    if shipped or instead:
        choice = replace(choice, shipped=True, instead=instead)
    if choice.packs is None and choice.shipped is None:
        choice = replace(choice, packs=(DEFAULT,), named=False)
    return choice


def _open(config: Path, problems: list[Problem]) -> ConfigReader | None:
    from .config import open_config

    return open_config(config, problems)


def _load(
    paths: Sequence[Path], problems: list[Problem], *, shipped: Collection[str] = (), among: Sequence[Path] = ()
) -> list[Policy]:
    try:
        return load_policies(paths, shipped=shipped, among=among)
    except PolicyError as error:
        problems += error.problems
        return []
