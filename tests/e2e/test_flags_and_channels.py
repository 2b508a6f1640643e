"""Each flag mode times each channel: what is written, what is only looked at, what is kept."""

import asyncio
import time
from pathlib import Path

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.e2e.evidence import CHANNELS, QUICK, everything_arrived_once, started_quietly
from tests.world import World, a_world

AUTO = QUICK | {"GATEWAY_AUTO_REPLAY": "true", "GATEWAY_RETRY_SCHEDULE": "0.1,0.1,0.1,0.1"}
OUTCOMES = {"on": "delivered", "off": "skipped", "hold": "held", "dry_run": "dry_run"}


def flag(channel: str, suffix: str = "") -> str:
    return f"FLAG_{channel.upper()}{suffix}"


def holds(world: World, channel: str) -> int:
    """Records, or mails, that a channel's stand-in has."""
    sandbox = world.sandbox
    held = {
        "smaregi": len(sandbox.smaregi.members),
        "crm": len(sandbox.hubspot.contacts),
        "email": len(sandbox.mail.messages),
    }
    return held[channel]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("mode", OUTCOMES)
async def test_a_flag_decides_about_its_channel_alone(
    quick: World, mode: str, channel: str
) -> None:
    quick.set(**{flag(channel): mode})
    reply = await quick.register()
    assert (reply.status, reply.body["status"]) == (201, "complete")
    outcomes = {name: reply.channel(name)["outcome"] for name in CHANNELS}
    assert outcomes == dict.fromkeys(CHANNELS, "delivered") | {channel: OUTCOMES[mode]}
    assert holds(quick, channel) == (mode == "on")
    if mode in {"off", "hold"}:
        asked = [each.operation for each in quick.sandbox.journal.of(channel)]
        assert set(asked) <= {"GET /details"}  # which account it is, at the start
    if mode == "dry_run":
        assert quick.sandbox.journal.writes(channel) == []


@pytest.mark.parametrize("channel", ["smaregi", "crm"])
async def test_a_dry_run_looks_and_writes_nothing(quick: World, channel: str) -> None:
    quick.set(**{flag(channel): "dry-run"})
    await quick.register()
    assert quick.sandbox.journal.reads(channel) != []
    assert quick.sandbox.journal.writes(channel) == []
    assert quick.sandbox.journal.applied(channel) == []
    (delivery,) = await quick.deliveries(channels=(channel,))
    assert (delivery.message or "").startswith("dry run")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("mode", ["off", "dry_run"])
async def test_what_was_skipped_or_rehearsed_is_taken_by_no_replay(
    quick: World, mode: str, channel: str
) -> None:
    quick.set(**{flag(channel): mode})
    await quick.register()
    quick.set(**{flag(channel): "on"})
    assert await quick.replay() == 0
    assert await quick.replay(channel=channel, outcome=OUTCOMES[mode]) == 0
    assert holds(quick, channel) == 0


@pytest.mark.parametrize("channel", CHANNELS)
async def test_what_was_held_is_sent_by_itself_once_the_flag_is_on(
    quick: World, channel: str
) -> None:
    quick.set(**{flag(channel): "hold"})
    for number in (1, 2):
        await quick.register(number=number)
    assert holds(quick, channel) == 0
    quick.set(**{flag(channel): "on"})
    await quick.until(lambda: holds(quick, channel) == 2)
    await quick.settled()
    held = await quick.deliveries(channels=(channel,))
    assert [(d.outcome, d.attempts) for d in held] == [("delivered", 1)] * 2


async def test_what_is_held_stays_though_a_replay_names_it(quick: World) -> None:
    quick.set(FLAG_CRM="hold")
    await quick.register()
    await quick.replay(channel="crm", outcome="held")
    (delivery,) = await quick.deliveries(channels=("crm",))
    assert (delivery.outcome, delivery.attempts) == ("held", 0)
    assert holds(quick, "crm") == 0


@pytest.mark.parametrize("mode", ["hold", "off", "dry_run"])
async def test_the_flag_is_read_again_at_each_attempt(tmp_path: Path, mode: str) -> None:
    async with a_world(tmp_path, None, **AUTO) as world:
        await started_quietly(world)
        await world.register(number=1)
        world.sandbox.faults.set("crm", Fault("status", status=500))
        await world.register(number=2)
        world.set(FLAG_CRM=mode)
        await world.settled()
        (before,) = await world.deliveries(channels=("crm",), outcomes=(Outcome.RETRYING,))
        world.sandbox.faults.clear()
        asked = len(world.sandbox.journal.of("crm"))
        await world.until(lambda: time.time() > (before.next_attempt_at or 0) + 0.2)
        await world.replay()
        (after,) = await world.deliveries(channels=("crm",), outcomes=(Outcome.RETRYING,))
        assert (after.attempts, after.error_class) == (before.attempts, "unavailable")
        assert len(world.sandbox.journal.of("crm")) == asked
        world.set(FLAG_CRM="on")
        await world.until(lambda: holds(world, "crm") == 2)


async def test_a_registration_goes_by_the_flags_when_its_deliveries_are_written(
    quick: World,
) -> None:
    quick.set(FLAG_CRM="off")
    first = await quick.register(number=1)
    quick.set(FLAG_CRM="on")
    second = await quick.register(number=2)
    assert first.channel("crm")["outcome"] == "skipped"
    assert second.channel("crm")["outcome"] == "delivered"
    shown = await quick.get(f"/v1/registrations/{first.body['id']}")
    assert shown.body["channels"]["crm"]["outcome"] == "skipped"


async def test_a_percentage_holds_the_rest_and_raising_it_sends_more_of_the_same(
    quick: World,
) -> None:
    quick.set(FLAG_CRM_PERCENT="30", FLAG_SMAREGI="off", FLAG_EMAIL="off")
    await asyncio.gather(*(quick.register(number=number) for number in range(1, 31)))
    some = {c.properties["email"] for c in quick.sandbox.hubspot.contacts.values()}
    assert 1 <= len(some) < 30
    held = await quick.deliveries(channels=("crm",), outcomes=(Outcome.HELD,))
    assert len(held) == 30 - len(some)
    quick.set(FLAG_CRM_PERCENT="70")
    await quick.until(lambda: len(quick.sandbox.hubspot.contacts) > len(some))
    quick.set(FLAG_CRM_PERCENT="100")
    await quick.until(lambda: len(quick.sandbox.hubspot.contacts) == 30)
    assert some <= {c.properties["email"] for c in quick.sandbox.hubspot.contacts.values()}


@pytest.mark.parametrize(
    "listed", ["TARO@example.com", "@example.com", "x@example.jp,@Example.com"]
)
async def test_who_is_on_the_allow_list_is_sent_whatever_the_percentage(
    quick: World, listed: str
) -> None:
    quick.set(FLAG_CRM_PERCENT="0", FLAG_CRM_ALLOW=listed)
    mine = await quick.register()
    other = await quick.register(email="hanako@example.net", phone=None)
    assert mine.channel("crm")["outcome"] == "delivered"
    assert other.channel("crm")["outcome"] == "held"


async def test_the_allow_list_acts_only_under_on(quick: World) -> None:
    quick.set(FLAG_CRM="hold", FLAG_CRM_ALLOW="@example.com")
    assert (await quick.register()).channel("crm")["outcome"] == "held"


async def test_a_replay_asks_the_allow_list(quick: World) -> None:
    quick.set(FLAG_CRM_PERCENT="0")
    assert (await quick.register()).channel("crm")["outcome"] == "held"
    quick.set(FLAG_CRM_ALLOW="taro@example.com")
    await quick.replay(channel="crm")
    await quick.until(lambda: holds(quick, "crm") == 1)


# -- the deadline


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_channel_unfinished_at_the_deadline_is_pending_and_goes_on(
    tmp_path: Path, channel: str
) -> None:
    settings = {"GATEWAY_RESPONSE_DEADLINE": "1", "GATEWAY_AUTO_REPLAY": "false"}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        await world.register(number=1)
        world.sandbox.delays.total(channel, 2.5)
        began = asyncio.get_running_loop().time()
        reply = await world.register(number=2)
        assert 0.8 < asyncio.get_running_loop().time() - began < 2.2
        assert (reply.status, reply.body["status"]) == (201, "partial")
        assert reply.channel(channel) == {"outcome": "pending"}
        for other in set(CHANNELS) - {channel}:
            assert reply.channel(other)["outcome"] == "delivered"
        await world.settled()
        shown = await world.get(f"/v1/registrations/{reply.body['id']}")
        assert shown.body["status"] == "complete"
        assert holds(world, channel) == 2


# -- mails that are too old


async def an_old_mail(world: World) -> int:
    world.sandbox.faults.set("email", Fault("status", status=451))
    await world.register()
    world.sandbox.faults.clear()
    await world.core.db.write(
        lambda db: db.execute("UPDATE deliveries SET created_at = created_at - 90000")
    )
    (delivery,) = await world.deliveries(channels=("email",))
    return delivery.id


async def test_a_welcome_older_than_email_max_age_is_too_late(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **AUTO | {"GATEWAY_RETRY_SCHEDULE": "300"}) as world:
        await started_quietly(world)
        await an_old_mail(world)
        await world.make_due()
        while not (late := await world.deliveries(outcomes=(Outcome.FAILED,))):
            await world.settled()
        assert [(d.channel, d.error_class) for d in late] == [("email", "too_late")]
        assert holds(world, "email") == 0


@pytest.mark.parametrize("chosen", [{}, {"channel": "email"}, {"outcome": "retrying,failed"}])
async def test_a_replay_that_does_not_name_it_sends_no_old_welcome(
    quick: World, chosen: dict[str, str]
) -> None:
    await an_old_mail(quick)
    await quick.replay(**chosen)
    assert holds(quick, "email") == 0


async def test_a_replay_by_id_or_class_sends_an_old_welcome_all_the_same(quick: World) -> None:
    delivery = await an_old_mail(quick)
    assert await quick.replay(id=str(delivery)) == 1
    assert holds(quick, "email") == 1
    assert everything_arrived_once(quick)


async def test_too_late_is_sent_by_its_error_class(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **AUTO | {"GATEWAY_RETRY_SCHEDULE": "300"}) as world:
        await started_quietly(world)
        await an_old_mail(world)
        await world.make_due()
        while not await world.deliveries(outcomes=(Outcome.FAILED,)):
            await world.settled()
        assert await world.replay(error_class="too_late") == 1
        assert holds(world, "email") == 1
