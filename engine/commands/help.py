"""How `--help` reads: what most people want stands first, the rest in groups, and nothing is called by its type."""

from types import SimpleNamespace
from typing import Any

from typer.core import TyperCommand

FEW = 9  # options that need no groups
# Of each command with many options those that stand first. The table after it has the group of each other option.
FIRST = {
    "collect": ("--org", "--role", "--regions", "--pack", "--into"),
    "nightly": ("--org", "--role", "--output", "--notify", "--keep"),
    "evaluate": ("--pack", "--policies", "--output", "--only", "--fail-on"),
    "diff": ("--pack", "--policies", "--output", "--only", "--previous"),
    "trend": ("--pack", "--policies", "--output", "--only", "--series"),
    "backtest": ("--policies", "--against", "--output", "--only", "--verbose"),
    "remediate": ("--pack", "--policies", "--output", "--only", "--plan"),
    "aws-config": ("--into", "--regions", "--as-of", "--every", "--fill"),
    "waive": ("--owner", "--reason", "--expires", "--policy", "--account"),
}
_TABLE = {
    "Which accounts, and the way there": (
        "--accounts --org --exclude --role --external-id --profile --endpoint-url --regions"
    ),
    "What to collect": "--types --needed --into --resume --record --dry-run --print-iam-policy --fresh",
    "What to evaluate by": "--pack --policies --shipped --config --set --catalogue --untrusted --budget",
    "What to compare with": "--previous --baseline --old-policies --old-pack --old-config --old-set --against",
    "Which findings": "--only --except --show --verbose --status",
    "What to write": "--output --format --changes --series --receipt --notify --plan --keep --bind",
    "The exit code": "--fail-on --max-unknown --allow-unknown",
    "How the work is done": "--workers --cluster --cache --exact --deadline --log-format",
}
GROUPS = {name: group for group, names in _TABLE.items() for name in names.split()}
_NO_TYPE = SimpleNamespace(name="", get_metavar=lambda **_: "")


class Command(TyperCommand):
    """A command whose help is in groups, and that knows what is meant by a policy file without its option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            message = str(getattr(error, "message", ""))
            takes = any("--policies" in each.opts for each in self.params)
            files = [each for each in given if each.endswith((".yaml", ".yml")) and f"{each}" in message]
            if takes and files and "unexpected extra argument" in message:
                error.message = f"{message}: policy files are named by -p: -p {files[0]}"  # type: ignore[attr-defined]
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        first = FIRST.get(self.name or "", ())
        options = [each for each in self.params if each.opts[0].startswith("-")]
        for param in self.params:
            name = param.opts[0]
            if not name.startswith("-"):
                param.type = _NO_TYPE  # type: ignore[assignment]  # of an argument it would say <str> beside its name
            elif len(options) > FEW and name not in first:
                param.rich_help_panel = GROUPS.get(name)  # type: ignore[attr-defined]
        order = [*first, *GROUPS]
        self.params.sort(key=lambda each: order.index(each.opts[0]) if each.opts[0] in order else -1)
        super().format_help(ctx, formatter)
