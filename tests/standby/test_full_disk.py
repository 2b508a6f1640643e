"""The disk beneath a PostgreSQL is full: told as on SQLite, nothing lost, and on it goes by itself
when there is room. The disk is a real one, and so is the error (53100).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox import Fault, Sandbox
from tests.standby.full_disk import SmallDisk, can_mount
from tests.standby.gateways import Gateway, Gateways, until
from tests.store.postgres.cluster import MISSING, programs
from tests.world import Reply

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

MOST = 400


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    if programs() is None:
        pytest.skip(MISSING)
    if not can_mount(tmp_path):
        pytest.skip("this user may not mount a disk")
    async with SmallDisk.mounted(tmp_path) as made:
        yield made


@pytest.fixture
async def gateways(disk: SmallDisk) -> AsyncIterator[Gateways]:
    async with Sandbox() as sandbox, Gateways(disk.url, sandbox) as found:
        yield found


async def until_refused(gateway: Gateway, first: int) -> tuple[int, Reply]:
    """Rows find room in old pages for a while; the number of the first that did not, its answer."""
    for number in range(first, first + MOST):
        reply = await gateway.register(number)
        if reply.status != 201:
            return number, reply
    raise AssertionError("the disk is not full")


async def taken(gateway: Gateway, number: int) -> None:
    async with asyncio.timeout(60):
        while (reply := await gateway.register(number)).status != 201:
            assert reply.status in {409, 503}, reply.body
            await asyncio.sleep(0.1)


async def readiness(gateway: Gateway) -> int:
    return (await gateway.request("GET", "/readyz")).status


async def everybody_once(gateways: Gateways, people: int) -> None:
    box = gateways.sandbox
    await until(lambda: len(box.smaregi.members) == len(box.hubspot.contacts) == people, 60)
    await until(lambda: len({mail.message_id for mail in box.mail.messages}) == people, 60)
    assert len(box.shopify.customers) == people


async def test_a_full_disk_of_the_server_is_503_and_goes_on_when_there_is_room(
    disk: SmallDisk, gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    active = await gateways.active(GATEWAY_AUTO_REPLAY="true")
    await taken(active, 0)
    disk.fill()
    last, refused = await until_refused(active, 1)
    assert (refused.status, refused.body["type"]) == (503, "storage-unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert "53100" in caplog.text
    assert "free some space" in caplog.text
    for _ in range(3):
        ready = await active.request("GET", "/readyz")
        assert (ready.status, ready.body["type"]) == (503, "not-ready"), (
            "a row finds room, a page not"
        )
        assert "free some space" in ready.body["detail"]
    assert (await active.request("GET", "/healthz")).status == 200
    disk.make_room()
    await taken(active, last)
    await taken(active, last + 1)
    assert await readiness(active) == 200
    await everybody_once(gateways, last + 2)
    mails = Counter(mail.message_id for mail in gateways.sandbox.mail.messages)
    assert max(mails.values()) == 1
    assert active.ended == []


async def test_whom_shopify_had_taken_when_the_disk_was_full_is_finished_when_there_is_room(
    disk: SmallDisk, gateways: Gateways
) -> None:
    active = await gateways.active(GATEWAY_AUTO_REPLAY="true")
    await taken(active, 0)
    faults = gateways.sandbox.faults
    faults.set("shopify", Fault("hang", match="customerCreate", times=30))
    waiting = [asyncio.create_task(active.register(n)) for n in range(1, 31)]
    await until(lambda: faults.listing()["shopify"][-1]["left"] == 0, 30)
    disk.fill()
    faults.clear()
    statuses = {reply.status for reply in await asyncio.gather(*waiting)}
    assert 503 in statuses, "no acceptance found the disk full"
    assert statuses <= {201, 503}
    assert len(gateways.sandbox.shopify.customers) == 31
    disk.make_room()
    await everybody_once(gateways, 31)
