"""When a batch no longer waits for a host: looks are counted, nothing depends on the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import pytest

from activities import stragglers
from activities.stragglers import PageFetch, Stragglers
from atlas.domain.batch import HeldPage
from atlas.web.politeness import OpenSlots, Slot, Slots

PATIENCE, MOST = 4, 12  # looks, at least and at most
_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stragglers, "LOOK", 0.01)


def held(url: str, *, slow: bool = False) -> HeldPage:
    return HeldPage(
        page_id=next(_NUMBERS),
        url=url,
        level=0,
        fence=1,
        stage="listed",
        attempts=0,
        marks=0,
        etag=None,
        last_modified=None,
        snapshot=None,
        content_type=None,
        charset=None,
        settled=None,
        slow=slow,
    )


@dataclass
class Turns:
    """Slots of hosts; those of some hosts are not to be had before `given` is set."""

    taken: tuple[str, ...] = ()
    given: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[Slot]:
        if host in self.taken:
            await self.given.wait()
        yield OpenSlots()

    def at_least(self, host: str, delay: float) -> None:
        pass


class OneBatch:
    """A batch whose hosts answer when they are told to; `log` is what happened, in order."""

    def __init__(
        self,
        *pages: HeldPage,
        room: int = 16,
        others: bool = False,
        slow_elsewhere: Collection[str] = (),
        slots: Slots | None = None,
        before: Collection[str] = (),
    ) -> None:
        self.pages = pages
        self.answers = {page.url: asyncio.Event() for page in pages}
        self.asked = {page.url: asyncio.Event() for page in pages}
        self.log: list[str] = []
        self.sent: dict[str, float | None] = {}
        self.may_ask = asyncio.Event()
        self._before = before
        self.questions = 0
        self.questioned = asyncio.Event()
        self._slots = slots or Turns()
        self._others = others
        self._elsewhere = slow_elsewhere
        self.stragglers = Stragglers(
            pages,
            room=room,
            patience=(PATIENCE * stragglers.LOOK, MOST * stragglers.LOOK),
            others_wait=self._others_wait,
            slow_among=self._slow_among,
            set_aside=self._set_aside,
        )

    async def _others_wait(self, hosts: Collection[str]) -> bool:
        self.questions += 1
        if self.questions == 3:
            self.questioned.set()
        return self._others

    async def _slow_among(self, hosts: Collection[str]) -> set[str]:
        self.questions += 1
        if self.questions == 3:
            self.questioned.set()
        return set(self._elsewhere) & set(hosts)

    async def _set_aside(self, pages: Collection[HeldPage], hosts: Collection[str]) -> None:
        self.log += [f"aside {page.url}" for page in pages]
        self.log += [f"slow {host}" for host in hosts]

    def answer(self, *pages: HeldPage) -> None:
        for page in pages or self.pages:
            self.answers[page.url].set()

    async def fetch(self, page: HeldPage) -> None:
        async with self.stragglers.fetching(page, self._slots) as fetch:
            if fetch is None:
                self.log.append(f"not begun {page.url}")
                return
            await self._ask(fetch)
        self.sent[page.url] = fetch.sent_at
        self.log.append(f"{'cut' if fetch.cut else 'done'} {page.url}")

    async def _ask(self, fetch: PageFetch) -> None:
        if fetch.host in self._before:  # something else is waited for first, such as robots.txt
            await self.may_ask.wait()
        async with fetch.slot(fetch.host, fetch.page.url):
            self.asked[fetch.page.url].set()
            await self.answers[fetch.page.url].wait()

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[asyncio.Task[None]]:
        watch = asyncio.create_task(self.stragglers.watch())
        fetches = [asyncio.create_task(self.fetch(page)) for page in self.pages]
        try:
            yield asyncio.ensure_future(_all(fetches))
        finally:
            for task in (watch, *fetches):
                task.cancel()
            await asyncio.gather(watch, *fetches, return_exceptions=True)


async def _all(tasks: Collection[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


def of_hosts(*hosts: str) -> Iterator[HeldPage]:
    return (held(f"https://{host}/page") for host in hosts)


async def test_a_silent_host_is_cut_once_the_others_are_done() -> None:
    good, silent = of_hosts("good.example", "silent.example")
    batch = OneBatch(good, silent)
    async with batch.under_way() as ended:
        batch.answer(good)
        await ended
    assert batch.log == [
        f"done {good.url}",
        f"aside {silent.url}",
        "slow silent.example",
        f"cut {silent.url}",
    ]
    assert batch.stragglers.aside == {silent.page_id}


async def test_nobody_is_cut_while_another_host_still_answers() -> None:
    silent = held("https://silent.example/page")
    going_on = [held(f"https://good.example/{number}") for number in range(3 * MOST)]
    batch = OneBatch(silent, *going_on)
    async with batch.under_way() as ended:
        for page in going_on:  # one a look: the silent one has waited long enough many times
            await asyncio.sleep(stragglers.LOOK)
            assert f"cut {silent.url}" not in batch.log
            batch.answer(page)
        await ended
    assert batch.log[-1] == f"cut {silent.url}"


async def test_a_host_that_answered_is_not_slow_because_of_one_page() -> None:
    large, small = (held(f"https://files.example/{name}") for name in ("large", "small"))
    good = held("https://good.example/page")
    batch = OneBatch(large, small, good)
    async with batch.under_way() as ended:
        batch.answer(small, good)
        await ended
    assert batch.log[-2:] == [f"aside {large.url}", f"cut {large.url}"]


async def test_a_host_that_nobody_else_waits_for_has_its_full_time() -> None:
    silent = held("https://silent.example/page")
    batch = OneBatch(silent)
    async with batch.under_way() as ended:
        await batch.questioned.wait()
        batch.answer()
        await ended
    assert batch.log == [f"done {silent.url}"]


async def test_a_host_is_cut_for_pages_that_wait_to_be_claimed() -> None:
    silent = held("https://silent.example/page")
    batch = OneBatch(silent, others=True)
    async with batch.under_way() as ended:
        await ended
    assert batch.log == [f"aside {silent.url}", "slow silent.example", f"cut {silent.url}"]


async def test_a_host_that_may_not_be_asked_for_long_is_left_without_a_request() -> None:
    good, busy = of_hosts("good.example", "busy.example")
    batch = OneBatch(good, busy, slots=Turns(taken=("busy.example",)))
    async with batch.under_way() as ended:
        batch.answer()
        await ended
    assert not batch.asked[busy.url].is_set()
    assert batch.log[-2:] == ["slow busy.example", f"cut {busy.url}"]
    assert batch.sent[busy.url] is None and batch.sent[good.url] is not None


@pytest.mark.parametrize("slow", [True, False])
async def test_what_another_batch_waits_for_is_left_to_it_only_at_a_slow_host(slow: bool) -> None:
    good, blocked = of_hosts("good.example", "blocked.example")
    elsewhere = ["blocked.example"] if slow else []
    batch = OneBatch(good, blocked, slow_elsewhere=elsewhere, before={"blocked.example"})
    async with batch.under_way() as ended:
        batch.answer()
        if not slow:
            await batch.questioned.wait()
            batch.may_ask.set()
        await ended
    assert batch.log[-1] == f"{'cut' if slow else 'done'} {blocked.url}"


async def test_silent_hosts_make_room_for_others() -> None:
    silent = list(of_hosts("a.example", "b.example"))
    good = held("https://good.example/page")
    batch = OneBatch(*silent, good, room=2)
    async with batch.under_way() as ended:
        await batch.asked[good.url].wait()
        assert batch.log == []  # both still have their time
        batch.answer(good)
        await ended
    assert batch.log[0] == f"done {good.url}"
    assert {f"cut {page.url}" for page in silent} <= set(batch.log)


async def test_pages_of_a_slow_host_that_were_not_begun_are_set_aside_with_it() -> None:
    first, second = (held(f"https://silent.example/{number}") for number in range(2))
    good = held("https://good.example/page")
    batch = OneBatch(first, good, second, room=1)
    batch.stragglers._to_lend = 0
    batch.answer(good)
    async with batch.under_way() as ended:
        await ended
    assert f"cut {first.url}" in batch.log
    assert batch.log[-1] == f"not begun {second.url}"
    assert batch.stragglers.aside == {first.page_id, second.page_id}


async def test_a_batch_of_slow_hosts_is_never_cut() -> None:
    silent, other = (held(f"https://{name}.example/", slow=True) for name in ("silent", "other"))
    batch = OneBatch(silent, other, others=True)
    async with batch.under_way() as ended:
        batch.answer(other)
        fetch = await _one_under_way(batch)
        while fetch.looks < 3 * MOST:
            await asyncio.sleep(stragglers.LOOK)
        batch.answer(silent)
        await ended
    assert batch.log == [f"done {other.url}", f"done {silent.url}"]
    assert batch.questions == 0


async def _one_under_way(batch: OneBatch) -> PageFetch:
    while len(batch.log) < 1:
        await asyncio.sleep(stragglers.LOOK)
    (fetch,) = batch.stragglers._under_way
    return fetch


@pytest.mark.parametrize(
    ("answered_after", "patience"),
    [(None, MOST), (0, PATIENCE), (1, PATIENCE), (2, 6), (3, 9), (4, MOST), (9, MOST)],
)
async def test_a_host_is_slow_compared_with_the_slowest_answer(
    answered_after: int | None, patience: int
) -> None:
    page, quicker = of_hosts("good.example", "quick.example")
    batch = OneBatch(page, quicker)
    for each, looks in ((page, answered_after), (quicker, 0)):
        if answered_after is not None:
            async with batch.stragglers.fetching(each, Turns()) as fetch:
                assert fetch is not None
                async with fetch.slot(fetch.host, each.url):
                    fetch.looks = looks or 0
    assert batch.stragglers._patience == patience


async def test_a_request_that_failed_is_no_measure() -> None:
    page = held("https://good.example/page")
    batch = OneBatch(page)
    async with batch.stragglers.fetching(page, Turns()) as fetch:
        assert fetch is not None
        with suppress(ConnectionError):
            async with fetch.slot(fetch.host, page.url):
                raise ConnectionError
    assert batch.stragglers._patience == MOST


async def test_a_time_out_of_the_page_itself_is_no_cut() -> None:
    page = held("https://good.example/page")
    batch = OneBatch(page)
    with pytest.raises(TimeoutError):
        async with batch.stragglers.fetching(page, Turns()):
            raise TimeoutError
    assert batch.stragglers.aside == set()
