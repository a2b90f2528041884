"""The engine: policies and snapshots in, findings out. Offline, without a clock.

Begin with `policies.load_policies`, `evaluate.evaluate` and `model`. Nothing is imported here: `--help` stays quick.
"""
