"""Possible duplicates in the console: seen side by side, judged, and what can be is undone."""

import time
from typing import Any

import pytest

from gateway.sandbox import Fault
from gateway.store import actions, duplicates
from tests.console.test_deliveries import MARKUP, TOO_LARGE
from tests.console.visitor import Page, Visitor
from tests.duplicates.mending import link_of, member, store_member
from tests.world import World


async def a_pair(world: World, **other: str) -> tuple[int, int]:
    """A sign-up linked to the first of two members with one mobile number, name and birth date."""
    alike = {"mobileNumber": "090-1234-5678", "lastKana": "ヤマダ", "firstKana": "タロウ",
             "birthDate": "1990-04-01"}  # fmt: skip
    one = store_member(world, customerCode="A", **alike)
    two = store_member(world, customerCode="B", **alike, mailAddress="old@example.com", **other)
    for member_id, points in ((one, "20"), (two, "30")):
        world.sandbox.smaregi.edit(member_id, point=points)
    assert (await world.register()).channel("smaregi")["reference"] == str(one)
    await world.settled()
    await world.core.smaregi.members_fresh()
    await world.core.duplicates.catch_up()
    return one, two


async def decided(visitor: Visitor, asked: Page) -> Page:
    return await visitor.send(asked.form("/admin/duplicates/decide"))


def looks(page: Page, what: str) -> Any:
    return page.form("/admin/duplicates/look", what=what)


async def test_two_members_are_seen_and_merged(world: World, staff: Visitor) -> None:
    one, other = await a_pair(world)
    listed = await staff.get("/admin/duplicates")
    assert f"{one} · {other}" in listed.words
    assert "the same kana and birth date" in listed.words
    page = await staff.get(f"/admin/duplicates/{one}/{other}")
    for text in ("taro@example.com", "old@example.com", "They are two people", "Points 20 30"):
        assert text in page.words
    asked = await staff.send(looks(page, "merge"))
    assert "30 points go to it: 20 + 30 = 50." in asked.words
    assert "It cannot be undone." in asked.words
    assert member(world, one)["point"] == "20"
    done = await decided(staff, asked)
    assert "Done." in done.words
    assert f"30 points have left member {other}." in done.words
    assert member(world, one)["point"] == "50"
    known = await world.core.db.read(lambda db: duplicates.get(db, one, other))
    assert known is not None
    assert known.state == "merged"
    log = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert [each.action for each in log] == ["merge", "look_at_pair", "sign_in"]
    assert log[0].subject == f"{one} {other} -> {one}"


async def test_a_rejected_pair_can_be_opened_again(world: World, staff: Visitor) -> None:
    one, other = await a_pair(world)
    page = await staff.get(f"/admin/duplicates/{one}/{other}")
    done = await decided(staff, await staff.send(looks(page, "reject")))
    assert "Nobody has to be judged." in (await staff.get("/admin/duplicates")).words
    assert "Two people" in (await staff.get("/admin/duplicates?all=1")).words
    undone = await decided(staff, await staff.send(looks(done, "reopen")))
    assert "Done." in undone.words
    assert f"{one} · {other}" in (await staff.get("/admin/duplicates")).words
    late = await decided(staff, await staff.send(looks(done, "reopen")))
    assert "Somebody has judged this pair meanwhile." in late.words


@pytest.mark.long
async def test_a_customer_is_unlinked_and_linked_again(world: World, staff: Visitor) -> None:
    one, other = await a_pair(world)
    customer = (await world.deliveries())[0].customer_id
    page = await staff.get(f"/admin/duplicates/{one}/{other}")
    asked = await staff.send(looks(page, "unlink"), new_member="0")
    assert f"Customer {customer} is linked to member {one}." in asked.words
    assert (await link_of(world, customer)).reference == str(one)
    assert "Done." in (await decided(staff, asked)).words
    assert await link_of(world, customer) is None
    by_hand = looks(await staff.get("/admin/duplicates"), "link")
    asked = await staff.send(by_hand, customer=f"gid://shopify/Customer/{customer}", one=str(other))
    done = await decided(staff, asked)
    assert "Done." in done.words
    assert (await link_of(world, customer)).reference == str(other)
    undo = looks(done, "unlink")
    assert dict(undo.fields)["customer"] == str(customer)


@pytest.mark.long
async def test_what_cannot_be_done_is_said_and_not_done(world: World, staff: Visitor) -> None:
    one, other = await a_pair(world)
    world.set(FLAG_SMAREGI="hold")
    page = await staff.get(f"/admin/duplicates/{one}/{other}")
    refused = await staff.send(looks(page, "merge"))
    assert (refused.status, "FLAG_SMAREGI is not `on`" in refused.words) == (409, True)
    world.set(FLAG_SMAREGI="on")
    world.sandbox.faults.set("smaregi", Fault("status", status=503))
    refused = await staff.send(looks(page, "merge"))
    assert (refused.status, "smaregi cannot be read now" in refused.words) == (409, True)
    assert (await staff.get(f"/admin/duplicates/{one}/{other}")).status == 409


@pytest.mark.long
async def test_what_members_are_called_is_text(world: World, staff: Visitor) -> None:
    one, other = await a_pair(world, note=MARKUP, address=MARKUP)
    page = await staff.get(f"/admin/duplicates/{one}/{other}")
    assert "&lt;img src=x" in page.text
    asked = await staff.send(looks(page, "merge"))
    assert "<img" not in page.text + asked.text


async def test_ids_that_are_none_are_refused(world: World, staff: Visitor) -> None:
    for path in ("1/1", "0/1", f"1/{TOO_LARGE}", "a/b", "-1/2", "1/٣"):
        assert (await staff.get(f"/admin/duplicates/{path}")).status == 404, path
    assert (await staff.get("/admin/duplicates/1/2")).status == 404
    assert (await staff.get(f"/admin/duplicates?cursor={TOO_LARGE}:x:1")).status == 200
    by_hand = looks(await staff.get("/admin/duplicates"), "link")
    token = dict(by_hand.fields)["token"]
    for fields in (
        {"what": "link", "customer": TOO_LARGE, "one": "1"},
        {"what": "link", "customer": "1", "one": MARKUP},
        {"what": "merge", "one": "1", "other": "1"},
        {"what": "merge", "one": "1", "other": "2", "survivor": "x"},
        {"what": "reject", "one": "1"},
        {"what": "unlink"},
        {"what": MARKUP},
    ):
        page = await staff.post("/admin/duplicates/look", {"token": token, **fields})
        assert (page.status, "<img" in page.text) == (422, False), fields
        fresh = dict((await staff.get("/admin")).form("/admin/logout").fields)["token"]
        page = await staff.post("/admin/duplicates/decide", {"token": fresh, **fields})
        assert (page.status, "<img" in page.text) == (422, False), fields


async def test_flags_are_shown_with_the_line_to_write(world: World, admin: Visitor) -> None:
    world.set(FLAG_CRM="hold")
    await world.register()
    page = await admin.get("/admin/flags")
    assert "FLAG_CRM On hold" in page.words
    assert "To send: FLAG_CRM=on . 1 held delivery would go out." in page.words
    assert "To keep for later: FLAG_EMAIL=hold" in page.words
    assert [
        form for form in page.forms if form.method == "post" and "logout" not in form.action
    ] == []


async def test_the_log_shows_who_did_what(world: World, admin: Visitor, staff: Visitor) -> None:
    form = (await admin.get("/admin")).form("/admin/systems/crm/try")
    await admin.send(form)
    page = await admin.get("/admin/log")
    assert "Tried a system" in page.words
    assert page.words.count("Signed in") == 2
    assert (await admin.get("/admin/log?customer=9223372036854775808")).status == 422
    assert (await admin.get("/admin/log?before=x")).status == 200
    assert "Nothing was done yet." in (await admin.get("/admin/log?customer=7")).words
    for path in ("/admin/log", "/admin/flags"):
        assert (await staff.get(path)).status == 403, path


@pytest.mark.long
async def test_the_log_is_kept_as_long_as_settled_rows(world: World, admin: Visitor) -> None:
    def unit(db: Any) -> None:
        for age in (31, 29):
            at = time.time() - age * 86400
            actions.add(db, actions.Action(at, f"admin-{age}", "probe"))

    await world.core.db.write(unit)
    assert await world.core.housekeeping.expire_once() == 1
    left = await world.core.db.read(lambda db: actions.page(db, None, 10))
    assert [each.actor[:8] for each in left] == ["admin-29", left[1].actor[:8]]
