"""Other ways to judge a snapshot, each a whole process: `python -m bench.contenders NAME`."""
