"""The certificates of a gate: `python -m atlas.embedded.certificates FOLDER` makes them, once.

An authority signs one certificate for the server and one for its clients and is then forgotten: its
key is written nowhere, so nobody can make a third. Whoever can read the client's key may come in.
A program of its own, because the libraries would stay in the memory of the supervisor.
"""

import ipaddress
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from atlas.embedded.gate import AUTHORITY, CLIENT, CLIENT_KEY, SERVER, SERVER_KEY

FILES = (AUTHORITY, SERVER, SERVER_KEY, CLIENT, CLIENT_KEY)
YEARS = 30
"""Nothing renews them; remove the folder and start again for new ones."""
NAMES = ("localhost", "temporal")


def complete(folder: Path) -> bool:
    """Whether all files are there."""
    return all((folder / name).is_file() for name in FILES)


def make(folder: Path, mode: int = 0o600) -> None:
    """Write all files, none before all are made; each replaces an earlier one as a whole."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in _made().items():
        fresh = folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        fresh.replace(folder / name)


def _made() -> dict[str, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server", "client")}
    now = datetime.now(UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Atlas {name}")])

    def signed(name: str, *extensions: x509.ExtensionType) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("ca"))
            .public_key(keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))  # clocks differ
            .not_valid_after(now + timedelta(days=365 * YEARS))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(keys["ca"], hashes.SHA256()).public_bytes(Encoding.PEM)

    def private(name: str) -> bytes:
        return keys[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = x509.SubjectAlternativeName([*map(x509.DNSName, NAMES), address])
    usage = ExtendedKeyUsageOID
    return {
        SERVER: signed("server", names, x509.ExtendedKeyUsage([usage.SERVER_AUTH])),
        SERVER_KEY: private("server"),
        CLIENT: signed("client", x509.ExtendedKeyUsage([usage.CLIENT_AUTH])),
        CLIENT_KEY: private("client"),
        AUTHORITY: signed("ca"),
    }


if __name__ == "__main__":
    if not complete(Path(sys.argv[1])):
        make(Path(sys.argv[1]), int(sys.argv[2], 8) if len(sys.argv) > 2 else 0o600)
