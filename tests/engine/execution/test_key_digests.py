"""A board says where rows with a key may be: never too few accounts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from stillframe.engine.compiler.join_key import UNKNOWN, Target
from stillframe.engine.execution.key_digests import Board, Offer, Survey, short
from stillframe.engine.judging.joins import key_of
from stillframe.engine.language.parser import parse

VALUES = st.one_of(
    st.text(max_size=2), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.just([1])
)
KEYS = st.one_of(st.just(UNKNOWN), st.lists(VALUES, min_size=1, max_size=2).map(key_of))
TARGET = Target(source="AWS::S3::Bucket", theirs=(parse("Name"),))


def test_a_field_of_each_item_and_a_list_that_contains_are_asked_for_by_other_names():
    fields = [(("A []",), None), (("A",), 0), (("A",), None), (("A", "B"), 0), (("A", "B"), 1)]
    targets = [Target(source="X", theirs=tuple(map(parse, texts)), spread=spread) for texts, spread in fields]
    assert len({target.name for target in targets}) == len(fields)


@given(VALUES, VALUES)
def test_equal_keys_stand_for_the_same(one, other):
    """1 is 1.0 for JMESPath, and one is looked for by the other."""
    if key_of([one]) == key_of([other]):
        assert short(key_of([one])) == short(key_of([other]))


def test_a_whole_number_stands_for_itself_however_it_is_written():
    assert key_of([1]) == key_of([1.0])
    assert short(key_of([1])) == short(key_of([1.0]))
    assert short(key_of([1])) != short(key_of([True]))


@given(st.lists(st.lists(KEYS, max_size=4), min_size=1, max_size=5), KEYS)
def test_no_account_with_a_key_is_forgotten(had, asked):
    board = Board([f"{number:012}" for number in range(len(had))])
    board.add([TARGET], (Survey({TARGET.name: Offer(b"".join(map(short, keys)))}, {}) for keys in had))
    having = [account for account, keys in zip(board.accounts, had, strict=True) if {asked, UNKNOWN} & {*keys}]
    assert set(having) <= {each for key in (asked, UNKNOWN) for each in board.where(TARGET.name, short(key))}
    assert board.where(TARGET.name, short(asked)) == sorted(set(board.where(TARGET.name, short(asked))))


@given(st.lists(KEYS, max_size=5), KEYS)
def test_an_offer_gives_the_rows_that_a_key_finds(keys, asked):
    rows = [f"{number:016}".encode() for number in range(len(keys))]
    found = Offer(b"".join(map(short, keys)), b"".join(rows)).table()
    assert {row for row, key in zip(rows, keys, strict=True) if key == asked} <= {*found.get(short(asked), ())}


@given(st.lists(st.lists(KEYS, max_size=4), min_size=1, max_size=7), st.integers(1, 3))
def test_boards_of_some_accounts_join_to_the_board_of_all(had, size):
    accounts = [f"{number:012}" for number in range(len(had))]
    gaps = [{TARGET.name: (f"cause {number % 3}",)} if number % 2 else {} for number in range(len(had))]
    surveys = [
        Survey({TARGET.name: Offer(b"".join(map(short, keys)))}, gap) for keys, gap in zip(had, gaps, strict=True)
    ]
    whole, parts = Board(accounts), []
    whole.add([TARGET], surveys)
    for first in range(0, len(accounts), size):
        parts.append(Board(accounts[first : first + size]))
        parts[-1].add([TARGET], surveys[first : first + size], first=first)
    assert Board.joined(accounts, parts) == whole
