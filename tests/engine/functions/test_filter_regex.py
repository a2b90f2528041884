"""Regular expressions of filter patterns: what we do not know is refused, not read as something else."""

from __future__ import annotations

import pytest
from stillframe.engine.errors import EvaluationError
from stillframe.engine.functions.filter_regex import texts_with

REFUSED = ["*a", "+a", "?a", "a|*b", "a**", "a+?", "{2}", "a{2", "a}", "a{,2}", "a{3,2}", "a{101}", "a{1,101}"]
REFUSED += ["a{2}{3}", "]", "a]", "[", "[a", "[]", "[^]", "[[a]", "[b-a]", r"[\w-a]", r"[a-\w]", "[a-", "(", "(a", "a)"]
REFUSED += ["(a|*)", "(?i)a", "(^a)", "a^b", "a$b", "\\", "a\\", r"\q", r"\b", r"\1", "[\\", "\x00", "[\x00]", "\\\x00"]


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_more_to_it_than_we_know_is_refused(text):
    with pytest.raises(EvaluationError, match="no regular expression of filter patterns"):
        texts_with(text)


@pytest.mark.parametrize(
    "text", ["a{100}", "a{2,2}", "a{0,1}", "a{3,}", "[a-a]", "[-a]", "[a-]", r"[\]]", r"\.\*", "a|", "^$"]
)
def test_what_is_at_the_edge_of_it_is_read(text):
    texts_with(text)
