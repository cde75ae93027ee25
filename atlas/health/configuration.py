"""The settings themselves: invalid ones, unknown ones, and secrets that others can read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from atlas.contracts.health import Check
from atlas.settings.problems import shown_path
from atlas.settings.report import PROXIES, SettingsReport

MEND = "Correct it; `atlas config show` shows all settings, docs/settings.md says what each accepts"
_UNREAD = "Correct its name, or unset it: Atlas does not read it"
_OTHERS = stat.S_IRGRP | stat.S_IROTH


def refused(report: SettingsReport) -> list[Check]:
    """One for each setting that cannot be used."""
    return [
        Check(part="settings", status="failing", detail=problem, mend=MEND)
        for problem in report.problems
    ]


def doubtful(report: SettingsReport) -> Iterator[Check]:
    """What works, but is probably not intended."""
    for unknown in report.unknown:
        yield Check(part="settings", status="degraded", detail=unknown, mend=_UNREAD)
    for path in filter(_is_open, _with_secrets(report)):
        yield Check(
            part="settings",
            status="degraded",
            detail=f"{path} holds secrets, and other users may read it",
            mend=f"`chmod 600 {path}`",
        )
    proxies = [line for line in report.foreign if line.variable.upper() in PROXIES[:3]]
    if proxies:
        names = ", ".join(line.variable for line in proxies)
        yield Check(
            part="proxy",
            status="degraded",
            detail=f"{names}: pages are fetched {_how(report)}, regardless of these",
            mend="Set ATLAS_FETCH_PROXY if you meant pages, and unset the variable",
        )


def _how(report: SettingsReport) -> str:
    named = next(line for line in report.settings if line.name == "fetch_proxy")
    return f"through {named.value}" if named.value else "without a proxy"


def _with_secrets(report: SettingsReport) -> set[Path]:
    """Files read that hold the value of a secret itself."""
    names = [
        line.where
        for line in (*report.settings, *report.foreign)
        if line.secret and line.value is not None
    ]
    return {
        path
        for path in report.files
        if any(
            where.startswith(shown_path(path)) and "_file=" not in where.lower() for where in names
        )
    }


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False
