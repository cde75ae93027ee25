"""Why a connection to Temporal failed, in plain words, with the fix.

The SDK's message is what Rust prints of the error: complete, but not for people.
"""

from __future__ import annotations

import re

_START = "Start the embedded stack with `atlas up -d`, or set TEMPORAL_ADDRESS."
_ACCESS = (
    "Check TEMPORAL_API_KEY, or the certificate of TEMPORAL_TLS_CLIENT_CERT_PATH, and "
    "TEMPORAL_NAMESPACE (on Temporal Cloud `name.account`)."
)
_CERTIFICATE = (
    "Check TEMPORAL_ADDRESS; TEMPORAL_TLS_SERVER_CA_CERT_PATH names an authority of your own, "
    "TEMPORAL_TLS_SERVER_NAME another name than the address has."
)
_CLOSED = (
    "It may speak TLS (TEMPORAL_TLS=true), or ask for a client certificate "
    "(TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH)."
)
_PLAIN = "It may not speak TLS: then set TEMPORAL_TLS=false. Or correct TEMPORAL_ADDRESS."


_REFUSED = re.compile(r'code: (?:Unauthenticated|PermissionDenied), message: "([^"]*)"')
_UNTRUSTED = re.compile(r"InvalidCertificate\((\w+)")
_NO_TLS = re.compile(r"InvalidContentType|corrupt message")
_ENDED = re.compile(
    r"transport error|connection closed|BrokenPipe|UnexpectedEof|close_notify|AlertReceived"
)
_REASON = re.compile(r'(?:message|error): "([^"]+)"')
_NOT_REACHED = re.compile(r"Connection refused|dns error|timed out", re.IGNORECASE)


def passes(raised: str) -> bool:
    """Whether waiting may fix it: no server listens yet, or one restarts."""
    return not any(said.search(raised) for said in (_REFUSED, _UNTRUSTED, _NO_TLS))


def unreachable(target: str, raised: str) -> str:
    """The message for an error while connecting to `target` (host:port)."""
    if refused := _REFUSED.search(raised):
        return f"Temporal at {target} refused: {refused[1]} {_ACCESS}"
    if untrusted := _UNTRUSTED.search(raised):
        why = untrusted[1]
        return f"The certificate of Temporal at {target} is not trusted: {why}. {_CERTIFICATE}"
    if _NO_TLS.search(raised):
        return f"Temporal does not answer at {target} in TLS. {_PLAIN}"
    if _ENDED.search(raised) and not _NOT_REACHED.search(raised):
        return f"Temporal at {target} closed the connection. {_CLOSED}"
    why = next(reversed(_REASON.findall(raised)), raised)  # the innermost
    return f"Temporal does not answer at {target}: {why}. {_START}"
