"""YAML with a place for each value, held against JSON Schemas; which files may be read at all."""
