"""A channel fails: 201, the others delivered and not held up, this one delivered by a replay."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.normalize.places import places
from gateway.outcomes import Outcome
from gateway.sandbox import Fault, MailOptions, SandboxOptions
from tests.e2e.evidence import (
    CHANNELS,
    IMPATIENT,
    QUICK,
    AlertBox,
    armed,
    everything_arrived_once,
    personal_data_in,
    started_quietly,
)
from tests.world import TARO, World, a_world

TOLD_AS = {"crm": "HubSpot", "email": "Welcome mail", "smaregi": "Smaregi"}


@dataclass(frozen=True)
class Case:
    """`classes` are the error classes that the contract allows, `waits` the seconds asked for."""

    channel: str
    fault: Fault
    classes: tuple[str, ...]
    waits: float = 0.0

    @property
    def outcome(self) -> Outcome:
        return Outcome.FAILED if self.classes == ("invalid_data",) else Outcome.RETRYING


# Half a body is a connection that ended, and an answer that cannot be understood.
_BROKEN_OFF = ("connection", "unexpected")

EVERYWHERE: dict[str, tuple[Fault, tuple[str, ...], float]] = {
    "refused": (Fault("refuse"), ("connection",), 0),
    "reset": (Fault("reset"), ("connection",), 0),
    "hang": (Fault("hang"), ("timeout",), 0),
    "garbage": (Fault("garbage"), ("unexpected",), 0),
    "half a body": (Fault("half"), _BROKEN_OFF, 0),
}
OVER_HTTP = EVERYWHERE | {
    "401": (Fault("status", status=401), ("auth",), 0),
    "429": (Fault("throttle"), ("rate_limit",), 0),
    "429 with Retry-After": (Fault("throttle", retry_after=1), ("rate_limit",), 1),
    "500": (Fault("status", status=500), ("unavailable",), 0),
    "503": (Fault("status", status=503, body="<html>"), ("unavailable",), 0),
}
BY_SMTP = EVERYWHERE | {
    "421 at the door": (Fault("status", status=421, match="CONNECT"), ("unavailable",), 0),
    "451": (Fault("status", status=451), ("unavailable",), 0),
    "452 at RCPT": (Fault("status", status=452, match="RCPT"), ("unavailable",), 0),
    "535": (Fault("status", status=535), ("auth",), 0),
    "550": (Fault("status", status=550, match="RCPT"), ("invalid_data",), 0),
    "554": (Fault("status", status=554), ("invalid_data",), 0),
}
CASES = {
    f"{channel}: {name}": Case(channel, *row)
    for channel in CHANNELS
    for name, row in (BY_SMTP if channel == "email" else OVER_HTTP).items()
}


def has(world: World, channel: str, email: str) -> bool:
    """Whether the channel has somebody of that address."""
    sandbox = world.sandbox
    known: dict[str, list[str | None]] = {
        "smaregi": [m["mailAddress"] for m in sandbox.smaregi.members.values()],
        "crm": [c.properties["email"] for c in sandbox.hubspot.contacts.values()],
        "email": [to for mail in sandbox.mail.messages for to in mail.recipients],
    }
    return email in known[channel]


def with_login() -> tuple[SandboxOptions, dict[str, str]]:
    options = SandboxOptions(mail=MailOptions(username="shop", password="a password"))
    return options, {"SMTP_USERNAME": "shop", "SMTP_PASSWORD": "a password"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_failing_channel_costs_neither_the_registration_nor_the_other_channels(
    tmp_path: Path, alerts: AlertBox, case: Case
) -> None:
    options, login = with_login()
    settings = IMPATIENT | login | {"ALERT_WEBHOOK_URL": alerts.url}
    async with a_world(tmp_path, options, **settings) as world:
        if case.fault.status != 535 and case.fault.match != "CONNECT":  # connections are kept
            await world.register(number=1)
        await started_quietly(world)
        world.sandbox.faults.set(case.channel, case.fault)
        asked_at = time.time()
        others = set(CHANNELS) - {case.channel}
        going = asyncio.create_task(world.register(number=2))
        await world.until(lambda: all(has(world, other, "taro2@example.com") for other in others))
        assert not (case.fault.kind == "hang" and going.done()), "nobody waited for what hangs"
        reply = await going
        assert (reply.status, reply.body["status"]) == (201, "partial")
        assert {reply.channel(other)["outcome"] for other in others} == {"delivered"}
        broken = reply.channel(case.channel)
        (delivery,) = await world.deliveries(
            channels=(case.channel,), outcomes=(Outcome.RETRYING, Outcome.FAILED)
        )
        assert (delivery.outcome, broken["outcome"]) == (case.outcome, case.outcome)
        assert delivery.error_class in case.classes
        assert broken["error_class"] == delivery.error_class
        assert broken["message"]
        assert (delivery.attempts == 0) == (delivery.error_class == "auth")
        if case.outcome is Outcome.RETRYING:
            assert (delivery.next_attempt_at or 0) > asked_at + case.waits
            assert broken["next_attempt_at"].endswith("Z")
        called = f"{TOLD_AS[case.channel]}: {delivery.error_class}"
        await world.until(lambda: alerts.about(called))
        assert personal_data_in(" ".join(alerts.texts) + broken["message"]) == []
        world.sandbox.faults.clear()
        assert await world.replay(channel=case.channel) == 1
        assert await world.replay(channel=case.channel) == 0
        shown = await world.get(f"/v1/registrations/{reply.body['id']}")
        assert shown.body["status"] == "complete"
        assert shown.body["channels"][case.channel]["outcome"] == "delivered"
        assert_arrived_once(world, 2)


def assert_arrived_once(world: World, number: int) -> None:
    """By what the stand-ins hold: one record each, and mail under one Message-ID."""
    sandbox, email = world.sandbox, f"taro{number}@example.com"
    (customer,) = [c for c in sandbox.shopify.customers.values() if c.email == email]
    (member,) = [m for m in sandbox.smaregi.members.values() if m["mailAddress"] == email]
    assert member["customerCode"] == str(customer.id)
    (contact,) = [c for c in sandbox.hubspot.contacts.values() if c.properties["email"] == email]
    assert contact.properties["shopify_customer_id"] == str(customer.id)
    assert len({mail.message_id for mail in sandbox.mail.to(email)}) == 1


# -- applied, and the answer lost


LOST = {
    "a new member": ("smaregi", "POST /customers"),
    "a linked member": ("smaregi", "PATCH /customers"),
    "a new contact": ("crm", "POST /contacts"),
    "a known contact": ("crm", "PATCH /contacts"),
    "a mail": ("email", "DATA"),
}


def prepared(world: World, name: str) -> None:
    """Whom the channel knows beforehand."""
    if name == "a linked member":
        world.sandbox.smaregi.add(
            customerCode="C0001", lastName="山田", firstName="太郎", mailAddress=TARO["email"]
        )
    if name == "a known contact":
        world.sandbox.hubspot.add(email=TARO["email"])


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_answer_makes_nothing_twice(quick: World, name: str) -> None:
    channel, write = LOST[name]
    prepared(quick, name)
    quick.sandbox.faults.set(channel, Fault("drop", match=write, times=1))
    reply = await quick.register()
    await quick.settled()  # on a busy machine the answer may come before the attempt has ended
    assert reply.status == 201
    assert armed(quick, channel) == [0]
    if reply.channel(channel)["outcome"] != "delivered":
        assert await quick.replay(channel=channel) == 1
    assert await quick.replay() == 0
    assert_linked_once(quick, name, reply.body["shopify_customer_id"])


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_answer_of_a_system_that_is_then_down_makes_nothing_twice(
    impatient: World, name: str
) -> None:
    channel, write = LOST[name]
    prepared(impatient, name)
    hang = Fault("hang", match=write, times=1, applied=True)
    impatient.sandbox.faults.set(channel, hang)
    going = asyncio.create_task(impatient.register())
    await impatient.until(lambda: armed(impatient, channel) == [0])
    impatient.sandbox.faults.set(channel, Fault("refuse" if channel == "email" else "reset"))
    reply = await going
    assert reply.channel(channel)["outcome"] == "retrying"
    assert await impatient.replay(channel=channel) == 1  # still down: nothing but another failure
    impatient.sandbox.faults.clear()
    assert await impatient.replay(channel=channel) == 1
    assert await impatient.replay() == 0
    assert_linked_once(impatient, name, reply.body["shopify_customer_id"])


def assert_linked_once(world: World, name: str, shopify_id: str) -> None:
    assert everything_arrived_once(world)
    number = shopify_id.rpartition("/")[2]
    (member,) = world.sandbox.smaregi.members.values()
    assert member["customerCode"] == number
    if name == "a linked member":
        assert member["customerNo"] == "C0001"
        assert member["note"] == ""
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"] == number


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_link_that_was_made_although_it_was_refused_keeps_the_old_number_once(
    quick: World, status: int
) -> None:
    prepared(quick, "a linked member")
    refusal = Fault("status", status=status, match="PATCH /customers", times=1, applied=True)
    quick.sandbox.faults.set("smaregi", refusal)
    reply = await quick.register()
    assert reply.channel("smaregi")["action"] == "linked"
    assert_linked_once(quick, "a linked member", reply.body["shopify_customer_id"])


async def test_a_linked_member_whose_answer_was_lost_is_still_told_as_linked(
    quick: World,
) -> None:
    prepared(quick, "a linked member")
    quick.sandbox.faults.set("smaregi", Fault("drop", match="PATCH /customers", times=1))
    reply = await quick.register()
    if reply.channel("smaregi")["outcome"] != "delivered":
        await quick.replay()
    shown = await quick.get(f"/v1/registrations/{reply.body['id']}")
    assert shown.body["channels"]["smaregi"]["action"] == "linked"
    assert shown.body["channels"]["smaregi"]["reference"] == "1"


# -- all together


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
