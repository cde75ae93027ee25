"""From a page's URL to a file name: readable, safe on every file system, and unique.

A URL may be hostile: `..`, drive letters, control characters, names that Windows reserves, two that
differ only in case, one of 2,000 characters. The readable part is for people; the hash keeps two
pages from getting the same name.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

_LONGEST = 50
"""Characters of one folder or file, without hash and ending: file systems allow 255 bytes, and a
character may take four."""
_DEEPEST = 8
"""Folders below the host."""
_KEPT = re.compile(r"[^\w.~-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def page_file_name(url: str, ending: str) -> str:
    """`host/folder/page-0123456789abcdef.md`, with / between folders on every system."""
    parts = urlsplit(url)
    *folders, page = [unquote(each) for each in parts.path.split("/")]
    # Folders carry no hash, so they are lower case: two that differ only in case become one folder
    # on every file system, and the hashes tell the pages in it apart.
    named = (_safe(each).lower() for each in [parts.netloc, *folders])
    above = [each for each in named if each][: _DEEPEST + 1]
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return "/".join([*above, f"{_safe(page) or 'index'}-{digest}{ending}"])


def _safe(text: str) -> str:
    """A path component that is valid everywhere: not hidden, not reserved, no dot at its end."""
    kept = _KEPT.sub("-", text)[:_LONGEST].strip(".-~ ")
    return f"_{kept}" if _RESERVED.match(kept) else kept
