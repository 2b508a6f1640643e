"""An old version of the program and a newer one as processes on one database, as during a deploy.

The newer one is this one with one step more of the schema.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from tests.cli.process import Process
from tests.standby.gateways import until
from tests.standby.machines import Machines, everybody

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

NEWER = ("-m", "tests.standby.newer")
EXPANDS = "-- oldest_reader: 1\nALTER TABLE members ADD COLUMN more TEXT; CREATE TABLE another ()"
CONTRACTS = (
    "-- oldest_reader: {}\nALTER TABLE members ADD COLUMN more TEXT; CREATE TABLE another ()"
)


@asynccontextmanager
async def signing_up(found: Machines) -> AsyncIterator[list[int]]:
    """Three at a time all the while; in the end each of them is everywhere, once."""
    numbers, done, is_over = count(1), list[int](), asyncio.Event()

    async def visitors() -> None:
        while not is_over.is_set():
            number = next(numbers)
            await found.register(number, seconds=90)
            done.append(number)

    working = [asyncio.create_task(visitors()) for _ in range(3)]
    try:
        yield done
    finally:
        is_over.set()
        await asyncio.gather(*working)
    await until(lambda: everybody(found) == [len(done)] * 3, 90)
    mails = [mail.message_id for mail in found.sandbox.mail.messages]
    assert len(set(mails)) == len(mails) == len(done)


async def more(done: list[int]) -> None:
    """A few sign-ups are served."""
    before = len(done)
    await until(lambda: len(done) >= before + 5, 90)


async def handed_over(found: Machines, active: Process, to: Process) -> None:
    assert await found.active() is active
    assert await active.stop() == 0
    del found.urls[active]
    assert await found.active() is to


async def test_a_deploy_and_its_way_back_lose_nobody(found: Machines) -> None:
    old = await found.start()
    async with signing_up(found) as done:
        await more(done)
        new = await found.start(*NEWER, NEWER_STEP=EXPANDS)
        assert "upgraded from schema" in new.log
        await more(done)  # the older one, on the newer schema
        await handed_over(found, old, new)
        await more(done)
        again = await found.start()
        assert "standing by" in again.log
        await more(done)
        await handed_over(found, new, again)
        await more(done)


async def test_a_step_that_the_old_one_could_not_bear_waits_for_its_end(found: Machines) -> None:
    old = await found.start()
    async with signing_up(found) as done:
        await more(done)
        refused = await found.shell(*NEWER, NEWER_STEP=CONTRACTS).run("serve")
        assert refused.code == 1
        assert "is an older version, which could not go on" in refused.err
        assert "stop the older one" in refused.err
        await more(done)
        assert await found.active() is old
        assert await old.stop() == 0
        del found.urls[old]
        await found.start(*NEWER, NEWER_STEP=CONTRACTS)
        await more(done)
        late = await found.shell().run("serve")
        assert late.code == 1
        assert "written by a newer version" in late.err
        assert "start the newer version" in late.err
        await more(done)
