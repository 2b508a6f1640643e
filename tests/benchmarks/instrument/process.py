"""`serve`, with the clocks. SIGUSR1 starts the count; SIGUSR2 writes it to the file that
BENCHMARK_PARTS names. BENCHMARK_APART is a part whose functions are told apart, or ''. The
environment must name every upstream system by an address of its own.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import orjson

from gateway.cli import main
from tests.benchmarks.instrument.clock import Clock
from tests.benchmarks.instrument.rooms import PARTS, instrument
from tests.benchmarks.instrument.units import Units

_SYSTEMS = {
    "SHOPIFY_BASE_URL": PARTS["gateway.shopify"],
    "SMAREGI_API_URL": PARTS["gateway.channels.smaregi"],
    "HUBSPOT_BASE_URL": PARTS["gateway.channels.crm"],
}


class Counted:
    """Processor time of the process, its event loop's thread and its database's thread."""

    def __init__(self, clock: Clock, units: Units) -> None:
        self._clock = clock
        self._units = units
        self._began: tuple[int, int, int] = (0, 0, 0)

    def begin(self, _: int, __: FrameType | None) -> None:
        self._clock.reset()
        self._units.reset()
        self._began = self._times()

    def end(self, _: int, __: FrameType | None) -> None:
        self._clock.switch(self._clock.current)
        pairs = zip(self._times(), self._began, strict=True)
        process, loop, database = (now - before for now, before in pairs)
        told: dict[str, Any] = {"process": process, "loop": loop, "database": database}
        told |= {"spent": self._clock.spent, "entered": self._clock.entered}
        told |= {"units": self._units.spent, "ran": self._units.ran}
        path = Path(os.environ["BENCHMARK_PARTS"])
        path.with_suffix(".new").write_bytes(orjson.dumps(told))
        path.with_suffix(".new").rename(path)

    def _times(self) -> tuple[int, int, int]:
        """Nanoseconds."""
        database = 0
        if self._units.thread is not None:
            clock = time.pthread_getcpuclockid(self._units.thread)
            database = time.clock_gettime_ns(clock)
        return time.process_time_ns(), time.thread_time_ns(), database


if __name__ == "__main__":
    assert threading.current_thread() is threading.main_thread()
    clock, units = Clock(), Units()
    systems = {urlsplit(os.environ[name]).port: part for name, part in _SYSTEMS.items()}
    apart = os.environ["BENCHMARK_APART"]
    instrument(clock, lambda port: systems.get(port, "another upstream"), apart)
    units.watch()
    counted = Counted(clock, units)
    signal.signal(signal.SIGUSR1, counted.begin)
    signal.signal(signal.SIGUSR2, counted.end)
    sys.argv[1:] = ["serve"]
    main()
