"""`ChannelUpdates.changed`: a customer as Shopify has them now, against what each channel was
given.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.customer import Customer
from gateway.outcomes import Kind, Outcome
from gateway.sandbox.shopify.records import Consent
from tests.e2e.evidence import personal_data_in, told
from tests.world import World

FLAGS = ("FLAG_SMAREGI", "FLAG_CRM", "FLAG_UPDATES")


async def customer(world: World, **changes: Any) -> Customer:
    """The one customer, changed in Shopify as somebody in its admin does, and read."""
    (record,) = world.sandbox.shopify.customers.values()
    for name, value in changes.items():
        setattr(record, name, value)
    return (await world.core.shopify.read([record.id]))[record.id]


async def changed(world: World, **changes: Any) -> int:
    count = await world.core.updates.changed([await customer(world, **changes)])
    await settled(world)
    return count


async def settled(world: World) -> None:
    """Until the worker has taken what may go."""
    async with asyncio.timeout(30):
        while any(d.outcome is Outcome.PENDING for d in await world.deliveries()):
            await asyncio.sleep(0.01)
    await world.settled()


async def outcomes(world: World, kind: Kind = Kind.UPDATE) -> dict[str, str]:
    return {d.channel: str(d.outcome) for d in await world.deliveries() if d.kind is kind}


async def test_an_echo_opens_nothing(world: World) -> None:
    await world.register()
    world.sandbox.journal.clear()
    assert await changed(world) == 0
    assert told(world) == []


async def test_only_what_differs_is_sent_to_every_channel_but_mail(world: World) -> None:
    await world.register()
    (member,) = world.sandbox.smaregi.members.values()
    (contact,) = world.sandbox.hubspot.contacts.values()
    member["firstName"] = contact.properties["firstname"] = "店で直した"
    world.sandbox.journal.clear()
    assert await changed(world, last_name="佐藤") == 2
    assert await outcomes(world) == {"smaregi": "delivered", "crm": "delivered"}
    assert len(told(world)) == 2
    (member,) = world.sandbox.smaregi.members.values()
    assert (member["lastName"], member["firstName"]) == ("佐藤", "店で直した")
    assert contact.properties["lastname"] == "佐藤"
    assert contact.properties["firstname"] == "店で直した"
    assert await changed(world) == 0


async def test_a_blank_clears_what_we_sent(world: World) -> None:
    await world.register()
    await changed(world, phone=None, addresses=[])
    (member,) = world.sandbox.smaregi.members.values()
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert not member["mobileNumber"]
    assert not member["address"]
    assert contact.properties["phone"] == contact.properties["zip"] == ""


async def test_an_email_moves_by_the_stored_reference(world: World) -> None:
    await world.register()
    await changed(world, email="new@example.com")
    (member,) = world.sandbox.smaregi.members.values()
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert member["mailAddress"] == contact.properties["email"] == "new@example.com"


async def test_differences_of_the_day_of_linking_are_left_alone_and_later_ones_sent(
    world: World,
) -> None:
    world.sandbox.smaregi.add(
        mailAddress="taro@example.com",
        lastName="ヤマダ",
        firstName="タロウ",
        birthDate="1990-04-01",
    )
    reply = await world.register()
    assert reply.channel("smaregi")["action"] == "linked"
    assert await changed(world) == 0
    await changed(world, first_name="次郎")
    (member,) = world.sandbox.smaregi.members.values()
    assert member["firstName"] == "次郎"
    assert member["lastName"] == "ヤマダ"
    assert (
        await changed(world, phone=None, addresses=[]) == 1
    )  # the CRM's alone: Smaregi's we never sent


@pytest.mark.parametrize(
    ("flags", "outcome"),
    [
        ({"FLAG_UPDATES": "off"}, {}),
        ({"FLAG_UPDATES": "hold"}, {"smaregi": "held", "crm": "held"}),
        ({"FLAG_UPDATES": "dry_run"}, {"smaregi": "dry_run", "crm": "dry_run"}),
        ({"FLAG_CRM": "hold"}, {"smaregi": "delivered", "crm": "held"}),
        ({"FLAG_CRM": "off", "FLAG_UPDATES": "hold"}, {"smaregi": "held"}),
        ({"FLAG_UPDATES_PERCENT": "0"}, {"smaregi": "held", "crm": "held"}),
        # A percentage of a channel counts until it has the customer.
        ({"FLAG_CRM_PERCENT": "0"}, {"smaregi": "delivered", "crm": "delivered"}),
    ],
)
async def test_the_stricter_of_the_two_flags_decides(
    world: World, flags: dict[str, str], outcome: dict[str, str]
) -> None:
    await world.register()
    world.set(**flags)
    await changed(world, last_name="佐藤")
    assert await outcomes(world) == outcome


async def test_held_changes_are_one_delivery_and_go_once_the_flag_is_on(world: World) -> None:
    await world.register()
    world.set(FLAG_UPDATES="hold")
    await changed(world, last_name="佐藤")
    await changed(world, last_name="鈴木")
    assert len(await world.deliveries(channels=("crm",))) == 2
    world.sandbox.journal.clear()
    world.set(FLAG_UPDATES="on")
    async with asyncio.timeout(30):
        while await outcomes(world) != {"smaregi": "delivered", "crm": "delivered"}:
            await asyncio.sleep(0.01)
    assert len(told(world)) == 2
    assert world.sandbox.smaregi.members[1]["lastName"] == "鈴木"


@pytest.mark.parametrize(
    ("mode", "outcome"), [("off", "delivered"), ("hold", "held"), ("dry_run", "dry_run")]
)
@pytest.mark.parametrize("flag", FLAGS)
async def test_opting_out_goes_whatever_the_flags_say_and_goes_alone(
    world: World, flag: str, mode: str, outcome: str
) -> None:
    await world.register()
    world.set(**{flag: mode})
    world.sandbox.journal.clear()
    consent = Consent("UNSUBSCRIBED")
    await changed(world, consent=consent, last_name="佐藤")
    (member,) = world.sandbox.smaregi.members.values()
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert member["mailReceiveFlag"] == "0"
    assert contact.properties["accepts_marketing"] == "false"
    kept = {"FLAG_SMAREGI": {"smaregi"}, "FLAG_CRM": {"crm"}}.get(flag, {"smaregi", "crm"})
    names = {"smaregi": member["lastName"], "crm": contact.properties["lastname"]}
    assert {name for name, last in names.items() if last == "山田"} == kept
    assert {c: o for c, o in (await outcomes(world)).items() if c in kept} == dict.fromkeys(
        kept, outcome
    )
    world.set(**{flag: "on"})
    await changed(world)
    async with asyncio.timeout(30):
        while world.sandbox.smaregi.members[1]["lastName"] != "佐藤":
            await asyncio.sleep(0.01)
    await settled(world)
    assert contact.properties["lastname"] == "佐藤"


async def test_opting_in_waits_for_the_flags(world: World) -> None:
    await world.register(accepts_marketing=False)
    world.set(FLAG_UPDATES="off")
    assert await changed(world, consent=Consent("SUBSCRIBED", "SINGLE_OPT_IN")) == 0


async def test_who_signed_up_here_is_made_where_they_are_missing_and_others_are_not(
    world: World,
) -> None:
    world.set(FLAG_CRM="off")
    await world.register()
    world.set(FLAG_CRM="on")
    assert await changed(world) == 1
    assert len(world.sandbox.hubspot.contacts) == 1
    stranger = replace(await customer(world), id=7999, registration_id="")
    assert await world.core.updates.changed([stranger]) == 0


async def test_a_failed_change_is_not_tried_again_by_its_echo_but_by_the_next_change(
    world: World,
) -> None:
    await world.register()
    world.sandbox.hubspot.add(email="taken@example.com")
    await changed(world, email="taken@example.com")
    (failed,) = [d for d in await world.deliveries(channels=("crm",)) if d.kind is Kind.UPDATE]
    assert (str(failed.outcome), str(failed.error_class)) == ("failed", "conflict")
    assert await changed(world) == 0
    assert await changed(world, email="free@example.com") == 2
    assert await outcomes(world) == {"smaregi": "delivered", "crm": "delivered"}


@pytest.mark.parametrize("status", ["3", "4", None])
async def test_a_linked_member_that_is_no_more_is_a_conflict_in_words(
    world: World, status: str | None
) -> None:
    await world.register()
    if status is None:
        del world.sandbox.smaregi.members[1]
    else:
        world.sandbox.smaregi.members[1]["status"] = status
    await changed(world, last_name="佐藤")
    (delivery,) = [
        d for d in await world.deliveries(channels=("smaregi",)) if d.kind is Kind.UPDATE
    ]
    assert (str(delivery.outcome), str(delivery.error_class)) == ("failed", "conflict")
    assert "linked member" in (delivery.message or "")


async def test_where_smaregi_refuses_to_empty_a_field_the_rest_arrives(world: World) -> None:
    await world.register()
    world.sandbox.smaregi.required.add("mobileNumber")
    await changed(world, phone=None, last_name="佐藤", addresses=[])
    (member,) = world.sandbox.smaregi.members.values()
    assert member["lastName"] == "佐藤"
    assert member["mobileNumber"]
    (delivery,) = [
        d for d in await world.deliveries(channels=("smaregi",)) if d.kind is Kind.UPDATE
    ]
    assert str(delivery.outcome) == "delivered"
    assert "not emptied: Smaregi refuses that" in {a["change"] for a in delivery.adjustments}


async def test_an_attempt_that_read_the_customer_before_a_change_sends_nothing_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.register()
    world.set(FLAG_UPDATES="hold")
    await changed(world, last_name="佐藤")
    read, names = world.core.shopify.read_each, ["鈴木"]

    async def overtaken(ids: Any) -> Any:
        found = await read(ids)
        if names:
            newer = await customer(world, last_name=names.pop())
            assert await world.core.updates.changed([newer]) == 2
        return found

    monkeypatch.setattr(world.core.shopify, "read_each", overtaken)
    world.set(FLAG_UPDATES="on")
    async with asyncio.timeout(30):
        while await outcomes(world) != {"smaregi": "delivered", "crm": "delivered"}:
            await asyncio.sleep(0.01)
    (contact,) = world.sandbox.hubspot.contacts.values()
    assert contact.properties["lastname"] == "鈴木"
    assert world.sandbox.smaregi.members[1]["lastName"] == "鈴木"


async def test_nothing_of_a_person_is_readable_in_the_marks(world: World) -> None:
    await world.register()

    def texts(db: Any) -> list[str]:
        return [row[0] or "" for row in db.execute("SELECT fingerprints FROM links")]

    stored = "".join(await world.core.db.read(texts))
    assert "mailReceiveFlag" in stored
    assert personal_data_in(stored) == []
