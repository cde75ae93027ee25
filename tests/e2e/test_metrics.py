"""What a worker shows to Prometheus; dashboards and alerts speak of nothing else."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.bridge import temporal_sdk_bridge

from atlas.telemetry.instruments import INSTRUMENTS
from atlas.worker import metrics_sampler
from tests.conftest import free_port
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_politeness import page
from tests.origin import Origin

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCS = Path(__file__).parents[2] / "docs" / "telemetry.md"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"

ONLY_ON_EVENTS = {
    "atlas_extraction_failures_total",
    "atlas_rendering_duration_seconds",
    "atlas_rendering_failures_total",
    "temporal_activity_execution_failed_total",
    "temporal_long_request_failure_total",
    "temporal_request_failure_total",
    "temporal_workflow_failed_total",
    "temporal_workflow_task_execution_failed_total",
}
"""Series that appear with their first event, which this test need not have; that Temporal's are
names of its core is looked up below."""

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Series:
    """Prometheus's text format: (name, labels) → value."""
    found: Series = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            pairs = re.findall(r'(\w+)="([^"]*)"', labels)
            found[name, frozenset(pairs)] = float(value)
    return found


def total(series: Series, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (one, has), value in series.items() if one == name and wanted <= has)


async def scrape(address: str) -> Series:
    def read() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics") as answer:
            return str(answer.read().decode())

    return parsed(await asyncio.to_thread(read))


async def test_a_worker_shows_what_dashboards_and_alerts_ask_for(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("ATLAS_METRICS_ADDRESS", address)
    monkeypatch.setenv("ATLAS_SEARCH", "tantivy")
    monkeypatch.setattr(metrics_sampler, "EVERY", 0.2)
    monkeypatch.setattr(metrics_sampler, "EVERY_PAGES", 0.2)
    text = "the same words on two pages, which makes one of them a duplicate of the other"
    origin.page("/a", page(text))
    origin.page("/twin", page(text))
    other = page("something else entirely, about lighthouses and the sea. " * 20)
    origin.page("/b", f"{other}<script>one()</script>")
    origin.redirect("/moved", "/b")
    origin.status("/gone", 404)
    paths = ("/a", "/twin", "/b", "/moved", "/gone")
    rules = {"freshness": "95% within 1d"}
    await atlas_env.add_source("docs", "urls", *map(origin.url, paths), **rules)
    async with atlas_env.worker():
        result = await atlas_env.sync("docs")
        assert (result.counts.added, result.counts.failed) == (3, 1)
        await atlas_env.pool.execute(  # as a health check counts
            "insert into freshness_samples select id, now(), '1 day', 4, 3, 300 from sources"
        )
        first = await scrape(address)
        while (
            total(first, "atlas_queue_pollers", task_queue="atlas") < 1
            or total(first, "atlas_source_achieved_ratio") == 0
            or total(first, "atlas_search_index_cursor") < 3
        ):
            await asyncio.sleep(0.1)
            first = await scrape(address)
        origin.page("/b", f"{other}<script>two()</script>")
        await atlas_env.sync("docs")
        second = await scrape(address)

    own = {"namespace": atlas_env.namespace}
    fetches = "atlas_fetches_total"
    assert total(first, fetches, outcome="modified", error_class="none", **own) == 3
    assert total(first, fetches, outcome="redirected", **own) == 1
    assert total(first, fetches, outcome="failed", error_class="gone", **own) == 1
    assert total(first, "atlas_documents_total", outcome="added", **own) == 3
    assert total(first, "atlas_documents_total", outcome="failed", **own) == 1
    assert total(first, "atlas_duplicates_total", kind="exact", **own) == 1
    assert total(first, "atlas_extraction_duration_seconds_count", media="html", **own) == 3
    assert total(first, "atlas_fetch_bytes_total", **own) > 100
    # Five pages and robots.txt, each after its turn.
    assert total(first, "atlas_host_delay_seconds_count", **own) >= 6
    assert total(first, "atlas_source_tolerance_seconds", source="docs", **own) > 0
    assert total(first, "atlas_source_achieved_ratio", source="docs", **own) == 0.75
    assert total(first, "atlas_search_index_written", **own) == 1
    assert total(first, "atlas_search_index_behind_documents", **own) == 0
    assert total(first, "atlas_disk_free_bytes", place="index", **own) > 0
    assert total(first, "atlas_source_objective_ratio", source="docs", **own) == 0.95
    assert total(first, "atlas_source_burn_rate", source="docs", **own) > 0
    assert total(second, "atlas_documents_total", outcome="unchanged", **own) >= 2
    assert total(first, "atlas_extractions_spared_total", **own) == 0
    assert total(second, "atlas_extractions_spared_total", **own) == 1
    assert total(second, "atlas_duplicates_total", kind="exact", **own) == 1

    shown = {name for name, _ in second}
    assert {one.name for one in INSTRUMENTS} <= bases(shown) | ONLY_ON_EVENTS
    asked = set().union(*(names(one) for one in expressions()))
    assert asked <= shown | ONLY_ON_EVENTS | {"up"}


def test_series_that_appear_with_an_event_have_names_that_exist() -> None:
    assert temporal_sdk_bridge.__file__
    core = Path(temporal_sdk_bridge.__file__).read_bytes()
    for name in ONLY_ON_EVENTS - {one.name for one in INSTRUMENTS}:
        bare = name.removeprefix("temporal_").removesuffix("_total")
        assert bare.encode() in core, name


def bases(shown: set[str]) -> set[str]:
    """Names with those of histograms as a whole."""
    return shown | {name.removesuffix("_count") for name in shown}


def names(expression: str) -> set[str]:
    """Metrics that an expression of Prometheus asks for."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:(?:atlas|temporal)_\w+|up)\b", bare))


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found = [json.loads(path.read_text())["panels"] for path in DASHBOARDS]
    return [panel for several in found for panel in several if panel["type"] != "row"]


def expressions() -> list[str]:
    """Of every alert, panel and variable."""
    asked = [str(rule["expr"]) for rule in alerts()]
    return asked + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_dashboards_are_whole() -> None:
    assert len(DASHBOARDS) == 2
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        assert dashboard["uid"] == path.stem
        variables = {one["name"]: one["type"] for one in dashboard["templating"]["list"]}
        assert variables == {"datasource": "datasource", "namespace": "query"}
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["targets"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"


def test_each_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    headings = set(re.findall(r"^#+ (\w+)$", DOCS.read_text(), re.MULTILINE))
    for rule in alerts():
        notes = rule["annotations"]
        assert notes["summary"] and notes["description"]
        assert notes["runbook_url"] == f"docs/telemetry.md#{rule['alert'].lower()}"
        assert rule["alert"] in headings
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_every_alert_is_tried_by_the_rules_tests() -> None:
    tried = (DEPLOY / "prometheus" / "alerts_test.yml").read_text()
    assert [rule["alert"] for rule in alerts() if rule["alert"] not in tried] == []


def test_every_metric_is_documented() -> None:
    documented = DOCS.read_text()
    assert [
        one.name for one in INSTRUMENTS if f"| `{one.name}` | {one.kind} |" not in documented
    ] == []


def promtool(*arguments: str, stdin: str | None = None) -> None:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: the rules are not tried (docs/telemetry.md)")
    done = subprocess.run(
        [found, *arguments],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        input=stdin,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_configuration_and_its_rules() -> None:
    promtool("check", "config", "prometheus.yml")


def test_promtool_sees_every_alert_fire_when_it_should() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_promtool_parses_what_the_panels_ask() -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    groups = {"groups": [{"name": "panels", "rules": rules}]}
    promtool("check", "rules", "--lint=none", stdin=yaml.safe_dump(groups))
