"""What is counted in plain numbers is shown as the library shows its own."""

import re

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.outcomes import Outcome
from gateway.telemetry.tallies import Counts, Times

SECONDS = (0.0, 0.05, 0.0500001, 0.3, 1.0, 15.9, 16.0, 17.25, 400.0)
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


@pytest.fixture(params=[True, False], ids=["with its beginning", "without"], autouse=True)
def shown_since(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As PROMETHEUS_DISABLE_CREATED_SERIES says to the library when it is imported."""
    monkeypatch.setattr("prometheus_client.metrics._use_created", request.param)


def shown(registry: CollectorRegistry) -> list[str]:
    """The exposition, but for the moment of each beginning."""
    text = generate_latest(registry).decode()
    return re.sub(r"(_created(?:\{.*\})?) (\S+)", r"\1 now", text).splitlines()


def test_counts_are_shown_as_a_counter_is() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("gateway_any", 'Any "thing"', ("channel", "outcome"), ours)
    counter = Counter("gateway_any", 'Any "thing"', ("channel", "outcome"), registry=theirs)
    assert shown(ours) == shown(theirs)
    for row in (("crm", Outcome.FAILED), ("crm", 'a "b"\n'), ("crm", Outcome.FAILED)):
        counts.add(*row)
        counter.labels(*row).inc()
    assert shown(ours) == shown(theirs)
    assert 'gateway_any_total{channel="crm",outcome="failed"} 2.0' in shown(ours)


@pytest.mark.parametrize("labels", [(), ("channel",)])
def test_times_are_shown_as_a_histogram_is(labels: tuple[str, ...]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    times = Times("gateway_any_seconds", "Any", labels, ours)
    histogram = Histogram("gateway_any_seconds", "Any", labels, buckets=BUCKETS, registry=theirs)
    assert shown(ours) == shown(theirs)
    for channel in ("crm", "email"):
        for seconds in SECONDS:
            times.add(seconds, *([channel] if labels else []))
            (histogram.labels(channel) if labels else histogram).observe(seconds)
    assert shown(ours) == shown(theirs)
