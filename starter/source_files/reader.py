"""Reading `sources.yaml`: all of it or nothing, and every mistake at once, each with its line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ValidationError

from atlas.domain.addresses.urls import without_secrets
from atlas.domain.sources import SourceSpec
from starter.errors import InvalidRequest, InvalidSourcesFile
from starter.source_files.rules import RULES, model, spec_of
from starter.source_files.yaml_nodes import MAX_CHARACTERS, Node, NotYaml, read
from starter.sources import as_stored, checked

if TYPE_CHECKING:
    from starter.sources import RuleChanges

_SHOWN = 80
"""Characters of a value that a message shows."""
_ANY = "https://example.org/"

_Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class _Mistake:
    line: int
    place: str
    """`docs.delay`."""
    message: str

    def said(self, file: str) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{file}:{self.line}: {where}{self.message}"


def read_sources(
    text: str, file: str, declared: Mapping[str, SourceSpec]
) -> tuple[SourceSpec, ...]:
    """The sources of a file, by name. `declared`: those of now, whose older patterns may stay, and
    who stay paused. Raises `InvalidSourcesFile` with every mistake."""
    mistakes: list[_Mistake] = []
    specs: list[SourceSpec] = []
    try:
        if len(text) > MAX_CHARACTERS:
            raise NotYaml(1, f"the file has more than {MAX_CHARACTERS:,} characters")
        root = read(text)
    except NotYaml as error:
        raise InvalidSourcesFile(file, [f"{file}:{error.line}: {error}"]) from None
    mistakes += _repeated(root)
    for name, node in _sources(root, mistakes):
        found = _Source(name, node, declared.get(name))
        spec = found.spec()
        mistakes += found.mistakes
        if spec is not None:
            specs.append(spec)
    if mistakes:
        mistakes.sort(key=lambda each: each.line)
        raise InvalidSourcesFile(file, [each.said(file) for each in mistakes])
    return tuple(sorted(specs, key=lambda spec: spec.name))


def _repeated(root: Node) -> Iterator[_Mistake]:
    for name, line, first in root.repetitions():
        yield _Mistake(
            line,
            name.removeprefix("sources."),
            f"stands here again, first on line {first}; keep one of them",
        )


def _sources(root: Node, mistakes: list[_Mistake]) -> Sequence[tuple[str, Node]]:
    fields = root.fields
    for name, node in (fields or {}).items():
        if name != "sources":
            mistakes.append(_Mistake(node.line, name, _unknown(name, ("sources",), "the file has")))
    found = (fields or {}).get("sources")
    if found is None or found.fields is None:
        said = "give each source by its name: `sources:`, below it `docs:`, below that its rules"
        mistakes.append(_Mistake(found.line if found else root.line, "sources", said))
        return ()
    return tuple(found.fields.items())


class _Source:
    """One source of a file."""

    def __init__(self, name: str, node: Node, declared: SourceSpec | None) -> None:
        self._name = name
        self._node = node
        self._declared = declared
        self.mistakes: list[_Mistake] = []

    def spec(self) -> SourceSpec | None:
        """The source, or None with what is wrong in `mistakes`."""
        if self._node.fields is None:
            self._note((), "give its rules, at least `kind:` and `urls:`")
            return None
        given = self._stored(self._given())
        try:
            spec = checked(spec_of(self._name, given, self._declared), self._declared)
        except InvalidRequest as error:
            self._refused(given, str(error))
            return None
        return None if self.mistakes else spec

    def _given(self) -> dict[str, Any]:
        """The values by the names of `SourceSpec`, each of its type. What is wrong is noted and
        left out; what every source needs is made up then, so that the rest is looked at, too."""
        plain = self._node.plain()
        try:
            found = self._validated(plain)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                self._note(each["loc"], _said(each))
            wrong = {each["loc"][0] for each in error.errors()}
            right = {name: value for name, value in plain.items() if name not in wrong}
            found = self._validated({"kind": "urls", "urls": [_ANY], **right})
        return {RULES[name].name: getattr(found, name) for name in found.model_fields_set}

    def _validated(self, plain: Mapping[str, Any]) -> BaseModel:
        # As JSON, in which a list may become a tuple and yet no text becomes a number.
        return model().model_validate_json(json.dumps(plain), strict=True)

    def _stored(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As the store keeps them: URLs canonical, nothing twice."""
        stored: dict[str, Any] = {}
        for field, value in given.items():
            try:
                stored |= as_stored(cast("RuleChanges", {field: value}))
            except InvalidRequest as error:
                self._each(field, value, str(error), as_stored)
        return {"kind": "urls", "urls": (_ANY,), **stored}

    def _refused(self, given: Mapping[str, Any], first: str) -> None:
        """Note everything that `checked` refuses: it says only the first."""
        base = SourceSpec("x", given["kind"], (_ANY,))
        if said := self._refusal(base, {"name": self._name}):
            self._note((), said)
        suspects = {field for field, value in given.items() if self._refusal(base, {field: value})}
        # Some rules are right or wrong only beside others: those that are right are there, too.
        sound = self._sound(
            {field: value for field, value in given.items() if field not in suspects}
        )
        for field in sorted(suspects):
            if said := self._refusal(sound or base, {field: given[field]}):
                self._each(
                    field,
                    given[field],
                    said,
                    lambda rule: checked(replace(sound or base, **rule), self._declared),
                )
        if not self.mistakes:  # they do not go together
            self._note((), first)

    def _sound(self, given: Mapping[str, Any]) -> SourceSpec | None:
        try:
            return checked(spec_of("x", {"urls": (_ANY,), **given}, None), self._declared)
        except InvalidRequest:
            return None

    def _refusal(self, spec: SourceSpec, rule: Mapping[str, Any]) -> str:
        try:
            checked(replace(spec, **rule), self._declared)
        except InvalidRequest as error:
            return str(error)
        return ""

    def _each(self, field: str, value: Any, said: str, check: Callable[[Any], object]) -> None:
        """Note which items of a list are wrong, or else the whole value."""
        name = next(name for name, rule in RULES.items() if rule.name == field)
        found = len(self.mistakes)
        for at, item in enumerate(value if isinstance(value, tuple) else ()):
            try:
                check({field: (item,)})
            except InvalidRequest as error:
                self._note((name, at), str(error))
        if len(self.mistakes) == found:
            self._note((name,), said)

    def _note(self, path: _Path, message: str) -> None:
        place = ".".join([self._name, *map(str, path[:1])])
        field = RULES[str(path[0])].name if path and str(path[0]) in RULES else ""
        line = self._node.at(path).line
        self.mistakes.append(_Mistake(line, place, message.removeprefix(f"{field}: ")))


def _said(error: Any) -> str:
    """A mistake that the model found, with its fix."""
    kind, given = error["type"], error["input"]
    if isinstance(given, str):
        given = without_secrets(given)[:_SHOWN]
    shown = repr(given)[:_SHOWN]
    context = error.get("ctx", {})
    wanted = {
        "string_type": f"write it in quotes: '{given}'"
        if isinstance(given, int | float)
        else "give text",
        "tuple_type": f"give a list, as in [{given}]",
        "int_type": "give a whole number",
        "int_from_float": "give a whole number",
        "float_type": "give a number",
        "bool_type": "give true or false",
        "literal_error": f"give {context.get('expected', '')}",
    }
    if kind == "missing":
        return f"is missing; {_wanted(error['loc'][-1])}"
    if kind == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), RULES, "a source has")
    if kind == "value_error":
        return str(context["error"])
    return f"{shown} refused: {wanted.get(kind, error['msg'])}"


def _wanted(name: str) -> str:
    kinds = model().model_fields[name].annotation
    choices = getattr(kinds, "__args__", ())
    named = [each for each in choices if isinstance(each, str)]
    if named:
        return f"give {', '.join(named)} (`atlas sources add` finds it out)"
    return "give at least one URL" if RULES[name].default is MISSING else "give it"


def _unknown(name: str, known: Sequence[str] | Mapping[str, Any], who: str) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    fix = f"did you mean {near[0]}?" if near else f"{who}: {', '.join(known)}"
    return f"there is no rule of this name; {fix}" if len(known) > 1 else f"unknown; {fix}"
