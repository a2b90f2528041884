"""Wrong policies and configurations, each with the message a person sees.

`tests/golden/wrong/NAME.yaml` is a policy, `NAME.config.yaml` a stillframe.yaml, and `.txt` beside it what is
printed. To accept what is printed now, run `python -m pytest tests/test_wrong_policies.py --update-golden`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden" / "wrong"
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".yaml"))
def test_a_wrong_file_gets_its_message(run, monkeypatch, request, file):
    monkeypatch.chdir(FOLDER)
    if file.name.endswith(".config.yaml"):
        result = run("policy", "list", "--config", file.name)
    else:
        result = run("policy", "lint", "--policies", file.name)
    assert result.code in (1, 2)
    assert "Traceback" not in result.out + result.err
    assert "fault of stillframe" not in result.err
    shown = "".join(f"{line.rstrip()}\n" for line in (result.out + result.err).splitlines())
    golden = file.with_suffix(".txt")
    if request.config.getoption("--update-golden"):
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_there_are_at_least_thirty():
    assert len(FILES) >= 30
