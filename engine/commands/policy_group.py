"""The commands of `stillframe policy`, put together."""

import typer
from stillframe.engine.commands import authoring, customising

policy_app = typer.Typer(help="List, show and test policies.", no_args_is_help=True)
policy_app.command("explain")(authoring.explain)
policy_app.command("lint")(authoring.lint_policies)
policy_app.command("new")(authoring.new)
policy_app.command("test")(authoring.run_tests)
policy_app.command("docs")(customising.docs)
policy_app.command("list")(customising.policy_list)
policy_app.command("show")(customising.policy_show)
policy_app.command("waive")(customising.waive)
policy_app.command("schema")(customising.schema)
