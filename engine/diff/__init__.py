"""Two judgements and more: what became of each finding and why, drift, history, and other policies over an archive."""
