"""Snapshots through time: what drifted, what became of findings, what other policies would have said."""
