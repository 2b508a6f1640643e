"""Traces by OpenTelemetry: one a registration. Imported only under GATEWAY_TRACES.

A registration's id is 128 random-looking bits, as a trace's id is: they are the same number, and
the first span's id is its lower half. So whoever has the id of a registration has its trace, and
what comes later finds it, though nothing is stored. The first attempt at each channel belongs to
it, whoever makes it; one that tries again is a trace of its own, with a link.

Attributes are ids of ours and words of closed sets. No address, no body, no text of an exception.
"""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
    use_span,
)

from gateway.delivery.spans import Note
from gateway.errors import ConfigurationError
from gateway.outcomes import Delivery
from gateway.wire import Call

__all__ = ["Traces", "exporter"]

_ID = re.compile(r"[0-9a-f]{32}")
_HALF = (1 << 64) - 1
_wanted: ContextVar[tuple[int, int] | None] = ContextVar("wanted span", default=None)


class _Ids(RandomIdGenerator):
    """Random, but for the first span of a registration."""

    def generate_trace_id(self) -> int:
        wanted = _wanted.get()
        return super().generate_trace_id() if wanted is None else wanted[0]

    def generate_span_id(self) -> int:
        wanted = _wanted.get()
        return super().generate_span_id() if wanted is None else wanted[1]


def exporter() -> SpanExporter | None:
    """By OTEL_TRACES_EXPORTER; where `otlp` goes is said by OTEL_EXPORTER_OTLP_*."""
    wanted = os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower()
    if wanted == "none":
        return None
    if wanted == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    if wanted != "otlp":
        raise ConfigurationError(["OTEL_TRACES_EXPORTER: should be otlp, console or none"])
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()


def _resource() -> Resource:
    given = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return Resource.create({} if given else {"service.name": "registration-gateway"})


class Traces:
    """`Spans`, and the observer of calls. `close` sends what is left, within a moment."""

    patience = 2.0

    def __init__(self, to: SpanExporter | None, sampler: Sampler | None = None) -> None:
        self._provider = TracerProvider(
            sampler=sampler, resource=_resource(), shutdown_on_exit=False, id_generator=_Ids()
        )
        self._sampler: Sampler = getattr(self._provider, "sampler", DEFAULT_ON)
        if to is not None:
            self._provider.add_span_processor(BatchSpanProcessor(to))
        self._tracer = self._provider.get_tracer("gateway")

    @classmethod
    def from_environment(cls) -> "Traces":
        """OTEL_* as OpenTelemetry reads them. Raises ConfigurationError."""
        try:
            return cls(exporter())
        except ValueError:
            raise ConfigurationError(
                ["GATEWAY_TRACES: a variable that begins OTEL_ cannot be read; see OpenTelemetry"]
            ) from None

    def close(self) -> None:
        """An endpoint that does not answer delays nothing."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(self.patience)

    # -- spans

    @contextmanager
    def registration(self, registration_id: str, *, first: bool) -> Iterator[Note]:
        attributes = {"registration.id": registration_id}
        root = self._root(registration_id)
        if root is not None and not first:
            parent = set_span_in_context(NonRecordingSpan(root), Context())
            span = self._tracer.start_span("registration", parent, attributes=attributes)
        else:
            token = _wanted.set((root.trace_id, root.span_id) if root else None)
            try:
                span = self._tracer.start_span("registration", Context(), attributes=attributes)
            finally:
                _wanted.reset(token)
        with _entered(span) as note:
            yield note

    @contextmanager
    def shopify(self) -> Iterator[Note]:
        with _entered(self._tracer.start_span("shopify")) as note:
            yield note

    @contextmanager
    def attempt(self, delivery: Delivery) -> Iterator[Note]:
        attributes: dict[str, str | int] = {
            "delivery.id": delivery.id,
            "delivery.kind": delivery.kind,
            "delivery.attempts": delivery.attempts,
            "channel": delivery.channel,
        }
        if delivery.registration_id:
            attributes["registration.id"] = delivery.registration_id
        parent, links = self._where(delivery)
        span = self._tracer.start_span(delivery.channel, parent, links=links, attributes=attributes)
        with _entered(span) as note:
            yield note

    def _where(self, delivery: Delivery) -> tuple[Context | None, Sequence[Link]]:
        """Inside what runs now, or in its registration's trace if it is the first, or beside it."""
        inside = get_current_span().get_span_context().is_valid
        root = None if inside else self._root(delivery.registration_id or "")
        if root is None:
            return None, ()
        if delivery.attempts <= 1:
            return set_span_in_context(NonRecordingSpan(root), Context()), ()
        return None, (Link(root),)

    def _root(self, registration_id: str) -> SpanContext | None:
        """The context of its first span; None where it cannot be one."""
        if _ID.fullmatch(registration_id) is None:
            return None
        trace_id = int(registration_id, 16)
        decided = self._sampler.should_sample(None, trace_id, "registration").decision
        sampled = decided is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT
        return SpanContext(
            trace_id, trace_id & _HALF or 1, is_remote=True, trace_flags=TraceFlags(flags)
        )

    def called(self, call: Call, result: str, seconds: float) -> None:
        """A call that has ended, as a span of whatever asked for it; else nothing."""
        if not get_current_span().is_recording():
            return
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{call.system} {call.operation}",
            kind=SpanKind.CLIENT,
            start_time=ended - int(seconds * 1e9),
            attributes={
                "system": call.system,
                "operation": call.operation,
                "access": call.access.value,
                "http.request.method": call.method,
                "result": result,
            },
        )
        if not result.startswith("2"):
            span.set_status(StatusCode.ERROR)
        span.end(ended)


@contextmanager
def _entered(span: Span) -> Iterator[Note]:
    """An exception is an error by its class alone: its text stays where it is."""

    def note(name: str, value: str | int) -> None:
        span.set_attribute(name, value)
        if name == "error_class":
            span.set_status(StatusCode.ERROR)

    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield note
        except BaseException as error:
            note("error_class", getattr(error, "error_class", None) or type(error).__name__)
            raise
