"""Through the front door: who becomes a possible duplicate, and when it is noticed."""

import sqlite3
from typing import Any

import pytest

from gateway.duplicates import finder, merged_online
from gateway.outcomes import Match
from gateway.sandbox import Fault
from gateway.store import duplicate_queue, duplicates, members, outbox
from gateway.store.duplicates import Pair
from tests.e2e.evidence import AlertBox
from tests.world import World, a_world, registration

TARO: dict[str, str] = {
    "lastName": "山田",
    "firstName": "太郎",
    "lastKana": "ヤマダ",
    "firstKana": "タロウ",
    "mailAddress": "taro@example.com",
    "birthDate": "1990-04-01",
}
HANAKO = {"lastName": "佐藤", "firstName": "花子", "lastKana": "サトウ", "firstKana": "ハナコ"}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_EVERY", 0.02)


async def pairs(world: World, *, every_state: bool = False) -> list[Pair]:
    return await world.core.db.read(
        lambda db: duplicates.find(db, limit=100, every_state=every_state)
    )


async def looked_at(world: World) -> list[Pair]:
    """The list once the index is up to date and nobody is left to be looked at."""
    await world.settled()
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    return await pairs(world)


async def sign_up(world: World, **changes: Any) -> int:
    """The id of the member that the sign-up made or chose."""
    reply = await world.register(registration(**changes))
    assert reply.channel("smaregi")["outcome"] == "delivered", reply.body
    return int(reply.channel("smaregi")["reference"])


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


async def test_a_rejected_pair_is_not_shown_again(world: World) -> None:
    at_till = world.sandbox.smaregi.add(**TARO)
    twin = world.sandbox.smaregi.add(**TARO)
    await sign_up(world)
    (pair,) = await looked_at(world)
    await world.core.db.write(
        lambda db: duplicates.set_state(db, pair.low_id, pair.high_id, "rejected", 1.0)
    )
    for member in (at_till, twin):
        world.sandbox.smaregi.edit(member, mobileNumber="090-1111-2222")
    assert await looked_at(world) == []
    await world.core.smaregi.index.start_scan(again=True)
    assert await looked_at(world) == []
    (kept,) = await pairs(world, every_state=True)
    assert kept.state == "rejected"


async def test_an_open_pair_that_is_alike_no_more_is_forgotten(world: World) -> None:
    world.sandbox.smaregi.add(**TARO)
    other = world.sandbox.smaregi.add(**TARO)
    made = await sign_up(world)
    await looked_at(world)
    odd = other if made != other else other - 1
    world.sandbox.smaregi.edit(odd, **HANAKO, mailAddress="hanako@example.com")
    assert await looked_at(world) == []


async def test_a_member_that_the_store_deleted_is_forgotten_with_its_pairs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "_NEW", -1.0)
    world.sandbox.smaregi.add(**TARO)
    other = world.sandbox.smaregi.add(**TARO)
    made = await sign_up(world)
    assert await looked_at(world)
    world.sandbox.smaregi.remove(other if made != other else other - 1)
    await world.core.smaregi.index.start_scan(again=True)
    assert await looked_at(world) == []


async def test_what_was_not_yet_looked_at_when_the_process_ends_is_looked_at_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "_EVERY", 3600.0)
    await world.restart()
    made = await sign_up(world)
    at_till = world.sandbox.smaregi.add(**TARO)
    await world.core.smaregi.members_fresh()
    waiting = await world.core.db.read(lambda db: duplicate_queue.next_changed(db, 10))
    assert waiting == [made, at_till]
    monkeypatch.setattr(finder, "_EVERY", 0.02)
    await world.restart()
    while not (found := await pairs(world)):
        pass
    assert (found[0].low_id, found[0].high_id) == (made, at_till)


async def test_after_a_full_scan_all_who_are_linked_are_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those whose twin an older release of the rules had not seen."""
    world.sandbox.smaregi.add(**TARO)
    world.sandbox.smaregi.add(**TARO)
    await sign_up(world)
    before = await looked_at(world)
    await world.core.db.write(lambda db: duplicates.forget(db, before[0]))
    await world.core.smaregi.index.start_scan(again=True)
    (again,) = await looked_at(world)
    assert again.reasons == before[0].reasons


async def test_what_the_list_lacks_since_a_new_member_is_not_in_the_index_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after it was looked for, and until the index has it, or it has not come for long."""
    monkeypatch.setattr(finder, "_EVERY", 3600.0)
    await world.restart()
    other = world.sandbox.smaregi.add(
        **TARO | {"mailAddress": "old@example.com", "mobileNumber": "09023456701"}
    )
    made = await sign_up(world, phone="090-2345-6701")
    await world.core.duplicates.catch_up()
    assert await world.core.db.read(duplicate_queue.waiting) == 1
    assert await pairs(world) == []
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    assert await world.core.db.read(duplicate_queue.waiting) == 0
    assert [(p.low_id, p.high_id) for p in await pairs(world)] == [(other, made)]


async def test_a_linked_member_that_never_comes_is_not_waited_for_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "_REFRESH_EVERY", 0.05)
    await world.core.db.write(
        lambda db: duplicate_queue.linked_now(db, 7000000000001, 987654, Match(), 1.0)
    )
    assert await world.core.db.read(duplicate_queue.waiting) == 1
    while await world.core.db.read(duplicate_queue.waiting):
        pass


async def test_what_is_known_of_a_pair_adds_up_and_outlives_a_refresh_of_everything(
    world: World,
) -> None:
    """Merged in Shopify, beside what the members have in common; then a link by the same e-mail."""
    cards = [world.sandbox.smaregi.add(**TARO) for _ in range(2)]
    chosen = await sign_up(world)
    other = sum(cards) - chosen
    (before,) = await looked_at(world)
    await world.core.db.write(lambda db: merged_online(db, chosen, other, 2.0))
    expected = (("email", "kana_birth", "merged_online"), before.score + 60)
    (pair,) = await pairs(world)
    assert (pair.reasons, pair.score) == expected
    await world.core.db.write(lambda db: duplicates.add_bare(db, chosen, [other], 3.0))
    assert await pairs(world) == [pair]
    await world.core.smaregi.index.start_scan(again=True)
    (again,) = await looked_at(world)
    assert (again.reasons, again.score) == expected
    world.sandbox.smaregi.edit(other, **HANAKO, mailAddress="hanako@example.com", birthDate=None)
    (left,) = await looked_at(world)
    assert (left.reasons, left.score) == (("merged_online",), 60)


async def test_a_number_that_too_many_have_is_no_evidence(world: World) -> None:
    for _ in range(members.SHARED_BY):
        world.sandbox.smaregi.add(
            lastName="未入力", firstName="未入力", mobileNumber="090-2345-6701"
        )
    await sign_up(world, phone="090-2345-6701")  # the one too many
    assert await looked_at(world) == []


async def test_a_link_whose_answer_was_lost_has_its_possible_duplicates(world: World) -> None:
    cards = [world.sandbox.smaregi.add(**TARO) for _ in range(2)]
    other = world.sandbox.smaregi.add(
        lastName="未入力", firstName="未入力", mobileNumber="090-2345-6701"
    )
    world.sandbox.faults.set("smaregi", Fault(kind="drop", match="PATCH /customers", times=1))
    reply = await world.register(phone="090-2345-6701")
    assert reply.channel("smaregi")["outcome"] == "retrying", reply.body
    await world.replay(channel="smaregi")
    (delivery,) = await world.deliveries(channels=("smaregi",))
    linked = int(delivery.reference or 0)
    assert linked in cards
    found = {pair.other(linked): pair.reasons for pair in await looked_at(world)}
    assert found == {sum(cards) - linked: ("email", "kana_birth"), other: ("mobile",)}


async def test_a_new_member_whose_answer_was_lost_has_the_withdrawn_one_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = world.sandbox.smaregi.add(**TARO, status="3")
    settle = outbox.settle

    def dies(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(outbox, "settle", dies)
    await world.register()
    await world.stop()
    monkeypatch.setattr(outbox, "settle", settle)
    await world.start()
    await world.replay(channel="smaregi")
    (pair,) = await looked_at(world)
    assert gone in {pair.low_id, pair.high_id}
