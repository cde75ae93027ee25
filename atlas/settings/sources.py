"""Where settings come from: the environment, a folder of secrets, `.env`, `atlas.toml`.

Each source is read completely, and everything wrong in any of them is reported at once. A secret
may be kept in a separate file, named by `<its variable>_FILE` at any of these places.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from atlas.settings.problems import in_words, meant, shown_path
from atlas.settings.toml_file import Entry, TomlProblem, entries

PREFIX = "ATLAS_"
CONFIG = "ATLAS_CONFIG"
"""Names the TOML file; `atlas.toml` in the working directory otherwise."""
SECRETS_DIR = "ATLAS_SECRETS_DIR"
"""A folder with a file `atlas_<setting>` for each secret, such as /run/secrets."""
BESIDE = {
    CONFIG: "path of the TOML file, in place of `atlas.toml` in the working directory",
    SECRETS_DIR: "a folder with secrets, each in a file `atlas_<name>`, such as `/run/secrets`",
    "ATLAS_DEBUG": "the command prints tracebacks of what it calls a bug",
    "ATLAS_DEMO_HOME": "an empty folder that `make demo` uses and keeps",
    "ATLAS_WORKERS": "how many workers `docker-compose.yml` starts: [deploy.md](deploy.md#scaling)",
}
"""Variables that are read elsewhere, and only from the environment (the first two also from
`.env`)."""
IN_VAIN = "ATLAS_SET_IN_VAIN"
"""Names, by blanks, of variables that are set where `docker compose` was called but do not count in
its containers, where the compose file itself says where things are."""
INTERNAL = frozenset(
    {
        "ATLAS_STACK",
        "ATLAS_WORKER_READY_FILE",
        "ATLAS_WORKER_GO_FILE",
        "ATLAS_WORKER_SCHEDULES",
        IN_VAIN,
    }
)
"""What the embedded stack, or the compose file, passes to its own processes."""
FOREIGN = ("TEMPORAL_", "OTEL_", "AWS_", "PG")
"""Prefixes of other people's variables that Atlas, or a library of it, reads."""
_LARGEST = 64 * 1024  # bytes of a secret's file


@dataclass(frozen=True, slots=True)
class GivenValue:
    """One setting as one source gives it."""

    value: object
    where: str
    """The variable, the file with the line, or the secret's file."""


@dataclass(slots=True)
class SettingsSource:
    """All that one source gives."""

    name: str
    given: dict[str, GivenValue] = field(default_factory=dict)


@dataclass(slots=True)
class SettingsReading:
    """All sources, the strongest first, and what is wrong with them."""

    sources: list[SettingsSource] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Variables ATLAS_… that nobody reads, each in words: they may be another program's."""
    foreign: dict[str, str] = field(default_factory=dict)
    """Other people's variables in `.env`."""
    files: list[Path] = field(default_factory=list)
    """Those that were read."""

    def of(self, name: str) -> GivenValue | None:
        """What the strongest source says of a setting."""
        return next((each.given[name] for each in self.sources if name in each.given), None)

    def weaker(self, name: str) -> list[GivenValue]:
        """What others say of it, in vain."""
        return [each.given[name] for each in self.sources if name in each.given][1:]


def read(names: Set[str], secrets: Set[str], environ: Mapping[str, str]) -> SettingsReading:
    """Everything that is given: for the settings `names`, of which `secrets` may be in files."""
    reader = _Reader(names, secrets, SettingsReading())
    environment = reader.environment(environ)
    dotenv = reader.dotenv(Path.cwd() / ".env")
    reader.reading.sources = [
        reader.variables("environment", environment),
        reader.folder(environment, dotenv),
        reader.variables(".env", dotenv),
        reader.toml(environment, dotenv),
    ]
    return reader.reading


Variables = Mapping[str, GivenValue]
"""By their names in capitals."""


@dataclass(slots=True)
class _Reader:
    names: Set[str]
    secrets: Set[str]
    reading: SettingsReading

    def environment(self, environ: Mapping[str, str]) -> Variables:
        found = {name.upper(): GivenValue(value, name) for name, value in environ.items() if value}
        return {name: given for name, given in found.items() if name.startswith(PREFIX)}

    def dotenv(self, path: Path) -> Variables:
        if not path.is_file():
            return {}
        try:
            return dict(self._dotenv(path))
        except (OSError, UnicodeDecodeError) as error:
            self.reading.problems.append(f"{shown_path(path)} refused: {in_words(error)}")
            return {}

    def _dotenv(self, path: Path) -> Iterator[tuple[str, GivenValue]]:
        from dotenv import dotenv_values
        from dotenv.parser import parse_stream

        text = path.read_text(encoding="utf-8-sig")
        self.reading.files.append(path)
        lines: dict[str, int] = {}
        for binding in parse_stream(io.StringIO(text)):
            if binding.error:
                self.reading.problems.append(
                    f".env, line {binding.original.line} refused: write NAME=value"
                )
                return
            leading = len(binding.original.string) - len(binding.original.string.lstrip("\r\n"))
            skipped = binding.original.string[:leading].count("\n")
            lines[binding.key or ""] = binding.original.line + skipped
        for name, value in dotenv_values(stream=io.StringIO(text)).items():
            given = GivenValue(value, f".env, line {lines.get(name, 0)}: {name}")
            if value and name.startswith(FOREIGN):
                self.reading.foreign[name] = value
            elif value and name.upper().startswith(PREFIX):
                yield name.upper(), given

    def variables(self, name: str, variables: Variables) -> SettingsSource:
        source = SettingsSource(name)
        for variable, given in variables.items():
            key = variable.removeprefix(PREFIX).lower()
            if key in self.names:
                source.given[key] = given
            elif not self._is_file_of_secret(key) and variable not in BESIDE.keys() | INTERNAL:
                self.reading.unknown.append(f"{given.where} is no setting{self._meant(variable)}")
        for secret in self.secrets - source.given.keys():
            named = variables.get(f"{PREFIX}{secret}_file".upper())
            if named is not None:
                self._secret(source, secret, Path(str(named.value)), f"{named.where}={named.value}")
        return source

    def folder(self, *variables: Variables) -> SettingsSource:
        """The folder of secrets, where one is named."""
        source = SettingsSource("secrets")
        named = next((each[SECRETS_DIR] for each in variables if SECRETS_DIR in each), None)
        if named is None:
            return source
        folder = Path(str(named.value)).expanduser().absolute()
        if not folder.is_dir():
            self.reading.problems.append(f"{named.where}={folder} refused: it is no folder")
        for secret in sorted(self.secrets):
            path = folder / f"{PREFIX}{secret}".lower()
            if path.exists():
                self._secret(source, secret, path, str(path))
        return source

    def toml(self, *variables: Variables) -> SettingsSource:
        named = next((each[CONFIG] for each in variables if CONFIG in each), None)
        path = Path(str(named.value)).expanduser() if named else Path("atlas.toml")
        path = path.absolute()
        source = SettingsSource(shown_path(path))
        if named is None and not path.exists():
            return source
        try:
            found = list(entries(path))
        except (TomlProblem, OSError, UnicodeDecodeError) as error:
            said = f"{named.where}={path}" if named else source.name
            self.reading.problems.append(f"{said} refused: {in_words(error)}")
            return source
        self.reading.files.append(path)
        self._entries(source, found)
        return source

    def _entries(self, source: SettingsSource, found: list[Entry]) -> None:
        files: list[tuple[str, Entry]] = []
        for entry in found:
            where = f"{source.name}, line {entry.line}: {entry.written}"
            if entry.value == "":
                continue
            if entry.name in source.given:
                self.reading.problems.append(f"{where} refused: it was given before")
            elif entry.name in self.names:
                source.given[entry.name] = GivenValue(entry.value, where)
            elif self._is_file_of_secret(entry.name):
                files.append((where, entry))
            else:
                self.reading.problems.append(
                    f"{where} is no setting{meant(entry.name, self._known(), entry.prefix)}"
                )
        for where, entry in files:
            secret = entry.name.removesuffix("_file")
            if secret not in source.given:
                self._secret(source, secret, Path(str(entry.value)), f"{where}={entry.value}")

    def _secret(self, source: SettingsSource, name: str, path: Path, where: str) -> None:
        try:
            value = _content(path.expanduser())
        except (OSError, ValueError) as error:
            self.reading.problems.append(f"{where} refused: {in_words(error)}")
        else:
            source.given[name] = GivenValue(value, where)

    def _is_file_of_secret(self, key: str) -> bool:
        return key.endswith("_file") and key.removesuffix("_file") in self.secrets

    def _known(self) -> set[str]:
        return {*self.names, *(f"{secret}_file" for secret in self.secrets)}

    def _meant(self, variable: str) -> str:
        if variable.endswith("_FILE") and variable.removesuffix("_FILE")[6:].lower() in self.names:
            return "; only secrets are read from files of their own"
        known = [*(f"{PREFIX}{name}".upper() for name in self._known()), *BESIDE]
        return meant(variable, known)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    text = content.decode("utf-8-sig").strip()
    if not text:
        raise ValueError("it is empty")
    return text
