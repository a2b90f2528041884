"""Whether something is in a scope, by a snapshot: what the snapshot does not say of accounts and tags is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...snapshot.catalog import ACCOUNT_TYPE
from ...snapshot.model import GLOBAL, Snapshot, Unknown
from ..functions.unknowns import Truth, kleene_all
from ..model.scope import Scope, fits
from ..suggest import suggest
from .names import Names
from .tags import Known, Tags, texts


class Places:
    """The accounts of a snapshot and what is in them, as scopes speak of them. Ask account by account."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._names, self._tags = Names([snapshot]), Tags([snapshot])

    def account(self, scope: Scope, account: str) -> Truth:
        """Whether an account is one of a scope's."""
        return _all(self._of_account(scope, account))

    def of(self, scope: Scope, account: str, region: str, kind: str, resource: str) -> Truth:
        """Whether a finding on a resource is in a scope."""

        def parts() -> Iterator[Truth]:
            yield fits(scope.resource, [resource])
            yield fits(scope.region, [region])
            yield from self._of_account(scope, account)
            if scope.tag:
                found = self._tags.of(account, region, kind, resource)
                none = Unknown.because(f"the tags of {kind} {resource} were not collected")
                yield _tagged(scope.tag, none if found is None else found)

        return _all(parts())

    def nowhere(self, scope: Scope) -> str:
        """Why nothing of the snapshot is in a scope, if it is for a name that none has; else empty."""
        accounts = self._snapshot.accounts
        if scope.account and all(self._names.fit(scope.account, each) is False for each in accounts):
            named = ", ".join(scope.account)
            if not all(each.isdigit() for each in scope.account):
                return f"there is no account {named} here{suggest(scope.account[0], self._names.accounts())}"
            are = f"account {named} is" if len(scope.account) == 1 else f"accounts {named} are"
            return f"{are} not in this snapshot"
        for key, patterns, there in (
            ("unit", scope.unit, self._names.units),
            ("account tag", scope.account_tag, self._account_tags),
            ("region", scope.region, self._regions),
        ):
            known = there() if patterns else None
            if known is not None and not fits(patterns, known):
                return f"there is no {key} {', '.join(patterns)} here{suggest(patterns[0], known)}"
        return ""

    def _of_account(self, scope: Scope, account: str) -> Iterator[Truth]:
        if scope.account:
            yield self._names.fit(scope.account, account)
        if scope.unit:
            above = self._names.above(account)
            unknown = Unknown.because("the organisational units above the account are unknown")
            yield unknown if above is None else fits(scope.unit, above)
        if scope.account_tag:
            yield _tagged(scope.account_tag, self._of(account))

    def _of(self, account: str) -> Known:
        found = self._tags.of(account, GLOBAL, ACCOUNT_TYPE, account)
        return Unknown.because("the tags of the account were not collected") if found is None else found

    def _account_tags(self) -> set[str] | None:
        found = [self._of(account) for account in self._snapshot.accounts]
        if any(isinstance(tags, Unknown) for tags in found):
            return None
        return {text for tags in found if not isinstance(tags, Unknown) for text in texts(tags)}

    def _regions(self) -> set[str] | None:
        found = self._names.regions()
        return None if found is None else {*found, GLOBAL}


def _tagged(patterns: Sequence[str], tags: Known) -> Truth:
    return tags if isinstance(tags, Unknown) else fits(patterns, texts(tags))


def _all(parts: Iterable[Truth]) -> Truth:
    """Whether all hold; of those after one that does not, nothing is read."""
    found = list[Truth]()
    for each in parts:
        if each is False:
            return False
        found.append(each)
    return kleene_all(found)
