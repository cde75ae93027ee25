"""Real documentation that nobody here wrote: HTML manuals from Debian packages.

What a page says is read here by selectolax alone, apart from Atlas's own extraction, so that what
that loses shows.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

CACHE = Path(tempfile.gettempdir()) / "atlas-manuals"
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code dfn em font i ins kbd mark q s samp small span strong "
    "sub sup tt u var wbr".split()
)
_UNSEEN = "script, style, noscript, template, head"
# What every reader takes for navigation; sentences are taken from it only where there is no other.
_CHROME = (
    "nav, header, footer, [role=navigation], .navheader, .navfooter, .nav-panel, .nav, .spirit-nav"
)
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n+")


@dataclass(frozen=True)
class Manual:
    """A Debian package, the folder of its pages, and the page that a crawl starts from."""

    package: str
    folder: str
    start: str = "index.html"

    def root(self) -> Path:
        """The manual's folder, downloaded and unpacked once; skips where apt cannot get it."""
        home = CACHE / self.package
        root = home / self.folder
        if not (root / self.start).is_file():
            _download(self.package, home)
        return root

    def reachable(self) -> dict[str, str]:
        """HTML files that links lead to from the start, by path below the root, with their HTML."""
        root = self.root()
        found: dict[str, str] = {}
        todo = [self.start]
        while todo:
            path = todo.pop()
            file = root / path
            if path in found or not file.is_file():
                continue
            found[path] = file.read_bytes().decode("utf-8", "replace")
            todo += [link for link in _links(path, found[path]) if link not in found]
        return found


def _links(path: str, html: str) -> list[str]:
    base = f"http://manual/{path}"
    targets = (node.attributes.get("href") for node in LexborHTMLParser(html).css("a[href]"))
    urls = (urlsplit(urldefrag(urljoin(base, target or "")).url) for target in targets)
    return [
        unquote(url.path).lstrip("/")
        for url in urls
        if url.netloc == "manual" and url.path.endswith((".html", ".htm")) and not url.query
    ]


def _download(package: str, home: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip(f"{package} is fetched with apt-get, which this system lacks")
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["apt-get", "download", "-q", package], cwd=home, capture_output=True, text=True
    )
    archives = sorted(home.glob("*.deb"))
    if done.returncode or not archives:
        pytest.skip(f"apt-get download {package} failed (apt-get update?): {done.stderr[-300:]}")
    subprocess.run(["dpkg-deb", "-x", str(archives[-1]), str(home)], check=True)


def sentences(html: str, *, chrome: bool = False) -> list[str]:
    """The page's visible sentences of five words or more, as a reader would copy them."""
    tree = LexborHTMLParser(html)
    for unwanted in tree.css(_UNSEEN if chrome else f"{_UNSEEN}, {_CHROME}"):
        unwanted.decompose()
    body = tree.css_first("main") or tree.body
    if body is None:
        return []
    parts = _SENTENCE_END.split(_visible(body))
    whole = (" ".join(part.split()) for part in parts)
    return [part for part in whole if len(re.findall(r"\w{2,}", part)) >= 5]


def _visible(body: LexborNode) -> str:
    pieces: list[str] = []
    for node in body.traverse(include_text=True):
        if node.tag == "-text":
            pieces.append(re.sub(r"\s+", " ", node.text(deep=False) or ""))
        elif node.tag not in _INLINE:
            pieces.append("\n")
    return "".join(pieces)


def own_sentences(pages: dict[str, str]) -> dict[str, list[str]]:
    """For each page the sentences (to 40 words) that no other page has, the longest first.
    Pages without are left out."""
    of = {path: sentences(html) or sentences(html, chrome=True) for path, html in pages.items()}
    holders = Counter(key for said in of.values() for key in {_key(one) for one in said})
    own = {
        path: [one for one in said if holders[_key(one)] == 1 and len(one.split()) <= 40]
        for path, said in of.items()
    }
    return {path: sorted(said, key=len, reverse=True) for path, said in own.items() if said}


def _key(sentence: str) -> str:
    return re.sub(r"\W+", " ", sentence).casefold()
