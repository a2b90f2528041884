"""Ask an expression of every resource of a type in a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from ...snapshot.errors import ArgumentError
from ...snapshot.format import encode
from ...snapshot.model import GLOBAL, Account, Json, Resource, Snapshot, Unknown
from ...snapshot.types import STRING, Type
from ..console import counted, safe
from ..errors import EvaluationError
from ..exit_codes import INVALID, NOTHING, OK
from ..functions.budget import BUDGET, OverBudget, Purse, spending
from ..language.infer import Complaint, infer
from ..language.interpret import evaluate, holds
from ..language.parser import Expression, check_variables, parse
from ..linting.lint import CODES, ERROR
from ..linting.resource_types import ENVELOPE
from ..printable import printable
from ..suggest import suggest
from .completion import completions
from .prompt import lines
from .resources import pick_type

_LISTED = 20  # accounts that a message may name


class Query(Struct, frozen=True, kw_only=True):
    """What to ask: every resource of a type in a snapshot, or some. `anyway`: although it is contradicted.

    It may take as many steps of its `budget` as a policy may.
    """

    snapshot: Snapshot
    kind: str
    where: str = ""
    account: str = ""
    region: str = ""
    anyway: bool = False
    budget: int = BUDGET


class Answer(Struct, frozen=True, kw_only=True):
    """What an expression is for one resource, or why it is nothing."""

    resource: Resource
    found: Json = None
    error: str = ""


def run_query(
    query: Query,
    text: str | None,
    config_type: Callable[[str], Type],
    out: Console,
    err: Console,
    *,
    json: bool = False,
) -> int:
    """Ask one expression, or each that is typed in; give the exit code."""
    config = config_type(pick_type(query.kind).type)
    accounts = _accounts(query)
    where = _checked(query.where, config, err, anyway=query.anyway) if query.where else None
    if query.where and where is None:
        return INVALID
    ask = partial(_ask, query, accounts, where, config, out, err, json=json)
    if text is not None:
        return ask(text)
    for line in lines(f"{query.kind}> ", partial(completions, config=config, variables=variables_of(config))):
        try:
            ask(line)
        except EvaluationError as error:
            err.print(safe(f"error: {error}", "red"), soft_wrap=True)
    return OK


def answers(
    query: Query, accounts: list[Account], expression: Expression, where: Expression | None
) -> Iterator[Answer]:
    """What the expression is for each resource, by account, region and id. An unknown `where` makes it unknown."""
    for account in accounts:
        purse = Purse.of(query.budget, account.count(query.kind))
        for resource in account.read(query.kind):
            if query.region in ("", resource.region):
                scope = {name: getattr(resource, name) for name in ENVELOPE}
                scope |= {"self": resource.config, "snapshot_time": query.snapshot.captured_at}
                try:
                    with spending(query.budget, purse=purse):
                        applies = holds(where, resource.config, scope) if where else True
                        found = evaluate(expression, resource.config, scope) if applies is True else applies
                except (EvaluationError, OverBudget) as error:
                    yield Answer(resource=resource, error=str(error))
                else:
                    if applies is not False:
                        yield Answer(resource=resource, found=found)


def _ask(
    query: Query,
    accounts: list[Account],
    where: Expression | None,
    config: Type,
    out: Console,
    err: Console,
    text: str,
    *,
    json: bool,
) -> int:
    expression = _checked(text, config, err, anyway=query.anyway)
    if expression is None:
        return INVALID
    count = unknown = 0
    for answer in answers(query, accounts, expression, where):
        count += 1
        unknown += isinstance(answer.found, Unknown)
        if json:
            out.out(encode(_record(answer), ordered=False).decode(), highlight=False)
        else:
            out.print(_line(answer), soft_wrap=True)
    for place, cause in _gaps(query, accounts):
        err.print(safe(f"not read: {place}: {cause}", "yellow"), soft_wrap=True)
    err.print(Text(counted(count, "resource") + (f", {unknown:,} unknown" if unknown else ""), "dim"))
    return OK if count or any(account.count(query.kind) for account in accounts) else NOTHING


def _checked(text: str, config: Type, err: Console, *, anyway: bool) -> Expression | None:
    """An expression whose complaints were printed; None where there is an error among them, unless `anyway`."""
    expression, variables = parse(text), variables_of(config)
    check_variables(expression, variables)
    complaints = infer(expression, config, variables)[1]
    for complaint in complaints:
        _print_complaint(err, text, complaint)
    wrong = any(CODES[complaint.code] == ERROR for complaint in complaints)
    return None if wrong and not anyway else expression


def variables_of(config: Type) -> Mapping[str, Type]:
    """The type of each variable that an expression about a resource may name."""
    return {**ENVELOPE, "self": config, "snapshot_time": STRING}


def _print_complaint(err: Console, text: str, complaint: Complaint) -> None:
    level = CODES[complaint.code]
    shown = [printable(part) for part in (text[: complaint.at], text[complaint.at :])]
    err.print(Text("".join(shown)), soft_wrap=True)
    err.print(
        Text.assemble(
            " " * len(shown[0]),
            ("^ ", "green"),
            (f"{level}[{complaint.code}]", "bold red" if level == ERROR else "yellow"),
            f": {printable(complaint.message)}",
        ),
        soft_wrap=True,
    )


def _line(answer: Answer) -> Text:
    resource = answer.resource
    place = printable(f"{resource.account}  {resource.region:<14}  {resource.id}  ")
    if answer.error:
        return Text.assemble(place, (printable(f"error: {answer.error}"), "magenta"))
    if isinstance(answer.found, Unknown):
        return Text.assemble(place, (printable(f"unknown: {answer.found}"), "yellow"))
    return Text.assemble(place, (printable(encode(answer.found).decode()), "cyan"))


def _record(answer: Answer) -> dict[str, Json]:
    resource = answer.resource
    return {
        "account": resource.account,
        "region": resource.region,
        "type": resource.type,
        "resource": resource.id,
        "name": resource.name,
        **({"error": answer.error} if answer.error else {"value": answer.found}),
    }


def _accounts(query: Query) -> list[Account]:
    """The accounts to ask. Raises ArgumentError for an account or a region that the snapshot has not."""
    if query.account and query.account not in query.snapshot.accounts:
        known = query.snapshot.accounts if len(query.snapshot.accounts) <= _LISTED else ()
        raise ArgumentError(f"account {query.account} is not in this snapshot{suggest(query.account, known)}")
    chosen = [query.account] if query.account else query.snapshot.accounts
    accounts = [query.snapshot.account(identity) for identity in chosen]
    regions = {region for account in accounts if not isinstance(account.regions, Unknown) for region in account.regions}
    if query.region and regions and query.region not in {*regions, GLOBAL}:
        raise ArgumentError(f"region {query.region} is not in this snapshot{suggest(query.region, regions)}")
    return accounts


def _gaps(query: Query, accounts: list[Account]) -> list[tuple[str, Unknown]]:
    return [
        (f"{account.id} {region}", cause)
        for account in accounts
        for region, cause in account.gaps(query.kind).items()
        if not query.region or region in (query.region, "*", GLOBAL)
    ]
