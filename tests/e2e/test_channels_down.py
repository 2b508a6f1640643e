"""Channels that are down for a while: what waits, pauses, is tried again and arrives."""

import time
from pathlib import Path

import pytest

from gateway.normalize.places import places
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.e2e.evidence import (
    CHANNELS,
    QUICK,
    everything_arrived_once,
    started_quietly,
)
from tests.world import World, a_world


async def test_every_channel_down_is_201_and_one_replay_sends_everything(quick: World) -> None:
    for channel in CHANNELS:
        quick.sandbox.faults.set(channel, Fault("refuse"))
    reply = await quick.register()
    assert reply.status == 201
    assert [reply.channel(c)["outcome"] for c in CHANNELS] == ["retrying"] * 3
    quick.sandbox.faults.clear()
    assert await quick.replay() == 3
    assert everything_arrived_once(quick)
    assert await quick.replay() == 0


async def test_refused_credentials_pause_the_channel_and_count_no_attempt(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("status", status=401))
    for number in (1, 2, 3):
        reply = await quick.register(number=number)
        assert reply.channel("crm")["error_class"] == "auth"
    assert [d.attempts for d in await quick.deliveries(channels=("crm",))] == [0, 0, 0]
    asked = len(quick.sandbox.journal.of("crm"))
    await quick.register(number=4)
    assert len(quick.sandbox.journal.of("crm")) == asked  # paused: nobody is asked in vain
    quick.sandbox.faults.clear()
    assert await quick.replay(channel="crm") == 4
    assert len(quick.sandbox.hubspot.contacts) == 4


@pytest.mark.parametrize("channel", ["smaregi", "crm"])
async def test_a_wait_that_a_channel_asks_for_is_kept_to(quick: World, channel: str) -> None:
    quick.sandbox.faults.set(channel, Fault("throttle", retry_after=40, times=1))
    asked_at = time.time()
    await quick.register(number=1)
    (delivery,) = await quick.deliveries(channels=(channel,))
    assert delivery.error_class == "rate_limit"
    assert (delivery.next_attempt_at or 0) >= asked_at + 40
    asked = len(quick.sandbox.journal.of(channel))
    reply = await quick.register(number=2)
    await quick.settled()
    assert len(quick.sandbox.journal.of(channel)) == asked
    assert reply.channel(channel)["outcome"] in {"retrying", "pending"}
    classes = {d.error_class for d in await quick.deliveries(channels=(channel,))}
    assert classes == {"rate_limit"}  # that nobody asked in the meantime is no time-out


async def test_an_open_circuit_persists_at_once_and_counts_no_attempt(impatient: World) -> None:
    impatient.sandbox.faults.set("crm", Fault("hang"))
    for number in range(1, 6):
        assert (await impatient.register(number=number)).channel("crm")["error_class"] == "timeout"
    reply = await impatient.register(number=6)
    assert reply.channel("crm")["outcome"] == "retrying"
    assert "is paused" in reply.channel("crm")["message"], "nobody waited for an answer"
    newest = (await impatient.deliveries(channels=("crm",)))[-1]
    assert newest.attempts == 0
    impatient.sandbox.faults.clear()
    assert await impatient.replay(channel="crm") == 6
    assert len(impatient.sandbox.hubspot.contacts) == 6


async def test_mailboxes_that_are_refused_do_not_stop_the_mail_of_the_others(quick: World) -> None:
    for number, status in enumerate((450, 451, 452, 451, 450, 452), 1):
        fault = Fault("status", status=status, match=f"taro{number}@example.com")
        quick.sandbox.faults.set("email", fault)
        reply = await quick.register(number=number)
        assert reply.channel("email")["error_class"] == "unavailable"
    assert (await quick.register(number=7)).channel("email")["outcome"] == "delivered"
    refused = await quick.deliveries(channels=("email",), outcomes=(Outcome.RETRYING,))
    assert [delivery.attempts for delivery in refused] == [1] * 6
    quick.sandbox.faults.clear()
    assert await quick.replay(channel="email") == 6
    assert quick.sandbox.mail.count() == 7


@pytest.mark.parametrize(("match", "status"), [("MAIL", 451), ("MAIL", 550), ("CONNECT", 554)])
async def test_a_mail_server_that_refuses_everybody_opens_the_circuit_and_fails_nobody(
    quick: World, match: str, status: int
) -> None:
    quick.sandbox.faults.set("email", Fault("status", status=status, match=match))
    for number in range(1, 7):
        assert (await quick.register(number=number)).channel("email")["outcome"] == "retrying"
    assert (await quick.deliveries(channels=("email",)))[-1].attempts == 0
    quick.sandbox.faults.clear()
    assert await quick.replay(channel="email") == 6
    assert quick.sandbox.mail.count() == 6


async def test_what_fails_is_sent_again_by_itself_until_it_arrives(tmp_path: Path) -> None:
    settings = QUICK | {"GATEWAY_AUTO_REPLAY": "true", "GATEWAY_RETRY_SCHEDULE": "0.1,0.1,0.1"}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        world.sandbox.faults.set("crm", Fault("status", status=500, times=2))
        world.sandbox.faults.set("email", Fault("status", status=451, times=1))
        assert (await world.register()).status == 201
        await world.until(lambda: everything_arrived_once(world))
        await world.settled()
        assert [d.outcome for d in await world.deliveries()] == ["delivered"] * 3


async def test_when_the_retries_are_used_up_the_delivery_is_failed_and_replay_takes_it(
    tmp_path: Path,
) -> None:
    settings = QUICK | {"GATEWAY_AUTO_REPLAY": "true", "GATEWAY_RETRY_SCHEDULE": "0.05,0.05"}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        world.sandbox.faults.set("crm", Fault("status", status=500, match="contacts"))
        reply = await world.register()
        await world.until(lambda: len(world.sandbox.journal.of("crm", "contacts")) >= 3)
        while not (failed := await world.deliveries(outcomes=(Outcome.FAILED,))):
            await world.settled()
        assert [(d.channel, d.error_class, d.attempts) for d in failed] == [
            ("crm", "unavailable", 3)
        ]
        world.sandbox.faults.clear()
        assert await world.replay(outcome="failed") == 1
        assert (await world.get(f"/v1/registrations/{reply.body['id']}")).body["status"] == (
            "complete"
        )


async def test_a_customer_gone_from_shopify_is_discarded_by_the_next_attempt(
    quick: World,
) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    reply = await quick.register()
    quick.sandbox.faults.clear()
    quick.sandbox.shopify.delete_customer(int(reply.body["member_number"]))
    await quick.replay()
    shown = await quick.get(f"/v1/registrations/{reply.body['id']}")
    assert shown.body["channels"]["crm"]["outcome"] == "discarded"
    assert not quick.sandbox.hubspot.contacts


async def test_a_later_attempt_sends_what_shopify_has_by_then(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    reply = await quick.register()
    quick.sandbox.faults.clear()
    quick.sandbox.shopify.edit_customer(int(reply.body["member_number"]), lastName="佐藤")
    assert await quick.replay() == 1
    (contact,) = quick.sandbox.hubspot.contacts.values()
    assert contact.properties["lastname"] == "佐藤"


async def test_shopify_down_at_a_later_attempt_counts_none(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    await quick.register()
    quick.sandbox.faults.clear()
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    await quick.replay()
    (delivery,) = await quick.deliveries(channels=("crm",))
    assert (delivery.outcome, delivery.attempts) == ("retrying", 1)
    quick.sandbox.faults.clear()
    await quick.replay()
    assert everything_arrived_once(quick)


async def test_the_first_registration_after_a_start_holds_no_channel_up(
    tmp_path: Path,
) -> None:
    places.cache_clear()
    async with a_world(tmp_path, None, **QUICK) as world:
        await started_quietly(world)
        reply = await world.register()
        assert reply.body["status"] == "complete", reply.body["channels"]
