"""YAML as nodes that know their line; the one file that knows the YAML library.

Only plain data is read: no tags, which could name objects, and no aliases, which make a document
of a few lines into millions. Words are read by the core schema of YAML 1.2, as editors do: `on`,
`no` and `2026-11-30` are text, `1:30` is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CHARACTERS = 64_000_000
"""Of a file."""
MAX_DEPTH = 20
"""Lists and mappings within each other."""

# The C library reads a list of 100,000 addresses in a second, the other in a minute.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUTH = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
# Ends of lines, which other quotes fold, and what a terminal must not see as it is.
_ESCAPED = re.compile(r"[\r\n\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")

Value = None | bool | int | float | str


class NotYaml(ValueError):
    """The text cannot be read at all; `line` is where, from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Node:
    """A value, or a list or mapping of nodes, and the line where it begins."""

    line: int
    value: Value = None
    items: list[Node] | None = None
    fields: dict[str, Node] | None = None
    repeated: list[tuple[str, int, int]] = field(default_factory=list)
    """Names that a mapping has twice: name, line, line of the first."""

    def plain(self) -> Any:
        """The value without lines."""
        if self.items is not None:
            return [each.plain() for each in self.items]
        if self.fields is not None:
            return {name: each.plain() for name, each in self.fields.items()}
        return self.value

    def at(self, path: Iterable[int | str]) -> Node:
        """The node below this one that a path leads to, as far as it goes."""
        here = self
        for step in path:
            if here.items is not None and isinstance(step, int) and step < len(here.items):
                here = here.items[step]
            elif here.fields is not None and isinstance(step, str) and step in here.fields:
                here = here.fields[step]
            else:
                break
        return here

    def repetitions(self, place: str = "") -> Iterator[tuple[str, int, int]]:
        """Names that stand twice, here or below: `docs.tags`, line, line of the first."""
        for name, line, first in self.repeated:
            yield f"{place}{name}", line, first
        for each in self.items or ():
            yield from each.repetitions(place)
        for name, each in (self.fields or {}).items():
            yield from each.repetitions(f"{place}{name}.")


def read(text: str) -> Node:
    """The one document of a text. Raises `NotYaml`."""
    try:
        return _Reading().document(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise NotYaml(line, f"this is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise NotYaml(1, f"this is not YAML: {str(error).splitlines()[0]}") from None


class _Reading:
    """Builds nodes from events, without recursion: a text may nest as deeply as it likes."""

    def __init__(self) -> None:
        self._open: list[Node] = []
        self._names: list[tuple[str, int] | None] = []
        self._whole: Node | None = None

    def document(self, events: Iterable[Any]) -> Node:
        documents = 0
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotYaml(line, "a second document begins; join them below one `sources:`")
            elif isinstance(event, yaml.AliasEvent):
                raise NotYaml(line, f"alias *{event.anchor} is not read; write out what it names")
            elif isinstance(event, yaml.NodeEvent):
                self._begin(event, line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
                self._names.pop()
        return self._whole or Node(1)

    def _begin(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!"):
            raise NotYaml(line, f"tag {event.tag!r} is not read; leave it out")
        inner = self._open[-1] if self._open else None
        if inner is not None and inner.fields is not None and self._names[-1] is None:
            self._names[-1] = (_name(event, line), line)
            return
        node = Node(line)
        if isinstance(event, yaml.ScalarEvent):
            node.value = _scalar(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            node.items = []
        else:
            node.fields = {}
        self._put(node)
        if node.items is not None or node.fields is not None:
            if len(self._open) == MAX_DEPTH:
                raise NotYaml(line, f"lists and mappings are nested more than {MAX_DEPTH} deep")
            self._open.append(node)
            self._names.append(None)

    def _put(self, node: Node) -> None:
        if not self._open:
            self._whole = node
            return
        inner = self._open[-1]
        if inner.items is not None:
            inner.items.append(node)
            return
        assert inner.fields is not None
        named, self._names[-1] = self._names[-1], None
        assert named is not None
        name, line = named
        if name in inner.fields:
            inner.repeated.append((name, line, inner.fields[name].line))
        else:
            inner.fields[name] = node
            node.line = line  # a list begins below its name


def _name(event: Any, line: int) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        raise NotYaml(line, "a list or a mapping cannot be a name")
    if event.implicit[0] and not isinstance(_scalar(event.value), str):
        raise NotYaml(line, f"the name {event.value!r} is not text; write it in quotes")
    return str(event.value)


def _scalar(text: str) -> Value:
    """What a word without quotes means."""
    if _NULL.fullmatch(text):
        return None
    if _TRUTH.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


class _Writer(_Dumper):  # type: ignore[misc, valid-type]
    """Writes text in quotes where it would be read as something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: Any, text: str) -> Any:
    quoted = not isinstance(_scalar(text), str) or _ESCAPED.search(text)
    style = '"' if quoted else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def write(value: Mapping[str, object]) -> str:
    """A mapping of plain data as text."""
    text = yaml.dump(
        value,
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,
    )
    return _ESCAPED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    # Only ends of the text's own lines stand outside of double quotes.
    return found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}"
