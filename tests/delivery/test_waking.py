"""What a delivery waits for may be there before it is written down that it waits: then it goes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.channels import Done, Work
from gateway.errors import ErrorClass, NotReadyError, UpstreamError
from gateway.outcomes import Outcome, Waiting
from tests.delivery.heart import Heart, a_customer, trouble

NOT_READY = NotReadyError("smaregi", "the first scan of the store's members still runs")
REFUSED = trouble(ErrorClass.AUTH)


@pytest.fixture
def heart() -> Heart:
    return Heart()


def fails_after(
    heart: Heart, waiting: Waiting, error: UpstreamError
) -> Callable[[Work], Awaitable[Done]]:
    """An attempt that looked in vain, and ends when what it looked for has come."""

    async def end(work: Work) -> Done:
        await heart.deliverer.wake(waiting, "smaregi")
        raise error

    return end


@pytest.mark.parametrize(
    ("waiting", "error"), [(Waiting.INDEX, NOT_READY), (Waiting.CHANNEL, REFUSED)]
)
@pytest.mark.parametrize("live", [True, False], ids=["live", "later"])
async def test_an_attempt_whose_reason_to_wait_ended_meanwhile_is_due_at_once(
    heart: Heart, waiting: Waiting, error: UpstreamError, live: bool
) -> None:
    await heart.deliverer.wake(waiting, "smaregi")  # not for the first time
    heart.channels["smaregi"].ends = [fails_after(heart, waiting, error)]
    delivery = heart.owed(claimed=live)
    if live:
        until = asyncio.get_running_loop().time() + 30
        await heart.deliverer.live([delivery], a_customer(), fresh=True, until=until)
    else:
        await heart.deliverer.again(delivery, a_customer())
    row = heart.row(delivery)
    assert (row.outcome, row.attempts) == (Outcome.RETRYING, 0)
    assert row.next_attempt_at == heart.clock.now
    assert row.message == str(error)


async def test_what_came_before_the_attempt_began_ends_no_waiting(heart: Heart) -> None:
    await heart.deliverer.wake(Waiting.INDEX, "smaregi")
    heart.channels["smaregi"].ends = [NOT_READY]
    delivery = heart.owed()
    await heart.deliverer.again(delivery, a_customer())
    assert heart.row(delivery).next_attempt_at == heart.clock.now + 15
    await heart.deliverer.wake(Waiting.INDEX, "smaregi")
    assert heart.row(delivery).next_attempt_at == heart.clock.now


async def test_what_came_before_a_shut_channel_was_found_ends_no_waiting(heart: Heart) -> None:
    await heart.deliverer.wake(Waiting.INDEX, "smaregi")
    heart.circuit().failed(REFUSED)
    delivery = heart.owed(claimed=True)
    until = asyncio.get_running_loop().time() + 30
    await heart.deliverer.live([delivery], a_customer(), fresh=True, until=until)
    assert heart.row(delivery).next_attempt_at == heart.clock.now + 10


async def test_a_failure_that_waits_for_nothing_keeps_to_the_schedule(heart: Heart) -> None:
    heart.channels["smaregi"].ends = [fails_after(heart, Waiting.INDEX, trouble())]
    delivery = heart.owed()
    await heart.deliverer.again(delivery, a_customer())
    at = heart.row(delivery).next_attempt_at
    assert at is not None
    assert at >= heart.clock.now + 5


async def test_a_customer_who_could_not_be_read_is_due_once_shopify_is_there(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = heart.owed()
    heart.shopify.trouble = trouble(system="shopify")
    read_each = heart.shopify.read_each

    async def reading(ids: set[int]) -> object:
        await heart.deliverer.wake(Waiting.SHOPIFY)
        return await read_each(ids)

    monkeypatch.setattr(heart.shopify, "read_each", reading)
    assert await heart.deliverer.with_customers([delivery]) is None
    row = heart.row(delivery)
    assert (row.outcome, row.next_attempt_at) == (Outcome.RETRYING, heart.clock.now)


@pytest.mark.parametrize("live", [True, False], ids=["live", "later"])
async def test_a_pause_that_ends_while_it_is_written_down_keeps_nobody_waiting(
    heart: Heart, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    for _ in range(5):
        heart.circuit().failed(trouble())
    assert heart.circuit().remaining() > 0
    follow = heart.delivery.clock_jumps.follow

    async def recovering() -> bool:
        monkeypatch.setattr(heart.delivery.clock_jumps, "follow", follow)
        heart.circuit().half_open()
        await heart.deliverer.wake(Waiting.CHANNEL, "smaregi")
        return await follow()

    monkeypatch.setattr(heart.delivery.clock_jumps, "follow", recovering)
    delivery = heart.owed(claimed=live)
    if live:
        until = asyncio.get_running_loop().time() + 30
        await heart.deliverer.live([delivery], a_customer(), fresh=True, until=until)
    else:
        await heart.deliverer.again(delivery, a_customer())
    row = heart.row(delivery)
    assert (row.outcome, row.attempts) == (Outcome.RETRYING, 0)
    assert row.next_attempt_at == heart.clock.now
