"""The secrets of a home's Temporal server, and what those who read the home make of them.

In `<home>/temporal`: the certificates for its API (mutual TLS), the password of its Web UI (user
`atlas`), and `client.toml`, the same as a profile for the `temporal` command: set
TEMPORAL_CONFIG_FILE to it.
"""

import os
import secrets
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from atlas.domain.child_environment import allowed
from atlas.embedded import certificates
from atlas.embedded.errors import EmbeddedError
from atlas.embedded.gate import AUTHORITY, CLIENT, CLIENT_KEY

NAMESPACE = "default"
PROFILE = "client.toml"
_PROFILE_MARK = "# Written by `atlas up`: how to reach the Temporal server of this home."


@dataclass(frozen=True)
class TemporalAccess:
    """The secrets in a folder; whoever may read them is admitted."""

    folder: Path

    @property
    def certificates(self) -> Path:
        """The folder of the certificates."""
        return self.folder / "tls"

    @property
    def password_file(self) -> Path:
        """The Web UI's password."""
        return self.folder / "ui-password"

    @property
    def profile(self) -> Path:
        """What TEMPORAL_CONFIG_FILE may name."""
        return self.folder / PROFILE

    def variables(self) -> dict[str, str]:
        """The variables that lead Temporal's clients to the certificates."""
        return {
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.certificates / AUTHORITY),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(self.certificates / CLIENT),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(self.certificates / CLIENT_KEY),
        }

    def context(self) -> ssl.SSLContext:
        """For the server's HTTP API."""
        place = self.certificates
        context = ssl.create_default_context(cafile=place / AUTHORITY)
        context.load_cert_chain(place / CLIENT, place / CLIENT_KEY)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def make(self) -> None:
        """Make what is missing. Raises EmbeddedError, OSError."""
        if not certificates.complete(self.certificates):
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-P", "-m", certificates.__name__, str(self.certificates)],
                capture_output=True,
                text=True,
                check=False,
                env=allowed(os.environ),
            )
            if done.returncode != 0:
                said = done.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
                raise EmbeddedError(
                    f"The certificates for Temporal could not be made: {said[0]}",
                    f"Check that {self.folder} can be written",
                )
        if not self.password_file.is_file():
            _write(self.password_file, secrets.token_urlsafe(18) + "\n")

    def write_profile(self, address: str, namespace: str, *, enclosed: bool) -> None:
        """Write the profile for the `temporal` command; certificates are only of use where the
        server is enclosed. Raises OSError."""
        lines = [
            _PROFILE_MARK,
            "[profile.default]",
            f"address = {_quoted(address)}",
            f"namespace = {_quoted(namespace)}",
        ]
        if enclosed:
            names = ("server_ca_cert_path", "client_cert_path", "client_key_path")
            paths = zip(names, self.variables().values(), strict=True)
            lines.append("[profile.default.tls]")
            lines += [f"{name} = {_quoted(path)}" for name, path in paths]
        _write(self.profile, "\n".join(lines) + "\n")


def is_profile(path: Path) -> bool:
    """Whether a file is a profile that some home's stack wrote."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == _PROFILE_MARK
    except (OSError, ValueError):
        return False


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
