"""Everything that calls AWS. Nothing on the reading side imports it, and of the engine only commands do."""
