"""Generated sites: the same pages for the same numbers, with the troubles a real web has.

A site is a tree of pages under `/docs/`, linked downwards and across, three or four levels deep.
Among its leaves are exact duplicates, near-duplicates, redirects (one in a chain, some to a page
that nothing else links to), pages that are gone (404, 410), pages that fail first, an empty one,
and plain text. Its languages are English, German, French, Russian and Chinese. Nothing in a page
depends on the server's port.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.origin import Origin, Reply, Seen

START = "/docs/"
_FAN = 6

_WORDS = {
    "en": "harbour bakery ferry lantern orchard quarry meadow chapel anchor barrel cellar drizzle "
    "ember furrow gravel hollow island juniper kettle lattice marble needle oyster pebble quiver "
    "rafter saddle timber umbrella valley willow yonder carries beneath gathers wanders measures "
    "slowly bright silent narrow gentle hidden wooden copper distant evening northern broken",
    "de": "hafen bäcker fähre laterne garten wiese kapelle anker keller regen glut furche kies "
    "insel kessel gitter marmor nadel muschel kiesel sattel balken schirm weide abend nachbar "
    "trägt sammelt wandert misst langsam hell still schmal sanft verborgen hölzern fern zerbrochen "
    "unter zwischen während nördlich brücke turm straße mühle kirche brunnen markt",
    "fr": "port boulanger bateau lanterne verger prairie chapelle ancre cave pluie braise sillon "
    "gravier île bouilloire treillis marbre aiguille huître caillou selle poutre parapluie vallée "
    "saule soir voisin porte rassemble marche mesure lentement clair silencieux étroit doux caché "
    "lointain brisé sous entre pendant pont tour rue moulin église fontaine marché",
    "ru": "гавань пекарь паром фонарь сад луг часовня якорь погреб дождь уголь борозда гравий "
    "остров чайник решётка мрамор игла устрица галька седло балка зонт долина ива вечер сосед "
    "несёт собирает бродит измеряет медленно светлый тихий узкий нежный скрытый далёкий сломанный "
    "под между пока мост башня улица мельница церковь фонтан рынок",
    "zh": "港口 面包 渡船 灯笼 果园 草地 教堂 铁锚 地窖 细雨 余烬 犁沟 碎石 岛屿 水壶 格子 大理石 "
    "针线 牡蛎 卵石 马鞍 木梁 雨伞 山谷 柳树 傍晚 邻居 携带 收集 漫步 测量 慢慢 明亮 安静 狭窄 "
    "温柔 隐藏 遥远 破碎 桥梁 高塔 街道 磨坊 喷泉 市场",
}
LANGUAGES = tuple(_WORDS)


@dataclass(frozen=True)
class GeneratedSite:
    """`pages` tree pages and what hangs on them. `edition` changes the text of some pages."""

    pages: int = 150
    seed: int = 1
    edition: int = 0

    def serve(self, origin: Origin) -> None:
        """Put every page on the server, and a sitemap of the tree at `/sitemap.xml`."""
        for number in range(self.pages):
            self._serve_page(origin, number)
        for path, target in self.redirects().items():
            origin.redirect(path, target)
        for number in range(3):
            hidden = f"{START}moved/{number}.html"
            origin.page(hidden, self._html(10_000 + number, "en", []))
            origin.status(f"{START}gone/{number}.html", 404)
            origin.status(f"{START}gone/410-{number}.html", 410)
        origin.page(f"{START}empty.html", "")
        origin.page(
            f"{START}notes.txt", " ".join(self._sentences(20_000, "en")), content_type="text/plain"
        )
        urls = "".join(f"<url><loc>{origin.url(path)}</loc></url>" for path in self.paths())
        origin.page("/sitemap.xml", f"<urlset>{urls}</urlset>", content_type="application/xml")

    def paths(self) -> list[str]:
        """The tree's pages."""
        return [self.path(number) for number in range(self.pages)]

    def steady_paths(self) -> list[str]:
        """The tree's pages that never fail."""
        return [self.path(number) for number in range(self.pages) if not self._fails_first(number)]

    def path(self, number: int) -> str:
        return START if number == 0 else f"{START}p{number:05}.html"

    def redirects(self) -> dict[str, str]:
        """Redirecting paths and where each leads: to known pages, to hidden ones, in a chain."""
        found = {f"{START}old/{n}.html": self.path(n + 1) for n in range(3)}
        found |= {f"{START}old/h{n}.html": f"{START}moved/{n}.html" for n in range(3)}
        return found | {f"{START}old/chain.html": f"{START}old/h0.html"}

    def _serve_page(self, origin: Origin, number: int) -> None:
        reply = Reply(self._body(number))
        replies = [Reply(status=500), reply] if self._fails_first(number) else [reply]
        origin.script(self.path(number), *replies)

    def _fails_first(self, number: int) -> bool:
        return number % 23 == 7

    def _body(self, number: int) -> str:
        leaf = number * _FAN + 1 >= self.pages
        if leaf and number % 17 == 5:  # the page before, to the byte
            return self._body(number - 1)
        if leaf and number % 17 == 6:  # the page that has a duplicate, one sentence changed
            return self._html(number - 2, self._language(number - 2), self._links(number), True)
        return self._html(number, self._language(number), self._links(number))

    def _language(self, number: int) -> str:
        return LANGUAGES[number % len(LANGUAGES)]

    def _links(self, number: int) -> list[str]:
        children = range(number * _FAN + 1, min(self.pages, number * _FAN + 1 + _FAN))
        across = random.Random(f"links {self.seed} {number}").sample(range(self.pages), 2)
        links = [self.path(other) for other in (*children, *across)]
        if number == 0:
            links += [*self.redirects(), f"{START}empty.html", f"{START}notes.txt"]
        elif number < 4:
            gone = number - 1
            links += [f"{START}gone/{gone}.html", f"{START}gone/410-{gone}.html"]
        return links

    def _html(self, number: int, lang: str, links: list[str], near: bool = False) -> str:
        sentences = self._sentences(number, lang)
        if near:
            sentences[3] = self._sentences(number + 50_000, lang)[3]
        body = "".join(f"<p>{' '.join(sentences[i : i + 3])}</p>" for i in range(0, 15, 3))
        anchors = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
        title = f"{self._sentences(number, lang)[0].split('.')[0][:40]} {number}"
        return (
            f"<!doctype html><html lang={lang}><head><title>{title}</title></head><body><main>"
            f"<h1>{title}</h1>{body}</main><nav><ul>{anchors}</ul></nav></body></html>"
        )

    def _sentences(self, number: int, lang: str) -> list[str]:
        edited = self.edition if number % 10 == 3 else 0
        dice = random.Random(f"text {self.seed} {number} {edited}")
        words = _WORDS[lang].split()
        joint, stop = ("", "。") if lang == "zh" else (" ", ".")
        return [joint.join(dice.choices(words, k=10)).capitalize() + stop for _ in range(15)]


@dataclass(frozen=True)
class ManyPages:
    """`count` tiny pages made on the fly, listed by a sitemap; each `failing`th is gone (410)."""

    count: int
    failing: int = 0

    def serve(self, origin: Origin) -> None:
        origin.route("/many/", self._answer)
        entries = "".join(f"<url><loc>{origin.url(path)}</loc></url>" for path in self.paths())
        origin.page("/sitemap.xml", f"<urlset>{entries}</urlset>", content_type="application/xml")

    def paths(self) -> Iterator[str]:
        return (f"/many/{number}" for number in range(self.count))

    def _answer(self, seen: Seen) -> Reply:
        number = int(seen.path.rpartition("/")[2])
        if self.failing and number % self.failing == 0:
            return Reply("<p>broken", 410)
        dice = random.Random(number)
        words = _WORDS["en"].split()
        text = " ".join(f"{dice.choice(words)}{dice.randrange(1000)}" for _ in range(25))
        return Reply(
            f"<html lang=en><title>Page {number}</title><main><h1>Page {number}</h1>"
            f"<p>{text}.</p></main></html>"
        )
