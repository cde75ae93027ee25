"""Where the parts are: external ones from Temporal's configuration, embedded ones from the record.

Other commands call `read_stack` for what their environment does not say.
"""

import os
import sys
from pathlib import Path

from atlas.embedded.stack_record import Stack, read_stack
from atlas.embedded.temporal_access import NAMESPACE, is_profile

__all__ = ["Stack", "external_temporal", "namespace", "read_stack"]


def external_temporal() -> str | None:
    """host:port of a Temporal server that the environment or a profile names, else None.

    Read by `temporalio.envconfig`, as the `temporal` command does. Imported only when there is
    something to read, since the import takes 0.4 s. Raises `ValueError` for a file or profile that
    cannot be used.
    """
    return _setting("TEMPORAL_ADDRESS", "target_host")


def namespace() -> str:
    """The namespace that the environment or a profile names."""
    return _setting("TEMPORAL_NAMESPACE", "namespace") or NAMESPACE


def _setting(variable: str, key: str) -> str | None:
    given = os.environ.get(variable)
    if given:
        return given
    if not _has_profile():
        return None
    from temporalio.envconfig import ClientConfig

    try:
        value = ClientConfig.load_client_connect_config().get(key)
    except (RuntimeError, OSError) as error:
        raise ValueError(unusable(error)) from None
    return str(value) if value else None


def unusable(error: Exception) -> str:
    """Why Temporal's configuration cannot be read, without the line of the file that the error
    shows: it may hold the API key."""
    said = str(error).strip().partition("\n")[0].removesuffix(".")
    return (
        f"Temporal's configuration cannot be used: {said}. "
        "Correct the TEMPORAL_* variables, or the file that TEMPORAL_CONFIG_FILE names."
    )


def _has_profile() -> bool:
    if os.environ.get("TEMPORAL_PROFILE"):
        return True
    named = os.environ.get("TEMPORAL_CONFIG_FILE")
    if named and is_profile(Path(named)):
        return False  # that of an embedded server, which its home's record describes as well
    return Path(named).exists() if named else _default_file().exists()


def _default_file() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(configured) if configured else Path.home() / ".config"
    return folder / "temporalio" / "temporal.toml"
