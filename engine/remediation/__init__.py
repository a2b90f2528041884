"""What to fix first, and the script that does."""
