"""robots.txt without the groups of others, of which there may be any number.

A group may name thousands of agents and hold thousands of rules. Parsers keep every rule for every
agent: 220 KB of both took Protego two minutes. All agents that cannot be Atlas become one here, so
that time and memory grow with the length of the file.
"""

from __future__ import annotations

import re

_OTHERS = "User-agent: -"
# As Protego reads it: the words may be apart, and the colon missing.
_AGENT_LINE = re.compile(r"user(?:-|\s{1,8})?agent(?:\s{0,8}:|\s)(.*)", re.IGNORECASE | re.DOTALL)


def without_other_agents(text: str, agent: str) -> str:
    """The file with each line for an agent that is neither `agent`, nor begins like it, nor has a
    `*`, replaced by one and the same other agent: groups begin and end where they did."""
    return "\n".join(_line(line, agent.lower()) for line in text.splitlines())


def _line(line: str, agent: str) -> str:
    named = _AGENT_LINE.match(line.partition("#")[0].strip())
    if named is None:
        return line
    value = named.group(1).strip().lower()
    ours = "*" in value or agent in value or (value != "" and agent.startswith(value))
    return line if ours or not value else _OTHERS
