"""An independent reading of RFC 9309: slow, plain, and with nothing of Atlas's in it.

Each function follows the sentence of the RFC that is named beside it. Octets are kept in lists of
(value, whether it counts as percent-encoded), and patterns are matched by trying every way.
"""

from __future__ import annotations

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
HEX = b"0123456789ABCDEFabcdef"

Octets = list[tuple[int, bool]]
Line = tuple[str, bytes]


def may(us: str, body: bytes, target: bytes) -> bool:
    """Whether the crawler `us` may fetch `target`, a path with its query."""
    if target == b"/robots.txt":  # 2.2.2: "The /robots.txt URI is implicitly allowed."
        return True
    found: list[tuple[int, bool]] = []
    for allow, pattern in rules_for(us, records(body)):
        if pattern and any(matches(p, t) for p, t in readings(pattern, target)):
            found.append((len(octets(pattern, query="")), allow))
    # 2.2.2: "The most specific match found MUST be used", the one with the most octets; "If an
    # allow rule and a disallow rule are equivalent, the allow SHOULD be used"; none: allowed.
    longest = max((length for length, _ in found), default=0)
    return not found or any(allow for length, allow in found if length == longest)


def records(body: bytes) -> list[Line]:
    """2.2: lines end with CR, LF or CRLF; a comment goes to the end; white space around counts for
    nothing; 2.3: UTF-8, of which a byte order mark is left out."""
    if body[:3] == bytes((0xEF, 0xBB, 0xBF)):
        body = body[3:]
    found = []
    for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        line = line.split(b"#")[0]
        if b":" in line:
            at = line.index(b":")
            found.append((line[:at].strip().lower().decode("latin-1"), line[at + 1 :].strip()))
    return found


def rules_for(us: str, lines: list[Line]) -> list[tuple[bool, bytes]]:
    """2.2.1: the rules of all groups that name the product token, whatever its case; if there are
    none, those of `*`; if there are none, none. 2.2.4: other records part no groups."""
    groups: list[tuple[list[str], list[tuple[bool, bytes]]]] = []
    for name, value in lines:
        if name == "user-agent":
            if not groups or groups[-1][1]:
                groups.append(([], []))
            groups[-1][0].append(token(value))
        elif name in ("allow", "disallow") and groups:
            groups[-1][1].append((name == "allow", value))
    for wanted in (us.lower(), "*"):
        mine = [rules for names, rules in groups if wanted in names]
        if mine:
            return [rule for rules in mine for rule in rules]
    return []


def token(value: bytes) -> str:
    """2.2.1: a product token is of letters, `_` and `-`."""
    if value == b"*":
        return "*"
    found = ""
    for octet in value.decode("latin-1").lower():
        if octet not in "abcdefghijklmnopqrstuvwxyz_-":
            break
        found += octet
    return found


def readings(pattern: bytes, target: bytes) -> list[tuple[Octets, Octets]]:
    """A query's reserved octets are data and compared as encoded, as the second line of the table
    in 2.2.2 has it; a pattern that does not say where the query begins means them as written. So
    does one whose `*` stands for the beginning of the query, and its `?` for a later one."""
    query = "/?" if b"?" in pattern else ""
    return [(octets(pattern, query), octets(target, each)) for each in ("", "/?")]


def octets(text: bytes, query: str) -> Octets:
    """2.2.2: "octets outside the range of the US-ASCII coded character set, and those in the
    reserved range MUST be percent-encoded"; "If a percent-encoded US-ASCII octet is encountered, it
    MUST be unencoded, unless it is a reserved character or outside the unreserved range"."""
    found: Octets = []
    plain = b"/?&=*$"
    at = 0
    while at < len(text):
        digits = text[at + 1 : at + 3]
        if text[at] == ord("%") and len(digits) == 2 and all(each in HEX for each in digits):
            value = int(digits, 16)
            found.append((value, value not in UNRESERVED))
            at += 3
            continue
        value = text[at]
        found.append((value, value not in UNRESERVED and value not in plain))
        if value == ord("?") and query:
            plain = bytes(each for each in plain if each not in query.encode())
            query = ""
        at += 1
    return found


def matches(pattern: Octets, target: Octets) -> bool:
    """2.2.3: `*` is any number of octets, `$` the end of the pattern; 2.2.2: from its first
    octet. `*` and `$` of the target itself are octets like any."""
    target = [(value, encoded or value in b"*$") for value, encoded in target]
    return _matches(pattern, target)


def _matches(pattern: Octets, target: Octets) -> bool:
    starts = {0}  # where in the target the rest of the pattern may begin
    for number, octet in enumerate(pattern):
        if octet == (ord("*"), False):
            starts = {end for start in starts for end in range(start, len(target) + 1)}
        elif octet == (ord("$"), False) and number == len(pattern) - 1:
            return len(target) in starts
        else:
            if octet == (ord("$"), False):
                octet = (ord("$"), True)
            starts = {start + 1 for start in starts if target[start : start + 1] == [octet]}
    return bool(starts)
