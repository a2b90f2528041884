"""The reference: one policy on one resource, by the interpreter; its joins, and rollups."""
