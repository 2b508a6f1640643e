"""What every sign-up counts, as plain numbers, for the thread of the event loop alone.

The library's own counters and histograms take a lock and ask for their labels at each step. These
are shown by it at a scrape, as its own would be.
"""

import time
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.registry import Collector

__all__ = ["Counts", "Times"]

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds: the most of each bucket. There is one more, for what took longer."""
_WITHIN = (*map(str, _BOUNDS), "+Inf")

_Labels = tuple[str, ...]
_Number = tuple[str, dict[str, str], float]
"""The end of a sample's name, its own labels, its value."""


class _Tally(Collector):
    """Of a kind that the library knows; `since` when each of its rows counts."""

    kind: str

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._since: dict[_Labels, float] = {}
        self._shows_since = _shows_since()
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        metric = Metric(self._name, self._text, self.kind)
        for row, since in self._since.items():
            labels = dict(zip(self._labels, map(str, row), strict=True))
            for end, more, value in self._numbers(row):
                metric.add_sample(f"{self._name}{end}", {**labels, **more}, value)
            if self._shows_since:
                metric.add_sample(f"{self._name}_created", labels, since)
        return [metric]

    @abstractmethod
    def _numbers(self, row: _Labels) -> Iterator[_Number]: ...


class Counts(_Tally):
    """A counter of events."""

    kind = "counter"

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        super().__init__(name, text, labels, registry)
        self._counts: dict[_Labels, int] = {}

    def add(self, *row: str) -> None:
        try:
            self._counts[row] += 1
        except KeyError:
            self._counts[row], self._since[row] = 1, time.time()

    def _numbers(self, row: _Labels) -> Iterator[_Number]:
        yield "_total", {}, self._counts[row]


class Times(_Tally):
    """A histogram of seconds. One without labels is shown before there is any."""

    kind = "histogram"

    def __init__(
        self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        super().__init__(name, text, labels, registry)
        self._rows: dict[_Labels, list[float]] = {}  # of each its buckets, then its sum
        if not labels:
            self._begin(())

    def add(self, seconds: float, *row: str) -> None:
        numbers = self._rows.get(row) or self._begin(row)
        numbers[bisect_left(_BOUNDS, seconds)] += 1
        numbers[-1] += seconds

    def _begin(self, row: _Labels) -> list[float]:
        self._rows[row], self._since[row] = [*[0] * len(_WITHIN), 0.0], time.time()
        return self._rows[row]

    def _numbers(self, row: _Labels) -> Iterator[_Number]:
        *buckets, total = self._rows[row]
        within = list(accumulate(buckets))
        for most, number in zip(_WITHIN, within, strict=True):
            yield "_bucket", {"le": most}, number
        yield "_count", {}, within[-1]
        yield "_sum", {}, total


def _shows_since() -> bool:
    """Whether the library shows it: PROMETHEUS_DISABLE_CREATED_SERIES is a setting of its own."""
    (metric,) = Counter("any", "any", registry=None).collect()
    return any(sample.name.endswith("_created") for sample in metric.samples)
