"""robots.txt files that mean harm: each as large as is read of one, about 500 KiB."""

from collections.abc import Callable

K = 1024
SIZE = 499 * K
HEAD = "User-agent: *\n"


def _lines(line: Callable[[int], str]) -> str:
    found, size, number = [HEAD], len(HEAD), 0
    while size < SIZE:
        found.append(line(number))
        size += len(found[-1])
        number += 1
    return "".join(found)[:SIZE]


FILES: dict[str, str] = {
    "one star pattern": HEAD + "Disallow: /" + "*a" * (SIZE // 2) + "$\n",
    "stars alone": HEAD + "Disallow: /" + "*" * SIZE + "b$\n",
    "star patterns": _lines(lambda n: f"Disallow: /*a*a*a*a*a*a*a*{n:x}$\n"),
    "short star patterns": _lines(lambda n: f"allow:*{n:x}*a\n"),
    "long patterns": _lines(lambda n: f"Disallow: /{'a' * 1000}*{n:x}b\n"),
    "percent patterns": _lines(lambda n: f"Disallow: /{'%C3%A9*' * 100}{n:x}\n"),
    "many rules": _lines(lambda n: f"allow:/{n:x}\n"),
    "the same rule": _lines(lambda n: "allow:/\n"),
    "one line": HEAD + "Disallow: /" + "a" * SIZE,
    "one comment": HEAD + "#" * SIZE,
    "one name": "User-agent: " + "atlas" * (SIZE // 5),
    "names": "".join(f"User-agent: {n:x}\n" for n in range(30_000))[:SIZE] + "\nDisallow: /p\n",
    "groups": "".join(f"User-agent: *\nDisallow: /{n:x}\n" for n in range(16_000))[:SIZE],
    "spaces": HEAD + "Disallow: " + " " * SIZE + "/a",
    "blanks before a name": "User-agent:" + " " * SIZE + "x",
    "empty lines": "\n" * SIZE,
    "colons": HEAD + ":" * SIZE,
    "words": HEAD + "disallow " * (SIZE // 9),
    "sitemaps": _lines(lambda n: f"Sitemap: /{n:x}\n"),
    "long sitemaps": _lines(lambda n: f"Sitemap: https://{'a.' * 2000}{n:x}/\n"),
    "delays": _lines(lambda n: f"Crawl-delay: {'9' * 300}{n}\n"),
    "one delay": HEAD + "Crawl-delay: " + "9" * SIZE,
    "nuls": HEAD + "\0" * SIZE,
    "marks": "\ufeff" * (SIZE // 3),
}
URLS = ("/" + "a" * 2000, "/" + "a*" * 1000, "/?" + "/:" * 1000, "/" + "%C3%A9" * 330)
