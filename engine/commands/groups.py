"""Options that several commands have together: one parameter of a command stands for all of a group."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import typer
from stillframe.engine.commands.options import (
    AllowUnknown,
    ClusterAddress,
    Config,
    Except,
    FailOn,
    MaxUnknown,
    Only,
    Packs,
    Policies,
    Settings,
    Shipped,
    Types,
    UseCache,
    Workers,
    cluster_at,
    kept,
    limits,
    rules,
)

if TYPE_CHECKING:
    from stillframe.engine.execution.judge import Method
    from stillframe.engine.findings.gate import Limits
    from stillframe.engine.findings.selection import Selection
    from stillframe.engine.model.ruleset import Ruleset


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer reads it: with an option for each field of a parameter that is a group.

    A group that can be closed is, when the command ends.
    """
    options: list[Parameter] = []
    groups: dict[str, Any] = {}
    for each in signature(command).parameters.values():
        if is_dataclass(each.annotation):
            groups[each.name] = each.annotation
            found = ((one.name, one.default, one.type) for one in fields(each.annotation) if one.init)
            options += [Parameter(name, each.KEYWORD_ONLY, default=given, annotation=of) for name, given, of in found]
        else:
            options.append(each.replace(kind=each.KEYWORD_ONLY))

    @wraps(command)
    def called(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{one.name: given.pop(one.name) for one in fields(group) if one.init})
        try:
            command(**given)
        finally:
            for name in groups:
                if close := getattr(given[name], "close", None):
                    close()

    called.__signature__ = signature(command).replace(parameters=options)  # type: ignore[attr-defined]
    return called


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """What to evaluate by."""

    policies: Policies = None
    packs: Packs = None
    shipped: Shipped = False
    config: Config = None
    settings: Settings = None

    def rules(self, types: Types, *, budget: int | None = None, untrusted: bool = False) -> "Ruleset":
        return rules(
            self.config,
            self.policies,
            self.settings,
            packs=self.packs,
            shipped=self.shipped,
            budget=budget,
            untrusted=untrusted,
            types=types,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which findings count."""

    only: Only = None
    but: Except = None

    def selection(self) -> "Selection":
        from stillframe.engine.findings.selection import selection

        return selection(self.only or (), self.but or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """From where on findings count for the exit code."""

    fail_on: FailOn = "low"
    max_unknown: MaxUnknown = None
    allow_unknown: AllowUnknown = False

    def limits(self) -> "Limits":
        return limits(self.fail_on, self.max_unknown, allow_unknown=self.allow_unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the work is done; the findings are the same."""

    workers: Workers = 1
    cluster: ClusterAddress = None
    cache: UseCache = True
    _open: ExitStack = field(default_factory=ExitStack, init=False)

    def method(self, *, remembers: bool = True, **more: Any) -> "Method":
        from stillframe.engine.execution.judge import Method

        if self.cluster is None:
            return Method(workers=self.workers, cache=kept(self.cache and remembers), **more)
        if self.workers > 1 or more.get("exact"):
            raise typer.BadParameter("--cluster goes neither with --workers nor with --exact")
        return Method(cluster=self._open.enter_context(cluster_at(self.cluster)), **more)

    def close(self) -> None:
        self._open.close()
