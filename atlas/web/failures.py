"""The one seam where errors of httpx, aiohttp, TLS and the resolver become named codes.

PageError
├── blocked    address_refused, port_refused, redirect_insecure, proxy_refused
├── transient  dns_failure, connect_timeout, connection_refused, connect_failed,
│              tls_certificate, tls_failure, header_timeout, read_timeout, total_timeout,
│              connection_closed, connection_reset, truncated_body, network_error,
│              proxy_unreachable, proxy_login
├── quota      header_too_large, body_too_large
└── invalid    invalid_http, invalid_url
"""

import re
import ssl
from collections.abc import Iterator

import aiohttp
import httpx
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from atlas.domain.errors import ErrorClass, PageError
from atlas.web.address_policy import AddressRefused
from atlas.web.egress_proxy import PROXY_ERRORS, failure_at_proxy
from atlas.web.transport import RequestHop

_AIOHTTP_PREFIX = re.compile(r"^\d+, message:\s*")
_T, _I, _Q = ErrorClass.TRANSIENT, ErrorClass.INVALID, ErrorClass.QUOTA

# The first row whose type is anywhere in the chain of causes wins; special before general.
_TABLE: tuple[tuple[type[BaseException], ErrorClass, str, str], ...] = (
    (LineTooLong, _Q, "header_too_large", "sent a header line of more than 32 KiB"),
    (ssl.SSLCertVerificationError, _T, "tls_certificate", "has a TLS certificate that fails"),
    (aiohttp.ClientSSLError, _T, "tls_failure", "failed at TLS"),
    (ssl.SSLError, _T, "tls_failure", "failed at TLS"),
    (aiohttp.ClientConnectorDNSError, _T, "dns_failure", "has no address in DNS"),
    (aiohttp.ConnectionTimeoutError, _T, "connect_timeout", "did not accept a connection in time"),
    (aiohttp.ServerTimeoutError, _T, "read_timeout", "fell silent"),
    (ConnectionRefusedError, _T, "connection_refused", "refused the connection"),
    (aiohttp.ClientConnectorError, _T, "connect_failed", "could not be reached"),
    (aiohttp.ClientPayloadError, _T, "truncated_body", "ended the body too early"),
    (aiohttp.ServerDisconnectedError, _T, "connection_closed", "closed without an answer"),
    (ConnectionResetError, _T, "connection_reset", "reset the connection"),
    (BadHttpMessage, _I, "invalid_http", "sent no valid HTTP"),
    (aiohttp.ClientResponseError, _I, "invalid_http", "sent no valid HTTP"),
    (aiohttp.InvalidURL, _I, "invalid_url", "has a name that cannot be used"),
    (httpx.InvalidURL, _I, "invalid_url", "has a name that cannot be used"),
    (UnicodeError, _I, "invalid_url", "has a name that cannot be used"),
    (aiohttp.ClientError, _T, "network_error", "failed"),
    (httpx.TransportError, _T, "network_error", "failed"),
    (OSError, _T, "network_error", "failed"),
)

#: What a request may raise from below; anything else is our own fault and passes through.
NETWORK_ERRORS = (
    *PROXY_ERRORS,
    aiohttp.ClientError,
    httpx.HTTPError,
    httpx.InvalidURL,
    OSError,
    UnicodeError,
)


def failure_of(error: BaseException, hop: RequestHop, host: str) -> PageError:
    """Name an error raised while asking `host`; the detail is cut short, it may be hostile."""
    if hop.refused and not hop.dialled:
        return address_refused(hop.refused[0], host)
    chain = tuple(_chain(error))
    if "Too many headers" in str(chain[-1]):
        return PageError(_Q, "header_too_large", f"{host} sent more than 128 header lines")
    if hop.proxy and (at_proxy := failure_at_proxy(chain, hop.proxy)):
        error_class, code, words = at_proxy
        return PageError(error_class, code, f"{host} {words}: {_detail(chain[-1])}")
    through = f" (through the proxy {hop.proxy})" if hop.proxy else ""
    for kind, error_class, code, words in _TABLE:
        if any(isinstance(link, kind) for link in chain):
            return PageError(error_class, code, f"{host} {words}{through}: {_detail(chain[-1])}")
    return PageError(ErrorClass.BUG, "unexpected_error", f"{host}: {_detail(error)}")


def address_refused(refused: AddressRefused, host: str) -> PageError:
    """The failure of a page at an address that may not be dialled."""
    return PageError(ErrorClass.BLOCKED, "address_refused", f"{host}: {refused}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _detail(error: BaseException) -> str:
    text = _AIOHTTP_PREFIX.sub("", str(error)) or type(error).__name__
    line = " ".join(text.split())[:200]
    return "".join(char if char.isprintable() else "?" for char in line)
