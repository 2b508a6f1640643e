"""A channel fails: 201, the others delivered and not held up, this one delivered by a replay."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault, MailOptions, SandboxOptions
from tests.e2e.evidence import (
    CHANNELS,
    IMPATIENT,
    AlertBox,
    personal_data_in,
    started_quietly,
)
from tests.world import World, a_world

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
