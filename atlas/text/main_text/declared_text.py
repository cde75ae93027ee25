"""The text of an article as JSON-LD declares it, for pages whose scripts show it later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from lxml.html import HtmlElement

from atlas.domain.errors import PageError
from atlas.text.blocks.blocks import Block, blocks_of, word_key
from atlas.text.markup.dom import parse_html
from atlas.text.metadata.head import Head

_LEAST = 300  # word characters of a declared text that may stand for the page
_SHOWN = 0.5  # share of it that the page's own blocks may hold
_NODES = 200  # objects of JSON-LD that are asked
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_TAG = re.compile(r"<[a-z/!][^<>]*>", re.IGNORECASE)


def declared_blocks(root: HtmlElement, head: Head, blocks: Sequence[Block]) -> list[Block]:
    """The longest `articleBody`, line by line, if the blocks of the page hold less than half of it;
    else none."""
    bodies = (node.get("articleBody") for node in head.nodes[:_NODES])
    body = max((each for each in bodies if isinstance(each, str)), key=len, default="")
    if len(body) < _LEAST:
        return []
    text = _plain(body)
    shown = "".join(block.key for block in blocks)
    sentences = [word_key(each) for each in _SENTENCE.split(text)]
    size = sum(map(len, sentences))
    held = sum(len(each) for each in sentences if each in shown)
    if size < _LEAST or held >= _SHOWN * size:
        return []
    lines = (line.strip() for line in text.splitlines())
    return [Block(root, line, [line], 0, False, key=word_key(line)) for line in lines if line]


def _plain(body: str) -> str:
    if not _TAG.search(body):
        return unescape(body)
    try:
        tree = parse_html(body)
    except PageError:
        return ""
    return "\n".join(block.text for block in blocks_of(tree))
