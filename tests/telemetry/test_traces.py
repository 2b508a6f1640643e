"""Traces: one a registration, nothing personal in them, and nothing at all where nobody asked."""

import ast
import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

import gateway
from gateway.app.config import load
from gateway.delivery import NO_SPANS
from gateway.errors import ConfigurationError
from gateway.sandbox import Fault
from gateway.settings.sources import Sources
from gateway.telemetry import traces
from gateway.telemetry.traces import Traces
from tests.e2e.evidence import personal_data_in
from tests.registration.deferred.later import becomes, later
from tests.world import World, a_world, registration

ATTRIBUTES = {
    *("registration.id", "delivery.id", "delivery.kind", "delivery.attempts", "channel"),
    *("outcome", "error_class", "status", "system", "operation", "access", "result"),
    "http.request.method",
}
"""All that a span may say."""


class Kept(InMemorySpanExporter):
    """What was exported, by the registration's id where it is one's trace."""

    def of(self, world: World) -> list[ReadableSpan]:
        spans = cast(Traces, world.core.runtime.spans)
        assert spans._provider.force_flush()
        return sorted(self.get_finished_spans(), key=lambda span: span.start_time or 0)

    def trace(self, world: World, registration_id: str) -> list[ReadableSpan]:
        return [each for each in self.of(world) if trace_id(each) == registration_id]


def trace_id(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}" if span.context else ""


def tree(spans: Sequence[ReadableSpan]) -> dict[str, str | None]:
    """Span -> the span that it belongs to, by name."""
    names = {span.context.span_id: span.name for span in spans if span.context}
    return {each.name: names.get(each.parent.span_id) if each.parent else None for each in spans}


def said(spans: Sequence[ReadableSpan]) -> str:
    return "\n".join(span.to_json() or "" for span in spans)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    found = Kept()
    monkeypatch.setattr(traces, "exporter", lambda: found)
    return found


@pytest.fixture
async def traced(kept: Kept, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, GATEWAY_TRACES="true", GATEWAY_AUTO_REPLAY="false") as world:
        yield world


async def test_a_registration_is_one_trace_that_has_its_id(traced: World, kept: Kept) -> None:
    reply = await traced.register()
    await traced.settled()
    spans = kept.trace(traced, reply.body["id"])
    belongs = tree(spans)
    assert belongs["registration"] is None
    for child in ("shopify", "smaregi", "crm", "email"):
        assert belongs[child] == "registration"
    calls = {name: parent for name, parent in belongs.items() if " " in name}
    assert {parent for name, parent in calls.items() if name.startswith("shopify ")} == {"shopify"}
    assert {parent for name, parent in calls.items() if name.startswith("crm ")} == {"crm"}
    root = spans[0]
    assert root.attributes == {"registration.id": reply.body["id"], "status": 201}
    assert all(each.status.status_code is StatusCode.UNSET for each in spans)


async def test_a_later_attempt_is_a_trace_of_its_own_with_a_link(traced: World, kept: Kept) -> None:
    traced.sandbox.faults.set("crm", Fault("status", status=503))
    reply = await traced.register()
    await traced.settled()
    (failed,) = [e for e in kept.trace(traced, reply.body["id"]) if e.name == "crm"]
    assert failed.attributes is not None
    assert (failed.attributes["outcome"], failed.attributes["error_class"]) == (
        "retrying",
        "unavailable",
    )
    assert failed.status.status_code is StatusCode.ERROR
    traced.sandbox.faults.clear()
    kept.clear()
    assert await traced.replay(channel=["crm"]) == 1
    (again,) = [each for each in kept.of(traced) if each.name == "crm"]
    assert again.parent is None
    assert trace_id(again) != reply.body["id"]
    (link,) = again.links
    assert f"{link.context.trace_id:032x}" == reply.body["id"]
    assert f"{link.context.span_id:016x}" == reply.body["id"][16:]


async def test_what_was_answered_202_is_one_trace_too(traced: World, kept: Kept) -> None:
    reply = await later(traced)
    await becomes(traced, reply, "complete")
    belongs = tree(kept.trace(traced, reply.body["id"]))
    assert belongs["registration"] is None
    assert {belongs[each] for each in ("shopify", "smaregi", "crm")} == {"registration"}


def test_a_sign_up_that_is_taken_up_again_stays_in_its_trace() -> None:
    kept, identity = InMemorySpanExporter(), "01a2" * 8
    spans = Traces(kept)
    for first in (True, False, False):
        with spans.registration(identity, first=first), spans.shopify():
            pass
    assert spans._provider.force_flush()
    found = kept.get_finished_spans()
    assert {trace_id(each) for each in found} == {identity}
    runs = [each for each in found if each.name == "registration"]
    first_id = runs[0].context.span_id if runs[0].context else 0
    assert [each.parent and each.parent.span_id for each in runs] == [None, first_id, first_id]
    assert len({each.context.span_id for each in found if each.context}) == 6
    spans.close()


async def test_no_span_says_anything_personal_whatever_fails(
    traced: World, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, crm = traced.sandbox.faults, traced.core.deliverer.routes["crm"].channel

    async def breaks(*_: object) -> Any:
        raise ValueError("taro@example.com 山田 太郎")

    await traced.register()
    await traced.register(last_name="別")  # 409
    for number, fault in enumerate((Fault("status", status=400), Fault("garbage"),
                                    Fault("reset")), start=1):  # fmt: skip
        for system in ("smaregi", "crm", "email"):
            faults.set(system, fault)
        await traced.register(registration(number))
        faults.clear()
        faults.set("shopify", fault)
        await traced.register(registration(100 + number))
        faults.clear()
    with monkeypatch.context() as patch:
        patch.setattr(type(crm), "deliver", breaks)
        await traced.register(registration(200))
    await traced.settled()
    await traced.replay()
    spans = kept.of(traced)
    assert len(spans) > 50
    assert personal_data_in(said(spans)) == []
    for span in spans:
        assert {*(span.attributes or {})} <= ATTRIBUTES
        assert not span.events
        assert not span.status.description
    errors = {(each.attributes or {}).get("error_class") for each in spans}
    assert {"unexpected", "connection", "invalid_data"} <= errors


async def test_what_nobody_asked_for_is_no_span(traced: World, kept: Kept) -> None:
    """A scan, a comparison of identities, a look at somebody's points."""
    reply = await traced.register()
    await traced.settled()
    kept.of(traced)
    kept.clear()
    await traced.core.smaregi.index.start_scan(again=True)
    await traced.get(f"/v1/customers/{reply.body['member_number']}/points")
    assert kept.of(traced) == []


async def test_nothing_is_traced_where_nobody_asked(world: World) -> None:
    assert world.core.runtime.spans is NO_SPANS
    one, other = NO_SPANS.shopify(), NO_SPANS.registration("a", first=True)
    assert one is other
    assert world.core.wire._observe == world.core.metrics.called


def imported(path: Path) -> dict[str, int]:
    """Module -> the column of its import: 0 where everybody who imports the file imports it."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.col_offset for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found[node.module or ""] = node.col_offset
    return found


def test_the_library_is_imported_only_by_the_room_that_uses_it() -> None:
    """And that room only where traces are switched on."""
    files = Path(gateway.__file__).parent.rglob("*.py")
    for path in (each for each in files if "telemetry" in each.read_text("utf-8")):
        found = imported(path)
        if any(name.startswith("opentelemetry") for name in found):
            assert path.name == "traces.py"
        if "gateway.telemetry.traces" in found:
            assert path.name == "lifecycle.py"
            assert found["gateway.telemetry.traces"] > 0


SHOP = {"SHOPIFY_STORE": "example.myshopify.com", "SHOPIFY_ACCESS_TOKEN": "shpat_0123456789abcdef"}


@pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def found(name: str) -> ModuleSpec | None:
        if missing == "opentelemetry.sdk" == name:
            return None
        if missing == name:
            raise ModuleNotFoundError(name)
        return find_spec(name)

    monkeypatch.setattr("gateway.settings.extras.find_spec", found)
    assert load(Sources(SHOP, {})).gateway.gateway_traces is False
    with pytest.raises(ConfigurationError) as caught:
        load(Sources(SHOP | {"GATEWAY_TRACES": "true"}, {}))
    assert any("pip install 'registration-gateway[otel]'" in e for e in caught.value.problems)


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_BSP_MAX_QUEUE_SIZE", "many")]
)
def test_what_opentelemetry_cannot_read_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    if variable.startswith("OTEL_BSP"):
        monkeypatch.setattr(traces, "exporter", InMemorySpanExporter)
    try:
        Traces.from_environment().close()
    except ConfigurationError as error:
        assert "OTEL_" in error.problems[0]
        assert value not in error.problems[0]
    else:
        assert variable == "OTEL_BSP_MAX_QUEUE_SIZE", "the library takes its default"


def test_a_sampler_decides_for_a_registration_as_a_whole() -> None:
    kept = InMemorySpanExporter()
    spans = Traces(kept, ALWAYS_OFF)
    with spans.registration("0" * 31 + "1", first=True), spans.shopify():
        pass
    with spans.registration("0" * 31 + "1", first=False), spans.shopify():
        pass
    spans._provider.force_flush()
    assert kept.get_finished_spans() == ()
    spans.close()


async def test_a_collector_that_hangs_holds_up_no_stop() -> None:
    class Hangs(SpanExporter):
        def __init__(self) -> None:
            self.free = threading.Event()

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.free.wait(20)
            return SpanExportResult.FAILURE

    hangs = Hangs()
    spans = Traces(hangs)
    spans.patience = 0.05
    with spans.registration("f" * 32, first=True):
        pass
    try:
        async with asyncio.timeout(10):
            await asyncio.to_thread(spans.close)
    finally:
        hangs.free.set()
