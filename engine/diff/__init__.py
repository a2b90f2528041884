"""Two snapshots compared: what became of each finding, and why."""
