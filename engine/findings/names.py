"""What accounts of snapshots are called, the units above them, and the regions and types that there are."""

from __future__ import annotations

from collections.abc import Sequence

from ...snapshot.catalog import ACCOUNT_TYPE, load_catalog
from ...snapshot.model import EVERYWHERE, Account, Json, Snapshot, Unknown
from ..functions.unknowns import Truth
from ..model.scope import fits, unit_path


class Names:
    """What accounts are called, and what is in them. It reads no account before it is asked for."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots = snapshots
        self._units: dict[str, set[str] | None] = {}
        self._of: dict[str, set[str]] = {}

    def of(self, account: str) -> set[str]:
        """An account's id, and its names."""
        if account not in self._of:
            names = (each.account(account).name for each in self._snapshots if account in each.accounts)
            self._of[account] = {account, *filter(None, names)}
        return self._of[account]

    def fit(self, patterns: Sequence[str], account: str) -> Truth:
        """Whether one of some patterns fits an account's id, or its name, which may be unknown."""
        names = self.of(account)
        if fits(patterns, names):
            return True
        unsure = len(names) == 1 and not all(map(_is_of_ids, patterns))
        return Unknown.because("the name of the account is unknown") if unsure else False

    def above(self, account: str) -> set[str] | None:
        """The units above an account, each by name, id and path; None where they are unknown."""
        if account not in self._units:
            self._units[account] = self._above(account)
        return self._units[account]

    def _above(self, account: str) -> set[str] | None:
        there = next((each for each in self._snapshots if account in each.accounts), None)
        units = units_above(there.account(account)) if there else None
        if units is None:
            return None
        names = [unit["Name"] for unit in units]
        paths = {unit_path(names[: number + 1]) for number in range(len(names))}
        return {*names, *paths, *(unit["Id"] for unit in units if isinstance(unit.get("Id"), str))}

    def accounts(self) -> set[str]:
        return {name for each in self._snapshots for account in each.accounts for name in self.of(account)}

    def units(self) -> set[str] | None:
        """The units of all accounts; None where some are unknown."""
        found = [self.above(account) for each in self._snapshots for account in each.accounts]
        return None if None in found else {name for units in found for name in units or ()}

    def regions(self) -> set[str] | None:
        """Every region that is enabled or was asked; None where an account's are unknown."""
        found: set[str] = set()
        for snapshot in self._snapshots:
            for account in map(snapshot.account, snapshot.accounts):
                if isinstance(account.regions, Unknown):
                    return None
                found.update(account.regions)
                for kind in account.coverage:
                    coverage = account.coverage[kind]
                    found.update(coverage.read, coverage.missing)
        return found - {EVERYWHERE}

    def types(self) -> set[str]:
        return {*load_catalog(), *(kind for each in self._snapshots for kind in each.types)}


def _is_of_ids(pattern: str) -> bool:
    """Whether a pattern can only be of ids."""
    return not set(pattern) - set("0123456789*?") and any(letter.isdigit() for letter in pattern)


def units_above(account: Account) -> list[dict[str, Json]] | None:
    """The organisational units above an account, named, from the root down; None where they are unknown."""
    for each in account.read(ACCOUNT_TYPE):
        units = each.config.get("OrganizationalUnits")
        if isinstance(units, list) and all(
            isinstance(unit, dict) and isinstance(unit.get("Name"), str) for unit in units
        ):
            return units
    return None
