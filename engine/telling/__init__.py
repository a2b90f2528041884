"""To tell people what a night found: the one room of the engine that opens connections. Only commands import it."""
