"""Benchmarks: a synthetic fleet, other ways to judge it, and what each takes. `make bench`; docs/performance.md."""
