"""Which lines of a robots.txt are for one crawler (RFC 9309, 2.2.1).

The parser picks a group where its name is found anywhere at the start of a word, so a group for
`a` would win over `*`, and one for `Atlas/0.3` would not be ours. So the groups are chosen here,
and the parser is given ours alone.
"""

import re

_NAME = re.compile(r"\s*user[- ]?agent\s*(?:[:\s]\s*(.*)|$)", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:allow|dis?s?all?[oa]w|diasllow)\s*(?:[:\s]|$)", re.IGNORECASE)
_SITEMAP = re.compile(r"\s*site-?maps?\s*(?:[:\s])", re.IGNORECASE)
_TOKEN = re.compile(r"[a-z_-]*", re.IGNORECASE)


def lines_for(crawler: str, text: str) -> str:
    """`text` with the one group of the product token `crawler`: the rules of all groups that name
    it, else of those for everyone, in order. Sitemaps belong to no group and all stay."""
    found: dict[str, list[str]] = {}
    sitemaps: list[str] = []
    named: set[str] = set()  # of the group's names only the two that matter: there may be thousands
    ruled = False
    for raw in text.splitlines():
        line = raw.partition("#")[0]
        if name := _NAME.match(line):
            named = (set() if ruled else named) | {token_of(name[1] or "")} & {crawler.lower(), "*"}
            ruled = False
            found.update({each: found.get(each, []) for each in named})
        elif _SITEMAP.match(line):
            sitemaps.append(line)
        else:
            ruled = ruled or bool(_RULE.match(line))  # other lines part no groups (2.2.4)
            for each in named:
                found[each].append(line)
    ours = found.get(crawler.lower(), found.get("*", []))
    return "\n".join([f"User-agent: {crawler}", *ours, *sitemaps])


def token_of(name: str) -> str:
    """The product token that a user-agent line names, in lower case: its letters, `_` and `-` up to
    anything else. `*` stands for everyone, and nothing is nobody's name."""
    stripped = name.strip()
    if stripped.split()[:1] == ["*"]:
        return "*"
    token = _TOKEN.match(stripped)
    return token[0].lower() if token else ""
