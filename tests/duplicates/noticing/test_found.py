"""Through the front door: who becomes a possible duplicate, and when it is noticed."""

from typing import Any

import pytest

from gateway.duplicates import finder
from gateway.store.duplicates import Pair
from tests.duplicates.noticing.noticing import HANAKO, TARO, looked_at, pairs, sign_up
from tests.e2e.evidence import AlertBox
from tests.world import World, a_world


async def test_a_store_member_with_another_e_mail_and_the_same_mobile_is_found_by_itself(
    world: World,
) -> None:
    at_till = world.sandbox.smaregi.add(
        **TARO | {"mailAddress": "old@example.com", "mobileNumber": "09023456701"}
    )
    made = await sign_up(world, phone="090-2345-6701")
    found: list[Pair] = []
    while not found:
        found = await pairs(world)
    assert [(p.low_id, p.high_id, p.reasons) for p in found] == [
        (at_till, made, ("mobile", "kana_birth"))
    ]
    assert b"gateway_duplicates_open 1.0" in (await world.get("/metrics")).raw


async def test_what_the_customer_told_counts_where_the_till_had_only_a_name(world: World) -> None:
    card = world.sandbox.smaregi.add(
        lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    before = world.sandbox.smaregi.add(
        **TARO | {"mailAddress": "old@example.com", "mobileNumber": "090-2345-6701"}
    )
    assert await sign_up(world, phone="090-2345-6701") == card
    (pair,) = await looked_at(world)
    assert (pair.low_id, pair.high_id) == (card, before)
    assert pair.reasons == ("mobile", "kana_birth")
    afterwards = world.sandbox.smaregi.add(
        lastName="山田", firstName="未入力", mobileNumber="090-2345-6701"
    )
    assert {p.high_id for p in await looked_at(world)} == {before, afterwards}


async def test_of_several_members_with_one_e_mail_the_others_are_possible_duplicates(
    world: World,
) -> None:
    members = [world.sandbox.smaregi.add(**TARO) for _ in range(3)]
    chosen = await sign_up(world)
    assert chosen in members
    found = await looked_at(world)
    others = {pair.other(chosen) for pair in found}
    assert others == set(members) - {chosen}
    assert {pair.reasons for pair in found} == {("email", "kana_birth")}


async def test_somebody_else_with_the_e_mail_is_shown_with_what_speaks_against(
    world: World,
) -> None:
    mother = world.sandbox.smaregi.add(**TARO | HANAKO | {"birthDate": "1960-01-01"})
    made = await sign_up(world)
    assert made != mother
    (pair,) = await looked_at(world)
    assert pair.reasons == ("email", "other_name", "other_birth")
    assert pair.score < 0


@pytest.mark.parametrize(("status", "shown"), [("3", True), ("4", False)])
async def test_beside_a_withdrawn_member_a_new_one_is_a_possible_duplicate_and_stays_one(
    world: World, status: str, shown: bool
) -> None:
    gone = world.sandbox.smaregi.add(**TARO, status=status)
    made = await sign_up(world)
    assert made != gone
    for _ in range(2):
        found = await looked_at(world)
        assert [pair.reasons for pair in found] == [("email", "kana_birth")] * shown
        world.sandbox.smaregi.edit(made, note="seen at the till")


async def test_a_withdrawn_member_beside_the_one_that_was_linked_is_no_question(
    world: World,
) -> None:
    world.sandbox.smaregi.add(**TARO, status="3")
    active = world.sandbox.smaregi.add(**TARO)
    assert await sign_up(world) == active
    assert await looked_at(world) == []


async def test_a_suspended_member_is_a_conflict_and_no_pair(world: World) -> None:
    world.sandbox.smaregi.add(**TARO, status="1")
    reply = await world.register()
    assert reply.channel("smaregi")["error_class"] == "conflict"
    assert await looked_at(world) == []


async def test_a_pair_of_which_nobody_is_a_customer_is_no_concern_of_ours(world: World) -> None:
    await sign_up(world, number=1, last_kana="サトウ", phone="090-9999-1111")
    for _ in range(2):
        world.sandbox.smaregi.add(**TARO)
    assert await looked_at(world) == []


async def test_a_member_made_at_the_till_for_a_customer_is_noticed_and_told_once(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def told() -> list[str]:
        return [text for text in caplog.messages if text.startswith("alert: ")]

    async with (
        AlertBox.open() as alerts,
        a_world(tmp_path, GATEWAY_AUTO_REPLAY="false", ALERT_WEBHOOK_URL=alerts.url) as world,
    ):
        for _ in range(2):
            world.sandbox.smaregi.add(**HANAKO, mailAddress="taro7@example.com")
        await sign_up(world, number=7, last_kana="スズキ", birth_date="1970-01-01")
        met = await looked_at(world)  # at the sign-up: no news
        assert (len(met), told()) == (1, [])
        made = await sign_up(world)
        at_till = world.sandbox.smaregi.add(**TARO)
        (pair,) = [each for each in await looked_at(world) if each not in met]
        assert {pair.low_id, pair.high_id} == {made, at_till}
        await world.until(lambda: alerts.texts)
        world.sandbox.smaregi.edit(at_till, note="seen again")
        world.sandbox.smaregi.edit(made, note="seen again")
        assert len(await looked_at(world)) == 2
        (text,) = alerts.texts
        assert told() == [f"alert: {text}"]
        assert "1 store member has" in text
        assert "duplicates list" in text
        assert "taro" not in text


async def test_what_the_till_does_is_noticed_although_nobody_signs_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_up(world)
    monkeypatch.setattr(finder, "_REFRESH_EVERY", 0.05)
    world.sandbox.smaregi.add(**TARO)
    while not await pairs(world):
        pass
