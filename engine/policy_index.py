"""The index of policies, as Markdown: docs/policies.md is what this prints for the shipped ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .model import Policy


def as_markdown(policies: Sequence[Policy]) -> Iterator[str]:
    """Lines of Markdown: a table, then a section per policy."""
    yield "# Policies"
    yield ""
    yield "| Policy | Severity | Counts | What is true where it passes |"
    yield "|---|---|---|---|"
    for policy in policies:
        yield f"| [{policy.id}](#{policy.id}) | {policy.severity.value} | `{policy.population()}` | {policy.title} |"
    for policy in policies:
        yield from _section(policy)


def _section(policy: Policy) -> Iterator[str]:
    yield from ("", f"## {policy.id}", "", f"**{policy.title}.** Severity: {policy.severity.value}.")
    for text in (policy.description, policy.rationale and f"Why: {policy.rationale}", policy.remediation):
        if text:
            yield from ("", text)
    if policy.frameworks:
        yield from ("", "| Framework | Controls |", "|---|---|")
        yield from (f"| {name} | {', '.join(controls)} |" for name, controls in policy.frameworks.items())
    if policy.references:
        yield from ("", *(f"- <{reference}>" for reference in policy.references))
