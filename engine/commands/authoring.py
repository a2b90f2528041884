"""The commands for people who write policies.

They alone join AWS's API models, which botocore ships, to the engine, which never imports it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stillframe.engine.commands.groups import By, grouped
from stillframe.engine.commands.options import (
    STRANGERS,
    Budget,
    Catalogue,
    Config,
    EveryPacks,
    EveryPolicies,
    EveryShipped,
    SnapshotPath,
    Types,
    Untrusted,
    rules,
    written,
)

if TYPE_CHECKING:
    from stillframe.snapshot.catalog import Call
    from stillframe.snapshot.types import Type

resource_app = typer.Typer(help="List resource types, and show what a policy may read.", no_args_is_help=True)

TypeName = Annotated[str, typer.Argument(help="The resource type, such as AWS::EC2::VPC.", metavar="TYPE")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@resource_app.command("list")
def resource_list(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a reference, as Markdown.")] = False,
    kinds: Annotated[bool, typer.Option("--kinds", help="Print the kinds of all values, as JSON.")] = False,
    catalogue: Catalogue = None,
    config: Config = None,
) -> None:
    """List every resource type: what lists it, how often, and whether it has names and tags."""
    from stillframe.engine.authoring.resources import as_markdown, list_types
    from stillframe.engine.console import console

    Types(catalogue, checked=True).use(config)
    if kinds:
        from stillframe.engine.linting.resource_types import config_types, kinds_table
        from stillframe.snapshot.collector.api_models import VERSION, output_type

        typer.echo("\n".join(kinds_table(config_types(output_type), VERSION)))
    elif markdown:
        typer.echo("\n".join(as_markdown()))
    else:
        list_types(console())


@resource_app.command("show")
def resource_show(
    type: TypeName,  # noqa: A002 - the word people see
    depth: Annotated[int, typer.Option(min=1, help="How many levels of fields to show.", metavar="NUMBER")] = 3,
    json: Json = False,
    catalogue: Catalogue = None,
    config: Config = None,
) -> None:
    """Show the fields that a policy may read of a resource type, with AWS's own documentation."""
    from stillframe.engine.authoring.resources import show_type
    from stillframe.engine.console import console

    Types(catalogue, checked=True).use(config)
    show_type(console(), type, _config_types(), depth=depth, json=json)


@resource_app.command("new")
def resource_new(
    service: Annotated[str, typer.Argument(help="The service, as boto3 calls it.", metavar="SERVICE")],
    operation: Annotated[
        str, typer.Argument(help="The call that lists the type, such as ListChannels.", metavar="OPERATION")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file to write; - for standard output.", metavar="FILE")
    ] = "-",
) -> None:
    """Draft a resource type of your own from AWS's API model: a catalogue entry, there to be completed."""
    from stillframe.engine.authoring.scaffold import STDOUT, write_draft
    from stillframe.engine.commands.own_types import draft_type

    text, problems = draft_type(service, operation)
    if output == STDOUT:
        typer.echo(text, nl=False)
    else:
        write_draft(text, Path(output))
        typer.echo(f"{output} is written; try: stillframe resource test TYPE --catalogue {output}", err=True)
    for problem in problems:
        typer.echo(f"to complete: line {problem.line}: {problem.message}", err=True)


@resource_app.command("test")
def resource_test(
    type: TypeName,  # noqa: A002 - the word people see
    answers: Annotated[
        Path | None,
        typer.Option(help="JSON of the answer to each call, by its name; made up if not given.", metavar="FILE"),
    ] = None,
    catalogue: Catalogue = None,
    config: Config = None,
) -> None:
    """Run a catalogue entry on answers, without AWS: print the resources that it makes of them; exit 1 for a gap."""
    from stillframe.engine import exit_codes
    from stillframe.engine.commands.own_types import test_type
    from stillframe.engine.console import counted
    from stillframe.engine.printable import show
    from stillframe.snapshot.format import write_line

    Types(catalogue, checked=True).use(config)
    found = test_type(type, answers)
    for each in found:
        show(write_line(each.resource).decode())
    faults = [f"{each.resource.id}: {fault}" for each in found for fault in each.faults]
    for fault in faults:
        typer.echo(fault, err=True)
    typer.echo(f"{counted(len(found), 'resource')}, {len(faults):,} unknown", err=True)
    raise typer.Exit(exit_codes.FAILURES if faults else exit_codes.OK)


@grouped
def explain(
    snapshot: SnapshotPath,
    policy: Annotated[str, typer.Argument(help="The policy's id.", metavar="POLICY")],
    resource: Annotated[
        str, typer.Argument(help="A resource's id or name, or a finding's fingerprint.", metavar="RESOURCE")
    ],
    by: By = By(),
    budget: Budget = None,
    untrusted: Untrusted = False,
) -> None:
    """Explain a finding: the value of every part of the policy's expressions, and where it was read."""
    from stillframe.engine.console import console
    from stillframe.engine.terminal.explain import run_explain
    from stillframe.snapshot import open_snapshot

    opened = open_snapshot(snapshot)
    ruleset = by.rules(Types.of(opened), budget=budget, untrusted=untrusted)
    run_explain(opened, ruleset, policy, resource, console())


def query(
    snapshot: SnapshotPath,
    type: TypeName,  # noqa: A002 - the word people see
    expression: Annotated[
        str | None, typer.Argument(help="What to ask of each resource; a prompt if not given.", metavar="EXPRESSION")
    ] = None,
    where: Annotated[str, typer.Option(help="Only resources for which this holds.", metavar="EXPRESSION")] = "",
    account: Annotated[str, typer.Option(help="Only this account.", metavar="ID")] = "",
    region: Annotated[str, typer.Option(help="Only this region, or global.", metavar="NAME")] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Ask although AWS's API models contradict it.")] = False,
    json: Json = False,
    catalogue: Catalogue = None,
    config: Config = None,
    budget: Budget = None,
    untrusted: Untrusted = False,
) -> None:
    """Evaluate an expression on every resource of a type of a snapshot."""
    from stillframe.engine.authoring.query import Query, run_query
    from stillframe.engine.console import console
    from stillframe.engine.functions.budget import BUDGET
    from stillframe.snapshot import open_snapshot

    picture = open_snapshot(snapshot)
    Types(catalogue, [picture], checked=True).use(config, untrusted=untrusted)
    asked = Query(
        snapshot=picture,
        kind=type,
        where=where,
        account=account,
        region=region,
        anyway=anyway,
        budget=budget or (STRANGERS if untrusted else BUDGET),
    )
    raise typer.Exit(run_query(asked, expression, _config_types(), console(), console(stderr=True), json=json))


def new(
    id: Annotated[str, typer.Argument(help="Its id: lower case, digits and hyphens.", metavar="ID")],  # noqa: A002
    resource: Annotated[str, typer.Option(help="The resource type to evaluate.", metavar="TYPE")],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", help="The file to write; ID.yaml if not given; - for standard output.", metavar="FILE"
        ),
    ] = "",
    catalogue: Catalogue = None,
    config: Config = None,
) -> None:
    """Draft a policy for a resource type: complete, tested, and there to be changed."""
    from stillframe.engine.authoring.scaffold import STDOUT, draft, write_draft

    Types(catalogue, checked=True).use(config)
    target = Path(output or f"{id}.yaml")
    text = draft(id, resource, _config_types(), target.parent)
    if output == STDOUT:
        typer.echo(text, nl=False)
        return
    write_draft(text, target)
    typer.echo(f"{target} is written; try: stillframe policy test -p {target}", err=True)


def _config_types() -> "Callable[[str], Type]":
    from stillframe.engine.linting.resource_types import config_types
    from stillframe.snapshot.collector.api_models import VERSION, are_old, knows, output_type
    from stillframe.snapshot.kinds import config_kind

    def output_of(call: "Call") -> "Type":
        if not knows(call):
            typer.echo(
                f"note: botocore {VERSION} is too old to know {call.action}: of what it answers only the kinds are "
                "known, not the values, and not whether they may be null: upgrade boto3",
                err=True,
            )
        return output_type(call)

    return config_types(output_of, config_kind) if are_old() else config_types(output_of)


def lint_policies(
    policies: EveryPolicies = None,
    packs: EveryPacks = None,
    shipped: EveryShipped = False,
    config: Config = None,
    catalogue: Catalogue = None,
    form: Annotated[
        str, typer.Option("--format", help="text, json, or github for annotations.", metavar="FORMAT")
    ] = "text",
    untrusted: Untrusted = False,
) -> None:
    """Check every expression of policies against AWS's API models: exit 1 if there is anything to complain of."""
    from stillframe.engine import exit_codes
    from stillframe.engine.console import console
    from stillframe.engine.judging.dependencies import unread
    from stillframe.engine.linting.controls import controls_of
    from stillframe.engine.linting.lint import lint
    from stillframe.engine.suggest import suggest
    from stillframe.engine.terminal.lint import FORMATS, summary
    from stillframe.snapshot.collector.api_models import VERSION, are_old, lacking

    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r} is no format{suggest(form, FORMATS)}", param_hint="--format")
    own = Types(catalogue, checked=True)
    ruleset = rules(config, policies, packs=packs, shipped=shipped, every=True, untrusted=untrusted, types=own)
    chosen, types, controls = ruleset.written, _config_types(), controls_of(ruleset.packs)
    found = [each for policy in chosen for each in lint(policy, types, controls)]
    if are_old():  # then newer models may have been what a warning was disabled for
        for kind, path in sorted({each for policy in chosen for each in unread(policy, lacking)}):
            field = ".".join(path).replace(".[]", "[]")
            typer.echo(
                f"note: botocore {VERSION} is too old to know {field} of {kind}: where it collects, that is unknown: "
                "upgrade boto3",
                err=True,
            )
        found = [each for each in found if each.code != "unused-ignore"]
    texts = {path: text for policy in chosen for path, text in policy.files().items()}
    FORMATS[form](console(), found, texts)
    typer.echo(summary(found, len(chosen)), err=True)
    raise typer.Exit(exit_codes.FAILURES if found else exit_codes.OK if chosen else exit_codes.NOTHING)


def run_tests(
    policy: Annotated[str, typer.Argument(help="The policy's id; all if not given.", metavar="POLICY")] = "",
    policies: EveryPolicies = None,
    packs: EveryPacks = None,
    shipped: EveryShipped = False,
    config: Config = None,
    catalogue: Catalogue = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Each condition must be seen true and false.")] = False,
    mutate: Annotated[bool, typer.Option("--mutate", help="Each small change to a policy must be noticed.")] = False,
    record: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Run nothing: print an example cut out of a snapshot. ID is a finding's fingerprint or resource.",
            metavar="SNAPSHOT ID",
        ),
    ] = None,
    untrusted: Untrusted = False,
) -> None:
    """Run the examples that policies carry: exit 1 if one does not come out as it says."""
    from stillframe.engine.console import console
    from stillframe.engine.printable import show
    from stillframe.engine.testing.record import record as cut
    from stillframe.engine.testing.run import run_policy_tests
    from stillframe.snapshot import open_snapshot

    if record and (coverage or mutate):
        raise typer.BadParameter("it runs no examples: leave out --coverage and --mutate", param_hint="--record")
    picture = open_snapshot(record[0]) if record else None
    types = Types(catalogue, [picture] if picture else (), checked=True)
    chosen = written(config, policies, policy, packs, shipped=shipped, untrusted=untrusted, types=types)
    if record and picture:
        show(cut(chosen, picture, record[1]))
        return
    raise typer.Exit(run_policy_tests(chosen, console(), console(stderr=True), coverage=coverage, mutants=mutate))
