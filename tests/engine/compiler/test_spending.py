"""What compiled policies spend: to the last step, and no further."""

from __future__ import annotations

import pytest
from builders import shipped
from stillframe.engine.compiler.runtime import NotPlain
from stillframe.engine.compiler.spending import Toll
from stillframe.engine.functions.budget import EACH


@pytest.fixture
def toll() -> Toll:
    found = Toll(budget=1000, pace=10, few=0, most=150)
    found.enter()
    return found


def test_what_is_left_may_be_taken_to_the_last_step(toll):
    toll.take(100)
    toll.take(100)
    assert toll.left == 0
    with pytest.raises(NotPlain):
        toll.take(1)


def test_one_resource_takes_no_more_rows_than_it_may(toll):
    with pytest.raises(NotPlain):
        toll.take(151)
    assert toll.left == 2000 - 1510  # what was looked at was spent


def test_what_the_exact_path_spends_counts_where_it_is_more_than_a_resource_may_always_take(toll):
    toll.add(toll.budget // EACH)
    assert toll.left == 2000
    toll.add(toll.budget // EACH + 7)
    assert toll.left == 1993


def test_an_account_begins_with_all_of_it(toll):
    toll.take(100)
    toll.enter()
    assert toll.left == 2000


def test_lookups_share_what_a_resource_may_take():
    for policy in shipped():
        toll = Toll.of(policy)
        assert toll.few >= 0
        assert (toll.most + 1) * toll.pace * 2 * max(1, len(policy.lookups)) <= policy.budget
