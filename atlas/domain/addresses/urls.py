"""Canonical URLs: one page, one spelling (WHATWG URL Standard, parsed once by ada)."""

import hashlib
import re
from urllib.parse import quote, unquote_plus

import can_ada

#: Longest canonical URL in characters. A unique btree entry holds 2,704 bytes.
MAX_URL_LENGTH = 2048

_SHOWN = 200  # characters of a bad value that an error message repeats
_HOSTLESS = re.compile(r"\s|^https?://[^/]*@")
_USERINFO = re.compile(r"(?<=//)[^/?#\s]*@")
_PARAMETER = re.compile(r"([?&;])([^=&;#]+)=([^&;#]*)")
_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|signature|credential|api.?key|access.?key|auth(?!or)|session|"
    r"^(sig|sign|key|code|hash|hmac|jwt|sid|awsaccesskeyid)$",
    re.IGNORECASE,
)
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_campaign", "pk_kwd", "hsa_")
# fmt: off
_TRACKING_NAMES = frozenset((
    "_ga", "_gl", "_hsenc", "_hsmi", "dclid", "fbclid", "gad_source", "gbraid", "gclid", "gclsrc",
    "igshid", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "msclkid", "oly_anon_id", "oly_enc_id",
    "srsltid", "ttclid", "twclid", "vero_id", "wbraid", "wickedid", "yclid",
))
# fmt: on


class InvalidUrl(ValueError):
    """A value that cannot be the address of a page; the message names value and fix."""

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(f"{_shown(value)} {reason}")


def canonicalize(url: str, base: str | None = None) -> str:
    """The one spelling of `url`, resolved against `base` if given.

    WHATWG serialisation without fragment, credentials, default port and tracking parameters
    (`utm_*`, `gclid`, `fbclid` …); every other query parameter keeps its bytes and its place.
    Idempotent. Raises InvalidUrl for anything but an absolute http or https URL.
    """
    parsed = _parse(url, base)
    parsed.username = parsed.password = ""
    parsed.hash = ""
    parsed.search = _without_tracking(parsed.search)
    href: str = parsed.href
    if len(href) > MAX_URL_LENGTH:
        raise InvalidUrl(
            url, f"is too long: {len(href)} characters, at most {MAX_URL_LENGTH} can be kept"
        )
    return href


def fragment_of(url: str, base: str | None = None) -> str:
    """The fragment of a URL with its `#`, as the WHATWG URL Standard writes it; "" without one.
    Raises InvalidUrl."""
    fragment: str = _parse(url, base).hash
    return fragment


def is_bucket_url(url: str) -> bool:
    """Whether it is the address of a file or an object (`bucket_urls.py`), by its scheme."""
    return url[:7].lower().startswith(("file://", "s3://"))


def with_fragment(url: str, anchor: str | None) -> str:
    """The URL of a part of a page; the page's own where the part has no anchor."""
    if not anchor:
        return url
    if is_bucket_url(url):
        return f"{url}#{quote(anchor)}"
    parsed = _parse(url, None)
    parsed.hash = f"#{anchor}"
    href: str = parsed.href
    return href


def serialized(url: str) -> str:
    """An absolute http or https URL as the WHATWG URL Standard writes it, nothing left out: for an
    address that an operator set, which may hold a user, a token or a fragment. Other libraries read
    it as it was read here. Raises InvalidUrl."""
    href: str = _parse(url, None).href
    return href


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of `url`, as RFC 6454 serialises it (no default port); of the address
    of a file, `file://` or `s3://bucket`."""
    if is_bucket_url(url):
        return "/".join(url.split("/", 3)[:3])
    origin: str = _parse(url, None).origin
    return origin


def host_of(url: str) -> str:
    """`host[:port]` of `url`: what politeness counts by. The port only if not the default. Of the
    address of a file the bucket, or ""."""
    if is_bucket_url(url):
        return url.split("/", 3)[2]
    host: str = _parse(url, None).host
    return host


def host_named(text: str) -> str:
    """The host that a person means, as `host_of` spells it: a name, with its port if that is not
    the scheme's own, or a URL. `https` is assumed. Raises InvalidUrl."""
    given = text.strip()
    if "://" not in given:
        # A bare IPv6 address wants its brackets.
        given = f"[{given}]" if given.count(":") > 1 and not given.startswith("[") else given
        given = f"{'http' if given.endswith(':80') else 'https'}://{given}"
    host: str = _parse(given, None).host
    if not host or _HOSTLESS.search(given):
        raise InvalidUrl(text, "names no host; write example.org or example.org:8080")
    return host


def without_secrets(url: str) -> str:
    """The URL as traces may have it: without credentials, the values of parameters whose names say
    that they are secret replaced by `REDACTED` (OpenTelemetry's convention for `url.full`)."""
    bare = _USERINFO.sub("", url)
    return _PARAMETER.sub(_redacted, bare) if "?" in bare else bare


def _redacted(parameter: re.Match[str]) -> str:
    before, name, value = parameter.groups()
    secret = _SECRET_NAME.search(unquote_plus(name))
    return f"{before}{name}={'REDACTED' if secret and value else value}"


def url_key(url: str) -> str:
    """First 16 hex digits of the SHA-256 of the canonical URL: names a page in workflow ids."""
    spelled = url if is_bucket_url(url) else canonicalize(url)
    return hashlib.sha256(spelled.encode()).hexdigest()[:16]


def _parse(url: str, base: str | None) -> can_ada.URL:
    try:
        parsed = can_ada.parse(url) if base is None else can_ada.parse(base) + url
    except (ValueError, TypeError, UnicodeError) as error:
        raise InvalidUrl(url, _mend(url)) from error
    if parsed.protocol not in ("http:", "https:"):
        raise InvalidUrl(
            url, f'has scheme "{parsed.protocol[:40]}"; Atlas reads http:// and https:// only'
        )
    return parsed


def _mend(url: object) -> str:
    bare = isinstance(url, str) and re.match(r"^[\w-]+(\.[\w-]+)+(:\d+)?(/|$)", url)
    if bare:
        return f"lacks a scheme; write https://{str(url)[:_SHOWN]}"
    return "is no valid URL; write it in full, as in https://example.org/docs/"


def _shown(value: object) -> str:
    text = _USERINFO.sub("***@", str(value))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _without_tracking(search: str) -> str:
    kept = [part for part in search.removeprefix("?").split("&") if not _is_tracking(part)]
    return "&".join(kept)


def _is_tracking(part: str) -> bool:
    name = unquote_plus(part.partition("=")[0]).lower()
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)
