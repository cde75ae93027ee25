"""From a page's URL to the name of a file: readable, safe on every file system, and its own.

A URL may be hostile: `..`, drive letters, control characters, names that Windows reserves, two that
differ in case only, one of 2,000 characters. What is left of it is for people; that two pages never
get one name is due to the hash.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

_LONGEST = 50
"""Characters of one folder or file, without hash and ending: 255 bytes are what file systems take,
and a character may have four."""
_DEEPEST = 8
"""Folders below the host."""
_KEPT = re.compile(r"[^\w.~-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def page_file_name(url: str, ending: str) -> str:
    """`host/folder/page-0123456789abcdef.md`, with / between folders on every system."""
    parts = urlsplit(url)
    *folders, page = [unquote(each) for each in parts.path.split("/")]
    # Folders end with no hash, so they are lower case: two that differ in case only are one where
    # case means nothing, and the pages in them differ by their hashes.
    named = (_safe(each).lower() for each in [parts.netloc, *folders])
    above = [each for each in named if each][: _DEEPEST + 1]
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return "/".join([*above, f"{_safe(page) or 'index'}-{digest}{ending}"])


def _safe(text: str) -> str:
    """What may stand between two slashes anywhere: not hidden, not reserved, no dot at its end."""
    kept = _KEPT.sub("-", text)[:_LONGEST].strip(".-~ ")
    return f"_{kept}" if _RESERVED.match(kept) else kept
