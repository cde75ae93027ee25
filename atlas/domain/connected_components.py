"""Connected components of an undirected graph."""

from collections.abc import Iterable
from typing import TypeVar

Node = TypeVar("Node")


def components(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Group nodes that edges connect; every end of an edge must be a node (else `KeyError`)."""
    parent = {node: node for node in nodes}

    def root(node: Node) -> Node:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]  # halve the path
        return node

    for one, other in edges:
        parent[root(one)] = root(other)
    groups: dict[Node, list[Node]] = {}
    for node in parent:
        groups.setdefault(root(node), []).append(node)
    return list(groups.values())
