"""Blocks told from the beginnings of their lines are those of a parser of CommonMark."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.chunking import markdown_blocks as module
from atlas.domain.chunking.markdown_blocks import markdown_blocks, parsed_blocks

WHOLE = """\
# Harbour
Lights are seen from afar.
They **shine**.

**Bold** begins this one, and 3.5 m end it
2024 was a year: so it says.

- one boat
- another `boat`
  - its sail

1. first
2. second

| a | b |
| --- | --- |
| c |
|  | d |

> quoted
> twice

```python
- no list

# no heading
```

`code` begins the last.
"""
PIECES = (
    "//text/more text/**b** c/`x` y/: dd/x | y/a\\/&nbsp;/- a/- b/  - c/- - -/- ```/-/+ p/* s/1. x"
    "/2. y/1./   r/# h/## h/ # x/#/# #/####### x/---/***/> q/> r/    code/```/```py/  ```/~~~"
    "/| a | b |/| --- | --- |/| --- |/| c |/--- | ---/:---/# a |/\\"
)
LINES = st.one_of(
    st.text(alphabet="ab -#*`>|1.:\t_+~=[(", max_size=7),
    st.sampled_from([*PIECES.split("/"), "<div>", "[a]: http://x"]),
)


@given(st.lists(LINES, max_size=9))
def test_all_that_is_plain_is_what_the_parser_says(lines: list[str]) -> None:
    markdown = "\n".join(lines)
    assert markdown_blocks(markdown) == parsed_blocks(markdown)


def test_what_atlas_writes_needs_no_parser() -> None:
    parsed = parsed_blocks(WHOLE)
    with patch.object(module, "parsed_blocks", side_effect=AssertionError("parsed")):
        assert markdown_blocks(WHOLE) == parsed
    kinds = [block.kind for block in parsed]
    assert kinds == ["heading", "text", "text", "list", "list", "table", "text", "code", "text"]


@pytest.mark.parametrize(
    "unclear",
    ["- a\n\n- b", "1. a\n   b", "    code", "text\n---", "- a\n\n  b"],
)
def test_what_is_not_plain_is_parsed_and_the_rest_is_not(unclear: str) -> None:
    read: list[str] = []

    def parse(markdown: str) -> list[module.MarkdownBlock]:
        read.append(markdown)
        return parsed_blocks(markdown)

    with patch.object(module, "parsed_blocks", side_effect=parse):
        found = markdown_blocks(f"Before.\n\n{unclear}\n\n## Behind\n\nText.")
    assert [each.strip("\n") for each in read] == [unclear]
    assert found == parsed_blocks(f"Before.\n\n{unclear}\n\n## Behind\n\nText.")
