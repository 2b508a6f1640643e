"""What becomes of a pair on the list: rejected, forgotten, looked at again."""

import sqlite3
from typing import Any

import pytest

from gateway.duplicates import finder, merged_online
from gateway.outcomes import Match
from gateway.sandbox import Fault
from gateway.store import duplicate_queue, duplicates, members, outbox
from tests.duplicates.noticing.noticing import HANAKO, TARO, looked_at, pairs, sign_up
from tests.world import World


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
        lambda db: duplicate_queue.linked_now(db, [(7000000000001, 987654, Match())], 1.0)
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
