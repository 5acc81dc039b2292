"""Spans sent to a collector: a local one that decodes what it gets, and one that is in trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import workbench
from tests.export.conftest import a_thousand_events, everything
from tests.export.otlp_decoding import decode
from workbench.export.otlp import traces_of
from workbench.export.otlp_http import DeliveryError, deliver, headers_of
from workbench.trace.store import Store


@dataclass
class Collector:
    """Takes spans over HTTP; `answers` are given first, then every request is accepted."""

    url: str = ""
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        return [span for request in self.requests for span in request.resource_spans[0].scope_spans[0].spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.paths.append(self.path)
            made.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, text, headers = made.answers.pop(0) if made.answers else (200, "{}", {})
            if status == 200:
                made.requests.append(decode(body))
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def test_spans_arrive(collector: Collector) -> None:
    traces = traces_of(everything())
    sent = deliver(traces, collector.url, {"x-key": "k"})
    assert sent.spans == len(collector.spans) == 12
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["content-type"] == "application/json"
    assert collector.headers[0]["x-key"] == "k"


def test_a_whole_address_is_taken_as_it_is(collector: Collector) -> None:
    deliver(traces_of(everything()), f"{collector.url}/otel/v1/traces/")
    assert collector.paths == ["/otel/v1/traces"]


def test_a_long_run_goes_in_portions(collector: Collector) -> None:
    sent = deliver(traces_of(a_thousand_events()), collector.url)
    assert len(collector.requests) == 2
    assert sent.spans == len(collector.spans) > 500
    assert len({span.span_id for span in collector.spans}) == sent.spans


def test_a_busy_collector_is_asked_again(collector: Collector) -> None:
    collector.answers = [(503, "busy", {}), (429, "slow", {"retry-after": "7"})]
    waited: list[float] = []
    deliver(traces_of(everything()), collector.url, sleep=waited.append)
    assert waited == [1.0, 7.0]
    assert len(collector.requests) == 1


def test_a_collector_that_stays_busy_is_given_up(collector: Collector) -> None:
    collector.answers = [(503, "busy", {})] * 9
    with pytest.raises(DeliveryError, match=r"refused the spans \(503\): busy"):
        deliver(traces_of(everything()), collector.url, sleep=lambda _: None)
    assert len(collector.answers) == 5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, "no such tenant", {}), r"refused the spans \(400\): no such tenant"),
        (
            (200, '{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "old"}}', {}),
            "rejected 3 spans: old",
        ),
    ],
)
def test_what_is_not_accepted_is_told(collector: Collector, answer: Any, said: str) -> None:
    collector.answers = [answer]
    with pytest.raises(DeliveryError, match=said):
        deliver(traces_of(everything()), collector.url)


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://x", ""])
def test_what_is_no_address_is_told(endpoint: str) -> None:
    with pytest.raises(DeliveryError, match="takes a URL such as http://localhost:4318"):
        deliver(traces_of(everything()), endpoint)


def test_a_collector_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(DeliveryError, match=r"http://127\.0\.0\.1:9/v1/traces could not be reached") as error:
        deliver(traces_of(everything()), "http://user:hunter2@127.0.0.1:9")
    assert "hunter2" not in str(error.value)


def test_headers_come_from_the_environment() -> None:
    text = "api-key=abc%20def, x-tenant = seven,broken"
    assert headers_of({"OTEL_EXPORTER_OTLP_HEADERS": text}) == {"api-key": "abc def", "x-tenant": "seven"}
    assert headers_of({}) == {}


def test_the_command_sends_a_stored_run(collector: Collector, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.append_many(everything())
    run_id = everything()[0].run_id
    sent = workbench(
        *("export", run_id, "--agent", tmp_path, "--format", "otlp", "--endpoint", collector.url),
        OTEL_EXPORTER_OTLP_HEADERS="api-key=k",
    )
    assert sent.code == 0, sent.err
    assert f"run {run_id}: 12 spans accepted by {collector.url}/v1/traces" in sent.err
    assert collector.headers[0]["api-key"] == "k"
    written = workbench("export", run_id, "--agent", tmp_path, "--format", "otlp")
    decoded = decode(written.out)
    assert list(decoded.resource_spans[0].scope_spans[0].spans) == collector.spans
    refused = workbench("export", run_id, "--agent", tmp_path, "--format", "otlp", "--endpoint", "http://127.0.0.1:9")
    assert refused.code == 1
    assert "could not be reached" in refused.err
