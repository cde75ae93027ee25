"""The scripted server keeps its word: other tests lean on it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.origin import Origin, Reply, Seen


@pytest.fixture(scope="module")
async def http() -> "httpx.AsyncClient":
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_a_page_has_an_etag_and_answers_304(http: httpx.AsyncClient) -> None:
    async with Origin() as origin:
        origin.page("/a", "<p>one")
        first = await http.get(origin.url("/a?q=1"))
        tag = {"If-None-Match": first.headers["etag"]}
        assert (await http.get(origin.url("/a"), headers=tag)).status_code == 304
        origin.page("/a", "<p>two")
        assert (await http.get(origin.url("/a"), headers=tag)).text == "<p>two"
        assert [seen.target for seen in origin.requests("/a")] == ["/a?q=1", "/a", "/a"]
        assert len(origin.gaps()) == 2


async def test_scripts_routes_and_failures(http: httpx.AsyncClient) -> None:
    async def handler(seen: Seen) -> Reply:
        return Reply(f"page {seen.path}")

    async with Origin() as origin:
        origin.route("/page/", handler)
        origin.fail_first("/flaky", 2, "up")
        statuses = [(await http.get(origin.url("/flaky"))).status_code for _ in range(4)]
        assert statuses == [500, 500, 200, 200]
        assert (await http.get(origin.url("/page/17"))).text == "page /page/17"
        assert (await http.get(origin.url("/robots.txt"))).status_code == 404
        origin.status("/busy", 503, retry_after="7")
        assert (await http.get(origin.url("/busy"))).headers["retry-after"] == "7"


async def test_a_gate_holds_a_page_until_opened(http: httpx.AsyncClient) -> None:
    async with Origin() as origin:
        gate = asyncio.Event()
        origin.page("/held", "at last", gate=gate)
        answer = asyncio.create_task(http.get(origin.url("/held")))
        await origin.arrived("/held")
        assert not answer.done()
        gate.set()
        assert (await answer).text == "at last"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_bombs_are_real(http: httpx.AsyncClient, encoding: str) -> None:
    async with Origin() as origin:
        origin.bomb("/bomb", encoding, 2 * 1024 * 1024)
        answer = await http.get(origin.url("/bomb"))
        assert answer.content == bytes(2 * 1024 * 1024)
        assert answer.num_bytes_downloaded < 8192


async def test_serves_a_folder(http: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "site" / "sub").mkdir(parents=True)
    (tmp_path / "site" / "sub" / "index.html").write_text("<p>sub")
    (tmp_path / "secret.txt").write_text("no")
    async with Origin() as origin:
        origin.serve_directory(tmp_path / "site")
        moved = await http.get(origin.url("/sub"))
        assert (moved.status_code, moved.headers["location"]) == (301, "/sub/")
        page = await http.get(origin.url("/sub/"))
        assert (page.text, page.headers["content-type"]) == ("<p>sub", "text/html")
        tag = {"If-None-Match": page.headers["etag"]}
        assert (await http.get(origin.url("/sub/"), headers=tag)).status_code == 304
        assert (await http.get(origin.url("/%2e%2e%2fsecret.txt"))).status_code == 403
        assert (await http.get(origin.url("/none"))).status_code == 404


async def test_truncated_and_hung_up(http: httpx.AsyncClient) -> None:
    async with Origin() as origin:
        origin.page("/short", "abc", declared_length=10)
        origin.page("/gone", hang_up=True)
        for path in ("/short", "/gone"):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(origin.url(path))
