"""Listings made to freeze or to swell whoever parses them."""

M = 1 << 20
LOC = "<url><loc>https://h.org/%d?a&b</loc></url>"
_JSON = '{"version":"https://jsonfeed.org/version/1","items":'
_ATTRIBUTES = " ".join(f"a{number}=''" for number in range(6000))

SITEMAPS = {
    "cdata": "<urlset>" + LOC % 1 + "<![CDATA[" * 16_000,
    "ampersands": "<urlset>" + LOC % 1 + "&#1" * 200_000,
    "doctypes": "<!DOCTYPE a[]>" * 100_000,
    "open doctypes": "<!DOCTYPE a '" * 100_000,
    "comments": "<!--x-->" * 200_000 + "<urlset/>",
    "open comments": "<urlset>" + "<!--" * 400_000,
    "instructions": "<?x" * 400_000,
    "empty entries": "<urlset>" + "<url/>" * (M // 8),
    "empty elements": "<urlset>" + "<x/>" * (M // 8),
    "nested": "<urlset>" + "<a>" * (M // 16),
    "lines": "https://h.org/a\n" + "x\n" * M,
}
FEEDS = {
    "deep": "<rss><channel><item>" + "<a>" * M,
    "deep items": "<rss><channel>" + ("<item>" + "<a>" * 400) * 200,
    "items": "<rss><channel>" + "<item/>" * (M // 4),
    "cdata": "<rss><channel><item><link>/a</link><description>" + "<![CDATA[" * 100_000,
    "open tags": "<rss><channel><item><link>/a</link></item>" + "<" * M,
    "attributes": f"<rss><channel><item {_ATTRIBUTES * 2}><link>/a</link></item>",
    "json objects": _JSON + "[" + "{}," * (M // 4) + "{}]}",
    "json nested": _JSON + "[" * M,
    "json numbers": _JSON + "[" + "1000," * M + "1]}",
    "json escapes": '{"a":"' + '\\"' * M,
    "json digits": _JSON + "[" + "1" * M + "]}",
}
SLOW_FEED = "<rss><channel>" + f"<item {_ATTRIBUTES}><link>/a</link></item>" * 400
"""Takes many seconds in the parser, for which it is small enough in each part."""
