"""What a dry run says: the calls in all, not for each resource."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from stillframe.engine.terminal.collecting import print_forecast
from stillframe.snapshot.collector.forecast import Forecast


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("2026-01-01T00-00-00Z", "about 13 calls more about single resources, if there are as many as in 2026"),
        (None, "more about single resources: how many, the next dry run can tell from a snapshot in this archive"),
    ],
)
def test_calls_about_single_resources_are_counted_in_all(before, said):
    out = StringIO()
    seen = Forecast(
        accounts=("111122223333",), skipped={}, types=2, regions=("eu-west-1",), sure=4, likely=13, before=before
    )
    print_forecast(Console(file=out, width=200), seen)
    assert said in out.getvalue()
    assert "for each resource" not in out.getvalue()
