"""docs/architecture.md shows the tree as it is: a folder that is missing there, or here, fails."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = ("workflows", "activities", "starter", "atlas")
_ENTRY = re.compile(r"^( *)([\w.]+)(/?) ")


def shown() -> set[str]:
    """Paths of the folders, and of files at the top, that the page's tree names."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = re.search(r"## Rooms\n```text\n(.*?)```", text, re.DOTALL)
    assert block
    found, above = set(), list[str]()
    for line in block[1].splitlines():
        entry = _ENTRY.match(line)
        assert entry, line
        del above[len(entry[1]) // 2 :]
        path = "/".join([*above, entry[2]])
        found.add(path)
        if entry[3]:
            above.append(entry[2])
    return found


def there() -> set[str]:
    """Paths of the packages that exist."""
    packages = {
        file.parent.relative_to(ROOT).as_posix()
        for top in TOP
        for file in (ROOT / top).rglob("__init__.py")
    }
    return packages | {"worker.py"}


def test_the_tree_on_the_page_is_the_tree() -> None:
    assert shown() == there()


def test_the_page_names_only_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:workflows|activities|starter|atlas)/[\w/]+\.py)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
