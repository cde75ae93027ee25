"""`python -m atlas.settings.reference` writes the documentation of the settings into files:
`.env.example`, docs/atlas.toml, and the tables of docs/settings.md. `--check` only compares."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from atlas.settings.catalogue import Described, SettingsSection, plain, sections
from atlas.settings.sources import BESIDE

ROOT = Path(__file__).parents[2]
_WIDTH = 98
_ENV_HEAD = """\
# Settings of Atlas; copy to .env, and take away the # where yours differ. A line whose value is the
# default changes nothing. All about it: docs/settings.md
"""
_TOML_HEAD = """\
# Settings of Atlas: atlas.toml in the working directory, or wherever ATLAS_CONFIG says. A table is
# a prefix: timeout under [fetch] is ATLAS_FETCH_TIMEOUT. All about it: docs/settings.md
"""
_FOREIGN = """\
# --- Other people's variables --------------------------------------------------------------------
# Read by the libraries of Temporal, OpenTelemetry and AWS; here they count like those above.

# host:port of a Temporal server of your own, and its namespace; TLS, API key and profiles:
# https://docs.temporal.io/develop/environment-configuration
#TEMPORAL_ADDRESS=127.0.0.1:7233
#TEMPORAL_NAMESPACE=default

# Where traces go.
#OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
"""


def env_example() -> str:
    """A `.env` with every setting, commented out."""
    parts = [_ENV_HEAD]
    parts += [_env_section(section) for section in sections()]
    return "\n".join([*parts, _FOREIGN])


def _env_section(section: SettingsSection) -> str:
    lines = [_ruler(section.title)]
    if section.introduction:
        lines.append(_comment(section.introduction))
    lines += [_env_line(each.variable, each.example, _meaning(each)) for each in section.settings]
    return "\n".join(lines)


def _env_line(variable: str, example: str, meaning: str) -> str:
    return f"{_comment(meaning)}#{variable}={example}\n"


def toml_example() -> str:
    """An `atlas.toml` with every setting that is no secret, commented out."""
    parts = [_TOML_HEAD]
    every = [each for section in sections() for each in section.settings]
    flat = [each for each in every if not _table(each, every)]
    parts += [_toml_line(each, each.name) for each in flat]
    for table in dict.fromkeys(_table(each, every) for each in every if each not in flat):
        lines = [
            _toml_line(each, each.name.removeprefix(f"{table}_"))
            for each in every
            if _table(each, every) == table
        ]
        parts.append("\n".join([f"[{table}]", *lines]))
    return "\n".join(parts)


def _table(each: Described, every: list[Described]) -> str:
    """The first word of a name, if other settings begin with it."""
    word, _, rest = each.name.partition("_")
    shared = [other for other in every if other.name.startswith(f"{word}_")]
    return word if rest and len(shared) > 1 else ""


def _toml_line(each: Described, key: str) -> str:
    if each.secret:
        path = f"/run/secrets/{each.variable.lower()}"
        return f'{_comment(_meaning(each))}#{key}_file = "{path}"\n'
    return f"{_comment(_meaning(each))}#{key} = {_toml_value(each)}\n"


def _toml_value(each: Described) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", each.example):
        return each.example
    return f'"{each.example}"'


def table(section: SettingsSection) -> str:
    """The section's table for docs/settings.md."""
    rows = [
        f"| `{each.variable}` | {each.default} | {'Secret. ' if each.secret else ''}"
        f"{_with_bounds(each)} |"
        for each in section.settings
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def beside() -> str:
    """The table of what is read beside the settings."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in BESIDE.items()]
    return "\n".join(["| variable | meaning |", "|---|---|", *rows])


def filled(page: str) -> str:
    """docs/settings.md with its generated parts as they should be.

    Raises:
        ValueError: a part has no place in it.
    """
    for section in sections():
        text = f"{section.introduction}\n\n" if section.introduction else ""
        page = _replaced(page, section.title, f"{text}{table(section)}")
    return _replaced(page, "Beside the settings", beside())


def _replaced(page: str, title: str, text: str) -> str:
    begin, end = f"<!-- settings: {title} -->\n", "\n<!-- end -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"docs/settings.md has no place for {title!r}: {begin}…{end}")
    return before + begin + text + rest[rest.index(end) :]


def documents() -> dict[Path, str]:
    """Each generated file, as it should be."""
    page = ROOT / "docs" / "settings.md"
    return {
        ROOT / ".env.example": env_example(),
        ROOT / "docs" / "atlas.toml": toml_example(),
        page: filled(page.read_text(encoding="utf-8")),
    }


def _meaning(each: Described) -> str:
    file = f" Or {each.variable}_FILE=/path/of/a/file with it." if each.secret else ""
    return f"{_with_bounds(each)}.{file}"


def _with_bounds(each: Described) -> str:
    return f"{each.meaning}; {each.bounds}" if each.bounds else each.meaning


def _comment(text: str) -> str:
    lines = textwrap.wrap(plain(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _ruler(title: str) -> str:
    return f"# --- {title} ".ljust(_WIDTH + 2, "-")


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` list those that are out of date; returns the exit code."""
    stale = {
        path: text
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{path.relative_to(ROOT)}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
