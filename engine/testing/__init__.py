"""Examples of policies: run, covered, mutated, recorded."""
