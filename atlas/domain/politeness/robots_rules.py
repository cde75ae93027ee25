"""Which rule of a robots.txt decides on an address (RFC 9309, 2.2.2 and 2.2.3).

Paths and patterns are compared as *symbols*, one for each octet, whichever way it was written: a
character stands for itself, a percent-encoded octet for `chr(256 + octet)`. So `%2F` is no slash,
`%62` is `b`, and the special characters of a pattern (`*`, a final `$`) are never those that were
encoded.

All patterns are matched at once, by an automaton whose states are the bits of one number: each
symbol of the path costs four operations on numbers of that size. What a question costs depends
on the two lengths alone, whatever a hostile file holds; a regular expression for each rule, or
RE2's sets, would cost time or memory that the file chooses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, product
from typing import NamedTuple

_ENCODED = 256
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_STOP = "\0"
"""Is no symbol of any path: NUL is always an encoded one."""
_OCTET = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.DOTALL)
_STARS = re.compile(r"\*+")
_PLAIN = frozenset("!&'()+,:;=@[]|~")
"""Reserved characters that nobody writes with a percent sign."""


def _symbols(kept: bytes) -> dict[bytes, str]:
    """What each octet, plain or encoded, is compared as; `kept` stand for themselves."""
    table = {bytes([octet]): chr(octet) for octet in kept}
    for octet in set(range(256)) - set(kept):
        table[bytes([octet])] = _percent(octet)
    for high, low in product("0123456789ABCDEFabcdef", repeat=2):
        table[f"%{high}{low}".encode()] = _percent(int(high + low, 16))
    return table


def _percent(octet: int) -> str:
    """What an octet is compared as that was written with a percent sign."""
    return chr(octet if octet in _UNRESERVED else _ENCODED + octet)


# Reserved characters are compared as if they were encoded, but for those that part a path or a
# query: the RFC's example finds `?baz=http://foo.bar` equal to `?baz=http%3A%2F%2Ffoo.bar`.
_IN_PATH = _symbols(b"/?&=")
_IN_QUERY = _symbols(b"&=")
_PATTERN_IN_PATH = _symbols(b"/?&=*")
_PATTERN_IN_QUERY = _symbols(b"&=*")


class Rule(NamedTuple):
    """A rule as it is compared. `pattern`: symbols, `*`, and `$` at the end if it ends there;
    `octets`: its length as it was written, by which the most specific rule is chosen."""

    allow: bool
    pattern: str
    octets: int


def rule_of(allow: bool, written: bytes) -> Rule | None:
    """The rule that a line states; None if no address can match."""
    if not written.startswith((b"/", b"*")):
        return None
    ends = written.endswith(b"$")
    path, mark, query = written[: len(written) - ends].partition(b"?")
    pattern = _written(path, _PATTERN_IN_PATH)
    if mark:
        pattern += "?" + _written(query, _PATTERN_IN_QUERY)
    octets = len(pattern) + ends
    return Rule(allow, _STARS.sub("*", pattern) + ("$" if ends else ""), octets)


def paths_of(url: str) -> tuple[str, ...]:
    """The path and query of a canonical URL, as they are compared. There are two readings where a
    query holds slashes: patterns that name no `?` are taken to mean them literally."""
    rest = url.split("/", 3)[3] if url.count("/") > 2 else ""
    whole = f"/{rest}".encode("utf-8", "surrogatepass")
    path, mark, query = whole.partition(b"?")
    if not mark:
        return (_written(path, _IN_PATH),)
    start = _written(path, _IN_PATH) + "?"
    return tuple(dict.fromkeys(start + _written(query, way) for way in (_IN_QUERY, _IN_PATH)))


def _written(octets: bytes, symbols: dict[bytes, str]) -> str:
    return "".join([symbols[octet] for octet in _OCTET.findall(octets)])


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """The rules so that the last that matches decides: the longest, of equal ones one that
    allows. What is in order already is looked through only."""
    return sorted(rules, key=lambda rule: (rule.octets, rule.allow))


class RuleSet:
    """The rules of one origin for one crawler, ready to be asked."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = in_order(rules)
        literal = [rule.pattern.removesuffix("$").replace("*", "") for rule in ordered]
        starts = [0, *accumulate(len(text) + 1 for text in literal)]
        self.states = starts.pop()
        """States of the automaton: what the rules take in memory and a question in time."""
        ends = [at + len(text) for at, text in zip(starts, literal, strict=True)]
        stays = [at for at, rule in zip(starts, ordered, strict=True) for at in _stays(at, rule)]
        self._begin = self._bits(starts)
        self._stay = self._bits(stays)
        self._end = self._bits(ends)
        self._allow = self._bits([at for at, rule in zip(ends, ordered, strict=True) if rule.allow])
        text = "".join(f"{text}{_STOP}" for text in literal)[::-1]  # the first state: the last bit
        self._octets = bytes(ord(symbol) % _ENCODED for symbol in text)
        high = bytes(ord("0") + (ord(symbol) >= _ENCODED) for symbol in text)
        self._encoded = int(high or b"0", 2)
        self._steps: dict[str, int] = {}

    def allows(self, url: str) -> bool:
        """Whether the rules permit a canonical URL of their origin. robots.txt itself always is."""
        return self._permits(self._hits_of(url))

    def line_against(self, url: str) -> str:
        """The line that forbids a canonical URL, as `Disallow: /private/`; "" if none does. It is
        read back from the automaton: the rules are not kept a second time."""
        hits = self._hits_of(url)
        if self._permits(hits):
            return ""
        end = hits.bit_length() - 1
        # The bytes stand in reverse, so that the first state is the last bit.
        last = len(self._octets) - 1
        before = self._octets.find(b"\0", last - end + 1)
        while before >= 0 and self._encoded >> (last - before) & 1:
            before = self._octets.find(b"\0", before + 1)  # an octet of the pattern, no stop
        start = 0 if before < 0 else last - before + 1
        octets = self._octets[last - end + 1 : last - start + 1][::-1]
        encoded, stay = self._encoded >> start, self._stay >> start
        written = [
            ("*" if stay >> at & 1 else "") + _as_written(octet, bool(encoded >> at & 1))
            for at, octet in enumerate(octets)
        ]
        return f"Disallow: {''.join(written)}{'' if stay >> len(octets) & 1 else '$'}"

    def _permits(self, hits: int) -> bool:
        return hits.bit_length() == (hits & self._allow).bit_length()

    def _hits_of(self, url: str) -> int:
        """The final states that a URL leads to, those of the deciding rule last."""
        if not self.states:
            return 0
        paths = paths_of(url)
        if paths[0] == "/robots.txt":
            return 0
        hits = 0
        for path in paths:
            hits |= self._hits(path)
        return hits

    def _hits(self, path: str) -> int:
        """The final states that the path leads to."""
        state, stay, steps = self._begin, self._stay, self._steps
        for symbol in path:
            step = steps.get(symbol)
            if step is None:
                step = steps[symbol] = self._step(symbol)
            state = (state & step) << 1 | state & stay
            if not state:
                break
        return state & self._end

    def _step(self, symbol: str) -> int:
        """The states that are left for the next one by `symbol`."""
        digits = bytearray(b"0" * 256)
        digits[ord(symbol) % _ENCODED] = ord("1")
        found = int(self._octets.translate(digits), 2)
        encoded = found & self._encoded
        return encoded if ord(symbol) >= _ENCODED else found ^ encoded

    def _bits(self, places: Sequence[int]) -> int:
        bits = bytearray(self.states // 8 + 1)
        for place in places:
            bits[place // 8] |= 1 << place % 8
        return int.from_bytes(bits, "little")


def _as_written(octet: int, encoded: bool) -> str:
    """An octet of a pattern as people write it."""
    plain = chr(octet)
    return plain if not encoded or plain in _PLAIN else f"%{octet:02X}"


def _stays(start: int, rule: Rule) -> Iterable[int]:
    """The states in which any symbol may be passed over: before what follows a `*`, and at the end
    of a pattern that does not say `$`."""
    at = start
    for symbol in rule.pattern.removesuffix("$"):
        if symbol == "*":
            yield at
        else:
            at += 1
    if not rule.pattern.endswith("$"):
        yield at
