"""What to mend first, and how."""
