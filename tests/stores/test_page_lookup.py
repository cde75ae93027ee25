"""What is recorded of an address, and the cause that is told from it; at a bounded cost."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from atlas.contracts.activities import Batch, CloseRun
from atlas.domain.addresses.refused_addresses import MOST, RefusedAddresses
from atlas.domain.removal.page_facts import PageFacts
from atlas.domain.removal.page_verdict import PageVerdict
from atlas.domain.removal.verdict_rules import verdict_on
from atlas.embedded.postgres import SUPERUSER
from atlas.stores.postgres.crawl.runs import refusals
from atlas.stores.postgres.reporting.page_lookup import other_forms, page_facts
from tests.conftest import PostgresServer
from tests.stores.drive import Drive, Leads, Web
from tests.stores.rows_read import explained

A, B, C = (f"https://example.org/{name}" for name in "abc")
TEXT = {url: " ".join(f"{url} says {n}" for n in range(40)) for url in (A, B, C)}
WEB: Web = {A: TEXT[A], B: TEXT[B], C: TEXT[C]}


async def facts_of(drive: Drive, url: str) -> PageFacts:
    async with drive.pool.acquire() as connection:
        return await page_facts(connection, url, drive.now)


async def told(drive: Drive, url: str) -> PageVerdict:
    return verdict_on(await facts_of(drive, url))


async def refuse(drive: Drive, run_id: str, level: int, rules: dict[str, list[str]]) -> None:
    """What a run met and did not take, by rule."""
    run, source = await drive.crawl.runs.run_source(run_id)
    refused = RefusedAddresses()
    for rule, urls in rules.items():
        refused.add(rule, urls)
    await drive.crawl.listing.note_refused(run, source, level, refused)


async def test_the_cause_follows_a_page_through_its_life(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", WEB)
    assert (await told(drive, B)).code == "added"

    await drive.run("docs", WEB)
    found = await told(drive, B)
    assert found.code == "unchanged" and "200 with the same body, by its hash" in found.cause

    await drive.run("docs", WEB | {B: TEXT[B] + " and more"})
    assert (await told(drive, B)).code == "updated"

    await drive.run("docs", WEB | {B: 500})
    failed = await told(drive, B)
    assert failed.code == "http_500" and failed.cause.startswith("live with its last text")
    assert "the server answered 500" in failed.cause
    facts = await facts_of(drive, B)
    assert (facts.failures, facts.failed_code) == (1, "http_500")
    assert facts.next_due_because.startswith("back-off: the last run failed (http_500)")

    await drive.run("docs", WEB | {B: 404})
    leaving = await told(drive, B)
    assert leaving.code == "http_404" and leaving.cause.startswith("still in the corpus, but")
    [seen] = (await facts_of(drive, B)).evidence
    assert f"seen {seen.looks} of the {seen.needed} times" in leaving.cause
    for _ in range(10):
        if await drive.lifecycle(B) != "suspect":
            break
        drive.now += timedelta(days=1)
        await drive.run("docs", WEB | {B: 404})
    gone = await told(drive, B)
    assert gone.code == "http_404" and gone.cause.startswith("left the corpus on 20")
    [seen] = (await facts_of(drive, B)).evidence
    assert seen.looks == seen.needed, "it left once it had been seen as often as was told"

    facts = await facts_of(drive, A)
    assert [claim.source for claim in facts.holders] == ["docs"]
    assert facts.text is not None
    assert len(facts.visits) == len(facts.attempts) == len({each.run_id for each in facts.visits})
    assert facts.attempts[0].snapshot == facts.text.snapshot
    assert facts.next_due_because.startswith("recheck interval, between one and four times")


async def test_absence_redirects_and_duplicates_are_told(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", WEB)
    moved = {A: TEXT[A], C: Leads(A)}
    await drive.run("docs", moved)
    found = await told(drive, C)
    assert found.code == "redirected" and f"redirects to {A}" in found.cause
    assert "seen 1 of the" in found.cause
    missing = await facts_of(drive, B)
    assert [each.kind for each in missing.evidence] == ["absent"]
    assert "no longer names it, seen 1 of the" in verdict_on(missing).cause
    for _ in range(10):
        await drive.run("docs", {A: TEXT[A], C: TEXT[C]})
    absent = await told(drive, B)
    assert absent.code == "absent" and "no longer named it" in absent.cause

    await drive.run("docs", {A: TEXT[A], B: TEXT[A]})
    hidden = await told(drive, B)
    assert f"search shows its text at {A}" in hidden.cause
    assert "search shows" not in (await told(drive, A)).cause
    near = (await facts_of(drive, B)).text
    assert near is not None and A in near.similar and B not in near.similar
    assert near.cluster_texts >= 1 and near.same_text_at == A
    await drive.crawl.runs.close_run(CloseRun(run_id=await drive.open("docs"), complete=False))


async def test_a_listing_that_could_not_be_read_is_told_until_one_is(drive: Drive) -> None:
    """The pages are well, and nobody asked them."""
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", WEB)
    run = await drive.open("docs")
    drive.now += timedelta(hours=1)
    why = "sitemap.xml answered 503"
    await drive.crawl.runs.close_run(CloseRun(run_id=run, outcome="listing_failed", message=why))
    found = await told(drive, A)
    assert found.code == "not_listed"
    assert f"the last run of source 'docs' did not come to it: {why}" in found.cause
    await drive.run("docs", WEB)
    assert (await told(drive, A)).code == "unchanged"


async def test_a_removal_that_the_brake_held_is_told(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap", deletion="prompt")
    await drive.run("docs", WEB)
    closed = await drive.run("docs", WEB | {A: 404, B: 404})
    assert closed.outcome == "held"
    held = await told(drive, A)
    assert held.code == "removal_held" and "its removal (not_found) is held since" in held.cause
    assert f"atlas deletions approve docs {A}" in held.todo[0]
    await drive.run("docs", WEB)
    facts = await facts_of(drive, A)
    assert [each.decided for each in facts.removals] == ["expired"]
    assert verdict_on(facts).code == "unchanged"


async def test_an_erased_address_is_told_though_only_its_hash_is_known(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.pool.execute(
        "insert into purged_urls (url_hash, purged_at, reason) values (purge_hash($1), $2, 'gdpr')",
        *(A, drive.now),
    )
    erased = await told(drive, A)
    assert erased.code == "erased" and "(gdpr), and kept away since" in erased.cause
    assert (await told(drive, B)).code == "never_seen"


async def test_a_page_under_way_and_one_that_a_limit_left_out(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    run_id = await drive.open("docs")
    await drive.enlist(run_id, A, B)
    pages = await drive.claim(Batch(run_id=run_id, lane=0, number=1), size=1)
    working = await facts_of(drive, A)
    assert (verdict_on(working).code, working.working) == ("in_progress", run_id)
    await drive.record(run_id, pages, WEB)
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="cancelled"))
    left = await told(drive, B)
    assert left.code == "run_ended" and "ended before its turn" in left.cause


async def test_what_no_source_holds_is_told_by_who_refused_it(drive: Drive) -> None:
    bounds = {"prefix": "https://example.org/docs/", "exclude": ("/old/",)}
    await drive.add("docs", kind="site", **bounds)
    old, blog, new, other = (
        f"https://example.org/{path}" for path in ("docs/old/a", "blog/a", "docs/new", "docs/b")
    )
    unmet = await told(drive, new)
    assert unmet.code == "never_seen" and "has not run yet" in unmet.cause
    run_id = await drive.open("docs")
    await refuse(drive, run_id, 0, {"exclude 4": ["https://example.org/gone"]})
    await refuse(drive, run_id, 1, {"exclude cut off": [old], "trap_calendar": [new, blog]})
    assert (await told(drive, new)).code == "trap_calendar"
    await refuse(drive, run_id, 1, {"exclude /old/": [old], "max_pages 5": [other]})
    await drive.pool.execute("delete from refused_addresses where rule = 'trap_calendar'")
    found = await told(drive, old)
    assert found.code == "out_of_scope" and "'docs' refuses it by its rule `exclude /old/`" in (
        found.cause
    )
    assert found.todo == ("`atlas sources edit docs --exclude …` changes the rule",)
    assert (await told(drive, other)).code == "over_limit"
    never = await told(drive, blog)
    assert never.code == "out_of_scope"
    assert "'docs' by `prefix https://example.org/docs/`" in never.cause
    assert (await told(drive, "https://other.example/")).code == "unknown"
    refused = await verdict_reach(drive, "http://10.0.0.1/")
    assert refused.code == "out_of_reach" and "not public" in refused.cause
    async with drive.pool.acquire() as connection:
        listed = await refusals.of_run(connection, run_id)
    assert {each.rule: each.addresses for each in listed} == {
        "exclude /old/": 1,
        "exclude 4": 1,
        "max_pages 5": 1,
    }, "the second attempt at a level takes the place of the first"

    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="failed"))
    await drive.pool.execute("update sources set exclude = '{}'")
    changed = await told(drive, old)
    assert "its rules have changed since" in changed.todo[0]
    await drive.pool.execute("delete from runs where run_id = $1", run_id)
    assert await drive.pool.fetchval("select count(*) from refused_addresses") == 0


async def verdict_reach(drive: Drive, url: str) -> PageVerdict:
    return verdict_on(await facts_of(drive, url), out_of_reach="it is not public")


async def test_only_the_last_thousand_refused_addresses_of_a_source_are_kept(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.add("other", kind="sitemap")
    for source in ("other", "docs"):
        run_id = await drive.open(source)
        for part in ("a", "b"):
            drive.now += timedelta(minutes=1)
            urls = [f"https://example.org/{part}/{n:04}" for n in range(MOST - 200)]
            await refuse(drive, run_id, ord(part), {"exclude x": urls})
    kept = await drive.pool.fetch(
        "select s.name, left(url, 22) as part, count(*)::int as urls "
        "from refused_addresses r join sources s on s.id = r.source_id group by 1, 2 order by 1, 2"
    )
    per_source = [("https://example.org/a/", 200), ("https://example.org/b/", MOST - 200)]
    assert [tuple(row) for row in kept] == [
        (name, *part) for name in ("docs", "other") for part in per_source
    ]
    latest = await told(drive, "https://example.org/b/0001")
    assert "source 'docs'" in latest.cause
    await drive.crawl.runs.close_run(CloseRun(run_id=run_id, outcome="failed"))
    await refuse(drive, run_id, 99, {"exclude late": ["https://example.org/late"]})
    assert (await told(drive, "https://example.org/late")).code == "never_seen"


@pytest.mark.parametrize(
    ("url", "forms"),
    [
        ("https://h.org/a", ["https://h.org/a", "https://h.org/a/", "http://h.org/a"]),
        ("http://h.org/a/?q=1/", ["http://h.org/a/?q=1/", "http://h.org/a?q=1/"]),
        ("https://h.org/", ["https://h.org/", "http://h.org/"]),
    ],
)
def test_other_forms_of_an_address_are_looked_for(url: str, forms: list[str]) -> None:
    found = other_forms(url)
    assert found[0] == url and set(forms) <= set(found)


async def test_a_page_known_with_its_slash_is_found_without_it(drive: Drive) -> None:
    await drive.add("docs", kind="sitemap")
    await drive.run("docs", {f"{A}/": TEXT[A]})
    assert (await facts_of(drive, A)).url == f"{A}/"
    assert (await facts_of(drive, A.replace("https", "http"))).lifecycle == "live"


PAGES = 1000
MANY = f"""
    insert into pages (url, created_at)
        select 'https://example.org/many/' || n, now() from generate_series(1, {PAGES}) n;
    insert into page_state (page_id) select id from pages where url like '%/many/%';
    insert into runs (run_id, workflow_id, source_name, trigger, due, started_at)
        values ('old', 'old', 'docs', 'cli', false, now());
    insert into run_pages (run_id, page_id, level, url, stage, outcome)
        select 'old', id, 0, url, 'done', 'added' from pages where url like '%/many/%';
    insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
        select s.id, p.id, 0, 'listed', 'old', now() from pages p, sources s
        where url like '%/many/%';
    insert into fetches (run_started, run_id, page_id, attempt, url, fetched_at)
        select now(), 'old', id, 1, url, now() from pages where url like '%/many/%';
    insert into documents (page_id, text_hash, extractor, snapshot, media, title, text, markdown,
                           created_at)
        select id, sha256(url::bytea), 1, sha256(url::bytea), 'html', '', '', '', now()
        from pages where url like '%/many/%';
    insert into versions (page_id, seq, document_id, valid_from)
        select page_id, 1, id, now() from documents where title = '';
    insert into sketches (text_hash, version, bands, signature, representative)
        select text_hash, 1, '{{}}', '', text_hash from documents where title = '';
    insert into hosts (host) select 'h' || n from generate_series(1, {PAGES}) n;
    insert into refused_addresses (source_id, url, rule, run_id, refused_at)
        select id, 'https://example.org/no/' || n, 'exclude', 'old', now()
        from sources, generate_series(1, {PAGES}) n;
    analyze;
"""


async def test_no_statement_reads_more_than_what_is_told(
    drive: Drive, database_url: str, postgres_server: PostgresServer
) -> None:
    await drive.add("docs", kind="sitemap")
    for _ in range(3):
        await drive.run("docs", WEB)
    name = urlsplit(database_url).path.removeprefix("/")
    for generic in (False, True):
        async with explained(postgres_server.url(name, SUPERUSER), generic=generic) as reader:
            await reader.execute("set random_page_cost = 1")
            if not generic:
                await reader.execute(MANY)
            for url in (A, "https://example.org/no/7", "https://nowhere.example/"):
                with reader.reading() as read:
                    facts = await page_facts(reader.connection, url, drive.now)
                assert facts.url == url
                looked = {text: rows for text, rows in read.items() if text.startswith("select")}
                assert 4 <= len(looked) <= 15, list(looked)
                assert {text: rows for text, rows in looked.items() if rows > 200} == {}
