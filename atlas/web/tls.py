"""TLS as a client: whom to trust, and no keys left lying about."""

import os
import ssl
from functools import cache

import certifi


def client_tls() -> ssl.SSLContext:
    """Trusts the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR included); certifi's where an
    image has none."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    # Reading the authorities takes 60 ms, so clients share them while OpenSSL would find the same.
    # Not create_default_context: it would write the keys of every connection to SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    return context
