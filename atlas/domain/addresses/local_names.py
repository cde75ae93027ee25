"""Host names that mean a machine of the network they are asked in: rules only, no lookup.

An egress proxy looks names up itself, so these are told apart by how they are written.
"""

from __future__ import annotations

# RFC 6761 (localhost), RFC 6762 and its appendix G (local and what networks use besides), RFC 8375
# (home.arpa), ICANN's resolution 2024.07.29.06 (internal), and what hosts files come with.
_LOCAL = frozenset(
    (
        *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home"),
        *("lan", "home.arpa", "ip6-localhost", "ip6-loopback"),
    )
)
_THIS_MACHINE = ("localhost", "localdomain", "ip6-localhost", "ip6-loopback")


def is_local_name(host: str) -> bool:
    """Whether a host name, as a canonical URL spells it, is one that no public site has: a name
    without a dot, or below one that is reserved for local networks."""
    name = host.removesuffix(".")
    return "." not in name or _below(name, _LOCAL)


def is_this_machine_by_name(host: str) -> bool:
    """Whether a host name means whatever machine looks it up."""
    return _below(host.removesuffix("."), _THIS_MACHINE)


def _below(name: str, suffixes: frozenset[str] | tuple[str, ...]) -> bool:
    labels = name.lower().split(".")
    return any(".".join(labels[at:]) in suffixes for at in range(len(labels)))
