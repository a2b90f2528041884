"""The policies that ship with Stillframe: YAML only."""
