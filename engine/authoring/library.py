"""Start a library: a repository of policies and a pack that Python installs, and others name as `python:NAME`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

import stillframe

from ...snapshot.errors import ArgumentError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REQUIRED = re.compile(r"[A-Za-z0-9._-]+")

_POLICY = """\
id: {name}-volume-encrypted
title: Every volume is encrypted
severity: medium
description: An example, there to be changed.
resource: AWS::EC2::Volume
assert: Encrypted
message: Volume {{{{ VolumeId }}}} is not encrypted

tests:
  - name: encrypted
    given: {{AWS::EC2::Volume: [&volume {{VolumeId: vol-1, Encrypted: true}}]}}
    expect: pass
  - name: not encrypted
    given: {{AWS::EC2::Volume: [{{<<: *volume, Encrypted: false}}]}}
    expect: fail
  - name: volumes could not be listed
    given: {{AWS::EC2::Volume: {{$missing: "UnauthorizedOperation: ec2:DescribeVolumes"}}}}
    expect: unknown
"""
_PACK = """\
framework: {name}
version: "1"
title: What {name} asks
sections:
  - title: Storage
    controls:
      - {{number: "1.1", title: Volumes are encrypted, policies: [{name}-volume-encrypted]}}
"""
_CONFIG = """\
policies: [{module}/policies]
packs: [{module}/packs/{name}-1.yaml]
"""
_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "Policies for Stillframe"
readme = "README.md"
requires-python = ">=3.11"

[project.entry-points."stillframe.policies"]
{name} = "{module}"

[tool.setuptools]
packages = ["{module}"]

[tool.setuptools.package-data]
{module} = ["policies/**/*.yaml", "packs/*.yaml", "types/*.yaml"]
"""
_README = """\
# {name}

Policies for Stillframe, to be installed beside it from where they are, such as a path or `git+https://…@v0.1.0`. By the
name alone pip may find a stranger's package.

```sh
pip install ./{name}
```

```yaml
# stillframe.yaml
policies: ["python:{name}"]
packs: ["python:{name}/{name}-1"]
```

## Change it

`{module}/policies` has policies with their tests, `{module}/packs` has packs, and `{module}/types` may have resource
types. Ids begin with `{name}-`, as no two policies may have one id.

`requirements.lock` lacks one line: where your Stillframe is.

```sh
pip install -r requirements.lock
stillframe policy test
stillframe policy lint
```
"""
_WORKFLOW = """\
name: test
on: [push, pull_request]
permissions: {contents: read}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install -r requirements.lock
      - run: stillframe policy lint --format github
      - run: stillframe policy test --coverage
"""
_LOCK = """\
# Stillframe itself, from where you have it. Its name alone may be a stranger's package.
# stillframe @ git+https://…@v{version}
"""
_FILES = {
    "README.md": _README,
    "pyproject.toml": _PROJECT,
    "stillframe.yaml": _CONFIG,
    ".gitignore": "build/\ndist/\n*.egg-info/\nsnapshots/\n",
    "{module}/__init__.py": '"""Data alone: Stillframe reads what is beside this file, and never runs it."""\n',
    "{module}/policies/{name}-volume-encrypted.yaml": _POLICY,
    "{module}/packs/{name}-1.yaml": _PACK,
}
_AS_THEY_ARE = {".github/workflows/test.yml": _WORKFLOW}


def start_library(name: str, folder: Path) -> list[Path]:
    """Write the repository of a new library into a new folder. Raises ArgumentError."""
    if not _NAME.fullmatch(name):
        raise ArgumentError(f"{name} cannot be a library's name", "write it in lower case, digits and hyphens")
    names = {"name": name, "module": name.replace("-", "_")}
    if iskeyword(names["module"]) or find_spec(names["module"]):
        raise ArgumentError(
            f"{name} cannot be a library's name: Python has a {names['module']}", f"try {name}-policies"
        )
    texts = {place.format(**names): text.format(**names) for place, text in _FILES.items()} | _AS_THEY_ARE
    texts["requirements.lock"] = _LOCK.format(version=stillframe.__version__) + "".join(
        f"{each}\n" for each in sorted(_pinned("stillframe", set()), key=str.lower)
    )
    try:
        folder.mkdir(parents=True)
        for place, text in texts.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8", newline="\n")
    except FileExistsError:
        raise ArgumentError(f"{folder} is there already", "name another folder with --output") from None
    except OSError as error:
        raise ArgumentError(f"{folder}: cannot be written ({error.strerror})") from None
    return [folder / place for place in sorted(texts)]


def _pinned(name: str, seen: set[str]) -> Iterator[str]:
    """What a distribution needs, and what that needs, each with the version that is installed here."""
    seen.add(_plain(name))
    try:
        found = distribution(name)
    except PackageNotFoundError:  # for another platform or Python
        return
    if name != "stillframe":
        yield f"{found.name}=={found.version}"
    for each in found.requires or ():
        needed, condition = _REQUIRED.match(each), each.partition(";")[2]
        if needed and "extra" not in condition and _plain(needed[0]) not in seen:
            yield from _pinned(needed[0], seen)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
