"""Connected components of an undirected graph."""

from collections.abc import Iterable
from typing import Generic, TypeVar

Node = TypeVar("Node")


class DisjointSets(Generic[Node]):
    """Nodes in groups that edges join, one edge at a time: none of them is kept."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._parent = {node: node for node in nodes}
        self.count = len(self._parent)
        """How many groups there are."""

    def join(self, one: Node, other: Node) -> None:
        """Join the groups of two nodes (`KeyError` for what is none)."""
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parent[one] = other
            self.count -= 1

    def groups(self) -> list[list[Node]]:
        """The nodes of each group."""
        found: dict[Node, list[Node]] = {}
        for node in self._parent:
            found.setdefault(self._root(node), []).append(node)
        return list(found.values())

    def _root(self, node: Node) -> Node:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]  # halve the path
        return node


def components(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Group nodes that edges connect; every end of an edge must be a node (else `KeyError`)."""
    sets = DisjointSets(nodes)
    for one, other in edges:
        sets.join(one, other)
    return sets.groups()
