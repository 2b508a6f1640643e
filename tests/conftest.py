"""Fixtures of the whole suite."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import compiled

compiled.share()
gc.disable()  # what is imported and collected is no garbage

from tests import memory  # noqa: E402 - compiled where all processes find it
from tests.steady_time import SteadyLoop  # noqa: E402
from tests.world import World, a_world  # noqa: E402

# A busy machine is slow, which says nothing about the product.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")
memory.keep_files_in_memory()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A machine that stalls is not slow by the time of a test's loop."""
    return {"steady": SteadyLoop}


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    compiled.rewrite_a_share(session)
    done = yield
    memory.collected()
    return done


def pytest_runtest_logfinish() -> None:
    memory.forget_applications()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway with every flag on that does not retry by itself, wired to the stand-ins."""
    async with a_world(tmp_path, GATEWAY_AUTO_REPLAY="false") as world:
        yield world


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """What `log_to_stderr` changes for the whole process is put back."""
    root, source = logging.getLogger(), logging._srcfile
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging._srcfile = source
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = True
