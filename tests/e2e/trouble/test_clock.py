"""The wall clock jumps: nothing is lost, nothing is hammered, nothing waits for the old time."""

import asyncio
import time

import pytest

from gateway.app import Core
from gateway.delivery.retry import wait_for_channel
from gateway.errors import ErrorClass
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store.outbox import AttemptResult
from tests.e2e.trouble.ending import all_delivered, eventually, outcomes
from tests.world import World

HOUR, DAY = 3600.0, 86400.0
JUMPS = pytest.mark.parametrize("jump", [DAY, -DAY, HOUR, -HOUR])


class Clock:
    """The wall clock of every part of a gateway; it can be set, as an administrator may."""

    def __init__(self, core: Core) -> None:
        self.ahead = 0.0
        core.live.clock = self

    def __call__(self) -> float:
        return time.time() + self.ahead


@JUMPS
async def test_a_retry_comes_in_spite_of_the_clock(world: World, jump: float) -> None:
    """Its time was written by the old clock: it is not a day away, and no attempt is lost."""
    await world.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="1,1,1")
    clock = Clock(world.core)
    world.sandbox.faults.set("crm", Fault("status", status=503, times=1, match="POST /crm/objects"))
    reply = await world.register()
    assert reply.channel("crm")["outcome"] == "retrying"
    clock.ahead = jump
    await all_delivered(world)
    assert len(world.sandbox.hubspot.contacts) == 1


@JUMPS
async def test_a_jump_just_before_a_failure_puts_its_retry_off_by_nothing(
    world: World, jump: float
) -> None:
    """Its time is by the new clock already when the jump is noticed."""
    await world.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="1,1,1")
    clock = Clock(world.core)
    world.sandbox.faults.set("crm", Fault("status", status=503, times=1, match="POST /crm/objects"))
    clock.ahead = jump
    began = time.monotonic()
    reply = await world.register()
    assert reply.channel("crm")["outcome"] == "retrying"
    await all_delivered(world)
    assert time.monotonic() - began > 0.9


@JUMPS
@pytest.mark.parametrize("how", ["failed", "not tried"])
async def test_a_jump_between_a_decision_and_its_writing_puts_it_off_by_nothing(
    world: World, jump: float, how: str
) -> None:
    """What waits moves along with the clock; a time that is not written yet moves along too."""
    clock, deliverer = Clock(world.core), world.core.delivery.deliverer
    clock_jumps = world.core.delivery.clock_jumps
    world.sandbox.faults.set("crm", Fault("status", status=503, match="POST /crm/objects"))
    assert (await world.register()).channel("crm")["outcome"] == "retrying"
    (delivery,) = await world.deliveries(channels=("crm",))
    decided, ahead = clock() + 100, clock() - time.monotonic()
    if how == "failed":
        clock.ahead = jump
        await clock_jumps.follow()
        later = Outcome.RETRYING
        end = AttemptResult(delivery.id, later, started_at=0, next_attempt_at=decided, ahead=ahead)
        await deliverer._results.settle([end])
    else:
        follow = clock_jumps.follow

        async def jumping() -> bool:
            clock.ahead = jump
            return await follow()

        clock_jumps.follow = jumping  # type: ignore[method-assign]
        waits = wait_for_channel(ErrorClass.TIMEOUT, "", decided)
        await deliverer._results.postpone([delivery], waits, deliverer._results.wakings)
    (delivery,) = await world.deliveries(channels=("crm",))
    assert delivery.next_attempt_at == pytest.approx(clock() + 100, abs=5)


@JUMPS
async def test_a_jump_makes_no_hot_loop(world: World, jump: float) -> None:
    await world.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="5,5,5")
    clock = Clock(world.core)
    world.sandbox.faults.set("crm", Fault("status", status=503, match="contacts"))
    await world.register()
    clock.ahead = jump
    world.sandbox.journal.clear()
    world.core.worker.wake()
    with pytest.raises(TimeoutError):
        await world.until(lambda: len(world.sandbox.journal.of("crm")) > 4, 1.5)
    assert (await outcomes(world))["failed"] == 0


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -DAY])
async def test_a_small_jump_makes_no_mail_too_late(world: World, jump: float) -> None:
    """EMAIL_MAX_AGE is a day; a clock set back makes nothing older."""
    clock = Clock(world.core)
    world.sandbox.faults.set("email", Fault("refuse"))
    assert (await world.register()).channel("email")["outcome"] == "retrying"
    clock.ahead = jump
    world.sandbox.faults.clear()
    assert await world.replay(channel=["email"]) == 1
    assert len(world.sandbox.mail.messages) == 1


async def test_a_mail_that_a_jump_made_too_late_is_kept_for_a_person(world: World) -> None:
    await world.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="1,1,1")
    clock = Clock(world.core)
    world.sandbox.faults.set("email", Fault("refuse"))
    await world.register()
    clock.ahead = DAY + HOUR
    world.sandbox.faults.clear()
    world.core.worker.wake()

    async def too_late() -> bool:
        (mail,) = await world.deliveries(channels=("email",))
        return (mail.outcome, mail.error_class) == ("failed", "too_late")

    await eventually(too_late)
    assert not world.sandbox.mail.messages
    await world.replay(error_class=["too_late"])
    assert len(world.sandbox.mail.messages) == 1


@JUMPS
async def test_a_held_customer_stays_held_and_goes_with_the_flag(world: World, jump: float) -> None:
    world.set(FLAG_CRM="hold")
    clock = Clock(world.core)
    await world.register()
    clock.ahead = jump
    world.core.worker.flags_changed()
    assert (await outcomes(world))["held"] == 1
    asked = {entry.operation for entry in world.sandbox.journal.of("crm")}
    assert asked <= {"GET /details"}, "but for who HubSpot is"
    world.set(FLAG_CRM="on")
    await all_delivered(world)


@pytest.mark.parametrize("jump", [0.0, DAY, -DAY, HOUR, -HOUR])
async def test_a_lost_answer_is_asked_for_long_enough_whatever_the_clock_says(
    world: World, jump: float
) -> None:
    """The 15 minutes are real ones: the request may still be on its way."""
    clock = Clock(world.core)
    world.set(GATEWAY_RESPONSE_DEADLINE="1")
    world.sandbox.faults.set("shopify", Fault("late", delay=3.0, match="customerCreate"))
    assert (await world.register()).status == 503
    clock.ahead = jump
    world.sandbox.faults.clear()
    world.core.recovery.wake()

    async def reached() -> bool:
        return (await outcomes(world))["delivered"] == 3

    await eventually(reached)
    assert len(world.sandbox.shopify.customers) == 1


@JUMPS
async def test_the_same_person_is_known_again_after_a_jump_of_less_than_a_day(
    world: World, jump: float
) -> None:
    clock = Clock(world.core)
    first = await world.register()
    clock.ahead = max(jump, -DAY) if jump < DAY else DAY - HOUR
    again = await world.register()
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert len(world.sandbox.shopify.customers) == 1


@pytest.mark.parametrize("jump", [DAY, HOUR])
async def test_a_change_right_after_a_jump_is_put_off_by_nothing(world: World, jump: float) -> None:
    """While Shopify is asked, what is owed waits for a moment that is said by the new clock."""
    customer = (await world.register()).body["member_number"]
    clock = Clock(world.core)
    clock.ahead = jump
    world.sandbox.faults.set("shopify", Fault("hang", match="customerUpdate"))
    path = f"/v1/customers/{customer}"
    waiting = asyncio.create_task(world.patch(path, {"first_name": "次郎"}))
    async with asyncio.timeout(30):
        while not (owed := await world.deliveries(outcomes=(Outcome.PENDING,))):
            await asyncio.sleep(0.01)
    await world.core.delivery.clock_jumps.follow()
    owed = await world.deliveries(outcomes=(Outcome.PENDING,))
    assert max(each.next_attempt_at or 0.0 for each in owed) < clock() + 60
    world.sandbox.faults.clear()
    assert (await waiting).status == 200
