"""The same as `duckdb`, with lines filled up to the length of ours: it writes as many bytes, though it says no more."""

from functools import partial

from . import with_duckdb

run = partial(with_duckdb.run, long=True)
