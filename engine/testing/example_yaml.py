"""One example as YAML that can be pasted below `tests:`, and reads back as what it was."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from ..documents.yaml12 import YamlError, load


def as_yaml(example: Mapping[str, Any]) -> str:
    """An item of a list of tests, indented by two."""
    text = _dump(example, as_it_is=True)
    acts = any(not char.isprintable() for char in text.replace("\n", ""))  # on a terminal, such as to reorder text
    return textwrap.indent(_dump(example, as_it_is=False) if acts else text, "  ")


def _dump(example: Mapping[str, Any], *, as_it_is: bool) -> str:
    written: str = yaml.dump(
        [dict(example)], Dumper=_Dumper, sort_keys=False, allow_unicode=as_it_is, width=110, default_flow_style=None
    )
    return written


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes YAML 1.1, which has other ideas of what is text: 1e3, for one.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if _reads_back(text) else '"')


def _reads_back(text: str) -> bool:
    try:
        return bool(load(text.encode()).value == text)
    except YamlError:
        return True  # not plain: PyYAML quotes it by itself


_Dumper.add_representer(str, _text)
