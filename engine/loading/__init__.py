"""YAML to policies, packs and configuration, with every fault and its place."""
