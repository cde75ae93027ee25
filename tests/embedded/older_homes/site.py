"""The site that the older homes hold: some pages of two languages, two of them nearly the same."""

from __future__ import annotations

from tests.origin import Origin

START = "/manual/"
PAGES = {
    "fog": (
        "Fog signals",
        "en",
        "How fog signals are sounded on this part of the coast, by night and by day.",
    ),
    "oil": (
        "Oil for the lamp",
        "en",
        "Oil for the lamp is kept dry, and the keeper fills it again before fog or rain.",
    ),
    "rain": (
        "Rain gauges",
        "en",
        "Rain gauges are read at noon, and what they show is written into the log.",
    ),
    "mist": (
        "Rain gauges, copied",
        "en",
        "Rain gauges are read at noon, and what they show is written into the log!",
    ),
    "zh": ("灯塔", "zh", "燈塔看守人每天晚上都要記錄天氣,並且在起霧的時候鳴響霧號。"),
    "de": (
        "Leuchtturm",
        "de",
        "Der Wärter des Leuchtturms prüft jeden Abend die Größe der Flamme.",
    ),
}
GONE = "mist"
"""The page that the site no longer links, and answers with 410, at the second sync."""
EDITED = "oil", "Oil for the lamp is kept dry, and the keeper fills it again before fog or snow."
"""The page with another text at the second sync."""

QUERIES = (
    "fog signals",
    '"oil for the lamp"',
    '"lamp for the oil"',
    "rain",
    "灯塔",
    "leuchtturm größe",
    "keeper",
)
"""What the older version was asked before it was stopped; its answers are in the fixture."""


def page(title: str, lang: str, text: str) -> str:
    return (
        f'<html lang="{lang}"><head><title>{title}</title></head>'
        f"<body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    )


def serve(origin: Origin, *, later: bool) -> None:
    """The site at the first sync, or from the second on."""
    links = []
    for name, (title, lang, text) in PAGES.items():
        if later and name == GONE:
            origin.page(START + name, "gone", status=410)
            continue
        said = EDITED[1] if later and name == EDITED[0] else text
        origin.page(START + name, page(title, lang, said))
        links.append(f'<li><a href="{name}">{title}</a></li>')
    index = f"<ul>{''.join(links)}</ul><p>The manual of the light at the harbour mouth.</p>"
    origin.page(START, page("Manual", "en", index))
