"""What can go wrong with a change at the till: nothing is lost, nothing is done for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.channels.smaregi.create import MemberCreation
from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import Fault
from gateway.shopify import Shopify
from gateway.sync.channel_updates import ChannelUpdates
from gateway.sync.webhooks import worker
from tests.e2e.evidence import AlertBox
from tests.e2e.trouble.ending import all_delivered
from tests.sync.pos.scene import (
    at_the_till,
    contact,
    fingerprints,
    in_shopify,
    member,
    quiet,
    record,
    signed_up,
    writes,
)
from tests.sync.webhooks.conftest import connect
from tests.world import World, registration


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_PASSING", 0.1)


@pytest.mark.parametrize(
    ("system", "fault"),
    [
        ("shopify", Fault("status", status=500, times=2, match="customerUpdate")),
        ("shopify", Fault("drop", times=2, match="customerUpdate")),
        ("shopify", Fault("half", times=1, match="nodes")),
        ("smaregi", Fault("status", status=503, times=2, match="GET /customers/")),
        ("smaregi", Fault("garbage", times=1, match="GET /customers/")),
    ],
)
async def test_trouble_delays_a_change_and_no_more(
    synced: World, system: str, fault: Fault
) -> None:
    synced.set(GATEWAY_RETRY_SCHEDULE="0.1,0.1")
    await signed_up(synced)
    synced.sandbox.faults.set(system, fault)
    await at_the_till(synced, lastName="佐藤")
    assert (await in_shopify(synced)).last_name == "佐藤"
    assert contact(synced)["lastname"] == "佐藤"
    assert writes(synced, "smaregi") == []


async def test_a_stop_in_the_middle_loses_nothing(synced: World) -> None:
    customer_id = await signed_up(synced)
    synced.sandbox.faults.set("shopify", Fault("hang", match="customerUpdate"))
    (member_id,) = synced.sandbox.smaregi.members
    synced.sandbox.smaregi.edit(member_id, lastName="佐藤")
    await synced.until(lambda: synced.core.profile_changes.is_changing(customer_id))
    await synced.stop()
    synced.sandbox.faults.clear()
    await synced.start()
    await connect(synced)
    await quiet(synced)
    assert (await in_shopify(synced)).last_name == "佐藤"
    assert contact(synced)["lastname"] == "佐藤"


async def test_a_second_change_at_the_till_finds_the_first_in_shopify_and_is_the_tills_too(
    synced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shopify's answer to the first was lost."""
    change, calls = Shopify.change, 0
    await signed_up(synced)

    async def at_first_lost(self: Shopify, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        result = await change(self, *given)
        if calls < 3:
            (member_id,) = synced.sandbox.smaregi.members
            synced.sandbox.smaregi.edit(member_id, birthDate=f"1977-03-0{calls}")
            raise UpstreamError("shopify", "change", ErrorClass.CONNECTION, "cut")
        return result

    monkeypatch.setattr(Shopify, "change", at_first_lost)
    await at_the_till(synced, birthDate="1966-02-02")
    assert (await in_shopify(synced)).birth_date == "1977-03-02"
    assert member(synced)["birthDate"] == "1977-03-02"
    assert contact(synced)["date_of_birth"] == "1977-03-02"
    assert calls == 3
    assert not [name for name in await fingerprints(synced) if name.startswith("w:")]


async def test_channels_hear_of_it_though_the_gateway_dies_after_shopifys_answer(
    synced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced.set(GATEWAY_RETRY_SCHEDULE="0.1")
    await signed_up(synced)
    synced.sandbox.shopify.webhooks.pause()  # no echo brings it either
    whole = ChannelUpdates.changed
    broken: list[int] = []

    async def breaks_once(self: ChannelUpdates, customers: Any, **kind: Any) -> int:
        if not broken:
            broken.append(1)
            raise RuntimeError
        return await whole(self, customers, **kind)

    monkeypatch.setattr(ChannelUpdates, "changed", breaks_once)
    await at_the_till(synced, lastName="佐藤")
    assert broken
    assert contact(synced)["lastname"] == "佐藤"


async def test_what_shopify_refuses_is_told_once_and_the_rest_goes_on(synced: World) -> None:
    async with AlertBox.open() as box:
        synced.set(ALERT_WEBHOOK_URL=box.url)
        await signed_up(synced)
        await at_the_till(synced, address="東京都渋谷区道玄坂1-2-3 <b>ビル</b>", lastName="佐藤")
        await at_the_till(synced, note="seen")
        await synced.until(lambda: box.texts)
        assert (await in_shopify(synced)).last_name == "佐藤"
        assert (await in_shopify(synced)).address.address2 == "ABCビル 5F"
        (text,) = box.about("does not take what was changed at the till", "address")
        assert "渋谷" not in text
        assert member(synced)["address"] == "東京都渋谷区道玄坂1-2-3 <b>ビル</b>"


async def test_a_phone_of_somebody_else_stays_with_the_address_and_is_tried_once(
    synced: World,
) -> None:
    await synced.post("/v1/registrations", registration(1))
    reply = await synced.register()
    await quiet(synced)
    synced.sandbox.journal.clear()
    (member_id,) = (
        i
        for i, row in synced.sandbox.smaregi.members.items()
        if row["customerCode"] == reply.body["member_number"]
    )
    for note in ("a", "b"):
        number = registration(1)["phone"]
        synced.sandbox.smaregi.edit(member_id, mobileNumber=number, note=note)
        await quiet(synced)
    customer_id = int(reply.body["member_number"])
    found = (await synced.core.shopify.read([customer_id]))[customer_id]
    assert found.profile.phone == "+819010015678"
    assert len(writes(synced, "shopify")) <= 3
    assert writes(synced, "smaregi") == []


@pytest.mark.parametrize(
    ("leave", "word"),
    [
        (lambda world, i: world.sandbox.smaregi.edit(i, status="3"), "withdrawn"),
        (lambda world, i: world.sandbox.smaregi.edit(i, status="4"), "merged"),
        (lambda world, i: world.sandbox.smaregi.remove(i), "deleted"),
    ],
)
async def test_a_member_who_leaves_is_told_once_and_the_link_stays(
    synced: World, leave: Callable[[World, int], None], word: str
) -> None:
    async with AlertBox.open() as box:
        synced.set(ALERT_WEBHOOK_URL=box.url)
        customer_id = await signed_up(synced)
        (member_id,) = synced.sandbox.smaregi.members
        synced.sandbox.smaregi.webhooks.pause()
        leave(synced, member_id)
        synced.sandbox.smaregi.webhooks.flush(repeat=2)
        await quiet(synced)
        await synced.until(lambda: box.about(word))
        reply = await synced.patch(f"/v1/customers/{customer_id}", {"last_name": "佐藤"})
        assert reply.channel("smaregi")["error_class"] == "conflict"
        assert len(box.about("at the till", word)) == 1
        assert writes(synced, "shopify")[-1:] != []


async def test_echoes_repeated_and_shuffled_write_nothing_more(synced: World) -> None:
    await signed_up(synced)
    synced.sandbox.shopify.webhooks.pause()
    synced.sandbox.smaregi.webhooks.pause()
    (member_id,) = synced.sandbox.smaregi.members
    synced.sandbox.smaregi.edit(member_id, lastName="佐藤", mobileNumber="080-9876-5432")
    for _ in range(3):
        synced.sandbox.smaregi.webhooks.flush(repeat=3, shuffle=True)
        synced.sandbox.shopify.webhooks.flush(repeat=3, shuffle=True)
        await quiet(synced)
    assert record(synced).last_name == "佐藤"
    assert writes(synced, "smaregi") == []
    assert len(writes(synced, "crm")) == 1
    # customerUpdate, and the phone of the address
    assert len(writes(synced, "shopify")) == 2


async def test_the_till_may_change_a_member_whose_creation_was_noticed_late(
    synced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create was carried out, its answer and the look after it were lost: a later attempt finds
    the member. What the till changes before anything else is heard of it is a change.
    """
    synced.set(GATEWAY_RETRY_SCHEDULE="0.1")
    synced.sandbox.smaregi.webhooks.pause()

    async def finds_nothing(_: MemberCreation, error: UpstreamError, code: str) -> Any:
        raise error

    monkeypatch.setattr(MemberCreation, "_made_after_all", finds_nothing)
    synced.sandbox.faults.set("smaregi", Fault("drop", times=1, match="POST /customers"))
    await synced.register()
    await all_delivered(synced)
    (member_id,) = synced.sandbox.smaregi.members
    synced.sandbox.smaregi.edit(member_id, birthDate="1985-12-31")
    synced.sandbox.smaregi.webhooks.flush()
    await quiet(synced)
    assert (await in_shopify(synced)).birth_date == "1985-12-31"
    assert contact(synced)["date_of_birth"] == "1985-12-31"
