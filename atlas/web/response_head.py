"""Reading a response's head: status to outcome, and the headers Atlas stores."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import Validators
from atlas.domain.politeness.robots_tags import asked_by_header

REDIRECTS = frozenset((301, 302, 303, 307, 308))

_LONGEST_WAIT = 30 * 86400.0  # seconds; longer statements are cut to this
_MEDIA_TYPE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*(?:;|,|$)")
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([\w.:+-]{1,40})""", re.IGNORECASE)
_DIRECTIVE = re.compile(r"""\s*([a-z-]+)\s*(?:=\s*"?(\d+)"?)?\s*""", re.IGNORECASE)
_VALIDATOR = re.compile(r"[\x20-\x7e]{1,512}")
_GONE, _BLOCKED, _RETRIED = (404, 410), (401, 403, 407, 451), (408, 425)


def refuse_status(response: httpx.Response, now: datetime) -> None:
    """Raise PageError unless the status brings a body or says "not modified"."""
    status = response.status_code
    if status == 304 or (200 <= status < 300 and status != 206):
        return
    retry_after = retry_after_of(response.headers, now)
    message = f"the server answered {status}"
    raise PageError(
        _class_of(status, retry_after), f"http_{status}", message, retry_after=retry_after
    )


def _class_of(status: int, retry_after: float | None) -> ErrorClass:
    if status == 429 or (status == 503 and retry_after is not None):
        return ErrorClass.THROTTLED
    if status in _GONE:
        return ErrorClass.GONE
    if status in _BLOCKED:
        return ErrorClass.BLOCKED
    if status >= 500 or status in _RETRIED:
        return ErrorClass.TRANSIENT
    return ErrorClass.INVALID


def content_type_of(headers: httpx.Headers) -> tuple[str, str | None]:
    """Media type in lower case ("" if none or malformed) and charset as sent."""
    value = headers.get("content-type", "")
    media_type = _MEDIA_TYPE.match(value)
    charset = _CHARSET.search(value)
    return (media_type[1].lower() if media_type else "", charset[1] if charset else None)


def validators_of(headers: httpx.Headers) -> Validators:
    """ETag and Last-Modified, where they can be sent back unchanged."""
    etag, modified = headers.get("etag"), headers.get("last-modified")
    return Validators(
        etag if etag and _VALIDATOR.fullmatch(etag) else None,
        modified if modified and _VALIDATOR.fullmatch(modified) else None,
    )


def retry_after_of(headers: httpx.Headers, now: datetime) -> float | None:
    """Retry-After in seconds from now, as a number or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return min(float(value), _LONGEST_WAIT)
    moment = _date(value)
    return _bounded(moment, _date(headers.get("date", "")) or now) if moment else None


def max_age_of(headers: httpx.Headers) -> float | None:
    """Freshness in seconds that is left: Cache-Control, else Expires (RFC 9111, 4.2.1), less the
    Age that a cache on the way had kept the answer for (5.1)."""
    stated = _lifetime_of(headers)
    age = headers.get("age", "").strip()
    if stated is None or not age.isdecimal() or len(age) > 10:
        return stated
    return max(0.0, stated - float(age))


def _lifetime_of(headers: httpx.Headers) -> float | None:
    parts = headers.get("cache-control", "").lower().split(",")
    directives = {match[1]: match[2] for part in parts if (match := _DIRECTIVE.fullmatch(part))}
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    if directives.get("max-age"):
        return min(float(directives["max-age"]), _LONGEST_WAIT)
    expires, date = _date(headers.get("expires", "")), _date(headers.get("date", ""))
    return _bounded(expires, date) if expires and date else None


def date_of(headers: httpx.Headers) -> datetime | None:
    """When the server says that it answered."""
    return _date(headers.get("date", ""))


def robots_tag_of(headers: httpx.Headers) -> str | None:
    """What the X-Robots-Tag headers ask of Atlas, as one text; empty: nothing, None: none came."""
    values = headers.get_list("x-robots-tag")
    return str(asked_by_header(values)) if values else None


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bounded(moment: datetime, since: datetime) -> float:
    return min(max((moment - since).total_seconds(), 0.0), _LONGEST_WAIT)
