"""The formats that a report is kept in."""

from collections.abc import Mapping

MEDIA: Mapping[str, str] = {
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
