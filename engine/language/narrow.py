"""What a condition makes sure of: the paths that cannot be null where it holds, or where it does not."""

from __future__ import annotations

from .node import Node


def path_of(node: Node) -> str:
    """A node as text where it is a plain path, such as `$bucket.Acl`; else nothing."""
    match node.type:
        case "field":
            return str(node.value)
        case "variable" | "let":
            return f"${node.value}"
        case "current":
            return "@"
        case "chain":
            parts = [path_of(child) for child in node.children]
            return ".".join(parts) if all(parts) else ""
        case _:
            return ""


def truths(node: Node) -> frozenset[str]:
    """Paths that are not null where an expression holds."""
    match node.type:
        case "and_expression":
            return truths(node.children[0]) | truths(node.children[1])
        case "not_expression":
            return falsehoods(node.children[0])
        case "comparator" if node.value == "ne" and _is_null(node.children[1]):
            return _prefixes(path_of(node.children[0]))
        case "comparator" if node.value == "eq" and node.children[1].type == "literal":
            return frozenset() if _is_null(node.children[1]) else _prefixes(path_of(node.children[0]))
        case _:
            return _prefixes(path_of(node))


def falsehoods(node: Node) -> frozenset[str]:
    """Paths that are not null where an expression does not hold."""
    match node.type:
        case "or_expression":
            return falsehoods(node.children[0]) | falsehoods(node.children[1])
        case "not_expression":
            return truths(node.children[0])
        case "comparator" if node.value == "eq" and _is_null(node.children[1]):
            return _prefixes(path_of(node.children[0]))
        case _:
            return frozenset()


def _is_null(node: Node) -> bool:
    return node.type == "literal" and node.value is None


def _prefixes(path: str) -> frozenset[str]:
    parts = path.split(".") if path else []
    return frozenset(".".join(parts[:end]) for end in range(1, len(parts) + 1))
