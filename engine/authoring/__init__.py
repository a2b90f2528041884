"""Tools for people who write policies: lint, tests, coverage, mutants, examples, explanations and pages."""
