"""Whatever is in a file that somebody else wrote: a documented exit code, no false pass, and nothing outside.

A few seconds of it run with the other tests, where Hypothesis makes what it finds small. `STILLFRAME_FUZZ=200000 python
-m pytest -s tests/test_fuzz.py` tries so many inputs at random, and says how many of them were accepted, so that the
program worked on what was harmed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter

import pytest
from fuzz.edits import EDITS, LOSE, LOSSES, SCALE, WAYS
from fuzz.imported import IMPORTED
from fuzz.targets import TARGETS as WRITTEN
from fuzz.watch import outside, watched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WANTED = int(os.environ.get("STILLFRAME_FUZZ", "0"))
SEED = int(os.environ.get("STILLFRAME_FUZZ_SEED", "1"))
TARGETS = {**WRITTEN, **IMPORTED}
# jmespath.py warns of `words` between backticks as it reads them: an error in tests, and nothing to a user.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
SECONDS = 5  # of the processor, for one input
SHARE = {  # in thousandths: what is cheap to try is tried more often
    "lines": 15, "account_file": 25, "manifest": 50, "damage": 20, "plan": 250, "policies": 20, "config": 2, "pack": 20,
    "catalogue": 178, "baseline": 178, "kept": 2, "answers": 130, "config_files": 20, "recorded": 20, "told": 50,
    "collected": 20,
}  # fmt: skip


@pytest.mark.skipif(bool(WANTED), reason="the long run takes its place")
@pytest.mark.parametrize("name", TARGETS)
def test_what_strangers_write_is_refused_or_judged_and_nothing_else(name, tmp_path):
    attempt = TARGETS[name](tmp_path)

    @settings(max_examples=25, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(pick=st.integers(0, SCALE - 1), says=st.booleans(), edits=st.one_of(EDITS, EDITS, LOSSES))
    def fuzz(pick, says, edits):
        tried(attempt, tmp_path, pick, says, edits, False)

    fuzz()


@pytest.mark.skipif(not WANTED, reason="STILLFRAME_FUZZ says how many inputs to try")
@pytest.mark.parametrize("name", TARGETS)
def test_the_same_for_as_long_as_is_asked(name, tmp_path):
    attempt, chance, came_out = TARGETS[name](tmp_path), random.Random(SEED), Counter[bool]()
    for number in range(WANTED * SHARE[name] // 1000):
        ways = WAYS if chance.random() < 0.7 else (LOSE,)
        edits = [
            (chance.choice(ways), chance.randrange(SCALE), chance.randrange(SCALE))
            for _ in range(chance.choice((1, 1, 2, 3)))
        ]
        given = chance.randrange(SCALE), chance.random() < 0.5, edits, number % 500 == 499
        try:
            came_out[tried(attempt, tmp_path, *given)] += 1
        except BaseException:
            print(f"{name}: {given}", file=sys.stderr)
            raise
    print(f"{name}: {came_out.total()} tried, {came_out[True]} accepted, {came_out[False]} refused", file=sys.stderr)


def tried(attempt, folder, *given):
    """Whether one input is accepted."""
    with watched() as seen, bounded():
        accepted = attempt(*given)
    assert not (found := outside(seen, [folder])), found
    return accepted


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"damage"}))
def test_what_nobody_harmed_is_accepted(name, tmp_path):
    attempt = TARGETS[name](tmp_path)
    assert [attempt(3, says, (), True) for says in (False, True)] == [True, True]


class bounded:  # noqa: N801 - it reads as a word
    """Ends what takes too long."""

    def __enter__(self) -> None:
        self.before = signal.signal(signal.SIGPROF, self.ended)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self.before)

    def ended(self, *_: object) -> None:
        raise AssertionError(f"it took more than {SECONDS} seconds")
