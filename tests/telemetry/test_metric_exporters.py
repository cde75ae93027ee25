"""Where metrics go: what the setting and OpenTelemetry's variables ask for."""

import socket
import time

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from atlas.domain.batch import FetchRow
from atlas.telemetry import instruments as own
from atlas.telemetry.metric_exporters import Sent, Shown, chosen
from atlas.telemetry.metrics import CountedMeasures, Gauge
from atlas.telemetry.runtime import MetricsRefused, worker_runtime
from tests.collector import Request, collector

__all__ = ["collector"]

OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"
OTLP_METRICS = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"


@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        (None, {}, None),
        (None, {OTLP: ""}, None),
        (None, {OTLP: "http://c:4318/"}, Sent("http://c:4318/v1/metrics")),
        (None, {OTLP_METRICS: "http://c:4318/mine"}, Sent("http://c:4318/mine")),
        (None, {OTLP: "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}, None),
        (None, {OTLP: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, None),
        (
            None,
            {
                OTLP: "http://c:4318",
                "OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=a%20b, tenant=x",
                "OTEL_METRIC_EXPORT_INTERVAL": "5000",
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
            },
            Sent("http://c:4318/v1/metrics", (("api-key", "a b"), ("tenant", "x")), 5.0, True),
        ),
        ("127.0.0.1:9464", {}, Shown("127.0.0.1:9464")),
        ("[::1]:9464", {}, Shown("[::1]:9464")),
        # An endpoint for everything gets the traces; the metrics are where they were asked for.
        ("127.0.0.1:9464", {OTLP: "http://c:4318"}, Shown("127.0.0.1:9464")),
        ("127.0.0.1:9464", {"OTEL_SDK_DISABLED": "true"}, Shown("127.0.0.1:9464")),
    ],
)
def test_what_is_asked_for(
    address: str | None, environ: dict[str, str], expected: Shown | Sent | None
) -> None:
    assert chosen(address, environ) == expected


@pytest.mark.parametrize(
    ("address", "environ", "says"),
    [
        ("127.0.0.1:9464", {OTLP_METRICS: "http://u:secret@c:4318"}, f"{OTLP_METRICS}.*unset one"),
        ("127.0.0.1:9464", {"OTEL_METRICS_EXPORTER": "otlp"}, "OTEL_METRICS_EXPORTER.*unset one"),
        (None, {"OTEL_METRICS_EXPORTER": "prometheus"}, "ATLAS_METRICS_ADDRESS=127.0.0.1:9464"),
        (None, {"OTEL_METRICS_EXPORTER": "console"}, "'console' is not known; use otlp or none"),
        (None, {OTLP: "c:4317"}, f"{OTLP}: 'c:4317'.*http://localhost:4318"),
        (None, {OTLP: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        (None, {OTLP: "http://c", "OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "milliseconds"),
        ("no-such-host.invalid:9464", {}, "'no-such-host.invalid' is no address here"),
    ],
)
def test_what_cannot_be_done_is_refused(
    address: str | None, environ: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        chosen(address, environ)
    assert "secret" not in str(refused.value)


def test_port_0_is_a_free_port() -> None:
    export = chosen("127.0.0.1:0", {})
    assert isinstance(export, Shown)
    host, _, port = export.address.rpartition(":")
    with socket.socket() as probe:
        probe.bind((host, int(port)))


def test_a_port_that_is_taken_is_refused_with_the_mend() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with pytest.raises(MetricsRefused, match=f"{address}.*taken, perhaps by another worker.*0"):
            worker_runtime(Shown(address))


def test_otlp_gets_the_same_metrics_with_who_tells_them(
    collector: tuple[str, list[Request]],
) -> None:
    endpoint, got = collector
    export = chosen(
        None,
        {
            OTLP: endpoint,
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=k",
        },
    )
    # Not the cached one, which would go on sending until the tests are over.
    meter = worker_runtime.__wrapped__(export).metric_meter
    measures = CountedMeasures(meter)
    measures.fetched(FetchRow(1, "https://a/", 1, "https://a/", 200, 0.5, wire_bytes=10))
    Gauge(meter, own.INDEX_LAG).set(3.0)
    units: dict[str, str] = {}
    while "atlas_index_lag_seconds" not in units:  # the first to be sent may have come too early
        time.sleep(0.02)
        for path, headers, body in got[-1:]:
            assert (path, headers["api-key"]) == ("/v1/metrics", "k")
            (sent,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
            resource = {one.key: one.value.string_value for one in sent.resource.attributes}
            assert resource["service.name"] == "atlas-worker"
            assert resource["service.instance.id"]
            units = {one.name: one.unit for scope in sent.scope_metrics for one in scope.metrics}
    # From these a collector makes the names that Prometheus shows: unit, then `_total`.
    assert units["atlas_fetches"] == ""
    assert units["atlas_fetch_duration"] == "s"
    assert units["atlas_index_lag_seconds"] == "s"


class Counting:
    """A meter that remembers the codes of what was counted."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def create_counter(self, *_: object) -> "Counting":
        return self

    create_histogram_timedelta = create_counter

    def add(self, _: int, labels: dict[str, str] | None = None) -> None:
        if labels and "error_code" in labels:
            self.codes.append(labels["error_code"])

    def record(self, *_: object) -> None:
        pass


def test_codes_beyond_the_first_fifty_are_one_series() -> None:
    counting = Counting()
    measures = CountedMeasures(counting)  # type: ignore[arg-type]
    for code in (*(f"code_{number}" for number in range(60)), "code_0", "code_59"):
        measures.extracted("html", 0.1, code)
    assert counting.codes[:50] == [f"code_{number}" for number in range(50)]
    assert counting.codes[50:] == ["other"] * 10 + ["code_0", "other"]


class Recorded:
    """A meter that remembers what its gauges were set to."""

    def __init__(self) -> None:
        self.series: dict[tuple[tuple[str, str], ...], float] = {}

    def create_gauge_float(self, *_: object) -> "Recorded":
        return self

    def set(self, value: float, labels: dict[str, str] | None = None) -> None:
        self.series[tuple((labels or {}).items())] = value


def test_a_series_of_something_that_is_gone_is_no_number() -> None:
    recorded = Recorded()
    gauge = Gauge(recorded, own.SOURCE_LATENESS)  # type: ignore[arg-type]
    gauge.replace({"a": 1.0, "b": 2.0})
    gauge.replace({"b": 3.0})
    assert recorded.series[("source", "b"),] == 3.0
    assert recorded.series[("source", "a"),] != recorded.series[("source", "a"),]
    gauge.replace({"a": 4.0})
    assert recorded.series[("source", "a"),] == 4.0
