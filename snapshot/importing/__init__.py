"""Snapshots made of what others recorded: no AWS client, no network. Only commands import."""
