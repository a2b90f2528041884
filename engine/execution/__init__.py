"""Accounts evaluated one after the other or side by side: workers, joins across accounts, and the cache."""
