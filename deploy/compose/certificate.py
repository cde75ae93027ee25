"""Create the certificate with which SeaweedFS closes the gRPC port of its S3, unless it exists.

Usage: certificate.py FOLDER

That port obeys any client that reaches it (`PutIdentity` creates a user with all rights), and
listens wherever S3 does. With these files it requires a client certificate from an authority whose
key is discarded as soon as it has signed the server's own: nobody has one, and nobody needs one.
The rest of SeaweedFS communicates over loopback.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

FILES = ("grpc-ca.pem", "grpc-server.pem", "grpc-server.key")
YEARS = 30
"""Nothing renews them; the loss of one closes the port all the same."""


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def signed(
    subject: str, key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey
) -> bytes:
    """A certificate as PEM."""
    now = datetime.now(UTC)
    constraints = x509.BasicConstraints(ca=key is authority, path_length=None)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named("nobody"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(constraints, critical=True)
        .sign(authority, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def made() -> tuple[bytes, bytes, bytes]:
    """What goes into `FILES`; the authority's key is in none of them."""
    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    key = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return signed("nobody", authority, authority), signed("seaweedfs", server, authority), key


def main(folder: Path) -> None:
    if all((folder / name).is_file() for name in FILES):
        sys.stdout.write("kept the certificate of SeaweedFS\n")
        return
    for name, content in zip(FILES, made(), strict=True):
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)
    sys.stdout.write("made the certificate of SeaweedFS\n")


main(Path(sys.argv[1]))
