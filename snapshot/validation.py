"""JSON Schemas as they are here: what one refers to stands in it, and nothing is ever retrieved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator of jsonschema. A reference out of the schema is an error, where it would open a connection."""
    import jsonschema  # which takes as long to import as all the rest
    from referencing import Registry

    return jsonschema.Draft202012Validator(schema, registry=Registry())
